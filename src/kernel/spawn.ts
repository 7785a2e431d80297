/*
 * Births: the first process of a program that the host starts, further threads, and child processes, with a copy of their parent's memory
 * (fork) or with the very same (vfork, posix_spawn).
 *
 * A block is prepared while nobody else knows it, then entered into the tree, then made ready; from that moment it may run, and end.
 * What a child gets of its parent beside memory is copied by hooks (`onFork`), which the owners of these things register; what they have
 * given to a child that is not to be after all is taken back by the reapers that take it from a process that ends.
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
import type { SpaceForks } from './space-fork.ts';
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

const DEFAULT_UMASK = 0o022;

/** Flags of clone(2). */
export const Clone = {
  /** Mask of the signal for the parent. */
  Signal: 0xff,
  Vm: 0x100,
  Fs: 0x200,
  Files: 0x400,
  Sighand: 0x800,
  Vfork: 0x4000,
  Parent: 0x8000,
  Thread: 0x1_0000,
  SetTls: 0x8_0000,
  ParentSetTid: 0x10_0000,
  ChildClearTid: 0x20_0000,
  ChildSetTid: 0x100_0000,
} as const;

/** Copies or shares what a process has for its child, as the flags of clone say: 0, or a negative errno when it cannot be had. */
export type ForkHook = (parent: number, child: number, flags: number) => number;

const FLAGS_OF_CHILDREN = ProcessFlag.Barrier | ProcessFlag.BarrierSyncCore;

/** What clone is asked for. */
export interface CloneRequest {
  /** Clone bits. */
  flags: number;
  /** New stack pointer; 0: as the caller's. */
  stack: number;
  /** New thread pointer, with SetTls. */
  tls: number;
  /** User addresses; 0: do not. */
  parentTid: number;
  childSetTid: number;
  childClearTid: number;
  /** The signal that the parent gets when the process ends; 0: none. */
  exitSignal: number;
}

