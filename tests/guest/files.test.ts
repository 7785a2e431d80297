/*
 * The trials of files on machines with few and many harts: do they find what Linux would give them also then, and is everything given back,
 * each inode and name? (The comparison with qemu is in oracle.test.ts.)
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Kernel } from '../../src/kernel/kernel.ts';
import { censusDifference, takeCensus } from '../../src/kernel/oracles/census.ts';
import { Machine } from '../../src/machine.ts';
import { trialsOf } from './trials.ts';

const trials = trialsOf('linux').filter(({ name }) => name.startsWith('files_'));

describe.each([1, 2, 4, 16])('on %i harts', (cpus) => {
  let machine: Machine;

  beforeAll(async () => {
    machine = await Machine.boot({ cpus });
    await machine.run('true');
  });
  afterAll(() => machine.halt());

  it.each(trials)('$name finds what it should, and leaves nothing', async ({ name }) => {
    const { inspection } = (machine as unknown as { kernel: Kernel }).kernel;
    const before = takeCensus(inspection);
    const { status, stdout, stderr } = await machine.run('trials', [name]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^${name}: ok$`, 'm'));
    await expect.poll(() => censusDifference(before, takeCensus(inspection)), { timeout: 10_000, interval: 5 }).toBe('');
  });
});
