/*
 * Stopping and continuing processes, and what parents hear of their children: stopped, continued, ended.
 *
 * A process stops by all of its threads parking, each by itself when it next looks at its flags: the thread that takes a stopping signal marks
 * the others (ThreadFlag.Stop) and has them look; `stopCount` of them have still to park. The last one tells the parent. A parked thread sleeps
 * in the Resume form on `Process.parked`, under the process's lock; CONT (signal-send.ts) and death wake it, nothing else.
 *
 * Between taking a stopping signal and acting on it a CONT may come: it takes StopTaken away, and then nothing stops.
 *
 * All of this is done under the tree lock: parent and child cannot go meanwhile, and the order of stop and continue is one for all.
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import type { Attention } from './attention.ts';
import type { Groups } from './groups.ts';
import { Process, ProcessFlag } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import { BLOCKED } from './result.ts';
import { SiCode, type SignalInfos } from './signal-info.ts';
import { Signal } from './signal-numbers.ts';
import { Continued, SIG_IGN, type SignalSender } from './signal-send.ts';
import { Thread, ThreadFlag } from './thread.ts';
import { WaitForm, WaitReason } from './wait.ts';
import type { WaitQueues } from './wait-queue.ts';

/** Flags of a SIGCHLD action. */
const SA_NOCLDSTOP = 1;
const SA_NOCLDWAIT = 2;

