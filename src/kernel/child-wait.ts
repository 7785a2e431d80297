/*
 * Waiting for children: wait4(2), waitid(2).
 *
 * The wait is of the Rerun form under the tree lock: every child that ends, stops or goes on wakes all who wait (job-control.ts, exit.ts), and each
 * looks again. Of several children that have something to tell the oldest is taken, as on Linux.
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { E } from './errno.ts';
import { Process, ProcessState } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import { writeRusage } from './rusage.ts';
import { SiCode, SIGINFO_BYTES, type SignalInfos } from './signal-info.ts';
import { Signal } from './signal-numbers.ts';
import { Thread } from './thread.ts';
import type { UserCopy } from './user-copy.ts';
import { WaitForm, WaitReason } from './wait.ts';
import type { WaitQueues } from './wait-queue.ts';

export const WaitOption = {
  NoHang: 1,
  /** WUNTRACED of wait4. */
  Stopped: 2,
  Exited: 4,
  Continued: 8,
  NoWait: 0x0100_0000,
  NoThread: 0x2000_0000,
  All: 0x4000_0000,
  Clone: 0x8000_0000,
} as const;

/** __WNOTHREAD changes nothing: children are the process's here. */
const LINUX_ONLY = WaitOption.NoThread | WaitOption.All | WaitOption.Clone;
const WAIT4_OPTIONS = WaitOption.NoHang | WaitOption.Stopped | WaitOption.Continued | LINUX_ONLY;
const EVENTS = WaitOption.Exited | WaitOption.Stopped | WaitOption.Continued;
const WAITID_OPTIONS = WaitOption.NoHang | EVENTS | WaitOption.NoWait | LINUX_ONLY;

/** Whom waitid waits for. */
const IdType = { All: 0, Pid: 1, Group: 2, PidFd: 3 } as const;

/** Whom the wait is for, by numbers above and below 0: a child, any, or those of a group. */
const ANY = -1;

const SHELL_STOPPED = 0x7f;
const STATUS_CONTINUED = 0xffff;

