/* What the tests of snapshots share: machines that are turned off afterwards, and a way into them. */

import { setTimeout as pause } from 'node:timers/promises';

import { afterEach } from 'vitest';

import type { Kernel } from '../../src/kernel/kernel.ts';
import { Machine, type MachineOptions, type MachineSnapshot } from '../../src/machine.ts';
import type { ScheduleReport } from '../../src/smp/schedule/plan.ts';

const machines: Machine[] = [];

afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.halt()));
});

export async function boot(options: MachineOptions = {}): Promise<Machine> {
  const machine = await Machine.boot(options);
  machines.push(machine);
  return machine;
}

/** The host's part of the kernel: to look at it, and to break it. */
export function kernelOf(machine: Machine): Kernel {
  return (machine as unknown as { kernel: Kernel }).kernel;
}

/** What the run of a machine under a schedule has been like. */
export function reportOf(machine: Machine): ScheduleReport {
  return (machine as unknown as { scheduled: { report(): ScheduleReport } }).scheduled.report();
}

/** Takes snapshot after snapshot until a run is over; returns those that were taken while it was under way. */
export async function snapshotsDuring(machine: Machine, run: Promise<unknown>): Promise<MachineSnapshot[]> {
  const taken: MachineSnapshot[] = [];
  let over = false;
  const watch = run.finally(() => (over = true)).catch(() => undefined);
  while (!over) {
    const snapshot = await machine.snapshot();
    if (snapshot.run !== undefined && snapshot.run.ended === undefined) taken.push(snapshot);
    await pause(3);
  }
  await watch;
  return taken;
}
