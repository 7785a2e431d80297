/*
 * Does the rule of the floors hold what it promises? Each case builds a small house with one thing wrong in it.
 */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

let house: string;

beforeEach(async () => {
  house = await mkdtemp(join(tmpdir(), 'hartbeat-floors-'));
  await writeFile(join(house, 'tsconfig.json'), '{}');
  await writeFile(join(house, 'package.json'), '{"type":"module"}');
});

afterEach(async () => {
  await rm(house, { recursive: true });
});

/** Names of the rules that a house of these files breaks. */
async function broken(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(house, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [depcruise, '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json', 'src'];
  const output = await new Promise<string>((done) => {
    execFile(process.execPath, args, { cwd: house, maxBuffer: 2 ** 26 }, (_error, stdout) => done(stdout));
  });
  const result = JSON.parse(output) as { summary: { violations: { rule: { name: string } }[] } };
  return [...new Set(result.summary.violations.map((violation) => violation.rule.name))].sort();
}

const leaf = 'export const leaf = 1;\n';
const uses = (path: string): string => `export { leaf } from '${path}';\n`;

describe('the floors', () => {
  it('accept imports that go downwards', async () => {
    const files = {
      'src/core/ram.ts': leaf,
      'src/smp/lock.ts': uses('../core/ram.ts'),
      'src/kernel/thread.ts': uses('../smp/lock.ts'),
      'src/ipc/port.ts': uses('../kernel/thread.ts'),
      'src/syscalls/table.ts': uses('../ipc/port.ts'),
      'src/machine.ts': uses('./syscalls/table.ts'),
      'src/explore/session.ts': uses('../machine.ts'),
      'src/cli/explore-main.ts': uses('../explore/session.ts'),
      'src/explore.ts': uses('./cli/explore-main.ts'),
      'src/boot.ts': uses('./machine.ts'),
    };
    expect(await broken(files)).toEqual([]);
  });

  it.each([
    ['core', 'src/core/a.ts', '../smp/b.ts', 'src/smp/b.ts'],
    ['smp', 'src/smp/a.ts', '../kernel/b.ts', 'src/kernel/b.ts'],
    ['devices', 'src/devices/a.ts', '../kernel/b.ts', 'src/kernel/b.ts'],
    ['kernel', 'src/kernel/a.ts', '../ipc/b.ts', 'src/ipc/b.ts'],
    ['ipc', 'src/ipc/a.ts', '../syscalls/b.ts', 'src/syscalls/b.ts'],
    ['syscalls', 'src/syscalls/a.ts', '../machine.ts', 'src/machine.ts'],
    ['machine', 'src/machine/a.ts', '../explore/b.ts', 'src/explore/b.ts'],
    ['explore', 'src/explore/a.ts', '../cli/b.ts', 'src/cli/b.ts'],
    ['cli', 'src/cli/a.ts', '../explore.ts', 'src/explore.ts'],
  ])('refuse an import that goes up from %s', async (floor, from, path, to) => {
    expect(await broken({ [from]: uses(path), [to]: leaf })).toEqual([`floor-${floor}`]);
  });

  it('see through type-only imports', async () => {
    const files = {
      'src/core/a.ts': "import type { B } from '../kernel/b.ts';\nexport type A = B;\n",
      'src/kernel/b.ts': 'export type B = 1;\n',
    };
    expect(await broken(files)).toEqual(['floor-core']);
  });

  it('refuse a circle within a floor', async () => {
    const files = {
      'src/core/a.ts': "import { b } from './b.ts';\nexport const a = (): unknown => b;\n",
      'src/core/b.ts': "import { a } from './a.ts';\nexport const b = (): unknown => a;\n",
    };
    expect(await broken(files)).toEqual(['no-cycles']);
  });

  it('refuse Node below the host floors, and files that would bring it in', async () => {
    expect(await broken({ 'src/kernel/a.ts': "export { readFileSync as leaf } from 'node:fs';\n" })).toEqual(['host-free']);
    const files = { 'src/kernel/a.ts': uses('../smp/hart-pool.ts'), 'src/smp/hart-pool.ts': leaf };
    expect(await broken(files)).toContain('host-free-neighbours');
  });

  it('refuse Node in the checker of histories', async () => {
    const node = "export { readFileSync as leaf } from 'node:fs';\n";
    expect(await broken({ 'src/explore/pool.ts': node })).not.toContain('host-free');
    expect(await broken({ 'src/explore/history/a.ts': node })).toContain('host-free');
  });

  it('refuse a file that stands on no floor', async () => {
    expect(await broken({ 'src/core/a.ts': uses('../utils.ts'), 'src/utils.ts': leaf })).toEqual(['all-on-a-floor']);
  });
});
