/*
 * Where and how urgently threads run: affinity, priority, yielding.
 */

import { E } from '../kernel/errno.ts';
import { YIELDED } from '../kernel/result.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';
import { DEFAULT_PRIORITY, PRIORITIES, Thread, ThreadState } from '../kernel/thread.ts';
import { xOffset } from '../core/context.ts';
import type { Call } from './call.ts';

const A0 = xOffset(10);
const MASK_BYTES = 8;

/** Calls `use` with the thread of a tid (0: the caller) while it cannot end; -ESRCH when there is none. */
function withThread(call: Call, tid: number, use: (thread: number) => number): number {
  if (tid < 0) return -E.INVAL;
  const { locks, table } = call.kernel;
  locks.acquire(table.lock);
  const thread = tid === 0 ? call.thread : table.threadLocked(tid);
  const result = thread === 0 ? -E.SRCH : use(thread);
  locks.release(table.lock);
  return result;
}

export function schedYield(call: Call): number {
  const { ram, scheduler } = call.kernel;
  if (scheduler.queued === 0) return 0;
  ram.setU64(call.thread + A0, 0);
  scheduler.yield(call.thread);
  return YIELDED;
}

export function setAffinity(call: Call): number {
  const { ram, copy, config, scheduler, scratch } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  ram.fill(at, MASK_BYTES);
  const error = copy.copyIn(call.space, call.size(2), at, Math.min(call.u32(1), MASK_BYTES));
  if (error !== 0) return error;
  const low = ram.u32[at >>> 2]! & (config.cpus >= 32 ? -1 : (1 << config.cpus) - 1);
  const high = config.cpus <= 32 ? 0 : ram.u32[(at >>> 2) + 1]! & (config.cpus >= 64 ? -1 : (1 << (config.cpus - 32)) - 1);
  if (low === 0 && high === 0) return -E.INVAL;
  return withThread(call, call.i32(0), (thread) => {
    Thread.affinityLow.store(ram, thread, low);
    Thread.affinityHigh.store(ram, thread, high);
    // A thread that runs where it may no longer moves before its next instruction; one that is queued may suit an idle hart now.
    const state = Thread.state.load(ram, thread);
    if (state === ThreadState.Running) scheduler.interrupt(Thread.hart.load(ram, thread));
    else if (state === ThreadState.Ready) scheduler.callThief(low, high);
    return 0;
  });
}

export function getAffinity(call: Call): number {
  const { ram, copy } = call.kernel;
  const bytes = call.u32(1);
  if (bytes < MASK_BYTES || bytes % 8 !== 0) return -E.INVAL;
  let low = 0;
  let high = 0;
  const result = withThread(call, call.i32(0), (thread) => {
    low = Thread.affinityLow.load(ram, thread);
    high = Thread.affinityHigh.load(ram, thread);
    return 0;
  });
  if (result !== 0) return result;
  const error = copy.writeWords(call.space, call.size(2), low, high);
  return error !== 0 ? error : MASK_BYTES;
}

export function getcpu(call: Call): number {
  const { copy, hart } = call.kernel;
  let error = 0;
  if (call.size(0) !== 0) error = copy.writeU32(call.space, call.size(0), hart);
  if (error === 0 && call.size(1) !== 0) error = copy.writeU32(call.space, call.size(1), 0);
  return error;
}

const PRIO_PROCESS = 0;
const PRIO_USER = 2;

/** Nice values: -20 … 19; beyond that they are clamped, as Linux does. */
export function setPriority(call: Call): number {
  const which = call.i32(0);
  if (which < PRIO_PROCESS || which > PRIO_USER) return -E.INVAL;
  if (which !== PRIO_PROCESS) return -E.NOSYS;
  const level = Math.min(PRIORITIES - 1, Math.max(0, call.i32(2) + DEFAULT_PRIORITY));
  return withThread(call, call.i32(1), (thread) => {
    Thread.priority.store(call.kernel.ram, thread, level);
    return 0;
  });
}

/** The kernel's own form: 20 minus the nice value, so that it is never negative. */
export function getPriority(call: Call): number {
  const which = call.i32(0);
  if (which < PRIO_PROCESS || which > PRIO_USER) return -E.INVAL;
  if (which !== PRIO_PROCESS) return -E.NOSYS;
  return withThread(call, call.i32(1), (thread) => PRIORITIES - Thread.priority.load(call.kernel.ram, thread));
}
