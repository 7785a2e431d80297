/*
 * Births: the first process of a program that the host starts, further threads, and processes that share their parent's memory until
 * they execute a program (posix_spawn, vfork).
 *
 * A block is prepared while nobody else knows it, then entered into the tree, then made ready; from that moment it may run, and end.
 */

import { Context, NO_RESERVATION, xOffset } from '../core/context.ts';
import type { Ram } from '../core/ram.ts';
import type { Clock } from '../devices/clock.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { scheduledHart } from '../smp/schedule/point.ts';
import type { Locks } from '../smp/spinlock.ts';
import { EventId, type Tracer } from '../trace/index.ts';
import type { AddressSpaces } from './address-space.ts';
import type { Credentials } from './credentials.ts';
import { E } from './errno.ts';
import { INIT_PID, NAME_BYTES, Process, ProcessFlag } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import type { Scheduler } from './scheduler.ts';
import { ERESTARTNOINTR } from './result.ts';
import { Signal } from './signal-numbers.ts';
import { DEFAULT_PRIORITY, Thread, ThreadFlag, ThreadState } from './thread.ts';
import type { UserCopy } from './user-copy.ts';
import { WaitForm, WaitReason } from './wait.ts';
import type { WaitQueues } from './wait-queue.ts';

const SP = xOffset(2);
const TP = xOffset(4);
const A0 = xOffset(10);

/** The share of all threads that one process may have: so that none leaves no thread to the others. */
const THREAD_SHARE = 7 / 8;

/** The share of all processes beyond which only the program that the host has launched, a shell say, starts more. */
const PROCESS_SHARE = 15 / 16;

/** What clone is asked for, beside the memory that is always shared. */
export interface CloneRequest {
  /** New stack pointer; 0: as the caller's. */
  stack: number;
  /** New thread pointer, if `setTls`. */
  tls: number;
  setTls: boolean;
  /** User addresses; 0: do not. */
  parentTid: number;
  childSetTid: number;
  childClearTid: number;
  /** The signal that the parent gets when the process ends; 0: none. */
  exitSignal: number;
}

