/*
 * Machine check: a hart's kernel has failed. Stops the machine and leaves a report in the boot page.
 *
 * The first hart to fail writes the report; what another hart has to say after that is a consequence. Nothing here takes a lock. Those
 * that the hart holds are broken once all have been told: the host must not sleep for ever on a lock of the dead, and nothing that it
 * does after a crash needs what they guard to be whole.
 */

import { Context } from '../core/context.ts';
import type { Ram } from '../core/ram.ts';
import { BootPage, MachineState } from '../smp/boot-page.ts';
import { Doorbells } from '../smp/doorbell.ts';
import { Ipi } from '../smp/ipi.ts';
import { HartControl } from '../smp/hart-control.ts';
import { HostBell, HostCall } from '../smp/host-bell.ts';
import { wakeAll } from '../smp/sleep.ts';
import { rankName } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { Spinlock } from '../smp/spinlock.ts';
import { EventId } from '../trace/index.ts';
import type { MachineConfig } from './config.ts';
import { smpMapOf, type Kernel } from './kernel.ts';
import type { MemoryMap } from './memory-map.ts';
import { NAME_BYTES, Process } from './process.ts';
import { Thread } from './thread.ts';

/** Reports that `hart` has failed with `error`, and stops all harts. */
export function reportMachineCheck(
  ram: Ram,
  config: MachineConfig,
  map: MemoryMap,
  hart: number,
  kernel: Kernel | undefined,
  error: unknown,
): void {
  if (SEEDED) kernel?.guards?.suspend();
  const { bootPage } = map;
  const first = BootPage.crashedHart.compareExchange(ram, bootPage, 0, hart + 1) === 0;
  const control = smpMapOf(config, map).hartControl(hart);
  if (first) {
    const text = describe(ram, hart, control, error);
    const bytes = new TextEncoder().encode(text).subarray(0, BootPage.crashReport.size);
    ram.u8.set(bytes, BootPage.crashReport.addr(bootPage));
    BootPage.crashLength.set(ram, bootPage, bytes.length);
  }
  if (kernel?.trace.on === true) {
    kernel.trace.emit(EventId.machineCheck, 0, HartControl.heldCount.get(ram, control), 0, 0, 0);
  }
  BootPage.state.store(ram, bootPage, MachineState.Crashed);
  new Doorbells(ram, smpMapOf(config, map)).ringAll(Ipi.Halt);
  new HostBell(ram, bootPage).ring(HostCall.Stop);
  breakLocks(ram, control);
}

/** Makes the locks free that a hart holds which will not release them, and wakes who sleeps on them. The list of them stays, to be read. */
export function breakLocks(ram: Ram, control: number): void {
  for (let i = 0; i < HartControl.heldCount.get(ram, control); i++) {
    const lock = HartControl.held.at(ram, control, i);
    Spinlock.word.store(ram, lock, 0);
    wakeAll(ram, Spinlock.word.addr(lock));
  }
}

function describe(ram: Ram, hart: number, control: number, error: unknown): string {
  const lines = [`machine check on hart ${hart}: ${error instanceof Error ? error.message : String(error)}`];
  const thread = HartControl.thread.get(ram, control);
  if (thread === 0) {
    lines.push('  thread: none');
  } else {
    const process = Thread.process.get(ram, thread);
    const name = ram.text(Process.name.addr(process), NAME_BYTES);
    const pc = Context.pc.get(ram, thread).toString(16);
    lines.push(`  thread: ${Thread.tid.get(ram, thread)} of process ${Process.pid.get(ram, process)} (${name}), pc 0x${pc}`);
  }
  const held = HartControl.heldCount.get(ram, control);
  const locks = Array.from({ length: held }, (_, i) => {
    const lock = HartControl.held.at(ram, control, i);
    return `${rankName(Spinlock.rank.get(ram, lock))} at 0x${lock.toString(16)}`;
  });
  lines.push(`  locks held: ${held === 0 ? 'none' : locks.join(', ')}`);
  if (error instanceof Error && error.stack !== undefined) {
    lines.push(
      ...error.stack
        .split('\n')
        .slice(1, 12)
        .map((line) => `  ${line.trim()}`),
    );
  }
  return lines.join('\n');
}
