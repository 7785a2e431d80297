/*
 * Clocks, and deadlines of system calls, which may be made again (waits of the Rerun form, and calls that a signal breaks off without a handler).
 *
 * A relative time counts from the first time that the call was made: `deadlineOf` notes the deadline in the thread, and finds it there when the
 * call is made again. Whoever uses it passes its result through `endOfTimedCall`, which forgets the deadline unless the call goes on; a
 * handler that begins forgets it, too (signal-delivery.ts), and so does whoever completes a wait (wait-queue.ts).
 */

import { E } from '../kernel/errno.ts';
import { BLOCKED, FIRST_RESTART, LEAST_RESTART } from '../kernel/result.ts';
import { Thread } from '../kernel/thread.ts';
import { NO_DEADLINE } from '../kernel/timers.ts';
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
export function isWall(clock: number): boolean | undefined {
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
  return wall ? absoluteDeadline(call, seconds, copy.value, now) : ns;
}

/** A time of the wall clock as nanoseconds since power-on, 0 if it was before that. */
export function absoluteDeadline(call: Call, seconds: number, ns: number, now: number): number {
  const { clock } = call.kernel;
  // Seconds first: nanoseconds since 1970 do not fit a double exactly.
  return Math.max(0, now + (seconds - clock.realtimeSeconds(now)) * NS + (ns - clock.realtimeFraction(now)));
}

/**
 * The deadline of a call: as `readDeadline`, but the same one however often the call is made.
 *
 * @returns nanoseconds since power-on, NO_DEADLINE, or a negative errno
 */
export function deadlineOf(call: Call, address: number, absolute: boolean, wall: boolean): number {
  const { ram } = call.kernel;
  const noted = Thread.callDeadline.get(ram, call.thread);
  if (noted !== 0) return noted;
  const deadline = readDeadline(call, address, absolute, wall);
  if (deadline > 0 && deadline !== NO_DEADLINE) Thread.callDeadline.set(ram, call.thread, deadline);
  return deadline;
}

/** Passes on what a call returns; if that is its end, its deadline is forgotten. */
export function endOfTimedCall(call: Call, result: number): number {
  const goesOn = result === BLOCKED || (result <= FIRST_RESTART && result >= LEAST_RESTART);
  if (!goesOn) Thread.callDeadline.set(call.kernel.ram, call.thread, 0);
  return result;
}
