import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import { expect, it } from 'vitest';
import { Ram } from '../../src/core/ram.ts';
import { audit } from './vm-audit.ts';
import { Bench, drawMap, PARTICIPANTS } from './vm-bench.ts';

const STEPS = 20_000;

it.each([
  ['with memory to spare', 1000],
  ['with memory used up again and again', 60],
])('stays whole when several threads map, touch and unmap in one space at once, %s', async (_, frameCount) => {
  const map = drawMap(frameCount);
  const ram = Ram.allocate(map.high);
  const bench = new Bench(ram, map, 0);
  bench.initialise();
  const space = bench.spaces.create();
  const entry = fileURLToPath(new URL('vm-stress-worker.ts', import.meta.url));
  const code = buildSync({ entryPoints: [entry], bundle: true, write: false, platform: 'node', format: 'cjs' }).outputFiles[0]!
    .text;

  const run = (me: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(code, { eval: true, workerData: { memory: ram.memory, map, me, space, steps: STEPS } });
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  const outcomes = await Promise.all(Array.from({ length: PARTICIPANTS }, (_, me) => run(me)));

  expect(outcomes).toEqual(Array<unknown>(PARTICIPANTS).fill({ wrong: 0, held: 0 }));
  expect(bench.inUse().frames).toBe(audit(bench, space));
  bench.spaces.release(space);
  expect(bench.inUse()).toEqual({ frames: 0, areas: 0, spaces: 0, contents: 0, locks: 0 });
});
