/*
 * Does the machine survive programs that make random calls on files, and are killed at random, and is everything given back: inodes, names,
 * contents, open files, locks? A seed that fails runs again by hand: `npx tsx src/boot.ts --cpus N trials files_fuzz SEED ROUNDS`.
 */

import { describe, expect, it } from 'vitest';

import { type Census, censusDifference, takeCensus } from '../../src/kernel/oracles/census.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import type { Machine } from '../../src/machine.ts';
import { boot, expectAlive } from './support.ts';

const SEEDS = [1, 2, 3, 4];
const ROUNDS = '4';

function census(machine: Machine): Census {
  return takeCensus((machine as unknown as { kernel: Kernel }).kernel.inspection);
}

async function expectCensus(machine: Machine, before: Census): Promise<void> {
  await expect.poll(() => censusDifference(before, census(machine)), { timeout: 10_000, interval: 5 }).toBe('');
}

describe('random calls on files, with processes killed at random', () => {
  it.each([1, 2, 4, 16])('leave a machine of %i harts as it was', async (cpus) => {
    const machine = await boot({ cpus });
    await expectAlive(machine);
    const before = census(machine);
    for (const seed of SEEDS) {
      const result = await machine.run('trials', ['files_fuzz', String(seed), ROUNDS]);
      expect({ seed, ...result }).toMatchObject({ seed, status: 0, stdout: 'files_fuzz: ok\n' });
      await expectCensus(machine, before);
    }
    await expectAlive(machine);
  });

  it('leave a machine as it was that has hardly any memory', async () => {
    const machine = await boot({ cpus: 2, memory: 24 * 2 ** 20 });
    await expectAlive(machine);
    const before = census(machine);
    for (const seed of SEEDS) {
      await machine.run('trials', ['files_fuzz', String(seed + 10), ROUNDS]);
      // What was killed has left its files: they are no leak, but neither may anything else be left.
      expect(censusDifference(before, census(machine))).not.toMatch(/process|thread|space|open file/);
    }
    await expectAlive(machine);
  });
});
