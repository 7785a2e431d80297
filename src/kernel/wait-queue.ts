/*
 * Waiting: how a thread sleeps on an object and who ends its sleep.
 *
 * An object embeds a WaitQueue under its own lock, the guard. A system call that must wait calls `sleepLocked` while it holds the
 * guard, releases the guard, and returns BLOCKED; it touches the thread no more. Exactly one of four ends the wait, each under the
 * guard, so the others find nothing:
 *   the object     completeLocked / wakeLocked, by whoever makes true what was waited for
 *   the deadline   expire → cancel: Complete with the thread's timeoutResult, Rerun looks at the clock itself
 *   a signal       disturb → cancel: Complete is broken off as restart.ts says, Rerun looks again and is then refused its sleep
 *   death          interrupt → cancel with -EINTR
 * Three forms (WaitForm), chosen by the sleeper: Complete, where the waker does the rest of the system call and stores its result; Rerun, where
 * the woken thread makes its system call again (the hart loop does that for it, before any signal); Resume, where there is no call.
 *
 * No wake-up is lost: a waker changes the object's state under the same guard under which the sleeper looked at it. A kill or a signal that comes
 * while the thread is on its way to sleep is seen because both sides store first and look afterwards: the sender sets a flag and then
 * reads waitGuard; the sleeper sets waitGuard and then reads the flags.
 */

import { xOffset } from '../core/context.ts';
import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { EventId, type Tracer } from '../trace/index.ts';
import { E } from './errno.ts';
import { brokenOff } from './restart.ts';
import { BLOCKED } from './result.ts';
import type { Scheduler } from './scheduler.ts';
import { Thread, ThreadFlag, ThreadState } from './thread.ts';
import { NO_DEADLINE, type Timers } from './timers.ts';
import { WaitForm, WaitQueue } from './wait.ts';

const A0 = xOffset(10);
/** Any wait of the thread, not a particular one. */
const ANY_WAIT = -1;
/** What keeps a thread from an interruptible sleep. */
const DISTURBED = ThreadFlag.Killed | ThreadFlag.Signal | ThreadFlag.Stop;

/** Who ends a wait from the outside. */
const Ender = { Deadline: 0, Signal: 1, Death: 2 } as const;

