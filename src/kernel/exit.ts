/*
 * Deaths: of a thread, and with the last one of its process, which gives back all that it held.
 *
 * A thread ends itself only, on the hart that runs it. To end another one, mark it Killed, end its wait, and interrupt its hart: it
 * ends before its next guest instruction (hart-loop.ts). The order within a process: its IPC objects go first (their waiters are
 * woken), then its memory, then it becomes a zombie: who has waited for a process finds everything returned.
 *
 * IPC families register what they have to take back (`onProcessExit`); the kernel knows nothing else of them.
 */

import { Context } from '../core/context.ts';
import type { Ram } from '../core/ram.ts';
import type { HostBell } from '../smp/host-bell.ts';
import { HostCall } from '../smp/host-bell.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { scheduledHart } from '../smp/schedule/point.ts';
import type { Shootdown } from '../smp/shootdown.ts';
import type { Locks } from '../smp/spinlock.ts';
import { EventId, type Tracer } from '../trace/index.ts';
import type { AddressSpaces } from './address-space.ts';
import type { Descriptors } from './files/descriptors.ts';
import type { Attention } from './attention.ts';
import type { Polls } from './files/polls.ts';
import type { Futexes } from './futex.ts';
import type { Launches } from './launches.ts';
import { assertNothingHeld, assertNotWaiting } from './oracles/exit-check.ts';
import { Process, ProcessFlag } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import { ENDED } from './result.ts';
import type { Scheduler } from './scheduler.ts';
import type { JobControl } from './job-control.ts';
import type { SignalQueues } from './signal-queue.ts';
import type { SignalSender } from './signal-send.ts';
import type { Spawner } from './spawn.ts';
import { Thread, ThreadState } from './thread.ts';
import type { UserCopy } from './user-copy.ts';
import type { WaitQueues } from './wait-queue.ts';

/** Takes back what a dying process owns of one IPC family. */
export type Reaper = (process: number) => void;

