/*
 * The two builds of a hart: has the ordinary one nothing of what is for schedules only?
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { bundle, projectRoot } from '../../src/smp/bundle.ts';
import { sourceText } from '../../src/smp/source-edits.ts';

it('the ordinary build of a hart has no oracle in it, the seeded one has', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'hartbeat-seeded-'));
  try {
    const entry = join(projectRoot, 'src/hart.ts');
    const build = async (is: boolean): Promise<string> =>
      readFile(await bundle({ name: `hart-${String(is)}`, entry, seeded: is, cache }), 'utf8');
    const ordinary = await build(false);
    const seeded = await build(true);
    // Bodies, not names: a branch that the engine never enters may still name what it does not do.
    for (const body of [
      'Guards = class',
      'SlotPoison = class',
      'function watchField',
      'without its guard',
      'function assertNothingHeld',
    ]) {
      expect(ordinary.includes(body), body).toBe(false);
      expect(seeded.includes(body), body).toBe(true);
    }
    // Each branch is decided where it stands: a literal, which the parser of the engine drops.
    expect(ordinary).not.toMatch(/^(?!const SEEDED|var SEEDED).*\bSEEDED\b/m);
  } finally {
    await rm(cache, { recursive: true });
  }
});

it('the constant becomes a literal of the same length, but for imports and comments', () => {
  const source = [
    "import { SEEDED } from '../smp/schedule/build.ts';",
    '  SEEDED,',
    '// SEEDED',
    'if (SEEDED && x) f();',
    'const y = SEEDED ? NOT_SEEDED : 2;',
  ];
  expect(sourceText('src/kernel/a.ts', source.join('\n'), false, []).split('\n')).toEqual([
    ...source.slice(0, 3),
    'if (false  && x) f();',
    'const y = false  ? NOT_SEEDED : 2;',
  ]);
  expect(sourceText('src/kernel/a.ts', 'if (SEEDED) f();', true, [])).toBe('if (true  ) f();');
});

it('an edit counts for its own file', () => {
  const edits = [{ file: 'src/kernel/a.ts', find: 'one', replace: 'two' }];
  expect(sourceText('src/kernel/a.ts', 'one', false, edits)).toBe('two');
  expect(sourceText('src/kernel/b.ts', 'one', false, edits)).toBe('one');
});
