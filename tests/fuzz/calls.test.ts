/*
 * Does the machine survive programs that make random system calls, and are killed at random? A seed that fails runs again by hand:
 * `npx tsx src/boot.ts --cpus N trials fuzz SEED ROUNDS`. The trial checks by itself that everything has been given back.
 */

import { describe, expect, it } from 'vitest';

import { boot, expectAlive } from './support.ts';

const SEEDS = [1, 2, 3];
const ROUNDS = '3';

describe('random system calls, with processes killed at random', () => {
  it.each([1, 2, 4, 16])('leave a machine of %i harts as it was', async (cpus) => {
    const machine = await boot({ cpus });
    for (const seed of SEEDS) {
      const result = await machine.run('trials', ['fuzz', String(seed), ROUNDS]);
      expect({ seed, ...result, stdout: result.stdout.slice(-9) }).toMatchObject({ status: 0, stdout: 'fuzz: ok\n' });
    }
    await expectAlive(machine);
  });

  it('leave a machine as it was that has hardly any memory', async () => {
    const machine = await boot({ cpus: 2, memory: 24 * 2 ** 20 });
    const result = await machine.run('trials', ['fuzz', '4', ROUNDS]);
    expect(result.stdout.slice(-9)).toBe('fuzz: ok\n');
  });
});

describe('random calls on pipes, FIFOs and poll, with processes killed at random', () => {
  it.each([1, 2, 4, 16])('leave a machine of %i harts as it was', async (cpus) => {
    const machine = await boot({ cpus });
    for (const seed of SEEDS) {
      const { status, stdout, stderr } = await machine.run('trials', ['fuzz_pipes', String(seed), ROUNDS]);
      expect({ seed, status, stdout, stderr }).toEqual({ seed, status: 0, stdout: 'fuzz_pipes: ok\n', stderr: '' });
    }
    await expectAlive(machine);
  });
});

describe('processes that end at awkward moments', () => {
  it.each([1, 2, 4])('end alone, with %i harts', async (cpus) => {
    const machine = await boot({ cpus });
    expect(await machine.run('trials', ['deaths'])).toMatchObject({
      status: 0,
      stdout: 'in vfork: ok\nexecuting together: ok\ndeaths: ok\n',
      stderr: '',
    });
  });
});
