/*
 * Signals: kill(2) and its relatives, actions, masks, waiting, the alternate stack, the return from a handler.
 */

import { E } from '../kernel/errno.ts';
import { Process, SIGACTION_BYTES } from '../kernel/process.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';
import { INFO_BYTES, SiCode, SIGINFO_BYTES } from '../kernel/signal-info.ts';
import { Thread } from '../kernel/thread.ts';
import type { Call } from './call.ts';
import { deadlineOf, endOfTimedCall } from './deadline.ts';

const SIGSET_BYTES = 8;
const STACK_BYTES = 24;

export function kill(call: Call): number {
  return call.kernel.signals.killBy(call.process, call.i32(0), call.i32(1));
}

export function tkill(call: Call): number {
  return call.kernel.signals.killThreadBy(call.process, 0, call.i32(0), call.i32(1));
}

export function tgkill(call: Call): number {
  if (call.i32(0) <= 0) return -E.INVAL;
  return call.kernel.signals.killThreadBy(call.process, call.i32(0), call.i32(1), call.i32(2));
}

/** Copies a siginfo from user memory to the draft. Only the kernel may say that it comes from the kernel, or from kill. */
function takeInfo(call: Call, address: number, self: boolean): number {
  const { copy, infos } = call.kernel;
  const error = copy.probeRead(call.space, address, SIGINFO_BYTES);
  if (error !== 0 || copy.copyIn(call.space, address, infos.draft, INFO_BYTES) !== 0) return -E.FAULT;
  return (infos.code >= 0 || infos.code === SiCode.Tkill) && !self ? -E.PERM : 0;
}

export function sigqueueinfo(call: Call): number {
  const { ram, signals } = call.kernel;
  const pid = call.i32(0);
  const error = takeInfo(call, call.size(2), pid === Process.pid.get(ram, call.process));
  return error !== 0 ? error : signals.queueBy(call.process, pid, 0, call.i32(1));
}

export function tgsigqueueinfo(call: Call): number {
  const { ram, signals } = call.kernel;
  const tid = call.i32(1);
  const error = takeInfo(call, call.size(3), tid === Thread.tid.get(ram, call.thread));
  if (error !== 0) return error;
  if (call.i32(0) <= 0 || tid <= 0) return -E.INVAL;
  return signals.queueBy(call.process, call.i32(0), tid, call.i32(2));
}

export function sigaction(call: Call): number {
  const { copy, masks, scratch } = call.kernel;
  const action = call.size(1);
  const oldAction = call.size(2);
  if (call.size(3) !== SIGSET_BYTES) return -E.INVAL;
  const given = scratch + STRUCT_SCRATCH;
  const former = given + SIGACTION_BYTES;
  if (action !== 0 && copy.copyIn(call.space, action, given, SIGACTION_BYTES) !== 0) return -E.FAULT;
  const result = masks.setAction(call.process, call.i32(0), action === 0 ? 0 : given, former);
  if (result !== 0 || oldAction === 0) return result;
  return copy.copyOut(call.space, oldAction, former, SIGACTION_BYTES);
}

export function sigprocmask(call: Call): number {
  const { ram, copy, masks } = call.kernel;
  const set = call.size(1);
  const old = call.size(2);
  if (call.size(3) !== SIGSET_BYTES) return -E.INVAL;
  const low = Thread.blockedLow.peek(ram, call.thread);
  const high = Thread.blockedHigh.peek(ram, call.thread);
  let error = 0;
  if (set !== 0) {
    error = copy.readU64(call.space, set);
    if (error === 0) error = masks.setMask(call.thread, call.i32(0), copy.lo, copy.hi);
  }
  if (error === 0 && old !== 0) error = copy.writeWords(call.space, old, low, high);
  return error;
}

/** Blocked ones only: the others are about to be delivered. */
export function sigpending(call: Call): number {
  const { ram, copy } = call.kernel;
  const { thread, process } = call;
  if (call.size(1) > SIGSET_BYTES) return -E.INVAL;
  const low = Thread.pendingLow.peek(ram, thread) | Process.pendingLow.peek(ram, process);
  const high = Thread.pendingHigh.peek(ram, thread) | Process.pendingHigh.peek(ram, process);
  return copy.writeWords(
    call.space,
    call.size(0),
    low & Thread.blockedLow.peek(ram, thread),
    high & Thread.blockedHigh.peek(ram, thread),
  );
}

export function sigsuspend(call: Call): number {
  const { copy, masks } = call.kernel;
  if (call.size(1) !== SIGSET_BYTES) return -E.INVAL;
  if (copy.readU64(call.space, call.size(0)) !== 0) return -E.FAULT;
  return masks.suspend(call.thread, copy.lo, copy.hi);
}

export function sigtimedwait(call: Call): number {
  const { ram, copy, masks, infos, clock, scratch } = call.kernel;
  if (call.size(3) !== SIGSET_BYTES) return -E.INVAL;
  if (copy.readU64(call.space, call.size(0)) !== 0) return -E.FAULT;
  const { lo, hi } = copy;
  const deadline = deadlineOf(call, call.size(2), false, false);
  if (deadline < 0) return deadline;
  let result = endOfTimedCall(call, masks.wait(call.thread, lo, hi, deadline, clock.nowNs()));
  if (result > 0 && call.size(1) !== 0) {
    const at = scratch + STRUCT_SCRATCH;
    ram.fill(at, SIGINFO_BYTES);
    ram.copy(at, infos.draft, INFO_BYTES);
    // The signal is gone then, as on Linux.
    if (copy.copyOut(call.space, call.size(1), at, SIGINFO_BYTES) !== 0) result = -E.FAULT;
  }
  return result;
}

export function sigaltstack(call: Call): number {
  const { copy, masks, scratch } = call.kernel;
  const given = scratch + STRUCT_SCRATCH;
  const former = given + STACK_BYTES;
  const wanted = call.size(0) !== 0;
  const asked = call.size(1) !== 0;
  if (wanted && copy.copyIn(call.space, call.size(0), given, STACK_BYTES) !== 0) return -E.FAULT;
  const result = masks.alternateStack(call.thread, wanted ? given : 0, asked ? former : 0);
  if (result !== 0 || !asked) return result;
  return copy.copyOut(call.space, call.size(1), former, STACK_BYTES) !== 0 ? -E.FAULT : 0;
}

export function sigreturn(call: Call): number {
  return call.kernel.masks.handlerReturns(call.thread);
}

/** What is broken off is made again as the call that it was (kernel/restart.ts): there is never anything for this one to restart. */
export function restartSyscall(): number {
  return -E.INTR;
}
