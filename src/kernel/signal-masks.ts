/*
 * What a thread does about its own signals: actions, masks, waiting for one, the alternate stack, the return from a handler.
 *
 * A mask is changed by its own thread alone, under the process's lock, so that a sender that looks at it decides for good. Whoever unblocks looks
 * at what is pending (recalculateLocked); whoever blocks hands on what others could take now (afterBlocking).
 *
 * sigsuspend and sigtimedwait wait on `Process.signalWaiters`, in the Rerun form under the process's lock; senders wake them as they wake everybody
 * (Attention). A temporary mask (sigsuspend, ppoll, pselect) stays until the handler's frame has kept the former one, or
 * until nothing has been delivered (RestoreMask).
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { E } from './errno.ts';
import { Process, SIGACTION_BYTES, SIGNALS } from './process.ts';
import { BLOCKED, RESUMED } from './result.ts';
import type { TimerTaken } from './signal-delivery.ts';
import { SS_AUTODISARM, type SignalFrames } from './signal-frame.ts';
import type { SignalInfos } from './signal-info.ts';
import { Signal, signalBit, UNSTOPPABLE } from './signal-numbers.ts';
import type { SignalQueues } from './signal-queue.ts';
import { SIG_IGN, type SignalSender } from './signal-send.ts';
import { Thread, ThreadFlag } from './thread.ts';
import { WaitForm, WaitReason } from './wait.ts';
import type { WaitQueues } from './wait-queue.ts';

/** How `sigprocmask` combines. */
export const MaskHow = { Block: 0, Unblock: 1, Set: 2 } as const;

/** SA_NOCLDSTOP, NOCLDWAIT, SIGINFO, EXPOSE_TAGBITS, ONSTACK, RESTART, NODEFER, RESETHAND. */
const KNOWN_FLAGS = 0xd800_0807;