export class Spawner {
  /** Takes back what hooks have given to a child that is not to be: set by who has the reapers. */
  undo: (child: number) => void = () => undefined;
  /** Told of a program that the host starts, before it runs. */
  onLaunch: (pid: number) => void = () => undefined;
  private readonly hooks: ForkHook[] = [];

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly table: ProcessTable,
    private readonly spaces: AddressSpaces,
    private readonly forks: SpaceForks,
    private readonly copy: UserCopy,
    private readonly waits: WaitQueues,
    private readonly scheduler: Scheduler,
    private readonly clock: Clock,
    private readonly trace: Tracer,
    private readonly credentials: Credentials,
    private readonly harts: number,
  ) {}

  /**
   * Calls `hook` for every process that is made by clone, before anybody else knows it: it has no pid yet. No lock is held. When one fails,
   * those called before are undone by the reapers (`Exits.onProcessExit`).
   */
  onFork(hook: ForkHook): void {
    this.hooks.push(hook);
  }

  /**
   * Starts a process without parent in a space that holds its program already. Takes over the references to space and table.
   *
   * @param table its descriptor table
   * @param name address of a NUL-terminated name of at most NAME_BYTES bytes
   * @param program inode of its program, taken over as space and table are; 0: none
   * @returns the pid, or -EAGAIN when there is no slot (space and table stay the caller's)
   */
  launch(space: number, table: number, entry: number, stack: number, name: number, program = 0): number {
    const { ram } = this;
    const thread = this.newProcess(space);
    if (thread === 0) return -E.AGAIN;
    const process = Thread.process.get(ram, thread);
    Process.flags.store(ram, process, ProcessFlag.Launched);
    Process.files.set(ram, process, table);
    Process.program.set(ram, process, program);
    Process.umask.store(ram, process, DEFAULT_UMASK);
    ram.copy(Process.name.addr(process), name, NAME_BYTES);
    ram.fill(thread, Context.SIZE);
    this.everywhere(thread);
    Context.pc.set(ram, thread, entry);
    ram.setU64(thread + SP, stack);
    return this.enter(process, thread);
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

    const space = Process.space.get(ram, process);
    this.storeTids(space, space, request, tid);
    if (this.trace.on)
      this.trace.emit(EventId.threadStart, Thread.tid.get(ram, caller), Process.pid.get(ram, process), tid, 0, 0);
    this.scheduler.ready(thread);
    return tid;
  }

  /**
   * A child process, with a copy of the caller's memory or (Vm) with the same. With Vfork the caller sleeps until the child has executed a
   * program or ended.
   *
   * @returns the child's pid; BLOCKED when the caller sleeps (it gets the pid when it wakes); -EAGAIN (no slot), -ENOMEM, or a hook's errno
   */
  cloneProcess(caller: number, request: CloneRequest): number {
    const { ram, locks } = this;
    const { flags } = request;
    const parent = Thread.process.get(ram, caller);
    const space = Process.space.get(ram, parent);
    const launched = (Process.flags.load(ram, parent) & ProcessFlag.Launched) !== 0;
    if (!launched && this.table.processes.inUse() >= this.table.processes.count * PROCESS_SHARE) return -E.AGAIN;
    if (!launched && (flags & Clone.Vm) === 0 && this.spaces.isShortOfMemory()) return -E.NOMEM;
    const thread = this.newProcess(space);
    if (thread === 0) return -E.AGAIN;
    const process = Thread.process.get(ram, thread);
    const childSpace = this.spaceForChild(parent, space, flags);
    if (childSpace === 0) {
      this.forget(process, thread);
      return -E.NOMEM;
    }
    Process.space.set(ram, process, childSpace);
    this.inherit(thread, caller, request);
    this.inheritProcess(process, parent);
    if ((flags & (Clone.Vm | Clone.Vfork)) !== Clone.Vm) this.inheritStack(thread, caller);
    const error = this.runHooks(parent, process, flags);
    const pid = error < 0 ? error : this.enterProcess(process, thread, caller, request);
    if (pid < 0) {
      this.undo(process);
      this.spaces.release(childSpace);
      this.forget(process, thread);
      return pid;
    }
    this.storeTids(space, childSpace, request, pid);
    let result = pid;
    if ((flags & Clone.Vfork) !== 0) {
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
    Process.flags.and(ram, process, ~ProcessFlag.Forked);
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

  /** The memory of a child, with a reference for it; 0 when there is not enough for a copy. */
  private spaceForChild(parent: number, space: number, flags: number): number {
    if ((flags & Clone.Vm) === 0) {
      // No other thread can come into being but by this one.
      const isAlone = Process.threadCount.peek(this.ram, parent) === 1 && !this.spaces.isSharedByProcesses(space);
      const copy = this.forks.fork(space, isAlone);
      if (SEEDED && copy !== 0) this.spaces.publish(copy);
      return copy;
    }
    this.spaces.retain(space);
    return space;
  }

  private inheritProcess(process: number, parent: number): void {
    const { ram, locks } = this;
    Process.flags.store(ram, process, ProcessFlag.Forked | (Process.flags.load(ram, parent) & FLAGS_OF_CHILDREN));
    locks.acquire(Process.lock.addr(parent));
    ram.copy(Process.name.addr(process), Process.name.addr(parent), NAME_BYTES);
    ram.copy(Process.actions.addr(process), Process.actions.addr(parent), Process.actions.size);
    locks.release(Process.lock.addr(parent));
    this.credentials.inherit(process, parent);
    Process.umask.store(ram, process, Process.umask.load(ram, parent));
  }

  private runHooks(parent: number, child: number, flags: number): number {
    for (const hook of this.hooks) {
      const error = hook(parent, child, flags);
      if (error < 0) return error;
    }
    return 0;
  }

  /** A process that was never entered anywhere. */
  private forget(process: number, thread: number): void {
    this.freeThread(thread);
    this.table.processes.free(process);
  }

  private enter(process: number, thread: number): number {
    const pid = this.enterProcess(process, thread, 0, undefined);
    this.onLaunch(pid);
    this.scheduler.ready(thread);
    return pid;
  }

  /**
   * Enters a process into the tree: its pid; ERESTARTNOINTR when a signal waits for the caller, which may have gone to its whole group: the child
   * must not miss it.
   *
   * @param caller the thread whose process is the parent (or, with Clone.Parent, that one's parent); 0: there is none
   */
  private enterProcess(process: number, thread: number, caller: number, request: CloneRequest | undefined): number {
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    if (caller !== 0 && isDisturbed(ram, caller)) {
      locks.release(this.table.lock);
      return ERESTARTNOINTR;
    }
    const own = caller === 0 ? 0 : Thread.process.get(ram, caller);
    const asSibling = request !== undefined && (request.flags & Clone.Parent) !== 0;
    const parent = asSibling ? Process.parent.get(ram, own) : own;
    const parentPid = parent === 0 ? INIT_PID : Process.pid.get(ram, parent);
    Process.exitSignal.set(ram, process, asSibling ? Process.exitSignal.get(ram, own) : (request?.exitSignal ?? Signal.CHLD));
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
    if ((request.flags & Clone.SetTls) !== 0) ram.setU64(thread + TP, request.tls);
  }

  /** A process, unlike a thread, has its parent's alternate signal stack (unless both run in one memory at once). */
  private inheritStack(thread: number, caller: number): void {
    const { ram } = this;
    Thread.altStack.set(ram, thread, Thread.altStack.get(ram, caller));
    Thread.altBytes.set(ram, thread, Thread.altBytes.get(ram, caller));
    Thread.altFlags.set(ram, thread, Thread.altFlags.get(ram, caller));
  }

  /** Linux ignores when these addresses are bad. */
  private storeTids(space: number, childSpace: number, request: CloneRequest, tid: number): void {
    if (request.parentTid !== 0) this.copy.writeU32(space, request.parentTid, tid);
    if (request.childSetTid !== 0) this.copy.writeU32(childSpace, request.childSetTid, tid);
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
