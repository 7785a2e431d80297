/*
 * The trials: does every guest program find what Linux would give it, on few harts and on many, interpreted and translated? Where
 * qemu-riscv64 is installed, real Linux is asked the same.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JitMode } from '../../src/core/jit/translations.ts';
import { Machine } from '../../src/machine.ts';
import { machinesOf, qemu, trialsOf, underQemu } from './trials.ts';

/** Not for every tier: `litmus` has a test of its own, and of `new_code` the translator alone makes thousands of modules, for a minute. */
const TOO_LONG: Readonly<Record<JitMode, readonly string[]>> = { off: [], hot: ['litmus'], always: ['litmus', 'new_code'] };

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

const powerOn = (cpus: number, jit: JitMode): void => {
  beforeAll(async () => {
    machine = await Machine.boot({ cpus, jit });
  });
  afterAll(() => machine.halt());
};

const comparison = qemu === undefined ? 'passes (not compared: qemu-riscv64 is not installed)' : 'does the same as under qemu';

describe.each(machinesOf([1, 4]))('a program of Linux, with %i harts and %s,', (cpus, _, jit) => {
  powerOn(cpus, jit);

  it.each(trialsOf('linux').filter(({ name }) => !TOO_LONG[jit].includes(name)))(`$name: ${comparison}`, async ({ name }) => {
    const outcome = await run(name);
    expectPassed(name, outcome);
    if (qemu !== undefined) expect({ status: outcome.status, stdout: outcome.stdout }).toEqual(await underQemu(name));
  });

  it.skipIf(qemu === undefined)('is compared with Linux itself (skipped without qemu-riscv64)', async () => {
    // Equal outputs prove something only if what runs under qemu is the trial.
    expect(await underQemu('start')).toMatchObject({ status: 0, stdout: expect.stringContaining('start: ok') as string });
  });
});

describe.each(machinesOf([1, 2, 4, 16]))('a program that uses ports, with %i harts and %s,', (cpus, _, jit) => {
  powerOn(cpus, jit);

  it.each(trialsOf('ports'))('$name', async ({ name }) => {
    expectPassed(name, await run(name));
  });
});