export class SignalMasks {
  onTimerTaken: TimerTaken = () => undefined;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly infos: SignalInfos,
    private readonly queues: SignalQueues,
    private readonly sender: SignalSender,
    private readonly frames: SignalFrames,
    private readonly waits: WaitQueues,
  ) {}

  /**
   * rt_sigaction(2) between kernel addresses of SIGACTION_BYTES bytes.
   *
   * @param given the new action, or 0
   * @param former room for the old one
   * @returns 0 or -EINVAL
   */
  setAction(process: number, signal: number, given: number, former: number): number {
    if (signal < 1 || signal > SIGNALS) return -E.INVAL;
    if (given !== 0 && (signal === Signal.KILL || signal === Signal.STOP)) return -E.INVAL;
    const { ram, locks } = this;
    const stored = this.sender.actionOf(process, signal);
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    ram.copy(former, stored, SIGACTION_BYTES);
    if (given !== 0) {
      ram.copy(stored, given, SIGACTION_BYTES);
      ram.u32[(stored + 8) >>> 2]! &= KNOWN_FLAGS;
      ram.u32[(stored + 12) >>> 2] = 0;
      ram.u32[(stored + 16) >>> 2]! &= ~UNSTOPPABLE;
      if (this.sender.isIgnoredLocked(process, signal)) {
        const bit = signalBit(signal);
        this.queues.discardLocked(process, signal <= 32 ? bit : 0, signal > 32 ? bit : 0);
      }
    }
    locks.release(lock);
    return 0;
  }

  /** Changes which signals the running thread blocks: 0 or -EINVAL. What is let through is delivered when the call returns. */
  setMask(thread: number, how: number, low: number, high: number): number {
    const { ram } = this;
    const oldLow = Thread.blockedLow.peek(ram, thread);
    const oldHigh = Thread.blockedHigh.peek(ram, thread);
    if (how === MaskHow.Block) this.storeMask(thread, oldLow | low, oldHigh | high);
    else if (how === MaskHow.Unblock) this.storeMask(thread, oldLow & ~low, oldHigh & ~high);
    else if (how === MaskHow.Set) this.storeMask(thread, low, high);
    else return -E.INVAL;
    return 0;
  }

  /** Whether the running thread would not do anything at a signal now: a terminal then gives an error instead of sending TTIN. */
  isBlockedOrIgnored(thread: number, signal: number): boolean {
    const { ram, locks } = this;
    if (((signal <= 32 ? Thread.blockedLow : Thread.blockedHigh).peek(ram, thread) & signalBit(signal)) !== 0) return true;
    const process = Thread.process.get(ram, thread);
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    const ignored = ram.getU64(this.sender.actionOf(process, signal)) === SIG_IGN;
    locks.release(lock);
    return ignored;
  }

  /**
   * Gives the running thread another mask for the time of a system call (ppoll). A call that is made again keeps the one that it has. The mask
   * comes back by `endTemporaryMask`.
   */
  setTemporaryMask(thread: number, low: number, high: number): void {
    const { ram } = this;
    if ((Thread.flags.load(ram, thread) & ThreadFlag.RestoreMask) !== 0) return;
    Thread.savedLow.set(ram, thread, Thread.blockedLow.peek(ram, thread));
    Thread.savedHigh.set(ram, thread, Thread.blockedHigh.peek(ram, thread));
    Thread.flags.or(ram, thread, ThreadFlag.RestoreMask);
    this.storeMask(thread, low, high);
  }

  /** Such a call has not been broken off by a signal: the former mask is back. Otherwise delivery sees to it. */
  endTemporaryMask(thread: number): void {
    const { ram } = this;
    if ((Thread.flags.load(ram, thread) & ThreadFlag.RestoreMask) === 0) return;
    Thread.flags.and(ram, thread, ~ThreadFlag.RestoreMask);
    this.storeMask(thread, Thread.savedLow.get(ram, thread), Thread.savedHigh.get(ram, thread));
  }

  /** rt_sigsuspend(2): BLOCKED or a restart code, never a result. */
  suspend(thread: number, low: number, high: number): number {
    const { ram, locks } = this;
    this.setTemporaryMask(thread, low, high);
    const process = Thread.process.get(ram, thread);
    const lock = Process.lock.addr(process);
    const queue = Process.signalWaiters.addr(process);
    locks.acquire(lock);
    const result = this.waits.sleepLocked(thread, queue, lock, WaitForm.Rerun, WaitReason.signal);
    locks.release(lock);
    return result;
  }

  /**
   * rt_sigtimedwait(2): takes a signal of a set, which leaves what is known of it in the draft, or waits for one.
   *
   * @param deadline nanoseconds since power-on, or NO_DEADLINE; `now` the time
   * @returns the signal; BLOCKED; -EAGAIN when the time is up; -EINTR when another signal has come
   */
  wait(thread: number, low: number, high: number, deadline: number, now: number): number {
    const { ram, locks } = this;
    const process = Thread.process.get(ram, thread);
    const lock = Process.lock.addr(process);
    const wantedLow = low & ~UNSTOPPABLE;
    const again = Thread.awaits.get(ram, thread) !== 0;
    locks.acquire(lock);
    if (again) this.endAwaitLocked(thread);
    let result = this.queues.takeLocked(process, thread, ~wantedLow, ~high);
    if (result === 0) {
      if (now >= deadline) result = -E.AGAIN;
      else if (again) result = -E.INTR;
      else result = this.awaitLocked(process, thread, wantedLow, high, deadline);
    }
    // Asleep, it is not this hart's any more; whoever wakes it sets the flag.
    if (result !== BLOCKED) this.sender.recalculateLocked(process, thread);
    locks.release(lock);
    if (result > 0 && this.queues.timer !== 0) this.onTimerTaken(this.queues.timer);
    return result;
  }

  /** sigaltstack(2) between kernel addresses of 24 bytes, 0: not asked for. Returns 0, -EPERM, -EINVAL, -ENOMEM. */
  alternateStack(thread: number, given: number, former: number): number {
    const { ram, frames } = this;
    if (former !== 0) {
      const flags = frames.stackState(thread) | (Thread.altFlags.get(ram, thread) & SS_AUTODISARM);
      frames.storeStack(thread, former, flags >>> 0);
    }
    return given === 0 ? 0 : frames.loadStack(thread, given);
  }

  /** rt_sigreturn(2): the state that the frame at sp tells of; garbage is a SIGSEGV. Returns RESUMED. */
  handlerReturns(thread: number): number {
    const { ram, frames } = this;
    const process = Thread.process.get(ram, thread);
    if (frames.restore(thread, Process.space.get(ram, process))) {
      this.storeMask(thread, frames.maskLow, frames.maskHigh);
    } else {
      this.infos.fromKernel(Signal.SEGV);
      this.sender.force(thread);
    }
    return RESUMED;
  }

  private awaitLocked(process: number, thread: number, low: number, high: number, deadline: number): number {
    const { ram } = this;
    const blockedLow = Thread.blockedLow.peek(ram, thread);
    const blockedHigh = Thread.blockedHigh.peek(ram, thread);
    // What another thread has taken meanwhile must not break off this wait.
    this.sender.recalculateLocked(process, thread);
    Thread.realLow.put(ram, thread, blockedLow);
    Thread.realHigh.put(ram, thread, blockedHigh);
    Thread.blockedLow.put(ram, thread, blockedLow & ~low);
    Thread.blockedHigh.put(ram, thread, blockedHigh & ~high);
    Thread.awaits.set(ram, thread, 1);
    const queue = Process.signalWaiters.addr(process);
    const lock = Process.lock.addr(process);
    const result = this.waits.sleepLocked(thread, queue, lock, WaitForm.Rerun, WaitReason.signal, deadline, -E.AGAIN);
    if (result === BLOCKED) return result;
    this.endAwaitLocked(thread);
    return -E.INTR;
  }

  private endAwaitLocked(thread: number): void {
    const { ram } = this;
    Thread.awaits.set(ram, thread, 0);
    Thread.blockedLow.put(ram, thread, Thread.realLow.peek(ram, thread));
    Thread.blockedHigh.put(ram, thread, Thread.realHigh.peek(ram, thread));
    Thread.realLow.put(ram, thread, 0);
    Thread.realHigh.put(ram, thread, 0);
  }

  private storeMask(thread: number, low: number, high: number): void {
    const { ram, locks } = this;
    const process = Thread.process.get(ram, thread);
    const lock = Process.lock.addr(process);
    const addedLow = low & ~Thread.blockedLow.peek(ram, thread);
    const addedHigh = high & ~Thread.blockedHigh.peek(ram, thread);
    locks.acquire(lock);
    Thread.blockedLow.put(ram, thread, low & ~UNSTOPPABLE);
    Thread.blockedHigh.put(ram, thread, high);
    this.sender.recalculateLocked(process, thread);
    locks.release(lock);
    if ((addedLow | addedHigh) !== 0) this.sender.afterBlocking(process, thread, addedLow, addedHigh);
  }
}
