/*
 * Machines for the tests of this folder: booted for one test, turned off after it, and asked whether they have got everything back.
 */

import { afterEach, expect } from 'vitest';

import type { Kernel } from '../../src/kernel/kernel.ts';
import { Signal } from '../../src/kernel/signal-numbers.ts';
import { Machine, type MachineOptions } from '../../src/machine.ts';

const machines: Machine[] = [];

afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.halt()));
});

/** A machine that is turned off when the test is over. */
export async function boot(options: MachineOptions): Promise<Machine> {
  const machine = await Machine.boot(options);
  machines.push(machine);
  return machine;
}

/** Free frames once they have stood still: what a run leaves behind may still be on its way out. */
export async function settledFrames(machine: Machine): Promise<number> {
  let frames = -1;
  for (let calm = 0, looks = 0; calm < 10 && looks < 2000; looks++) {
    const now = machine.stats().framesFree;
    calm = now === frames ? calm + 1 : 0;
    frames = now;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return frames;
}

/** Fails unless there are so many free frames before long: a process with many threads takes a while to end. */
export async function expectFrames(machine: Machine, frames: number): Promise<void> {
  await expect.poll(() => machine.stats().framesFree, { timeout: 10_000, interval: 5 }).toBe(frames);
}

/** Ends every process of the machine. */
export function killAll(machine: Machine): void {
  (machine as unknown as { kernel: Kernel }).kernel.signals.killAll(0, Signal.KILL);
}

/** Fails unless the machine still runs a program as it should. */
export async function expectAlive(machine: Machine): Promise<void> {
  expect(await machine.run('sh', ['-c', 'echo fine'])).toMatchObject({ status: 0, stdout: 'fine\n', stderr: '' });
}

/** Pseudo-random numbers below a bound (xorshift32), which a seed fixes. */
export function randomFrom(seed: number): (bound: number) => number {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}