export class JobControl {
  private readonly groups: Groups;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly table: ProcessTable,
    private readonly infos: SignalInfos,
    private readonly sender: SignalSender,
    private readonly attention: Attention,
    private readonly waits: WaitQueues,
  ) {
    this.groups = table.groups;
  }

  /**
   * The running thread parks, because its process stops; or begins to stop its process by `signal`, which it has taken.
   *
   * @param signal 0: the process stops already
   * @returns BLOCKED, or 0 when nothing stops (it has been continued meanwhile, or nobody could continue it, or it is to die)
   */
  stop(thread: number, signal: number): number {
    const { ram, locks } = this;
    const process = Thread.process.get(ram, thread);
    const lock = Process.lock.addr(process);
    locks.acquire(this.table.lock);
    locks.acquire(lock);
    const flags = Thread.flags.and(ram, thread, ~ThreadFlag.StopTaken);
    if (signal !== 0 && (flags & ThreadFlag.Stop) === 0) {
      const stays = (flags & ThreadFlag.StopTaken) !== 0 && this.mayStopLocked(process, signal);
      if (stays) this.beginLocked(process, thread, signal);
    }
    let result = 0;
    let complete = false;
    if ((Thread.flags.and(ram, thread, ~ThreadFlag.Stop) & ThreadFlag.Stop) !== 0) {
      complete = this.stopsLocked(process);
      const queue = Process.parked.addr(process);
      result = this.waits.sleepLocked(thread, queue, lock, WaitForm.Resume, WaitReason.stopped);
    }
    locks.release(lock);
    if (complete) this.tellParentLocked(process, SiCode.Stopped, Process.stopSignal.get(ram, process));
    locks.release(this.table.lock);
    return result === BLOCKED ? BLOCKED : 0;
  }

  /** A thread that was to park ends instead. Under the tree lock and the process's; returns whether all others are parked now. */
  leavesLocked(process: number, thread: number): boolean {
    const { ram } = this;
    if ((Thread.flags.load(ram, thread) & ThreadFlag.Stop) === 0 || Process.stopCount.get(ram, process) === 0) return false;
    return this.stopsLocked(process);
  }

  /** A process has stopped because its last running thread has ended. Under the tree lock. */
  tellStoppedLocked(process: number): void {
    this.tellParentLocked(process, SiCode.Stopped, Process.stopSignal.get(this.ram, process));
  }

  /** A CONT has gone to a process that was stopped or stopping. Under the tree lock. */
  tellContinuedLocked(process: number, what: number): void {
    if (what === Continued.Stopped) this.tellParentLocked(process, SiCode.Continued, Signal.CONT);
    else this.tellParentLocked(process, SiCode.Stopped, 0);
  }

  /**
   * A process has ended and is a zombie of `parent`: sends the parent its signal, and wakes who waits. Under the tree lock.
   *
   * @returns whether the parent does not want it as a zombie
   */
  tellEndLocked(process: number, parent: number): boolean {
    const { ram } = this;
    const signal = Process.exitSignal.get(ram, process);
    let reap = false;
    let silent = signal === 0;
    if (signal === Signal.CHLD) {
      const action = this.sender.actionOf(parent, Signal.CHLD);
      const lock = Process.lock.addr(parent);
      this.locks.acquire(lock);
      const ignored = ram.getU64(action) === SIG_IGN;
      reap = ignored || (ram.u32[(action + 8) >>> 2]! & SA_NOCLDWAIT) !== 0;
      silent = ignored;
      this.locks.release(lock);
    }
    if (!silent) {
      const status = Process.status.peek(ram, process);
      const killed = (status & 0x7f) !== 0;
      this.describeLocked(process, signal, killed ? SiCode.Killed : SiCode.Exited, killed ? status & 0x7f : status >> 8);
      this.sender.sendLocked(parent, 0);
    }
    return reap;
  }

  /**
   * A process of this group has just been given to the machine, or ends: if nobody is left who could continue the group and some of it are stopped,
   * they are hung up and continued. Under the tree lock.
   *
   * @param parent the parent that goes, or the parent of the one that ends
   * @param ignored the one that ends, or 0
   */
  orphanLocked(group: number, parent: number, ignored: number): void {
    const { ram, groups } = this;
    if (parent === 0 || !groups.couldContinueLocked(parent, group)) return;
    let stopped = false;
    for (let one = groups.firstLocked(group); one !== 0 && !stopped; one = Process.groupNext.get(ram, one))
      stopped = one !== ignored && Process.stopped.get(ram, one) !== 0;
    if (!stopped || !groups.isOrphanedLocked(group, ignored)) return;
    for (const signal of [Signal.HUP, Signal.CONT]) {
      for (let one = groups.firstLocked(group); one !== 0; one = Process.groupNext.get(ram, one)) {
        this.infos.fromKernel(signal);
        this.sender.sendLocked(one, 0);
      }
    }
  }

  /** STOP always stops; the terminal's signals only if somebody could continue the process. */
  private mayStopLocked(process: number, signal: number): boolean {
    if ((Process.flags.load(this.ram, process) & ProcessFlag.Exiting) !== 0) return false;
    return signal === Signal.STOP || !this.groups.isOrphanedLocked(Process.group.get(this.ram, process), 0);
  }

  private beginLocked(process: number, thread: number, signal: number): void {
    const { ram } = this;
    const lock = Process.lock.addr(process);
    let count = 0;
    Process.stopSignal.set(ram, process, signal);
    for (let one = Process.threads.get(ram, process); one !== 0; one = Thread.siblingNext.get(ram, one)) {
      if (this.waits.waitsForLocked(one, lock, WaitReason.stopped)) continue;
      count++;
      if (one === thread) Thread.flags.or(ram, one, ThreadFlag.Stop);
      else this.attention.notifyLocked(one, ThreadFlag.Stop);
    }
    Process.stopCount.set(ram, process, count);
  }

  /** One thread fewer has still to park: returns whether that was the last. */
  private stopsLocked(process: number): boolean {
    const { ram } = this;
    const left = Process.stopCount.get(ram, process) - 1;
    Process.stopCount.set(ram, process, left);
    if (left !== 0) return false;
    const first = Process.stopped.get(ram, process) === 0;
    Process.stopped.set(ram, process, 1);
    Process.stopReport.set(ram, process, Process.stopSignal.get(ram, process));
    Process.continueReport.set(ram, process, 0);
    return first;
  }

  /** SIGCHLD for the parent unless it does not want to hear of stops, and whoever waits looks again. */
  private tellParentLocked(process: number, code: number, status: number): void {
    const { ram } = this;
    const parent = Process.parent.get(ram, process);
    if (parent === 0) return;
    const action = this.sender.actionOf(parent, Signal.CHLD);
    const lock = Process.lock.addr(parent);
    this.locks.acquire(lock);
    const wanted = ram.getU64(action) !== SIG_IGN && (ram.u32[(action + 8) >>> 2]! & SA_NOCLDSTOP) === 0;
    this.locks.release(lock);
    if (wanted) {
      this.describeLocked(process, Signal.CHLD, code, status);
      this.sender.sendLocked(parent, 0);
    }
    this.waits.wakeAllLocked(Process.childWaiters.addr(parent));
  }

  private describeLocked(process: number, signal: number, code: number, status: number): void {
    const { ram } = this;
    // Without its lock: what its threads have used meanwhile is missing, as it is of a time that has passed.
    const used = Process.endedNs.peek(ram, process);
    this.infos.fromChild(signal, code, Process.pid.get(ram, process), Process.uid.peek(ram, process), status, used);
  }
}
