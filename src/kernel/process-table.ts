/*
 * Who exists: processes and threads by number, parents and their children.
 *
 * All of it is guarded by the tree lock, the outermost of all (ranks.ts). Slots come from pools that have locks of their own, so that a
 * block can be prepared before the tree hears of it. A process without parent (started by the host, or orphaned) belongs to the machine
 * itself, which has the number INIT_PID and is nobody's zombie's keeper: such a process goes as soon as it ends.
 */

import { bytes, f64, struct, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';
import { Groups } from './groups.ts';
import { IdTable } from './ids.ts';
import { placed } from './oracles/places.ts';
import { INIT_PID, Process, ProcessState } from './process.ts';
import { Signal } from './signal-numbers.ts';
import { SlotPool } from './slots.ts';
import { Thread } from './thread.ts';

/** Numbers wrap here, as Linux's do. */
const PID_LIMIT = 4_194_304;

const Tree = struct(
  'Tree',
  {
    lock: spinlock(),
    /** The number given last. */
    lastId: u32('lock'),
    /** Processes that have been born. */
    births: f64('lock'),
    processIds: bytes('lock', IdTable.BYTES, 64),
    threadIds: bytes('lock', IdTable.BYTES, 64),
  },
  { align: 64 },
);

export class ProcessTable {
  /** The tree lock. */
  readonly lock: number;
  readonly processes: SlotPool;
  readonly threads: SlotPool;
  readonly groups: Groups;
  private readonly processIds: IdTable;
  private readonly threadIds: IdTable;

  constructor(
    private readonly ram: Ram,
    locks: Locks,
    private readonly base: number,
    processes: number,
    threads: number,
  ) {
    this.lock = Tree.lock.addr(base);
    const pools = base + Tree.SIZE;
    this.processes = new SlotPool(ram, locks, pools, {
      name: 'process',
      count: processes,
      size: Process.SIZE,
      layout: Process,
      order: 'lifo',
    });
    this.threads = new SlotPool(ram, locks, pools + SlotPool.bytes(processes, Process.SIZE), {
      name: 'thread',
      count: threads,
      size: Thread.SIZE,
      layout: Thread,
      order: 'lifo',
    });
    this.groups = new Groups(ram, locks, pools + poolBytes(processes, threads), processes);
    if (SEEDED) placed(Tree, base, Tree.SIZE, 1);
    this.processIds = new IdTable(ram, Tree.processIds.addr(base), Process.pid, Process.idNext);
    this.threadIds = new IdTable(ram, Tree.threadIds.addr(base), Thread.tid, Thread.idNext);
  }

  static bytes(processes: number, threads: number): number {
    return Tree.SIZE + poolBytes(processes, threads) + Groups.bytes(processes);
  }

  initialise(): void {
    this.ram.fill(this.base, Tree.SIZE);
    Tree.lock.init(this.ram, this.base, Rank.tree);
    // Number 1 is the machine's.
    Tree.lastId.set(this.ram, this.base, INIT_PID);
    this.processes.initialise();
    for (let i = 0; i < this.processes.count; i++) Process.lock.init(this.ram, this.processes.at(i), Rank.process);
    this.threads.initialise();
    this.groups.initialise();
  }

  /** The number that was given last: of some moment. */
  lastId(): number {
    return Tree.lastId.peek(this.ram, this.base);
  }

  /** The process with this pid, a zombie too; 0 when there is none. */
  processLocked(pid: number): number {
    return this.processIds.findLocked(pid);
  }

  threadLocked(tid: number): number {
    return this.threadIds.findLocked(tid);
  }

  /** Gives a process and its first thread their common number and enters them, as a child of `parent` (0: nobody's). */
  enterProcessLocked(process: number, thread: number, parent: number): number {
    const { ram } = this;
    const pid = this.nextIdLocked();
    Process.pid.set(ram, process, pid);
    const birth = Tree.births.get(ram, this.base) + 1;
    Tree.births.set(ram, this.base, birth);
    Process.birth.set(ram, process, birth);
    Process.state.set(ram, process, ProcessState.Live);
    this.processIds.insertLocked(process);
    this.linkLocked(process, parent);
    if (parent === 0) this.groups.newSessionLocked(process, pid);
    else this.groups.inheritLocked(process, parent);
    Thread.tid.set(ram, thread, pid);
    this.threadIds.insertLocked(thread);
    return pid;
  }

  /** Gives a further thread its number and enters it. */
  enterThreadLocked(thread: number): number {
    const tid = this.nextIdLocked();
    Thread.tid.set(this.ram, thread, tid);
    this.threadIds.insertLocked(thread);
    return tid;
  }

  /** The thread takes the number of its process (execve of a thread that is not the first; that one has ended). */
  renameThreadLocked(thread: number, tid: number): void {
    this.threadIds.removeLocked(thread);
    Thread.tid.set(this.ram, thread, tid);
    this.threadIds.insertLocked(thread);
  }

  leaveThreadLocked(thread: number): void {
    this.threadIds.removeLocked(thread);
  }

  /** Forgets all children of a process that have ended and that it has not waited for. */
  forgetZombiesLocked(process: number): void {
    const { ram } = this;
    for (let child = Process.zombies.get(ram, process); child !== 0; child = Process.zombies.get(ram, process))
      this.forgetLocked(child);
  }

  /** Gives one living child of a process that ends to the machine itself; returns it, or 0 when there is none left. */
  releaseChildLocked(process: number): number {
    const { ram } = this;
    const child = Process.children.get(ram, process);
    if (child === 0) return 0;
    this.unlinkLocked(child);
    Process.parent.set(ram, child, 0);
    Process.parentPid.put(ram, child, INIT_PID);
    Process.exitSignal.set(ram, child, Signal.CHLD);
    return child;
  }

  /**
   * A process that has no children any more becomes a zombie of its parent. Returns the parent, or 0 when it has none; then the caller calls
   * `forgetLocked`.
   */
  endProcessLocked(process: number): number {
    const { ram } = this;
    const parent = Process.parent.get(ram, process);
    this.unlinkLocked(process);
    Process.state.set(ram, process, ProcessState.Zombie);
    if (parent !== 0) this.pushLocked(process, parent, Process.zombies);
    return parent;
  }

  /** The process has been waited for, or nobody will: its number and slot are free again. */
  forgetLocked(process: number): void {
    this.unlinkLocked(process);
    this.groups.leaveLocked(process);
    this.processIds.removeLocked(process);
    Process.state.set(this.ram, process, ProcessState.Free);
    this.processes.free(process);
  }

  private linkLocked(process: number, parent: number): void {
    Process.parent.set(this.ram, process, parent);
    Process.parentPid.put(this.ram, process, parent === 0 ? INIT_PID : Process.pid.get(this.ram, parent));
    Process.siblingNext.set(this.ram, process, 0);
    Process.siblingPrev.set(this.ram, process, 0);
    if (parent !== 0) this.pushLocked(process, parent, Process.children);
  }

  private pushLocked(process: number, parent: number, list: typeof Process.children): void {
    const { ram } = this;
    const head = list.get(ram, parent);
    Process.siblingNext.set(ram, process, head);
    Process.siblingPrev.set(ram, process, 0);
    if (head !== 0) Process.siblingPrev.set(ram, head, process);
    list.set(ram, parent, process);
  }

  /** Takes a process off the list of its parent that it is on, if it has one. */
  private unlinkLocked(process: number): void {
    const { ram } = this;
    const parent = Process.parent.get(ram, process);
    if (parent === 0) return;
    const next = Process.siblingNext.get(ram, process);
    const prev = Process.siblingPrev.get(ram, process);
    if (next !== 0) Process.siblingPrev.set(ram, next, prev);
    if (prev !== 0) Process.siblingNext.set(ram, prev, next);
    else if (Process.children.get(ram, parent) === process) Process.children.set(ram, parent, next);
    else if (Process.zombies.get(ram, parent) === process) Process.zombies.set(ram, parent, next);
  }

  private nextIdLocked(): number {
    const { ram, base } = this;
    let id = Tree.lastId.get(ram, base);
    do id = id + 1 >= PID_LIMIT ? INIT_PID + 1 : id + 1;
    while (this.processIds.findLocked(id) !== 0 || this.threadIds.findLocked(id) !== 0 || this.groups.isUsedLocked(id));
    Tree.lastId.set(ram, base, id);
    return id;
  }
}

function poolBytes(processes: number, threads: number): number {
  return SlotPool.bytes(processes, Process.SIZE) + SlotPool.bytes(threads, Thread.SIZE);
}
