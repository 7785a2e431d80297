import { defineConfig } from 'vitest/config';

// Tests start machines whose harts are threads: two test files at a time are enough for any host. A machine that hangs is a failure
// of its test, so the time limits are generous and only there to end it. HARTBEAT_TEST_REPORT names a file for the results as JSON.
const report = process.env.HARTBEAT_TEST_REPORT;

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      { extends: true, test: { name: 'all', include: ['tests/**/*.test.ts'] } },
      // What is tested on a bare hart once more, with all code translated before it runs (tests/core/helpers/hart.ts).
      {
        extends: true,
        test: {
          name: 'translated',
          include: [
            'tests/smp/code-fence.test.ts',
            'tests/core/{integer,memory,atomic,compressed,csr,float,fpu-cpu,run,tlb}.test.ts',
          ],
          env: { HARTBEAT_JIT: 'always' },
        },
      },
    ],
  },
});
