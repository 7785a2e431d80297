/*
 * Timers that send signals: setitimer(2), getitimer(2), timer_create(2) and its relatives. What they do is in kernel/interval-timers.ts and kernel/posix-timers.ts.
 */

import { CPU_CLOCK } from '../kernel/alarms.ts';
import { E } from '../kernel/errno.ts';
import { Itimer } from '../kernel/interval-timers.ts';
import type { TimerRequest } from '../kernel/posix-timers.ts';
import { SIGNALS } from '../kernel/process.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';
import { Signal } from '../kernel/signal-numbers.ts';
import { Thread } from '../kernel/thread.ts';
import type { Call } from './call.ts';
import { absoluteDeadline, isWall } from './deadline.ts';

const NS = 1e9;
const US = 1e3;
/** Times beyond are as good as never; nanoseconds stay exact integers. */
const LONGEST_NS = 2 ** 53;

/** `struct itimerval` and `struct itimerspec`: interval, value, two words each. */
const ITIMER_BYTES = 32;
const VALUE = 16;

/** One of the two times of an itimerval in the scratch, nanoseconds; -EINVAL when it is none. `unit`: nanoseconds of its fraction. */
function timeAt(call: Call, at: number, unit: number): number {
  const { ram } = call.kernel;
  const seconds = ram.getI64(at);
  const fraction = ram.getI64(at + 8);
  if (seconds < 0 || fraction < 0 || fraction * unit >= NS) return -E.INVAL;
  return Math.min(LONGEST_NS, seconds * NS + fraction * unit);
}

/** Writes what `Alarms` has noted of a timer to user memory. */
function writeNoted(call: Call, address: number, unit: number): number {
  const { ram, copy, alarms, scratch } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  // A timer that is set has something left.
  const left = alarms.remaining === 0 ? 0 : Math.max(1, Math.floor(alarms.remaining / unit));
  const every = Math.floor(alarms.interval / unit);
  ram.setU64(at, Math.floor((every * unit) / NS));
  ram.setU64(at + 8, every % (NS / unit));
  ram.setU64(at + VALUE, Math.floor((left * unit) / NS));
  ram.setU64(at + VALUE + 8, left % (NS / unit));
  return copy.copyOut(call.space, address, at, ITIMER_BYTES) !== 0 ? -E.FAULT : 0;
}

/** Copies the new times in, or zeroes. */
function takeTimes(call: Call, address: number): number {
  const { ram, copy, scratch } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  if (address === 0) {
    ram.fill(at, ITIMER_BYTES);
    return 0;
  }
  return copy.copyIn(call.space, address, at, ITIMER_BYTES) !== 0 ? -E.FAULT : 0;
}

function isItimer(which: number): boolean {
  return which >= Itimer.Real && which <= Itimer.Prof;
}

export function getitimer(call: Call): number {
  const { itimers, clock, scheduler } = call.kernel;
  const which = call.i32(0);
  if (!isItimer(which)) return -E.INVAL;
  const now = clock.nowNs();
  scheduler.charge(call.thread, now);
  itimers.get(call.process, which, now);
  return writeNoted(call, call.size(1), US);
}

export function setitimer(call: Call): number {
  const { itimers, clock, scheduler, scratch } = call.kernel;
  const which = call.i32(0);
  const error = takeTimes(call, call.size(1));
  if (error !== 0) return error;
  const at = scratch + STRUCT_SCRATCH;
  const interval = timeAt(call, at, US);
  const value = timeAt(call, at + VALUE, US);
  if (interval < 0 || value < 0 || !isItimer(which)) return -E.INVAL;
  const now = clock.nowNs();
  scheduler.charge(call.thread, now);
  itimers.set(call.process, which, now, value, interval);
  return call.size(2) === 0 ? 0 : writeNoted(call, call.size(2), US);
}

const SIGEVENT_BYTES = 64;
const Notify = { Signal: 0, None: 1, Thread: 2, ThreadId: 4 } as const;