export class Exits {
  private readonly reapers: Reaper[] = [];

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly table: ProcessTable,
    private readonly spaces: AddressSpaces,
    private readonly descriptors: Descriptors,
    private readonly polls: Polls,
    private readonly copy: UserCopy,
    private readonly futexes: Futexes,
    private readonly waits: WaitQueues,
    private readonly scheduler: Scheduler,
    private readonly attention: Attention,
    private readonly queues: SignalQueues,
    private readonly sender: SignalSender,
    private readonly jobs: JobControl,
    private readonly shootdown: Shootdown,
    private readonly spawner: Spawner,
    private readonly launches: Launches,
    private readonly bell: HostBell,
    private readonly trace: Tracer,
  ) {
    spawner.undo = (child) => {
      for (const reap of this.reapers) reap(child);
    };
  }

  /** Calls `reap` for every process that ends, while it still has its pid. */
  onProcessExit(reap: Reaper): void {
    this.reapers.push(reap);
  }

  /**
   * The running thread ends (exit). If it is the last one, the process ends with wait status `status`, unless another is set already.
   */
  endThread(thread: number, status: number): number {
    const { ram, locks } = this;
    const process = Thread.process.get(ram, thread);
    const tid = Thread.tid.get(ram, thread);
    this.futexes.abandonRobust(thread);
    this.descriptors.abandon(thread);
    this.polls.end(thread);
    const clear = Thread.clearChildTid.get(ram, thread);
    const space = Process.space.get(ram, process);
    // As on Linux only if somebody is left who could see it.
    if (clear !== 0 && (Process.threadCount.peek(ram, process) > 1 || this.spaces.isSharedByProcesses(space))) {
      if (this.copy.writeU32(space, clear, 0) === 0) this.futexes.wake(space, clear, 1);
    }

    this.scheduler.leave(thread);
    const processLock = Process.lock.addr(process);
    locks.acquire(this.table.lock);
    this.table.leaveThreadLocked(thread);
    locks.acquire(processLock);
    Process.endedNs.set(ram, process, Process.endedNs.get(ram, process) + Thread.cpuNs.get(ram, thread));
    const left = this.leaveLocked(process, thread);
    this.queues.emptyThreadLocked(process, thread);
    // What it was told of and has not taken is for the others.
    if (left > 0) this.sender.passOnLocked(process, thread, -1, -1);
    const stopped = left > 0 && this.jobs.leavesLocked(process, thread);
    if (left === 0 && (Process.flags.load(ram, process) & ProcessFlag.Exiting) === 0) {
      Process.flags.or(ram, process, ProcessFlag.Exiting);
      Process.status.set(ram, process, status);
    }
    if (left === 1) this.waits.wakeAllLocked(Process.alone.addr(process));
    const pid = Process.pid.get(ram, process);
    // Under the locks: once they are free the last thread may end the process, and who waits for it finds everything returned.
    Thread.state.store(ram, thread, ThreadState.Free);
    if (SEEDED) {
      scheduledHart().threadEnds(thread);
      assertNotWaiting(ram, thread);
      if (left === 0) this.table.processes.claim(process);
    }
    this.table.threads.free(thread);
    locks.release(processLock);
    if (stopped) this.jobs.tellStoppedLocked(process);
    locks.release(this.table.lock);
    if (this.trace.on) this.trace.emit(EventId.threadExit, tid, pid, tid, 0, 0);

    if (left === 0) this.endProcess(process);
    return ENDED;
  }

  /** The running thread ends its whole process with this wait status (exit_group, or a fault that kills). */
  endGroup(thread: number, status: number): number {
    const { ram, locks } = this;
    const process = Thread.process.get(ram, thread);
    locks.acquire(this.table.lock);
    this.attention.killLocked(process, status, thread);
    locks.release(this.table.lock);
    return this.endThread(thread, status);
  }

  /** Notes why the running thread is about to end its process: for whoever started the program. */
  noteFault(thread: number, cause: number, address: number): void {
    const { ram, locks } = this;
    const process = Thread.process.get(ram, thread);
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    Process.faultCause.set(ram, process, cause);
    Process.faultPc.set(ram, process, Context.pc.get(ram, thread));
    Process.faultAddress.set(ram, process, address);
    locks.release(lock);
  }

  private leaveLocked(process: number, thread: number): number {
    const { ram } = this;
    const next = Thread.siblingNext.get(ram, thread);
    const prev = Thread.siblingPrev.get(ram, thread);
    if (next !== 0) Thread.siblingPrev.set(ram, next, prev);
    if (prev !== 0) Thread.siblingNext.set(ram, prev, next);
    else Process.threads.set(ram, process, next);
    const left = Process.threadCount.get(ram, process) - 1;
    Process.threadCount.set(ram, process, left);
    return left;
  }

  /** The last thread of the process is gone. */
  private endProcess(process: number): void {
    const { ram, locks } = this;
    for (const reap of this.reapers) reap(process);
    const processLock = Process.lock.addr(process);
    locks.acquire(processLock);
    this.queues.emptyProcessLocked(process);
    locks.release(processLock);
    const lock = Process.lock.addr(process);
    const space = Process.space.get(ram, process);
    // Under the lock: whoever looks at the memory of another process takes its reference under it.
    locks.acquire(lock);
    Process.space.set(ram, process, 0);
    locks.release(lock);
    this.shootdown.activate(0, 0, 0);
    this.spaces.release(space);
    this.spawner.releaseParent(process);

    const pid = Process.pid.get(ram, process);
    const status = Process.status.get(ram, process);
    if (this.trace.on) this.trace.emit(EventId.processExit, pid, pid, status, 0, 0);
    const launched = (Process.flags.load(ram, process) & ProcessFlag.Launched) !== 0;
    if (launched) this.launches.noteEnd(process);
    locks.acquire(this.table.lock);
    if (SEEDED) {
      assertNothingHeld(ram, process);
      this.table.processes.publish(process);
    }
    this.leaveFamilyLocked(process);
    locks.release(this.table.lock);
    if (launched) this.bell.ring(HostCall.Exit);
  }

  /** Children go to the machine, the process to its parent, groups that nobody could continue any more are hung up. */
  private leaveFamilyLocked(process: number): void {
    const { ram, table, jobs } = this;
    table.forgetZombiesLocked(process);
    for (let child = table.releaseChildLocked(process); child !== 0; child = table.releaseChildLocked(process))
      jobs.orphanLocked(Process.group.get(ram, child), process, 0);
    jobs.orphanLocked(Process.group.get(ram, process), Process.parent.get(ram, process), process);
    const parent = table.endProcessLocked(process);
    if (parent === 0 || jobs.tellEndLocked(process, parent)) table.forgetLocked(process);
    if (parent !== 0) this.waits.wakeAllLocked(Process.childWaiters.addr(parent));
  }
}