export class WaitQueues {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly timers: Timers,
    private readonly scheduler: Scheduler,
    private readonly trace: Tracer,
  ) {}

  /**
   * Puts the running thread to sleep. The caller holds `guard`, releases it next, and returns what this returns.
   *
   * @param queue address of a WaitQueue that `guard` guards
   * @param reason WaitReason: for the trace and for `ps`
   * @param deadline nanoseconds since power-on, or NO_DEADLINE
   * @param timeoutResult what the system call returns when the deadline passes; Rerun form with a deadline: anything but 0
   * @returns BLOCKED; or, when it does not sleep, -EINTR (it is to die) or a restart code (a signal is pending)
   */
  sleepLocked(
    thread: number,
    queue: number,
    guard: number,
    form: number,
    reason: number,
    deadline = NO_DEADLINE,
    timeoutResult = 0,
  ): number {
    const { ram } = this;
    const sequence = (Thread.waitSequence.peek(ram, thread) + 1) >>> 0;
    Thread.waitSequence.put(ram, thread, sequence);
    Thread.waitGuard.store(ram, thread, guard);
    // Not a plain load: a host that is not an x86 may carry that out before the store above, and then a kill would be missed.
    const disturbed = Thread.flags.load(ram, thread) & DISTURBED;
    if (disturbed !== 0) {
      const code = (disturbed & ThreadFlag.Killed) !== 0 ? -E.INTR : brokenOff(reason, timeoutResult !== 0);
      if (code !== 0) {
        Thread.waitGuard.store(ram, thread, 0);
        return code;
      }
    }
    Thread.waitForm.set(ram, thread, form);
    Thread.waitReason.set(ram, thread, reason);
    Thread.timeoutResult.set(ram, thread, timeoutResult);
    this.appendLocked(queue, thread);
    this.scheduler.leave(thread);
    if (this.trace.on) this.trace.emit(EventId.block, Thread.tid.get(ram, thread), queue, reason, 0, 0);
    Thread.state.put(ram, thread, ThreadState.Blocked);
    if (deadline !== NO_DEADLINE) this.timers.arm(thread, sequence, deadline);
    return BLOCKED;
  }

  /** The thread that waits longest, or 0. */
  firstLocked(queue: number): number {
    return WaitQueue.head.get(this.ram, queue);
  }

  /** The thread that came after `thread` to the same queue, or 0. */
  nextLocked(thread: number): number {
    return Thread.waitNext.get(this.ram, thread);
  }

  /** Ends the wait of a thread in the Complete form: its system call returns `result`. */
  completeLocked(thread: number, result: number): void {
    Thread.callDeadline.set(this.ram, thread, 0);
    this.unlinkLocked(thread);
    this.ram.setU64(thread + A0, result);
    this.resume(thread);
  }

  /** Ends the wait of a thread in the Rerun form: it makes its system call again. In the Resume form: it goes on. */
  wakeLocked(thread: number): void {
    if (Thread.waitForm.get(this.ram, thread) === WaitForm.Rerun) Thread.flags.or(this.ram, thread, ThreadFlag.Rerun);
    this.unlinkLocked(thread);
    this.resume(thread);
  }

  /** Ends every wait on the queue: Complete ones return `result`, Rerun ones look again, Resume ones go on. */
  endAllLocked(queue: number, result: number): void {
    for (let thread = this.firstLocked(queue); thread !== 0; thread = this.firstLocked(queue)) {
      if (Thread.waitForm.get(this.ram, thread) === WaitForm.Complete) this.completeLocked(thread, result);
      else this.wakeLocked(thread);
    }
  }

  /** Wakes every thread on a queue of Rerun or Resume waits. */
  wakeAllLocked(queue: number): void {
    this.endAllLocked(queue, 0);
  }

  /** Moves a waiting thread to the end of another queue, whose guard the caller holds too. */
  moveLocked(thread: number, queue: number, guard: number): void {
    this.removeLocked(thread);
    Thread.waitGuard.store(this.ram, thread, guard);
    this.appendLocked(queue, thread);
  }

  /** Ends whatever wait a thread that has been marked Killed is in, if any, with -EINTR. */
  interrupt(thread: number): void {
    this.endWait(thread, Ender.Death);
  }

  /** Ends the wait of a thread that has been marked with a signal, if it is in one that signals end. */
  disturb(thread: number): void {
    this.endWait(thread, Ender.Signal);
  }

  /** Whether the thread waits under `guard`, which the caller holds, for this reason. */
  waitsForLocked(thread: number, guard: number, reason: number): boolean {
    return Thread.waitGuard.load(this.ram, thread) === guard && Thread.waitReason.get(this.ram, thread) === reason;
  }

  /** The wait `sequence` of a thread has reached its deadline: ends it, if it is still going on. */
  expire(thread: number, sequence: number): void {
    // A requeue may change the guard between the look at it and the lock: the wait goes on then, and its deadline has passed.
    while (!this.cancel(thread, sequence, Ender.Deadline) && this.isWaiting(thread, sequence));
  }

  private endWait(thread: number, ender: number): void {
    while (Thread.waitGuard.load(this.ram, thread) !== 0) {
      if (this.cancel(thread, ANY_WAIT, ender)) return;
    }
  }

  private isWaiting(thread: number, sequence: number): boolean {
    return Thread.waitGuard.load(this.ram, thread) !== 0 && Thread.waitSequence.load(this.ram, thread) === sequence;
  }

  /**
   * Ends a wait from the outside, or leaves it alone because `ender` does not end its kind.
   *
   * @param sequence the wait that is meant, or ANY_WAIT
   * @returns whether that wait was going on
   */
  private cancel(thread: number, sequence: number, ender: number): boolean {
    const { ram, locks } = this;
    const guard = Thread.waitGuard.load(ram, thread);
    if (guard === 0) return false;
    const held = locks.holds(guard);
    if (!held) locks.acquire(guard);
    const current =
      Thread.waitGuard.load(ram, thread) === guard &&
      Thread.state.peek(ram, thread) === ThreadState.Blocked &&
      (sequence === ANY_WAIT || Thread.waitSequence.peek(ram, thread) === sequence);
    if (current) this.endLocked(thread, ender);
    if (!held) locks.release(guard);
    return current;
  }

  private endLocked(thread: number, ender: number): void {
    const { ram } = this;
    const timeoutResult = Thread.timeoutResult.get(ram, thread);
    if (ender === Ender.Death) {
      this.completeLocked(thread, -E.INTR);
      return;
    }
    const code = ender === Ender.Signal ? brokenOff(Thread.waitReason.get(ram, thread), timeoutResult !== 0) : 0;
    if (ender === Ender.Signal && code === 0) return;
    if (Thread.waitForm.get(ram, thread) !== WaitForm.Complete) this.wakeLocked(thread);
    else if (ender === Ender.Deadline) this.completeLocked(thread, timeoutResult);
    else this.breakOffLocked(thread, code);
  }

  /** The system call ends for now: what becomes of it is decided when the signal is delivered. */
  private breakOffLocked(thread: number, code: number): void {
    Thread.restart.set(this.ram, thread, code);
    Thread.flags.or(this.ram, thread, ThreadFlag.Restart);
    this.unlinkLocked(thread);
    this.resume(thread);
  }

  private appendLocked(queue: number, thread: number): void {
    const { ram } = this;
    const tail = WaitQueue.tail.get(ram, queue);
    Thread.waitQueue.set(ram, thread, queue);
    Thread.waitNext.set(ram, thread, 0);
    Thread.waitPrev.set(ram, thread, tail);
    if (tail === 0) WaitQueue.head.set(ram, queue, thread);
    else Thread.waitNext.set(ram, tail, thread);
    WaitQueue.tail.set(ram, queue, thread);
  }

  private removeLocked(thread: number): void {
    const { ram } = this;
    const queue = Thread.waitQueue.get(ram, thread);
    const next = Thread.waitNext.get(ram, thread);
    const prev = Thread.waitPrev.get(ram, thread);
    if (prev === 0) WaitQueue.head.set(ram, queue, next);
    else Thread.waitNext.set(ram, prev, next);
    if (next === 0) WaitQueue.tail.set(ram, queue, prev);
    else Thread.waitPrev.set(ram, next, prev);
  }

  private unlinkLocked(thread: number): void {
    this.removeLocked(thread);
    this.timers.disarm(thread);
    Thread.waitGuard.put(this.ram, thread, 0);
  }

  private resume(thread: number): void {
    this.scheduler.ready(thread);
  }
}