/** What a `struct sigevent` at a kernel address asks for, or -EINVAL. */
function requestOf(call: Call, clock: number, at: number): TimerRequest | number {
  const { ram, locks, table } = call.kernel;
  const signal = ram.i32[(at + 8) >>> 2]!;
  const notify = ram.i32[(at + 12) >>> 2]!;
  let tid = 0;
  switch (notify) {
    case Notify.ThreadId: {
      tid = ram.i32[(at + 16) >>> 2]!;
      locks.acquire(table.lock);
      const thread = table.threadLocked(tid);
      const own = thread !== 0 && Thread.process.get(ram, thread) === call.process;
      locks.release(table.lock);
      if (!own) return -E.INVAL;
      break;
    }
    case Notify.Signal:
    case Notify.Thread:
      break;
    case Notify.None:
      return { clock, signal: 0, silent: true, tid: 0, value: at };
    default:
      return -E.INVAL;
  }
  if (signal < 1 || signal > SIGNALS) return -E.INVAL;
  return { clock, signal, silent: false, tid, value: at };
}

export function timerCreate(call: Call): number {
  const { copy, posixTimers, scratch } = call.kernel;
  const clock = call.i32(0);
  const at = scratch + STRUCT_SCRATCH;
  let request: TimerRequest | number = { clock, signal: Signal.ALRM, silent: false, tid: 0, value: 0 };
  if (call.size(1) !== 0) {
    if (copy.copyIn(call.space, call.size(1), at, SIGEVENT_BYTES) !== 0) return -E.FAULT;
    request = requestOf(call, clock, at);
  }
  if (!isTimerClock(clock)) return -E.INVAL;
  if (typeof request === 'number') return request;
  const id = posixTimers.create(call.thread, request);
  if (id < 0) return id;
  if (copy.writeU32(call.space, call.size(2), id) === 0) return 0;
  posixTimers.remove(call.process, id);
  return -E.FAULT;
}

function isTimerClock(clock: number): boolean {
  return isWall(clock) !== undefined || clock === CPU_CLOCK.Process || clock === CPU_CLOCK.Thread;
}

const TIMER_ABSTIME = 1;

export function timerSettime(call: Call): number {
  const { ram, posixTimers, clock, scheduler, scratch } = call.kernel;
  if (call.size(2) === 0) return -E.INVAL;
  const error = takeTimes(call, call.size(2));
  if (error !== 0) return error;
  const at = scratch + STRUCT_SCRATCH;
  const interval = timeAt(call, at, 1);
  let value = timeAt(call, at + VALUE, 1);
  if (interval < 0 || value < 0) return -E.INVAL;
  const absolute = (call.i32(1) & TIMER_ABSTIME) !== 0;
  const now = clock.nowNs();
  scheduler.charge(call.thread, now);
  const id = call.i32(0);
  const clockId = posixTimers.clockOf(call.process, id);
  if (absolute && value !== 0 && isWall(clockId) === true) {
    // One that has passed is due now, but set: 0 would mean off.
    value = Math.max(1, absoluteDeadline(call, ram.getU64(at + VALUE), ram.getU64(at + VALUE + 8), now));
  }
  const result = posixTimers.set(call.process, id, now, value, interval, absolute);
  return result !== 0 || call.size(3) === 0 ? result : writeNoted(call, call.size(3), 1);
}

export function timerGettime(call: Call): number {
  const { posixTimers, clock, scheduler } = call.kernel;
  const now = clock.nowNs();
  scheduler.charge(call.thread, now);
  const result = posixTimers.get(call.process, call.i32(0), now);
  return result !== 0 ? result : writeNoted(call, call.size(1), 1);
}

export function timerGetoverrun(call: Call): number {
  return call.kernel.posixTimers.overrun(call.process, call.i32(0));
}

export function timerDelete(call: Call): number {
  return call.kernel.posixTimers.remove(call.process, call.i32(0));
}
