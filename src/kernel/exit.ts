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
import type { Futexes } from './futex.ts';
import type { Launches } from './launches.ts';
import { assertNothingHeld, assertNotWaiting } from './oracles/exit-check.ts';
import { Process, ProcessFlag } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import { ENDED } from './result.ts';
import type { Scheduler } from './scheduler.ts';
import { Signal, signalBit } from './signal-numbers.ts';
import type { Spawner } from './spawn.ts';
import { Thread, ThreadFlag, ThreadState } from './thread.ts';
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
    private readonly copy: UserCopy,
    private readonly futexes: Futexes,
    private readonly waits: WaitQueues,
    private readonly scheduler: Scheduler,
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
    this.killLocked(process, status, thread);
    locks.release(this.table.lock);
    return this.endThread(thread, status);
  }

  /**
   * Makes all threads of a process end; the last to go ends the process. The first status counts. The caller holds the tree lock.
   *
   * @param except a thread that ends by itself, or 0
   */
  killLocked(process: number, status: number, except: number): void {
    const { ram, locks } = this;
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    if ((Process.flags.or(ram, process, ProcessFlag.Exiting) & ProcessFlag.Exiting) === 0)
      Process.status.set(ram, process, status);
    this.killThreadsLocked(process, except);
    locks.release(lock);
  }

  /** Makes the threads of a process end but for one. The caller holds the tree lock and the process's. */
  killThreadsLocked(process: number, except: number): void {
    const { ram } = this;
    for (let thread = Process.threads.get(ram, process); thread !== 0; thread = Thread.siblingNext.get(ram, thread)) {
      if (thread === except) continue;
      Thread.flags.or(ram, thread, ThreadFlag.Killed);
      this.waits.interrupt(thread);
      if (Thread.state.load(ram, thread) === ThreadState.Running) this.scheduler.interrupt(Thread.hart.load(ram, thread));
    }
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
    const space = Process.space.get(ram, process);
    Process.space.set(ram, process, 0);
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
    const parent = this.table.endProcessLocked(process);
    if (parent === 0) this.table.forgetLocked(process);
    else if (this.ignoresChildren(parent)) this.table.forgetLocked(process);
    if (parent !== 0) this.waits.wakeAllLocked(Process.childWaiters.addr(parent));
    locks.release(this.table.lock);
    if (launched) this.bell.ring(HostCall.Exit);
  }

  /** A parent that ignores SIGCHLD gets no zombies (POSIX.1-2001). */
  private ignoresChildren(parent: number): boolean {
    return (Process.ignoredLow.load(this.ram, parent) & signalBit(Signal.CHLD)) !== 0;
  }
}
