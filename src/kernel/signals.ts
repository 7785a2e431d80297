/*
 * Sending by number: kill(2) and its relatives, for guests, and the kernel's own signals for hosts, timers and devices.
 *
 * The rest of signals, a file for each idea: what is told with one and the queues (signal-info.ts, signal-queue.ts), sending (signal-send.ts), stopping
 * and continuing (job-control.ts), delivery (signal-delivery.ts), frames of handlers (signal-frame.ts), what a thread does about its own
 * (signal-masks.ts), how a system call goes on (restart.ts).
 *
 * Locks: the tree lock for all of a call, so that groups and processes stay what they are; the rest is the sender's.
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import type { Credentials } from './credentials.ts';
import { E } from './errno.ts';
import { INIT_PID, Process, ProcessState, SIGNALS } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import { SiCode, type SignalInfos } from './signal-info.ts';
import { Signal } from './signal-numbers.ts';
import type { SignalSender } from './signal-send.ts';
import { Thread } from './thread.ts';

/** The sender is the kernel itself. */
const KERNEL = 0;

export class Signals {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly table: ProcessTable,
    private readonly infos: SignalInfos,
    private readonly sender: SignalSender,
    private readonly credentials: Credentials,
  ) {}

  // --- The kernel's own ---------------------------------------------------------------------------------------------------------

  /** Sends a signal (0: only asks) to one process. Returns 0, -ESRCH or -EINVAL. */
  kill(pid: number, signal: number): number {
    return this.killOne(KERNEL, pid, signal);
  }

  /** Sends a signal to every process but one (0: to all). Returns 0, -ESRCH when there is none, -EINVAL. */
  killAll(except: number, signal: number): number {
    return this.killEvery(KERNEL, except, signal);
  }

  /** Sends a signal to one thread. `pid` 0: of whatever process it is. Returns 0, -ESRCH, -EINVAL. */
  killThread(pid: number, tid: number, signal: number): number {
    return this.killThreadFor(KERNEL, pid, tid, signal);
  }

  /** Sends a signal to all processes of a group. Returns 0, or -ESRCH when there is no such group. */
  killGroup(group: number, signal: number): number {
    return this.killGroupFor(KERNEL, group, signal);
  }

  /** The same for a caller that holds the tree lock; `group` is the group's block (Groups.findLocked). */
  sendGroupLocked(group: number, signal: number): void {
    const { groups } = this.table;
    for (let process = groups.firstLocked(group); process !== 0; process = Process.groupNext.get(this.ram, process))
      this.sendLocked(KERNEL, process, 0, signal);
  }

  /** The running thread gets a signal because of what it does (SIGPIPE, SIGXFSZ): as if it had sent it to itself. */
  sendToThread(thread: number, signal: number): void {
    const { ram, locks } = this;
    const process = Thread.process.get(ram, thread);
    locks.acquire(this.table.lock);
    this.infos.fromProcess(signal, SiCode.User, Process.pid.get(ram, process), Process.uid.peek(ram, process));
    this.sender.sendLocked(process, thread);
    locks.release(this.table.lock);
  }

  // --- For guests -----------------------------------------------------------------------------------------------------------------

  /** kill(2) by a process. */
  killBy(caller: number, pid: number, signal: number): number {
    const { ram, table } = this;
    if (pid > 0) return this.killOne(caller, pid, signal);
    if (pid === -1) return this.killEvery(caller, caller, signal);
    if (pid === -(2 ** 31)) return -E.SRCH;
    if (pid < 0) return this.killGroupFor(caller, -pid, signal);
    this.locks.acquire(table.lock);
    const result = this.groupLocked(caller, Process.group.get(ram, caller), signal);
    this.locks.release(table.lock);
    return result;
  }

  /** tgkill(2), or tkill(2) with pid 0. */
  killThreadBy(caller: number, pid: number, tid: number, signal: number): number {
    if (tid <= 0 || pid < 0) return -E.INVAL;
    return this.killThreadFor(caller, pid, tid, signal);
  }

  /**
   * rt_sigqueueinfo(2), rt_tgsigqueueinfo(2) with a `tid`: the signal with what the draft says.
   *
   * @returns 0, -EAGAIN (too many wait already), -EINVAL, -EPERM, -ESRCH
   */
  queueBy(caller: number, pid: number, tid: number, signal: number): number {
    const { ram, table, locks } = this;
    locks.acquire(table.lock);
    let thread = 0;
    let process = table.processLocked(pid);
    if (tid !== 0) {
      thread = table.threadLocked(tid);
      if (thread === 0 || Thread.process.get(ram, thread) !== process) process = 0;
    }
    let result = -E.SRCH;
    if (process !== 0) result = this.checkLocked(caller, process, signal);
    if (result === 0 && signal !== 0) {
      this.infos.setSignal(signal);
      result = this.sender.sendLocked(process, thread);
    }
    locks.release(table.lock);
    return result;
  }

  private killOne(caller: number, pid: number, signal: number): number {
    const { locks, table } = this;
    locks.acquire(table.lock);
    const process = table.processLocked(pid);
    let result = -E.SRCH;
    if (process !== 0) result = this.checkedLocked(caller, process, 0, signal);
    else if (pid === INIT_PID) result = this.toInit(caller, signal);
    locks.release(table.lock);
    return result;
  }

  /** The machine itself is there, and does nothing about any signal. */
  private toInit(caller: number, signal: number): number {
    if (signal < 0 || signal > SIGNALS) return -E.INVAL;
    return caller === KERNEL || this.credentials.isRoot(caller) ? 0 : -E.PERM;
  }

  private killThreadFor(caller: number, pid: number, tid: number, signal: number): number {
    const { ram, locks, table } = this;
    locks.acquire(table.lock);
    const thread = table.threadLocked(tid);
    const process = thread === 0 ? 0 : Thread.process.get(ram, thread);
    const known = process !== 0 && (pid === 0 || Process.pid.get(ram, process) === pid);
    const result = known ? this.checkedLocked(caller, process, thread, signal) : -E.SRCH;
    locks.release(table.lock);
    return result;
  }

  private killGroupFor(caller: number, id: number, signal: number): number {
    const { locks, table } = this;
    locks.acquire(table.lock);
    const group = table.groups.findLocked(id);
    const result = group === 0 ? -E.SRCH : this.groupLocked(caller, group, signal);
    locks.release(table.lock);
    return result;
  }

  /** Good if one of them could be sent to. */
  private groupLocked(caller: number, group: number, signal: number): number {
    let result = -E.SRCH;
    let sent = false;
    const { groups } = this.table;
    for (let process = groups.firstLocked(group); process !== 0; process = Process.groupNext.get(this.ram, process)) {
      result = this.checkedLocked(caller, process, 0, signal);
      sent ||= result === 0;
    }
    return sent ? 0 : result;
  }

  /** kill(-1): that it may not send to some does not count. */
  private killEvery(caller: number, except: number, signal: number): number {
    const { ram, locks } = this;
    const { processes } = this.table;
    locks.acquire(this.table.lock);
    let found = false;
    let result = 0;
    for (let i = 0; i < processes.count; i++) {
      const process = processes.at(i);
      // One that is being made is Free yet.
      if (!processes.isUsed(i) || process === except || Process.state.get(ram, process) === ProcessState.Free) continue;
      found = true;
      const error = this.checkedLocked(caller, process, 0, signal);
      if (error !== -E.PERM) result = error;
    }
    locks.release(this.table.lock);
    return found ? result : -E.SRCH;
  }

  private checkedLocked(caller: number, process: number, thread: number, signal: number): number {
    const error = this.checkLocked(caller, process, signal);
    return error !== 0 || signal === 0 ? error : this.sendLocked(caller, process, thread, signal);
  }

  /** Whether there is such a signal and the caller may send it: 0, -EINVAL, -EPERM. */
  private checkLocked(caller: number, process: number, signal: number): number {
    if (signal < 0 || signal > SIGNALS) return -E.INVAL;
    if (caller === KERNEL || caller === process || this.credentials.maySignal(caller, process)) return 0;
    const { groups } = this.table;
    if (signal === Signal.CONT && groups.sessionOfLocked(caller) === groups.sessionOfLocked(process)) return 0;
    return -E.PERM;
  }

  private sendLocked(caller: number, process: number, thread: number, signal: number): number {
    const { ram, infos } = this;
    if (caller === KERNEL) infos.fromKernel(signal);
    else {
      const code = thread === 0 ? SiCode.User : SiCode.Tkill;
      infos.fromProcess(signal, code, Process.pid.get(ram, caller), Process.uid.peek(ram, caller));
    }
    return this.sender.sendLocked(process, thread);
  }
}
