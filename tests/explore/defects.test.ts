/*
 * Whether a kernel can be built with each of the deliberate defects, and only with what was asked for.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundle, projectRoot } from '../../src/smp/bundle.ts';
import type { SourceEdit } from '../../src/smp/source-edits.ts';
import { DEFECTS } from './defects.ts';

let cache: string;
let sound: string;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'hartbeat-defects-'));
  sound = await build();
});

afterAll(() => rm(cache, { recursive: true }));

async function build(edits: readonly SourceEdit[] = []): Promise<string> {
  const entry = join(projectRoot, 'src/hart.ts');
  return readFile(await bundle({ name: 'hart-seeded', entry, seeded: true, edits, cache }), 'utf8');
}

/** Without the note where the map is, which carries the name. */
const code = (text: string): string => text.replace(/^\/\/# .*$/m, '');

describe('a kernel with a deliberate defect', () => {
  it('has a name of its own for each', () => {
    expect(new Set(DEFECTS.map(({ name }) => name)).size).toBe(DEFECTS.length);
    expect(DEFECTS.length).toBeGreaterThanOrEqual(14);
  });

  it.each(DEFECTS.map(({ name, edits }) => [name, edits] as const))('is built: %s', async (_name, edits) => {
    const defective = await build(edits);
    expect(code(defective)).not.toBe(code(sound));
  });

  it('is not found in the place of the sound one', async () => {
    await build(DEFECTS[0]!.edits);
    expect(await build()).toBe(sound);
  });

  it('is refused when its text is not there exactly once, or not in the bundle', async () => {
    const file = 'src/kernel/futex.ts';
    await expect(build([{ file, find: 'no such text', replace: '' }])).rejects.toThrow(
      /futex\.ts: .*exactly once, it is there 0 times/,
    );
    await expect(build([{ file, find: 'const', replace: '' }])).rejects.toThrow(/exactly once, it is there \d+ times/);
    await expect(build([{ file: 'src/machine.ts', find: 'x', replace: '' }])).rejects.toThrow(/machine\.ts is to be edited/);
  });
});
