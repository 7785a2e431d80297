/*
 * Process groups and sessions: setpgid(2), getpgid(2), setsid(2), getsid(2). Those of the machine itself, process 1, have its number.
 */

import { E } from '../kernel/errno.ts';
import { INIT_PID, Process } from '../kernel/process.ts';
import { Thread } from '../kernel/thread.ts';
import type { Call } from './call.ts';

/** Calls `use` with the process of a number (0: the caller's) under the tree lock; `init` is the result for the machine's. */
function withProcess(call: Call, pid: number, init: number, use: (process: number) => number): number {
  const { ram, locks, table } = call.kernel;
  if (pid === INIT_PID) return init;
  locks.acquire(table.lock);
  let process = pid === 0 ? call.process : table.processLocked(pid);
  if (process === 0) {
    const thread = table.threadLocked(pid);
    if (thread !== 0) process = Thread.process.get(ram, thread);
  }
  const result = process === 0 ? -E.SRCH : use(process);
  locks.release(table.lock);
  return result;
}

export function setpgid(call: Call): number {
  const { ram, table } = call.kernel;
  const pid = call.i32(0);
  const id = call.i32(1);
  if (id < 0) return -E.INVAL;
  return withProcess(call, pid, -E.SRCH, (process) => {
    const own = Process.pid.get(ram, process);
    // The number of a thread that is not the first.
    if (pid !== 0 && own !== pid) return -E.INVAL;
    return table.groups.setpgidLocked(call.process, process, id === 0 ? own : id);
  });
}

export function getpgid(call: Call): number {
  const { groups } = call.kernel.table;
  return withProcess(call, call.i32(0), INIT_PID, (process) => groups.groupIdLocked(process));
}

export function getsid(call: Call): number {
  const { groups } = call.kernel.table;
  return withProcess(call, call.i32(0), INIT_PID, (process) => groups.sessionIdLocked(process));
}

export function setsid(call: Call): number {
  const { groups } = call.kernel.table;
  return withProcess(call, 0, 0, (process) => groups.setsidLocked(process));
}