export class Spawner {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly table: ProcessTable,
    private readonly spaces: AddressSpaces,
    private readonly copy: UserCopy,
    private readonly waits: WaitQueues,
    private readonly scheduler: Scheduler,
    private readonly clock: Clock,
    private readonly trace: Tracer,
    private readonly credentials: Credentials,
    private readonly harts: number,
  ) {}

  /**
   * Starts a process without parent in a space that holds its program already. Takes over the reference to the space.
   *
   * @param name address of a NUL-terminated name of at most NAME_BYTES bytes
   * @returns the pid, or -EAGAIN when there is no slot (the space stays the caller's)
   */
  launch(space: number, entry: number, stack: number, name: number): number {
    const { ram } = this;
    const thread = this.newProcess(space);
    if (thread === 0) return -E.AGAIN;
    const process = Thread.process.get(ram, thread);
    Process.flags.store(ram, process, ProcessFlag.Launched);
    Process.exitSignal.set(ram, process, Signal.CHLD);
    ram.copy(Process.name.addr(process), name, NAME_BYTES);
    ram.fill(thread, Context.SIZE);
    this.everywhere(thread);
    Context.pc.set(ram, thread, entry);
    ram.setU64(thread + SP, stack);
    return this.enter(process, thread, 0);
  }

  /** A thread of the caller's process. Returns its tid, or -EAGAIN, -EFAULT; ERESTARTNOINTR when a signal is to be dealt with first. */
  cloneThread(caller: number, request: CloneRequest): number {
    const { ram, locks } = this;
    if (isDisturbed(ram, caller)) return ERESTARTNOINTR;
    const process = Thread.process.get(ram, caller);
    const thread = this.newThread(process);
    if (thread === 0) return -E.AGAIN;
    this.inherit(thread, caller, request);

    locks.acquire(this.table.lock);
    const tid = this.table.enterThreadLocked(thread);
    locks.acquire(Process.lock.addr(process));
    // A process that stops would otherwise have a thread that does not know.
    const disturbed = isDisturbed(ram, caller);
    const refused =
      disturbed ||
      (Process.flags.load(ram, process) & ProcessFlag.Exiting) !== 0 ||
      this.isBecomingAlone(process) ||
      Process.threadCount.get(ram, process) >= this.table.threads.count * THREAD_SHARE;
    if (refused) this.table.leaveThreadLocked(thread);
    else this.joinLocked(process, thread);
    if (SEEDED && !refused) this.table.threads.publish(thread);
    locks.release(Process.lock.addr(process));
    locks.release(this.table.lock);
    if (refused) {
      this.freeThread(thread);
      return disturbed ? ERESTARTNOINTR : -E.AGAIN;
    }

    this.storeTid(Process.space.get(ram, process), request, tid);
    if (this.trace.on)
      this.trace.emit(EventId.threadStart, Thread.tid.get(ram, caller), Process.pid.get(ram, process), tid, 0, 0);
    this.scheduler.ready(thread);
    return tid;
  }

  /**
   * A child process that shares the caller's address space.
   *
   * @param wait the caller sleeps until the child has executed a program or ended (vfork)
   * @returns the child's pid or an errno; BLOCKED when the caller sleeps (it gets the pid when it wakes)
   */
  cloneProcess(caller: number, request: CloneRequest, wait: boolean): number {
    const { ram, locks } = this;
    const parent = Thread.process.get(ram, caller);
    const space = Process.space.get(ram, parent);
    const launched = (Process.flags.load(ram, parent) & ProcessFlag.Launched) !== 0;
    if (!launched && this.table.processes.inUse() >= this.table.processes.count * PROCESS_SHARE) return -E.AGAIN;
    const thread = this.newProcess(space);
    if (thread === 0) return -E.AGAIN;
    const process = Thread.process.get(ram, thread);
    this.spaces.retain(space);
    this.inherit(thread, caller, request);
    locks.acquire(Process.lock.addr(parent));
    ram.copy(Process.name.addr(process), Process.name.addr(parent), NAME_BYTES);
    ram.copy(Process.actions.addr(process), Process.actions.addr(parent), Process.actions.size);
    locks.release(Process.lock.addr(parent));
    this.credentials.inherit(process, parent);
    Process.exitSignal.set(ram, process, request.exitSignal);
    Process.closed.store(ram, process, Process.closed.load(ram, parent));

    if (wait) this.inheritStack(thread, caller);
    const pid = this.enterProcess(process, thread, parent, caller);
    if (pid === 0) {
      this.freeThread(thread);
      this.table.processes.free(process);
      this.spaces.release(space);
      return ERESTARTNOINTR;
    }
    this.storeTid(space, request, pid);
    let result = pid;
    if (wait) {
      // The child cannot end before it is made ready below, so the wait is in place before anybody could end it.
      const guard = this.table.lock;
      locks.acquire(guard);
      result = this.waits.sleepLocked(caller, Process.vfork.addr(process), guard, WaitForm.Complete, WaitReason.vfork);
      locks.release(guard);
    }
    this.scheduler.ready(thread);
    return result;
  }

  /** A process has executed a program: its parent, if it waits in vfork, goes on. */
  executed(process: number): void {
    const { ram } = this;
    this.locks.acquire(this.table.lock);
    Process.flags.or(ram, process, ProcessFlag.Executed);
    Process.exitSignal.set(ram, process, Signal.CHLD);
    this.waits.endAllLocked(Process.vfork.addr(process), Process.pid.get(ram, process));
    this.locks.release(this.table.lock);
  }

  /** Ends the waiting of a parent in vfork: its child has memory of its own now, or is gone. */
  releaseParent(process: number): void {
    this.locks.acquire(this.table.lock);
    this.waits.endAllLocked(Process.vfork.addr(process), Process.pid.get(this.ram, process));
    this.locks.release(this.table.lock);
  }

  private enter(process: number, thread: number, parent: number): number {
    const pid = this.enterProcess(process, thread, parent, 0);
    this.scheduler.ready(thread);
    return pid;
  }

  /** 0: a signal waits for the caller (if there is one), which may have gone to its whole group: the child must not miss it. */
  private enterProcess(process: number, thread: number, parent: number, caller: number): number {
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    if (caller !== 0 && isDisturbed(ram, caller)) {
      locks.release(this.table.lock);
      return 0;
    }
    const pid = this.table.enterProcessLocked(process, thread, parent);
    locks.acquire(Process.lock.addr(process));
    this.joinLocked(process, thread);
    if (SEEDED) {
      this.table.threads.publish(thread);
      this.table.processes.publish(process);
    }
    locks.release(Process.lock.addr(process));
    locks.release(this.table.lock);
    if (this.trace.on) {
      const parentPid = parent === 0 ? INIT_PID : Process.pid.get(ram, parent);
      this.trace.emit(EventId.processStart, pid, pid, parentPid, 0, 0);
    }
    return pid;
  }

  /** A process that nobody knows yet: its first thread, or 0 when there is no slot for both. */
  private newProcess(space: number): number {
    const { ram } = this;
    const process = this.table.processes.alloc();
    if (process === 0) return 0;
    // The lock stays as it is: whoever comes late to a wait of the slot's former owner may hold it for a moment.
    const behindLock = Process.lock.offset + Process.lock.size;
    ram.fill(process + behindLock, Process.SIZE - behindLock);
    Process.space.set(ram, process, space);
    Process.startNs.set(ram, process, this.clock.nowNs());
    const thread = this.newThread(process);
    if (thread === 0) this.table.processes.free(process);
    return thread;
  }

  private newThread(process: number): number {
    const { ram } = this;
    const thread = this.table.threads.alloc();
    if (thread === 0) return 0;
    // The sequence of waits goes on: a deadline of the slot's former owner must not end a wait of this one.
    const sequence = Thread.waitSequence.load(ram, thread);
    ram.fill(thread + Context.SIZE, Thread.SIZE - Context.SIZE);
    Thread.waitSequence.store(ram, thread, sequence);
    Thread.process.set(ram, thread, process);
    Thread.priority.store(ram, thread, DEFAULT_PRIORITY);
    Thread.hart.store(ram, thread, this.scheduler.hart);
    Thread.state.store(ram, thread, ThreadState.Blocked);
    return thread;
  }

  private freeThread(thread: number): void {
    Thread.state.store(this.ram, thread, ThreadState.Free);
    this.table.threads.free(thread);
  }

  /** May run on all harts. */
  private everywhere(thread: number): void {
    Thread.affinityLow.store(this.ram, thread, this.harts >= 32 ? 0xffff_ffff : 2 ** this.harts - 1);
    Thread.affinityHigh.store(this.ram, thread, this.harts > 32 ? 2 ** (this.harts - 32) - 1 : 0);
  }

  private inherit(thread: number, caller: number, request: CloneRequest): void {
    const { ram } = this;
    ram.copy(thread, caller, Context.SIZE);
    Context.reservation.set(ram, thread, NO_RESERVATION);
    Context.instret.set(ram, thread, 0);
    Thread.priority.store(ram, thread, Thread.priority.load(ram, caller));
    Thread.affinityLow.store(ram, thread, Thread.affinityLow.load(ram, caller));
    Thread.affinityHigh.store(ram, thread, Thread.affinityHigh.load(ram, caller));
    Thread.blockedLow.store(ram, thread, Thread.blockedLow.load(ram, caller));
    Thread.blockedHigh.store(ram, thread, Thread.blockedHigh.load(ram, caller));
    Thread.clearChildTid.set(ram, thread, request.childClearTid);
    ram.setU64(thread + A0, 0);
    if (request.stack !== 0) ram.setU64(thread + SP, request.stack);
    if (request.setTls) ram.setU64(thread + TP, request.tls);
  }

  /** A process, unlike a thread, has its parent's alternate signal stack (unless both run in one memory at once). */
  private inheritStack(thread: number, caller: number): void {
    const { ram } = this;
    Thread.altStack.set(ram, thread, Thread.altStack.get(ram, caller));
    Thread.altBytes.set(ram, thread, Thread.altBytes.get(ram, caller));
    Thread.altFlags.set(ram, thread, Thread.altFlags.get(ram, caller));
  }

  /** Linux ignores when these addresses are bad. */
  private storeTid(space: number, request: CloneRequest, tid: number): void {
    if (request.parentTid !== 0) this.copy.writeU32(space, request.parentTid, tid);
    if (request.childSetTid !== 0) this.copy.writeU32(space, request.childSetTid, tid);
  }

  private joinLocked(process: number, thread: number): void {
    const { ram } = this;
    if (SEEDED) scheduledHart().threadStarts(thread);
    const head = Process.threads.get(ram, process);
    Thread.siblingNext.set(ram, thread, head);
    Thread.siblingPrev.set(ram, thread, 0);
    if (head !== 0) Thread.siblingPrev.set(ram, head, thread);
    Process.threads.set(ram, process, thread);
    Process.threadCount.set(ram, process, Process.threadCount.get(ram, process) + 1);
  }

  /** Whether a thread of the process waits to be its only one (execve). */
  private isBecomingAlone(process: number): boolean {
    return this.waits.firstLocked(Process.alone.addr(process)) !== 0;
  }
}

/** Whether a signal waits for the thread, or its process stops: children are born afterwards. */
function isDisturbed(ram: Ram, thread: number): boolean {
  return (Thread.flags.load(ram, thread) & (ThreadFlag.Signal | ThreadFlag.Stop)) !== 0;
}
