/*
 * Sending signals: whether one is ignored, where it is queued, who is told.
 *
 * A sender holds the tree lock, so that neither process nor thread can end; the queues are changed under the lock of the process. What is told with
 * the signal stands in the participant's draft (signal-info.ts). A signal for a process is for any of its threads: the first, if it is
 * ready to take it, else another one that is. One that ends the process does so at once, without waiting for anybody to take it.
 *
 * STOP-type signals and CONT discard each other here, and CONT continues here, whether it is blocked, ignored or caught.
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { EventId, type Tracer } from '../trace/index.ts';
import type { Attention } from './attention.ts';
import { E } from './errno.ts';
import { Process, ProcessFlag, ProcessState, SIGACTION_BYTES } from './process.ts';
import type { SignalInfos } from './signal-info.ts';
import {
  endsByDefault,
  ignoredByDefault,
  Signal,
  signalBit,
  STOPPING,
  stopsByDefault,
  statusOfSignal,
} from './signal-numbers.ts';
import type { SignalQueues } from './signal-queue.ts';
import { Thread, ThreadFlag, ThreadState } from './thread.ts';
import { WaitReason } from './wait.ts';
import type { WaitQueues } from './wait-queue.ts';

/** Handlers with a meaning of their own. */
export const SIG_DFL = 0;
export const SIG_IGN = 1;

/** What a CONT has brought about, for the parent to hear of. */
export const Continued = { Nothing: 0, Stopping: 1, Stopped: 2 } as const;

