/*
 * Waiting for children (wait4(2)).
 *
 * The wait is of the Rerun form under the tree lock: every child that ends wakes all who wait, and each looks again.
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { E } from './errno.ts';
import { Process, ProcessState } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import { writeRusage } from './rusage.ts';
import { Thread } from './thread.ts';
import type { UserCopy } from './user-copy.ts';
import { WaitForm, WaitReason } from './wait.ts';
import type { WaitQueues } from './wait-queue.ts';

export const WNOHANG = 1;
const WUNTRACED = 2;
const WCONTINUED = 8;
const LINUX_ONLY = 0xe000_0000;

export class ChildWaits {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly table: ProcessTable,
    private readonly copy: UserCopy,
    private readonly waits: WaitQueues,
    private readonly scratch: number,
  ) {}

  /**
   * Waits for a child that has ended, and forgets it.
   *
   * @param pid > 0: that child; -1, 0: any (there are no process groups yet)
   * @param statusAddress user address for the wait status, 0: none; `usageAddress` likewise for its rusage
   * @returns the child's pid; 0 with WNOHANG when none has ended; BLOCKED; -ECHILD, -EINVAL, -EFAULT (the child is gone then, as on Linux)
   */
  wait4(thread: number, pid: number, statusAddress: number, options: number, usageAddress: number): number {
    const { ram, locks, table } = this;
    if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED | LINUX_ONLY)) !== 0) return -E.INVAL;
    const process = Thread.process.get(ram, thread);
    locks.acquire(table.lock);
    const child = this.findLocked(process, pid);
    if (child <= 0) {
      let result = child;
      if (child === 0 && (options & WNOHANG) === 0) {
        result = this.waits.sleepLocked(
          thread,
          Process.childWaiters.addr(process),
          table.lock,
          WaitForm.Rerun,
          WaitReason.child,
        );
      }
      locks.release(table.lock);
      return result;
    }
    const childPid = Process.pid.get(ram, child);
    // Without its lock: a zombie has no thread that could change it.
    const status = Process.status.peek(ram, child);
    const usedNs = Process.endedNs.peek(ram, child) + Process.childrenNs.get(ram, child);
    Process.childrenNs.set(ram, process, Process.childrenNs.get(ram, process) + usedNs);
    table.forgetLocked(child);
    locks.release(table.lock);

    const space = Process.space.get(ram, process);
    if (statusAddress !== 0 && this.copy.writeU32(space, statusAddress, status) !== 0) return -E.FAULT;
    if (usageAddress !== 0 && writeRusage(ram, this.copy, this.scratch, space, usageAddress, usedNs) !== 0) return -E.FAULT;
    return childPid;
  }

  /** A child that has ended; 0: none yet; -ECHILD: none will. */
  private findLocked(process: number, pid: number): number {
    const { ram } = this;
    if (pid < -1) return -E.CHILD;
    if (pid > 0) {
      const child = this.table.processLocked(pid);
      if (child === 0 || Process.parent.get(ram, child) !== process) return -E.CHILD;
      return Process.state.get(ram, child) === ProcessState.Zombie ? child : 0;
    }
    const zombie = Process.zombies.get(ram, process);
    if (zombie !== 0) return zombie;
    return Process.children.get(ram, process) === 0 ? -E.CHILD : 0;
  }
}
