/*
 * Is what README.md shows true? Its example of the library runs here as printed, and its table has the options that there are.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { Machine } from '../../src/machine.ts';
import { parseOptions } from '../../src/cli/options.ts';
import type { Answer } from '../../src/cli/parse.ts';
import { projectRoot } from '../../src/smp/bundle.ts';

const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');

describe('README.md', () => {
  it('lists the options of the command, with their defaults', () => {
    const help = (parseOptions(['--help'], '0') as Answer).text;
    const options = [...help.matchAll(/^ {2}(?:-h, )?(--[\w-]+)/gm)].map(([, name]) => name!);
    expect(options.length).toBeGreaterThan(5);
    const table = readme.slice(readme.indexOf('## Options'), readme.indexOf('## More'));
    for (const option of options) expect(table).toContain(`\`${option}`);
    expect(table).toMatch(/`--cpus N` +\| 2 /);
    expect(table).toMatch(/`--memory SIZE` +\| 128M /);
  });

  it('has an example of the library that runs', async () => {
    const [, example] = /```ts\n([\s\S]*?)```/.exec(readme)!;
    const body = /async \(\) => \{\n([\s\S]*?)\n\}\);/.exec(example!)![1]!;
    const file = join(projectRoot, 'tests/house/readme-example.tmp.mjs');
    writeFileSync(file, `export const run = async (Machine, expect) => {\n${body}\n};\n`);
    try {
      const { run } = (await import(/* @vite-ignore */ file)) as {
        run: (machine: typeof Machine, check: typeof expect) => Promise<void>;
      };
      await run(Machine, expect);
      expect.assertions(2);
    } finally {
      rmSync(file);
    }
  });

  it('names files that exist', () => {
    for (const [, path] of readme.matchAll(/\]\(([^)#:]+)\)/g))
      expect(() => readFileSync(join(projectRoot, path!))).not.toThrow();
  });
});