export class SignalSender {
  private continued: number = Continued.Nothing;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly treeLock: number,
    private readonly infos: SignalInfos,
    private readonly queues: SignalQueues,
    private readonly attention: Attention,
    private readonly waits: WaitQueues,
    private readonly trace: Tracer,
  ) {}

  /** Tells the parent that a process goes on (job-control.ts). Under the tree lock. */
  onContinued: (process: number, what: number) => void = () => undefined;

  /**
   * Sends the signal of the draft to a process. The caller holds the tree lock. The draft may be another one afterwards.
   *
   * @param thread one of its threads that alone may take it, or 0
   * @param slot a timer's slot, or 0
   * @returns 0, or -EAGAIN when there is no room for a real-time signal
   */
  sendLocked(process: number, thread: number, slot = 0): number {
    const { ram, locks } = this;
    if (Process.state.get(ram, process) !== ProcessState.Live) return 0;
    if (this.trace.on) {
      const tid = thread === 0 ? 0 : Thread.tid.get(ram, thread);
      this.trace.emit(EventId.signalSend, 0, this.infos.signal, Process.pid.get(ram, process), tid, 0);
    }
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    const result = this.enterLocked(process, thread, slot);
    locks.release(lock);
    // Taken before: what is told to the parent is a signal, too.
    const { continued } = this;
    if (continued !== Continued.Nothing) {
      this.continued = Continued.Nothing;
      this.onContinued(process, continued);
    }
    return result;
  }

  /**
   * A signal that an instruction of the running thread has brought about: it cannot be put off. If it is blocked or ignored, its action becomes the
   * default one.
   *
   * @returns whether the process will end of it
   */
  force(thread: number): boolean {
    const { ram, locks, infos } = this;
    const process = Thread.process.get(ram, thread);
    const { signal } = infos;
    const bit = signalBit(signal);
    const action = this.actionOf(process, signal);
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    const blocked = (Thread.blockedLow.peek(ram, thread) & bit) !== 0;
    const handler = ram.getU64(action);
    if (blocked || handler === SIG_IGN) {
      ram.setU64(action, SIG_DFL);
      Thread.blockedLow.and(ram, thread, ~bit);
    }
    const fatal = blocked || handler <= SIG_IGN;
    this.queues.addLocked(process, thread, 0);
    Thread.flags.or(ram, thread, ThreadFlag.Signal);
    locks.release(lock);
    return fatal;
  }

  /** Takes the flag of a thread away, if nothing is pending for it any more. Its own hart, under the process's lock. */
  recalculateLocked(process: number, thread: number): void {
    if (this.queues.isDeliverableLocked(process, thread)) Thread.flags.or(this.ram, thread, ThreadFlag.Signal);
    else if ((Thread.flags.load(this.ram, thread) & ThreadFlag.Signal) !== 0)
      Thread.flags.and(this.ram, thread, ~ThreadFlag.Signal);
  }

  /**
   * A thread cannot take signals of its process any more that it could (it blocks them now, or ends): has others look. Under the tree lock and the
   * process's.
   */
  passOnLocked(process: number, thread: number, low: number, high: number): void {
    const { ram } = this;
    const left = Process.pendingLow.peek(ram, process) & low;
    const right = Process.pendingHigh.peek(ram, process) & high;
    if (left === 0 && right === 0) return;
    for (let other = Process.threads.get(ram, process); other !== 0; other = Thread.siblingNext.get(ram, other)) {
      if (other === thread) continue;
      const open = (left & ~Thread.blockedLow.peek(ram, other)) | (right & ~Thread.blockedHigh.peek(ram, other));
      if (open !== 0) this.attention.notifyLocked(other, ThreadFlag.Signal);
    }
  }

  /** The running thread blocks more signals than before: those that others do not block are for them now. Takes the locks itself. */
  afterBlocking(process: number, thread: number, low: number, high: number): void {
    const { ram, locks } = this;
    const pending = (Process.pendingLow.peek(ram, process) & low) | (Process.pendingHigh.peek(ram, process) & high);
    if (pending === 0) return;
    locks.acquire(this.treeLock);
    locks.acquire(Process.lock.addr(process));
    this.passOnLocked(process, thread, low, high);
    locks.release(Process.lock.addr(process));
    locks.release(this.treeLock);
  }

  /** Address of a signal's `struct sigaction`. */
  actionOf(process: number, signal: number): number {
    return Process.actions.addr(process) + (signal - 1) * SIGACTION_BYTES;
  }

  /** Whether the process does nothing at a signal: it ignores it, or the default action is to do nothing. Under its lock. */
  isIgnoredLocked(process: number, signal: number): boolean {
    const handler = this.ram.getU64(this.actionOf(process, signal));
    return handler === SIG_IGN || (handler === SIG_DFL && ignoredByDefault(signal));
  }

  private enterLocked(process: number, thread: number, slot: number): number {
    const { ram, infos, queues } = this;
    const { signal } = infos;
    if ((Process.flags.load(ram, process) & ProcessFlag.Exiting) !== 0) return 0;
    if (signal === Signal.CONT) this.continueLocked(process);
    else if (stopsByDefault(signal)) queues.discardLocked(process, signalBit(Signal.CONT), 0);
    const first = thread !== 0 ? thread : this.leaderLocked(process);
    // What is blocked may be caught or accepted later.
    const kept = isBlocked(ram, first, signal) || isReallyBlocked(ram, first, signal);
    if (!kept && this.isIgnoredLocked(process, signal)) return 0;
    if (signal === Signal.KILL) {
      this.attention.killProcessLocked(process, statusOfSignal(signal), 0);
      return 0;
    }
    const added = queues.addLocked(process, thread, slot);
    if (added !== 0) return added < 0 ? -E.AGAIN : 0;
    this.tellLocked(process, thread !== 0 ? thread : this.chooseLocked(process, first, signal), signal);
    return 0;
  }

  private tellLocked(process: number, thread: number, signal: number): void {
    if (thread === 0 || !this.wantsLocked(process, thread, signal)) return;
    if (this.isFatalLocked(process, thread, signal)) this.attention.killProcessLocked(process, statusOfSignal(signal), 0);
    else this.attention.notifyLocked(thread, ThreadFlag.Signal);
  }

  private isFatalLocked(process: number, thread: number, signal: number): boolean {
    if (!endsByDefault(signal) || this.ram.getU64(this.actionOf(process, signal)) !== SIG_DFL) return false;
    return !isReallyBlocked(this.ram, thread, signal);
  }

  /** Whether the thread can take the signal soon: what has been told of others and does not run will come to it by itself. */
  private wantsLocked(process: number, thread: number, signal: number): boolean {
    const { ram } = this;
    const flags = Thread.flags.load(ram, thread);
    if (isBlocked(ram, thread, signal) || (flags & ThreadFlag.Killed) !== 0) return false;
    if (this.waits.waitsForLocked(thread, Process.lock.addr(process), WaitReason.stopped)) return false;
    return (flags & ThreadFlag.Signal) === 0 || Thread.state.load(ram, thread) === ThreadState.Running;
  }

  /** A thread that wants the signal, `first` before all others; 0: it waits until one lets it through. */
  private chooseLocked(process: number, first: number, signal: number): number {
    const { ram } = this;
    if (this.wantsLocked(process, first, signal)) return first;
    for (let thread = Process.threads.get(ram, process); thread !== 0; thread = Thread.siblingNext.get(ram, thread)) {
      if (thread !== first && this.wantsLocked(process, thread, signal)) return thread;
    }
    return 0;
  }

  /** The thread that bears the process's number; when that has ended, any. */
  private leaderLocked(process: number): number {
    const { ram } = this;
    const pid = Process.pid.get(ram, process);
    const head = Process.threads.get(ram, process);
    for (let thread = head; thread !== 0; thread = Thread.siblingNext.get(ram, thread))
      if (Thread.tid.get(ram, thread) === pid) return thread;
    return head;
  }

  /** CONT: forgets stopping signals, and whoever is parked goes on. */
  private continueLocked(process: number): void {
    const { ram } = this;
    this.queues.discardLocked(process, STOPPING, 0);
    for (let thread = Process.threads.get(ram, process); thread !== 0; thread = Thread.siblingNext.get(ram, thread))
      Thread.flags.and(ram, thread, ~(ThreadFlag.Stop | ThreadFlag.StopTaken));
    // Nobody has told them of what has come meanwhile: they look.
    const parked = Process.parked.addr(process);
    for (let thread = this.waits.firstLocked(parked); thread !== 0; thread = this.waits.nextLocked(thread))
      Thread.flags.or(ram, thread, ThreadFlag.Signal);
    this.waits.wakeAllLocked(parked);
    if (Process.stopped.get(ram, process) !== 0) this.continued = Continued.Stopped;
    else if (Process.stopCount.get(ram, process) !== 0) this.continued = Continued.Stopping;
    if (this.continued === Continued.Nothing) return;
    Process.stopped.set(ram, process, 0);
    Process.stopCount.set(ram, process, 0);
    Process.stopReport.set(ram, process, 0);
    Process.continueReport.set(ram, process, 1);
  }
}

function isBlocked(ram: Ram, thread: number, signal: number): boolean {
  return ((signal <= 32 ? Thread.blockedLow : Thread.blockedHigh).peek(ram, thread) & signalBit(signal)) !== 0;
}

/** Blocked but for a sigtimedwait that is going on. */
function isReallyBlocked(ram: Ram, thread: number, signal: number): boolean {
  return ((signal <= 32 ? Thread.realLow : Thread.realHigh).peek(ram, thread) & signalBit(signal)) !== 0;
}
