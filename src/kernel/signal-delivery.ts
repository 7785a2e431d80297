/*
 * What a thread does about its pending signals, on its own hart, before it executes another guest instruction: one after another is taken and
 * ignored, stops the process, ends it, or begins a handler. Handlers of several signals are stacked, the one taken last runs first, as on Linux.
 *
 * A system call that was broken off (ThreadFlag.Restart) is settled by the first handler, or by there being none (restart.ts): made again, the
 * thread steps back to its `ecall`, which has left a0 as it was.
 */

import { Context, xOffset } from '../core/context.ts';
import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { EventId, type Tracer } from '../trace/index.ts';
import { E } from './errno.ts';
import type { Exits } from './exit.ts';
import type { JobControl } from './job-control.ts';
import { Process } from './process.ts';
import { BLOCKED } from './result.ts';
import { restartsAfterHandler } from './restart.ts';
import { SS_AUTODISARM, type SignalFrames } from './signal-frame.ts';
import type { SignalInfos } from './signal-info.ts';
import { ignoredByDefault, Signal, signalBit, statusOfSignal, stopsByDefault, UNSTOPPABLE } from './signal-numbers.ts';
import type { SignalQueues } from './signal-queue.ts';
import { SIG_DFL, SIG_IGN, type SignalSender } from './signal-send.ts';
import { Thread, ThreadFlag } from './thread.ts';

const SA_ONSTACK = 0x0800_0000;
const SA_RESTART = 0x1000_0000;
const SA_NODEFER = 0x4000_0000;
const SA_RESETHAND = 0x8000_0000;
/** What goes before all signals. */
const URGENT = ThreadFlag.Killed | ThreadFlag.Stop;
const A0 = xOffset(10);
const ECALL_BYTES = 4;

/** A POSIX timer's signal has been taken: arms it anew and tells how often it has expired meanwhile. */
export type TimerTaken = (timer: number) => void;