export class ChildWaits {
  /** What the last `look` has found of a child. */
  private code = 0;
  private status = 0;
  private uid = 0;
  private usedNs = 0;
  private exists = false;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly table: ProcessTable,
    private readonly copy: UserCopy,
    private readonly waits: WaitQueues,
    private readonly infos: SignalInfos,
    private readonly scratch: number,
  ) {}

  /**
   * Waits for a child that has ended (stopped, been continued, with the options), and forgets it (or what it had to tell).
   *
   * @param pid > 0: that child; -1: any; 0: of the caller's group; else: of the group -pid
   * @param statusAddress user address for the wait status, 0: none; `usageAddress` likewise for its rusage
   * @returns the child's pid; 0 with WNOHANG when there is nothing to tell; BLOCKED, a restart code; -ECHILD, -EINVAL, -ESRCH, -EFAULT (the
   * child is gone then, as on Linux)
   */
  wait4(thread: number, pid: number, statusAddress: number, options: number, usageAddress: number): number {
    const { ram } = this;
    if ((options & ~WAIT4_OPTIONS) !== 0) return -E.INVAL;
    if (pid === -(2 ** 31)) return -E.SRCH;
    const process = Thread.process.get(ram, thread);
    const child = this.wait(thread, process, pid, options | WaitOption.Exited);
    if (child <= 0) return child;
    const space = Process.space.get(ram, process);
    if (statusAddress !== 0 && this.copy.writeU32(space, statusAddress, this.status4()) !== 0) return -E.FAULT;
    return this.writeUsage(space, usageAddress) !== 0 ? -E.FAULT : child;
  }

  /** waitid(2): 0, or as `wait4`. `infoAddress` 0: no siginfo is wanted. */
  waitid(thread: number, type: number, id: number, infoAddress: number, options: number, usageAddress: number): number {
    const { ram } = this;
    if ((options & ~WAITID_OPTIONS) !== 0 || (options & EVENTS) === 0) return -E.INVAL;
    const process = Thread.process.get(ram, thread);
    let whom = ANY;
    if (type === IdType.Pid) {
      if (id <= 0) return -E.INVAL;
      whom = id;
    } else if (type === IdType.Group) {
      if (id < 0) return -E.INVAL;
      // The group 1 is the machine's, and no child is of it.
      whom = id === 1 ? -(2 ** 31) : -id;
    } else if (type === IdType.PidFd) {
      return id < 0 ? -E.INVAL : -E.BADF;
    } else if (type !== IdType.All) {
      return -E.INVAL;
    }
    const child = this.wait(thread, process, whom, options);
    if (child < 0) return child;
    const space = Process.space.get(ram, process);
    if (child > 0 && this.writeUsage(space, usageAddress) !== 0) return -E.FAULT;
    return infoAddress === 0 ? 0 : this.writeInfo(space, infoAddress, child);
  }

  /** A child that has something to tell, which `code`, `status` … tell of then; 0: none yet; a negative outcome. */
  private wait(thread: number, process: number, whom: number, options: number): number {
    const { ram, locks, table } = this;
    locks.acquire(table.lock);
    const child = this.findLocked(process, whom, options);
    let result = 0;
    if (child !== 0) {
      result = Process.pid.get(ram, child);
      this.takeLocked(process, child, (options & WaitOption.NoWait) !== 0);
    } else if (!this.exists) {
      result = -E.CHILD;
    } else if ((options & WaitOption.NoHang) === 0) {
      const queue = Process.childWaiters.addr(process);
      result = this.waits.sleepLocked(thread, queue, table.lock, WaitForm.Rerun, WaitReason.child);
    }
    locks.release(table.lock);
    return result;
  }

  /** The oldest child that fits and has something to tell, or 0; `exists`: whether any fits. */
  private findLocked(process: number, whom: number, options: number): number {
    const { ram } = this;
    this.exists = false;
    if (whom > 0) {
      const child = this.table.processLocked(whom);
      if (child === 0 || Process.parent.get(ram, child) !== process) return 0;
      return this.fitsLocked(process, child, whom, options) && this.tellsLocked(child, options) ? child : 0;
    }
    const oldest = this.oldestLocked(process, Process.zombies.get(ram, process), whom, options, 0);
    return this.oldestLocked(process, Process.children.get(ram, process), whom, options, oldest);
  }

  private oldestLocked(process: number, first: number, whom: number, options: number, known: number): number {
    const { ram } = this;
    let oldest = known;
    for (let child = first; child !== 0; child = Process.siblingNext.get(ram, child)) {
      if (!this.fitsLocked(process, child, whom, options) || !this.tellsLocked(child, options)) continue;
      if (oldest === 0 || Process.birth.get(ram, child) < Process.birth.get(ram, oldest)) oldest = child;
    }
    return oldest;
  }

  private fitsLocked(process: number, child: number, whom: number, options: number): boolean {
    const { ram, table } = this;
    if (whom <= 0 && whom !== ANY) {
      const group = Process.group.get(ram, child);
      if (group !== (whom === 0 ? Process.group.get(ram, process) : table.groups.findLocked(-whom))) return false;
    }
    const clone = Process.exitSignal.get(ram, child) !== Signal.CHLD;
    const fits = (options & WaitOption.All) !== 0 || clone === ((options & WaitOption.Clone) !== 0);
    if (fits) this.exists = true;
    return fits;
  }

  private tellsLocked(child: number, options: number): boolean {
    const { ram } = this;
    if (Process.state.get(ram, child) === ProcessState.Zombie) return (options & WaitOption.Exited) !== 0;
    if ((options & WaitOption.Stopped) !== 0 && Process.stopReport.get(ram, child) !== 0) return true;
    return (options & WaitOption.Continued) !== 0 && Process.continueReport.get(ram, child) !== 0;
  }

  /** Notes what the child has to tell, and takes it from it unless it is only looked at. */
  private takeLocked(process: number, child: number, leave: boolean): void {
    const { ram, table } = this;
    this.uid = Process.uid.peek(ram, child);
    // Without its lock: a zombie has no thread that could change these, and of the others the time is that of a moment ago.
    const ownNs = Process.endedNs.peek(ram, child);
    this.usedNs = ownNs + Process.childrenNs.get(ram, child);
    if (Process.state.get(ram, child) === ProcessState.Zombie) {
      const status = Process.status.peek(ram, child);
      const killed = (status & 0x7f) !== 0;
      this.code = killed ? SiCode.Killed : SiCode.Exited;
      this.status = killed ? status & 0x7f : (status >> 8) & 0xff;
      if (leave) return;
      Process.childrenNs.set(ram, process, Process.childrenNs.get(ram, process) + this.usedNs);
      table.forgetLocked(child);
      return;
    }
    const stopped = Process.stopReport.get(ram, child);
    this.code = stopped !== 0 ? SiCode.Stopped : SiCode.Continued;
    this.status = stopped !== 0 ? stopped : Signal.CONT;
    if (leave) return;
    Process.stopReport.set(ram, child, 0);
    if (stopped === 0) Process.continueReport.set(ram, child, 0);
  }

  /** As wait4 gives it. */
  private status4(): number {
    switch (this.code) {
      case SiCode.Exited:
        return this.status << 8;
      case SiCode.Killed:
        return this.status;
      case SiCode.Stopped:
        return (this.status << 8) | SHELL_STOPPED;
      default:
        return STATUS_CONTINUED;
    }
  }

  private writeUsage(space: number, address: number): number {
    return address === 0 ? 0 : writeRusage(this.ram, this.copy, this.scratch, space, address, this.usedNs);
  }

  /** The siginfo of a SIGCHLD, without the times; of no child, zeroes. */
  private writeInfo(space: number, address: number, child: number): number {
    const { ram, scratch, infos } = this;
    ram.fill(scratch, SIGINFO_BYTES);
    if (child > 0) {
      infos.fromChild(Signal.CHLD, this.code, child, this.uid, this.status, 0);
      ram.copy(scratch, infos.draft, 28);
    }
    return this.copy.copyOut(space, address, scratch, 28);
  }
}
