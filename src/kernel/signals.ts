/*
 * Signals with their default actions: they end a process, or nothing happens.
 *
 * A process may ignore a signal; a thread may block it. A signal that ends the process and that every thread blocks stays pending until
 * one unblocks it. Handlers are recorded, so that a program can set them and read them back, but a signal that has one takes its default
 * action; stopping is not there either.
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { E } from './errno.ts';
import type { Exits } from './exit.ts';
import { Process, ProcessFlag, ProcessState, SIGNALS } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import { ignoredByDefault, Signal, signalBit, statusOfSignal, stopsByDefault } from './signal-numbers.ts';
import { Thread } from './thread.ts';

/** How `sigprocmask` combines. */
export const MaskHow = { Block: 0, Unblock: 1, Set: 2 } as const;

/** Handlers with a meaning of their own. */
const SIG_DFL = 0;
const SIG_IGN = 1;

/** KILL and STOP cannot be blocked. */
const UNBLOCKABLE = signalBit(Signal.KILL) | signalBit(Signal.STOP);

export class Signals {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly table: ProcessTable,
    private readonly exits: Exits,
  ) {}

  /** Sends a signal (0: only asks) to one process. Returns 0, -ESRCH, -EINVAL, or -ENOSYS for one that would stop it. */
  kill(pid: number, signal: number): number {
    if (signal < 0 || signal > SIGNALS) return -E.INVAL;
    this.locks.acquire(this.table.lock);
    const process = this.table.processLocked(pid);
    const result = process === 0 ? -E.SRCH : this.sendLocked(process, signal);
    this.locks.release(this.table.lock);
    return result;
  }

  /** Sends a signal to every process but the caller's (0: to none but the caller's). */
  killAll(except: number, signal: number): number {
    if (signal < 0 || signal > SIGNALS) return -E.INVAL;
    const { ram } = this;
    this.locks.acquire(this.table.lock);
    let found = 0;
    for (let i = 0; i < this.table.processes.count; i++) {
      const process = this.table.processes.at(i);
      if (!this.table.processes.isUsed(i) || process === except || Process.state.get(ram, process) !== ProcessState.Live)
        continue;
      found++;
      this.sendLocked(process, signal);
    }
    this.locks.release(this.table.lock);
    return found === 0 ? -E.SRCH : 0;
  }

  /** Sends a signal to the process of one thread. `pid` 0: of whatever process it is. */
  killThread(pid: number, tid: number, signal: number): number {
    if (signal < 0 || signal > SIGNALS || tid <= 0 || pid < 0) return -E.INVAL;
    const { ram } = this;
    this.locks.acquire(this.table.lock);
    const thread = this.table.threadLocked(tid);
    const process = thread === 0 ? 0 : Thread.process.get(ram, thread);
    const known = process !== 0 && (pid === 0 || Process.pid.get(ram, process) === pid);
    const result = known ? this.sendLocked(process, signal) : -E.SRCH;
    this.locks.release(this.table.lock);
    return result;
  }

  /**
   * Changes which signals a thread blocks. A pending one that is let through now ends its process: then this returns its number.
   *
   * @returns 0, the signal that ends the process, or -EINVAL
   */
  setMask(thread: number, how: number, low: number, high: number): number {
    const { ram } = this;
    const oldLow = Thread.blockedLow.load(ram, thread);
    const oldHigh = Thread.blockedHigh.load(ram, thread);
    if (how === MaskHow.Block) this.storeMask(thread, oldLow | low, oldHigh | high);
    else if (how === MaskHow.Unblock) this.storeMask(thread, oldLow & ~low, oldHigh & ~high);
    else if (how === MaskHow.Set) this.storeMask(thread, low, high);
    else return -E.INVAL;
    return this.deliverable(thread);
  }

  /**
   * Notes a new action of a signal.
   *
   * @param handler the handler's address, SIG_DFL or SIG_IGN
   */
  noteActionLocked(process: number, signal: number, handler: number): void {
    const { ram } = this;
    const field = signal <= 32 ? Process.ignoredLow : Process.ignoredHigh;
    const pending = signal <= 32 ? Process.pendingLow : Process.pendingHigh;
    const bit = signalBit(signal);
    if (handler === SIG_IGN) field.or(ram, process, bit);
    else field.and(ram, process, ~bit);
    if (handler === SIG_IGN || (handler === SIG_DFL && ignoredByDefault(signal))) pending.and(ram, process, ~bit);
  }

  /** A thread has trapped in a way that its process does not survive: ends the process with `signal`, blocked, ignored or not. */
  fault(thread: number, signal: number): number {
    return this.exits.endGroup(thread, statusOfSignal(signal));
  }

  private sendLocked(process: number, signal: number): number {
    const { ram } = this;
    if (signal === 0 || Process.state.get(ram, process) !== ProcessState.Live) return 0;
    if (this.ignores(process, signal)) return 0;
    if (stopsByDefault(signal)) return -E.NOSYS;
    if (signal !== Signal.KILL && this.blockedByAll(process, signal)) {
      const pending = signal <= 32 ? Process.pendingLow : Process.pendingHigh;
      pending.or(ram, process, signalBit(signal));
      // A thread may have unblocked it between the look and the mark; whoever unblocks looks after it has stored its mask.
      if (this.blockedByAll(process, signal)) return 0;
      pending.and(ram, process, ~signalBit(signal));
    }
    this.exits.killLocked(process, statusOfSignal(signal), 0);
    return 0;
  }

  private ignores(process: number, signal: number): boolean {
    if (signal === Signal.KILL || signal === Signal.STOP) return false;
    const field = signal <= 32 ? Process.ignoredLow : Process.ignoredHigh;
    return (field.load(this.ram, process) & signalBit(signal)) !== 0 || ignoredByDefault(signal);
  }

  private blockedByAll(process: number, signal: number): boolean {
    const { ram, locks } = this;
    const lock = Process.lock.addr(process);
    const blocked = signal <= 32 ? Thread.blockedLow : Thread.blockedHigh;
    locks.acquire(lock);
    let all = true;
    for (let thread = Process.threads.get(ram, process); thread !== 0 && all; thread = Thread.siblingNext.get(ram, thread)) {
      all = (blocked.load(ram, thread) & signalBit(signal)) !== 0;
    }
    locks.release(lock);
    return all && (Process.flags.load(ram, process) & ProcessFlag.Exiting) === 0;
  }

  private storeMask(thread: number, low: number, high: number): void {
    Thread.blockedLow.store(this.ram, thread, low & ~UNBLOCKABLE);
    Thread.blockedHigh.store(this.ram, thread, high);
  }

  /** The first pending signal that the thread does not block, or 0. */
  private deliverable(thread: number): number {
    const { ram } = this;
    const process = Thread.process.get(ram, thread);
    const low = Process.pendingLow.load(ram, process) & ~Thread.blockedLow.load(ram, thread);
    if (low !== 0) return 32 - Math.clz32(low & -low);
    const high = Process.pendingHigh.load(ram, process) & ~Thread.blockedHigh.load(ram, thread);
    return high !== 0 ? 64 - Math.clz32(high & -high) : 0;
  }
}