export class SignalDelivery {
  onTimerTaken: TimerTaken = () => undefined;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly infos: SignalInfos,
    private readonly queues: SignalQueues,
    private readonly sender: SignalSender,
    private readonly frames: SignalFrames,
    private readonly jobs: JobControl,
    private readonly exits: Exits,
    private readonly trace: Tracer,
  ) {}

  /**
   * Deals with everything that is pending for the running thread.
   *
   * @returns 0: it goes on; BLOCKED: it is parked; ENDED
   */
  deliver(thread: number): number {
    const { ram, locks, queues } = this;
    const process = Thread.process.get(ram, thread);
    const lock = Process.lock.addr(process);
    for (;;) {
      const flags = Thread.flags.load(ram, thread);
      if ((flags & URGENT) !== 0) {
        if ((flags & ThreadFlag.Killed) !== 0) return 0;
        if (this.jobs.stop(thread, 0) === BLOCKED) return BLOCKED;
        continue;
      }
      if ((flags & ThreadFlag.Signal) === 0) break;
      locks.acquire(lock);
      const low = Thread.blockedLow.peek(ram, thread);
      const signal = queues.takeLocked(process, thread, low, Thread.blockedHigh.peek(ram, thread));
      const handler = signal === 0 ? SIG_DFL : ram.getU64(this.sender.actionOf(process, signal));
      if (handler !== SIG_DFL && handler !== SIG_IGN) {
        this.handleLocked(thread, process, signal, lock);
        continue;
      }
      this.sender.recalculateLocked(process, thread);
      const stops = signal !== 0 && handler === SIG_DFL && stopsByDefault(signal);
      if (stops) Thread.flags.or(ram, thread, ThreadFlag.StopTaken);
      locks.release(lock);
      if (queues.timer !== 0) this.onTimerTaken(queues.timer);
      if (stops) {
        if (this.jobs.stop(thread, signal) === BLOCKED) return BLOCKED;
      } else if (signal !== 0 && handler === SIG_DFL && !ignoredByDefault(signal)) {
        return this.exits.endGroup(thread, statusOfSignal(signal));
      }
    }
    this.settleWithoutHandler(thread);
    return 0;
  }

  /** Begins the handler of the signal in the draft, and releases the lock. If there is no room for its frame, that is a signal in turn. */
  private handleLocked(thread: number, process: number, signal: number, lock: number): void {
    const { ram, locks, queues } = this;
    if (queues.timer !== 0) {
      locks.release(lock);
      this.onTimerTaken(queues.timer);
      locks.acquire(lock);
    }
    const action = this.sender.actionOf(process, signal);
    const flags = ram.u32[(action + 8) >>> 2]!;
    const handlerLow = ram.u32[action >>> 2]!;
    const handlerHigh = ram.u32[(action + 4) >>> 2]!;
    if (handlerHigh === 0 && handlerLow <= SIG_IGN) {
      // Another thread has taken the handler away while the lock was free.
      locks.release(lock);
      return;
    }
    const own = (flags & SA_NODEFER) !== 0 ? 0 : signalBit(signal);
    const low = (ram.u32[(action + 16) >>> 2]! | (signal <= 32 ? own : 0)) & ~UNSTOPPABLE;
    const high = ram.u32[(action + 20) >>> 2]! | (signal > 32 ? own : 0);
    if ((flags & SA_RESETHAND) !== 0) ram.setU64(action, SIG_DFL);

    const restore = (Thread.flags.load(ram, thread) & ThreadFlag.RestoreMask) !== 0;
    const blockedLow = Thread.blockedLow.peek(ram, thread);
    const blockedHigh = Thread.blockedHigh.peek(ram, thread);
    const oldLow = restore ? Thread.savedLow.get(ram, thread) : blockedLow;
    const oldHigh = restore ? Thread.savedHigh.get(ram, thread) : blockedHigh;
    this.settleBeforeHandler(thread, (flags & SA_RESTART) !== 0);
    const space = Process.space.get(ram, process);
    const onStack = (flags & SA_ONSTACK) !== 0;
    const { draft } = this.infos;
    if (!this.frames.push(thread, space, signal, draft, handlerLow, handlerHigh, onStack, oldLow, oldHigh)) {
      locks.release(lock);
      this.forceSegv(thread, process, signal);
      return;
    }
    if (restore) Thread.flags.and(ram, thread, ~ThreadFlag.RestoreMask);
    if ((Thread.altFlags.get(ram, thread) & SS_AUTODISARM) !== 0) this.frames.setStack(thread, 0, 0, 0);
    Thread.blockedLow.put(ram, thread, blockedLow | low);
    Thread.blockedHigh.put(ram, thread, blockedHigh | high);
    this.sender.recalculateLocked(process, thread);
    locks.release(lock);
    this.sender.afterBlocking(process, thread, low & ~blockedLow, high & ~blockedHigh);
    if (this.trace.on) this.trace.emit(EventId.signalHandler, Thread.tid.get(ram, thread), signal, handlerLow, 0, 0);
  }

  /** A frame could not be written: a SIGSEGV, and if that is what was to be handled, its end. */
  private forceSegv(thread: number, process: number, signal: number): void {
    const lock = Process.lock.addr(process);
    this.infos.fromKernel(Signal.SEGV);
    if (signal === Signal.SEGV) {
      this.locks.acquire(lock);
      this.ram.setU64(this.sender.actionOf(process, Signal.SEGV), SIG_DFL);
      this.locks.release(lock);
    }
    this.sender.force(thread);
  }

  private settleBeforeHandler(thread: number, saRestart: boolean): void {
    const { ram } = this;
    Thread.callDeadline.set(ram, thread, 0);
    Thread.progress.set(ram, thread, 0);
    if ((Thread.flags.load(ram, thread) & ThreadFlag.Restart) === 0) return;
    Thread.flags.and(ram, thread, ~ThreadFlag.Restart);
    if (restartsAfterHandler(Thread.restart.get(ram, thread), saRestart)) stepBack(ram, thread);
    else ram.setU64(thread + A0, -E.INTR);
  }

  private settleWithoutHandler(thread: number): void {
    const { ram, locks } = this;
    const flags = Thread.flags.load(ram, thread) & (ThreadFlag.Restart | ThreadFlag.RestoreMask);
    if (flags === 0) return;
    Thread.flags.and(ram, thread, ~flags);
    if ((flags & ThreadFlag.Restart) !== 0) stepBack(ram, thread);
    if ((flags & ThreadFlag.RestoreMask) === 0) return;
    const process = Thread.process.get(ram, thread);
    locks.acquire(Process.lock.addr(process));
    Thread.blockedLow.store(ram, thread, Thread.savedLow.get(ram, thread));
    Thread.blockedHigh.store(ram, thread, Thread.savedHigh.get(ram, thread));
    this.sender.recalculateLocked(process, thread);
    locks.release(Process.lock.addr(process));
  }
}

function stepBack(ram: Ram, thread: number): void {
  const pc = Context.pc.addr(thread);
  const low = ram.u32[pc >>> 2]!;
  ram.u32[pc >>> 2] = low - ECALL_BYTES;
  if (low < ECALL_BYTES) ram.u32[(pc + 4) >>> 2]!--;
}
