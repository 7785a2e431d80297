/*
 * Clocks and sleeping: clock_gettime(2), nanosleep(2), futex(2)'s deadlines.
 */

import { E } from '../kernel/errno.ts';
import { NO_DEADLINE } from '../kernel/timers.ts';
import { Thread } from '../kernel/thread.ts';
import { Process } from '../kernel/process.ts';
import type { Call } from './call.ts';

const NS = 1e9;

export const ClockId = {
  Realtime: 0,
  Monotonic: 1,
  ProcessCpu: 2,
  ThreadCpu: 3,
  MonotonicRaw: 4,
  RealtimeCoarse: 5,
  MonotonicCoarse: 6,
  Boottime: 7,
  Tai: 11,
} as const;

/** Whether a clock follows the wall; undefined when there is no such clock. */
function isWall(clock: number): boolean | undefined {
  switch (clock) {
    case ClockId.Realtime:
    case ClockId.RealtimeCoarse:
    case ClockId.Tai:
      return true;
    case ClockId.Monotonic:
    case ClockId.MonotonicRaw:
    case ClockId.MonotonicCoarse:
    case ClockId.Boottime:
      return false;
    default:
      return undefined;
  }
}

function writeTime(call: Call, address: number, seconds: number, ns: number): number {
  const error = call.kernel.copy.writeU64(call.space, address, seconds);
  return error !== 0 ? error : call.kernel.copy.writeU64(call.space, address + 8, ns);
}

/** Nanoseconds of CPU that the process has used: exact for the caller, up to the last slice for its other threads. */
export function processCpuNs(call: Call, process: number): number {
  const { ram, locks } = call.kernel;
  const lock = Process.lock.addr(process);
  locks.acquire(lock);
  let sum = Process.endedNs.get(ram, process);
  for (let thread = Process.threads.get(ram, process); thread !== 0; thread = Thread.siblingNext.get(ram, thread)) {
    sum += Thread.cpuNs.get(ram, thread);
  }
  locks.release(lock);
  return sum;
}

export function clockGettime(call: Call): number {
  const { clock, ram, scheduler } = call.kernel;
  const id = call.i32(0);
  const address = call.size(1);
  const now = clock.nowNs();
  const wall = isWall(id);
  if (wall === true) return writeTime(call, address, clock.realtimeSeconds(now), clock.realtimeFraction(now));
  if (wall === false) return writeTime(call, address, Math.floor(now / NS), now % NS);
  if (id !== ClockId.ProcessCpu && id !== ClockId.ThreadCpu) return -E.INVAL;
  scheduler.charge(call.thread, now);
  const used = Math.floor(id === ClockId.ThreadCpu ? Thread.cpuNs.get(ram, call.thread) : processCpuNs(call, call.process));
  return writeTime(call, address, Math.floor(used / NS), used % NS);
}

export function clockGetres(call: Call): number {
  const id = call.i32(0);
  if (isWall(id) === undefined && id !== ClockId.ProcessCpu && id !== ClockId.ThreadCpu) return -E.INVAL;
  return call.size(1) === 0 ? 0 : writeTime(call, call.size(1), 0, 1);
}

export function gettimeofday(call: Call): number {
  const { clock, copy } = call.kernel;
  const now = clock.nowNs();
  if (call.size(0) !== 0) {
    const error = writeTime(call, call.size(0), clock.realtimeSeconds(now), Math.floor(clock.realtimeFraction(now) / 1e3));
    if (error !== 0) return error;
  }
  return call.size(1) === 0 ? 0 : copy.writeU64(call.space, call.size(1), 0);
}

/**
 * Reads a timespec and makes a deadline of it.
 *
 * @param address user address; 0: no deadline
 * @param absolute relative to now, or a time of the clock
 * @param wall the clock, for absolute times
 * @returns nanoseconds since power-on, NO_DEADLINE, or a negative errno
 */
export function readDeadline(call: Call, address: number, absolute: boolean, wall: boolean): number {
  if (address === 0) return NO_DEADLINE;
  const { clock, copy } = call.kernel;
  let error = copy.readU64(call.space, address);
  if (error !== 0) return error;
  const secondsHigh = copy.hi;
  const seconds = copy.value;
  error = copy.readU64(call.space, address + 8);
  if (error !== 0) return error;
  if (secondsHigh >= 2 ** 31 || copy.value >= NS) return -E.INVAL;
  const ns = seconds * NS + copy.value;
  const now = clock.nowNs();
  if (!absolute) return now + ns;
  if (!wall) return ns;
  // Seconds first: nanoseconds since 1970 do not fit a double exactly.
  return Math.max(0, now + (seconds - clock.realtimeSeconds(now)) * NS + (copy.value - clock.realtimeFraction(now)));
}

export function nanosleep(call: Call): number {
  if (call.size(0) === 0) return -E.FAULT;
  const deadline = readDeadline(call, call.size(0), false, false);
  return deadline < 0 ? deadline : call.kernel.futexes.sleep(call.thread, deadline);
}

const TIMER_ABSTIME = 1;

export function clockNanosleep(call: Call): number {
  const id = call.i32(0);
  const wall = isWall(id);
  if (id === ClockId.ProcessCpu) return -E.OPNOTSUPP;
  if (wall === undefined) return -E.INVAL;
  if (call.size(2) === 0) return -E.FAULT;
  const deadline = readDeadline(call, call.size(2), (call.i32(1) & TIMER_ABSTIME) !== 0, wall);
  return deadline < 0 ? deadline : call.kernel.futexes.sleep(call.thread, deadline);
}

export function times(call: Call): number {
  const { clock, copy, scheduler } = call.kernel;
  const now = clock.nowNs();
  const address = call.size(0);
  const TICK = 1e7;
  if (address !== 0) {
    scheduler.charge(call.thread, now);
    let error = copy.writeU64(call.space, address, Math.floor(processCpuNs(call, call.process) / TICK));
    for (let i = 1; i < 4 && error === 0; i++) error = copy.writeU64(call.space, address + 8 * i, 0);
    if (error !== 0) return error;
  }
  return Math.floor(now / TICK);
}
