/*
 * A machine that is held still: no hart is on its way, none holds a lock, and each will begin anew with nothing but what lies in RAM.
 *
 * Free harts come to the gate and wait there. Under a schedule they leave their loops, one after the other as the schedule has it, and are
 * called back to the start; so a machine that goes on after that does what one does that was made from its snapshot.
 */

import type { Kernel } from '../kernel/kernel.ts';
import { Gate } from '../smp/gate.ts';
import { Ipi } from '../smp/ipi.ts';
import type { ScheduleHost } from '../smp/schedule/schedule-host.ts';
import { HostTurn } from '../smp/schedule/state.ts';
import { Standstill } from './errors.ts';
import { standstillReport } from './standstill.ts';

/**
 * Does something while the free harts of a machine wait at the gate.
 *
 * @param check throws when the machine has ended: then nobody comes to the gate any more
 */
export async function whileStill<T>(kernel: Kernel, check: () => void, job: () => Promise<T>): Promise<T> {
  const { ram, map, config, doorbells } = kernel;
  const gate = new Gate(ram, map.gate, config.cpus);
  try {
    await gate.close(doorbells, () => throws(check));
    check();
    return await job();
  } finally {
    gate.open();
  }
}

/**
 * Has the harts of a machine under a schedule finish what they are in the middle of. It is the host's turn before and after.
 *
 * @param serve does what the host does in a turn that it has for a reason (HostTurn)
 * @throws Standstill when they cannot
 */
export async function bringHome(
  kernel: Kernel,
  scheduled: ScheduleHost,
  serve: (reason: number) => Promise<void>,
): Promise<void> {
  if (!scheduled.schedule.harts.allOff) kernel.doorbells.ringAll(Ipi.Pause);
  while (!scheduled.schedule.harts.allOff) {
    if (!scheduled.resume()) {
      const kind = scheduled.schedule.reason === HostTurn.NoProgress ? 'no-progress' : 'deadlock';
      throw new Standstill(kind, standstillReport(kernel, kind));
    }
    await serve(await scheduled.turn());
  }
  await scheduled.restart();
}

function throws(check: () => void): boolean {
  try {
    check();
    return false;
  } catch {
    return true;
  }
}
