/*
 * Clocks and sleeping: clock_gettime(2), nanosleep(2).
 */

import { processCpuNs } from '../kernel/cpu-time.ts';
import { E } from '../kernel/errno.ts';
import { ERESTART_RESTARTBLOCK, ERESTARTNOHAND } from '../kernel/result.ts';
import { Thread } from '../kernel/thread.ts';
import type { Call } from './call.ts';
import { ClockId, deadlineOf, endOfTimedCall, isWall } from './deadline.ts';

const NS = 1e9;

function writeTime(call: Call, address: number, seconds: number, ns: number): number {
  const error = call.kernel.copy.writeU64(call.space, address, seconds);
  return error !== 0 ? error : call.kernel.copy.writeU64(call.space, address + 8, ns);
}

export function clockGettime(call: Call): number {
  const { clock, ram, locks, scheduler } = call.kernel;
  const id = call.i32(0);
  const address = call.size(1);
  const now = clock.nowNs();
  const wall = isWall(id);
  if (wall === true) return writeTime(call, address, clock.realtimeSeconds(now), clock.realtimeFraction(now));
  if (wall === false) return writeTime(call, address, Math.floor(now / NS), now % NS);
  if (id !== ClockId.ProcessCpu && id !== ClockId.ThreadCpu) return -E.INVAL;
  scheduler.charge(call.thread, now);
  const used = Math.floor(
    id === ClockId.ThreadCpu ? Thread.cpuNs.get(ram, call.thread) : processCpuNs(ram, locks, call.process),
  );
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

export function nanosleep(call: Call): number {
  return sleep(call, call.size(0), call.size(1), false, false);
}

const TIMER_ABSTIME = 1;

export function clockNanosleep(call: Call): number {
  const id = call.i32(0);
  const wall = isWall(id);
  if (id === ClockId.ProcessCpu) return -E.OPNOTSUPP;
  if (wall === undefined) return -E.INVAL;
  const absolute = (call.i32(1) & TIMER_ABSTIME) !== 0;
  return sleep(call, call.size(2), call.size(3), absolute, wall);
}

/** Broken off by a signal, a relative sleep says how much of it is left. */
function sleep(call: Call, address: number, leftAddress: number, absolute: boolean, wall: boolean): number {
  if (address === 0) return -E.FAULT;
  const { clock, futexes } = call.kernel;
  const deadline = deadlineOf(call, address, absolute, wall);
  if (deadline < 0) return deadline;
  let result = clock.nowNs() >= deadline ? 0 : futexes.sleep(call.thread, deadline);
  if (result === ERESTART_RESTARTBLOCK && absolute) result = ERESTARTNOHAND;
  if (result === ERESTART_RESTARTBLOCK && leftAddress !== 0) {
    const left = Math.max(1, Math.ceil(deadline - clock.nowNs()));
    if (writeTime(call, leftAddress, Math.floor(left / NS), left % NS) !== 0) result = -E.FAULT;
  }
  return endOfTimedCall(call, result);
}

export function times(call: Call): number {
  const { ram, locks, clock, copy, scheduler } = call.kernel;
  const now = clock.nowNs();
  const address = call.size(0);
  const TICK = 1e7;
  if (address !== 0) {
    scheduler.charge(call.thread, now);
    let error = copy.writeU64(call.space, address, Math.floor(processCpuNs(ram, locks, call.process) / TICK));
    for (let i = 1; i < 4 && error === 0; i++) error = copy.writeU64(call.space, address + 8 * i, 0);
    if (error !== 0) return error;
  }
  return Math.floor(now / TICK);
}
