/*
 * The trials: does every guest program find what Linux would give it, on few harts and on many? Where qemu-riscv64 is installed, real
 * Linux is asked the same.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine.ts';
import { qemu, trialsOf, underQemu } from './trials.ts';

let machine: Machine;

async function run(name: string): Promise<{ status: number; stdout: string; stderr: string }> {
  const { status, stdout, stderr } = await machine.run('trials', [name]);
  return { status, stdout, stderr };
}

/** The trial has checked everything and found nothing wrong: then its last line says so. */
function expectPassed(name: string, outcome: { status: number; stdout: string; stderr: string }): void {
  expect({ status: outcome.status, stderr: outcome.status === 0 ? '' : outcome.stderr }).toEqual({ status: 0, stderr: '' });
  expect(outcome.stdout.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`^${name}: .*\\bok$|^${name}: ok`));
}

const powerOn = (cpus: number): void => {
  beforeAll(async () => {
    machine = await Machine.boot({ cpus });
  });
  afterAll(() => machine.halt());
};

const comparison = qemu === undefined ? 'passes (not compared: qemu-riscv64 is not installed)' : 'does the same as under qemu';

describe.each([1, 4])('a program of Linux, with %i harts,', (cpus) => {
  powerOn(cpus);

  it.each(trialsOf('linux'))(`$name: ${comparison}`, async ({ name }) => {
    const outcome = await run(name);
    expectPassed(name, outcome);
    if (qemu !== undefined) expect({ status: outcome.status, stdout: outcome.stdout }).toEqual(await underQemu(name));
  });

  it.skipIf(qemu === undefined)('is compared with Linux itself (skipped without qemu-riscv64)', async () => {
    // Equal outputs prove something only if what runs under qemu is the trial.
    expect(await underQemu('start')).toMatchObject({ status: 0, stdout: expect.stringContaining('start: ok') as string });
  });
});

describe.each([1, 2, 4, 16])('a program that uses ports, with %i harts,', (cpus) => {
  powerOn(cpus);

  it.each(trialsOf('ports'))('$name', async ({ name }) => {
    expectPassed(name, await run(name));
  });
});
