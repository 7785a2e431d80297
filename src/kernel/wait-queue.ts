/*
 * Waiting: how a thread sleeps on an object and who ends its sleep.
 *
 * An object embeds a WaitQueue under its own lock, the guard. A system call that must wait calls `sleepLocked` while it holds the
 * guard, releases the guard, and returns BLOCKED; it touches the thread no more. Exactly one of three ends the wait, each under the
 * guard, so the second and third find nothing:
 *   the object     completeLocked / wakeLocked, by whoever makes true what was waited for
 *   the deadline   expire → cancel with the thread's timeoutResult
 *   death          cancel with -EINTR
 * Two forms (WaitForm), chosen by the sleeper: Complete, where the waker does the rest of the system call and stores its result, and Rerun, where
 * the woken thread executes its `ecall` again.
 *
 * No wake-up is lost: a waker changes the object's state under the same guard under which the sleeper looked at it. A kill that comes
 * while the thread is on its way to sleep is seen because both sides store first and look afterwards: the killer sets Killed and then
 * reads waitGuard; the sleeper sets waitGuard and then reads Killed.
 */

import { Context, xOffset } from '../core/context.ts';
import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { EventId, type Tracer } from '../trace/index.ts';
import { E } from './errno.ts';
import { BLOCKED } from './result.ts';
import type { Scheduler } from './scheduler.ts';
import { Thread, ThreadFlag, ThreadState } from './thread.ts';
import { NO_DEADLINE, type Timers } from './timers.ts';
import { WaitForm, WaitQueue } from './wait.ts';

const A0 = xOffset(10);
/** Any wait of the thread, not a particular one. */
const ANY_WAIT = -1;

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
   * @param timeoutResult what the system call returns when the deadline passes
   * @returns BLOCKED, or -EINTR when the thread is to die and so does not sleep
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
    if ((Thread.flags.load(ram, thread) & ThreadFlag.Killed) !== 0) {
      Thread.waitGuard.store(ram, thread, 0);
      return -E.INTR;
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
    this.unlinkLocked(thread);
    this.ram.setU64(thread + A0, result);
    this.resume(thread);
  }

  /** Ends the wait of a thread in the Rerun form: it makes its system call again. */
  wakeLocked(thread: number): void {
    this.rewind(thread);
    this.unlinkLocked(thread);
    this.resume(thread);
  }

  /** Ends every wait on the queue: Complete ones return `result`, Rerun ones look again. */
  endAllLocked(queue: number, result: number): void {
    for (let thread = this.firstLocked(queue); thread !== 0; thread = this.firstLocked(queue)) {
      if (Thread.waitForm.get(this.ram, thread) === WaitForm.Rerun) this.wakeLocked(thread);
      else this.completeLocked(thread, result);
    }
  }

  /** Wakes every thread on a queue of Rerun waits. */
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
    while (Thread.waitGuard.load(this.ram, thread) !== 0) {
      if (this.cancel(thread, ANY_WAIT, -E.INTR)) return;
    }
  }

  /** Ends all waits of this hart's timer queue whose deadline has passed. */
  expire(now: number): void {
    for (;;) {
      const thread = this.timers.takeExpired(now);
      if (thread === 0) return;
      const { sequence } = this.timers;
      // A requeue may change the guard between the look at it and the lock: the wait goes on then, and its deadline has passed.
      while (!this.cancel(thread, sequence, undefined) && this.isWaiting(thread, sequence));
    }
  }

  private isWaiting(thread: number, sequence: number): boolean {
    return Thread.waitGuard.load(this.ram, thread) !== 0 && Thread.waitSequence.load(this.ram, thread) === sequence;
  }

  /**
   * Ends a wait from the outside, if it is still going on.
   *
   * @param sequence the wait that is meant, or ANY_WAIT
   * @param result what the system call returns; undefined: the thread's timeoutResult
   */
  private cancel(thread: number, sequence: number, result: number | undefined): boolean {
    const { ram, locks } = this;
    const guard = Thread.waitGuard.load(ram, thread);
    if (guard === 0) return false;
    const held = locks.holds(guard);
    if (!held) locks.acquire(guard);
    const current =
      Thread.waitGuard.load(ram, thread) === guard &&
      Thread.state.peek(ram, thread) === ThreadState.Blocked &&
      (sequence === ANY_WAIT || Thread.waitSequence.peek(ram, thread) === sequence);
    if (current) {
      // A call that is made again looks at the clock itself.
      if (result === undefined && Thread.waitForm.get(ram, thread) === WaitForm.Rerun) this.wakeLocked(thread);
      else this.completeLocked(thread, result ?? Thread.timeoutResult.get(ram, thread));
    }
    if (!held) locks.release(guard);
    return current;
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

  /** Steps back to the `ecall`, which left a0 as it was. */
  private rewind(thread: number): void {
    Context.pc.set(this.ram, thread, Context.pc.get(this.ram, thread) - 4);
  }

  private resume(thread: number): void {
    this.scheduler.ready(thread);
  }
}
