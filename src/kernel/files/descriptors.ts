/*
 * Descriptor tables: which number names which open file, for a process or for several that share a table (CLONE_FILES).
 *
 * A word an entry: the address of the open file, which is a multiple of 64, and a bit for close-on-exec. The first INLINE entries lie in the
 * slot, the others in a frame that is made when it is needed.
 *
 * A call *holds* the file that it works on, from its start to its end, over all attempts if it has to wait (`Thread.heldFile`):
 * close(2) by another thread does not take it away. Where nobody else could close it, because the table belongs to a process with one
 * thread, the hold is a loan and costs nothing.
 *
 * Guard: the table's lock, of rank `descriptors`. No file is closed under it.
 */

import { struct, u32, u32Array } from '../../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../../core/ram.ts';
import { atomicU32 } from '../../smp/atomics.ts';
import { Rank } from '../../smp/ranks.ts';
import { SEEDED } from '../../smp/schedule/build.ts';
import { spinlock, type Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import type { Frames } from '../frames.ts';
import { Process } from '../process.ts';
import { SlotPool } from '../slots.ts';
import { Thread } from '../thread.ts';
import { OpenFile, type OpenFiles } from './open-files.ts';

const INLINE = 32;
/** Descriptors of a process (RLIMIT_NOFILE). */
export const MAX_DESCRIPTORS = PAGE_SIZE / 4;

/** Bit of an entry: close-on-exec. */
const CLOEXEC = 1;
/** Bit of `Thread.heldFile`: the hold is a reference, not a loan. */
const OWNED = 1;

const DescriptorTable = struct(
  'DescriptorTable',
  {
    lock: spinlock(),
    /** Processes that share it. */
    refCount: atomicU32(),
    /** No number below this is free. */
    firstFree: u32('lock'),
    /** No number from this on is in use. */
    end: u32('lock'),
    /** Entries from INLINE on, each at its number; 0: there are none yet. */
    more: u32('lock'),
    entries: u32Array('lock', INLINE),
  },
  { align: 64 },
);

export class Descriptors {
  private readonly pool: SlotPool;
  /** Called when a table closes a file, with its reference still there. */
  onClose: ((table: number, file: number) => void) | undefined;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly frames: Frames,
    private readonly files: OpenFiles,
    base: number,
    count: number,
  ) {
    this.pool = new SlotPool(ram, locks, base, {
      name: 'descriptor table',
      count,
      size: DescriptorTable.SIZE,
      layout: DescriptorTable,
      order: 'lifo',
    });
  }

  static bytes(count: number): number {
    return SlotPool.bytes(count, DescriptorTable.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
  }

  /** Tables in use: a snapshot. */
  inUse(): number {
    return this.pool.inUse();
  }

  /** An empty table with one reference, or 0 when there is no slot. */
  create(): number {
    const { ram } = this;
    const table = this.pool.alloc();
    if (table === 0) return 0;
    DescriptorTable.lock.init(ram, table, Rank.descriptors);
    ram.fill(DescriptorTable.refCount.addr(table), DescriptorTable.SIZE - DescriptorTable.refCount.offset);
    DescriptorTable.refCount.store(ram, table, 1);
    if (SEEDED) this.pool.publish(table);
    return table;
  }

  /** Gives a new process its parent's table (CLONE_FILES), or a copy of it: 0 or -ENOMEM. */
  inherit(parent: number, child: number, share: boolean): number {
    const { ram } = this;
    const table = Process.files.get(ram, parent);
    const own = share ? table : this.copyOf(table);
    if (own === 0) return -E.NOMEM;
    if (share) this.share(table);
    Process.files.set(ram, child, own);
    return 0;
  }

  /** A process that ends lets go of its table, if it has got one. */
  leave(process: number): void {
    const table = Process.files.get(this.ram, process);
    Process.files.set(this.ram, process, 0);
    if (table !== 0) this.release(table);
  }

  /** One more process uses a table. */
  share(table: number): void {
    DescriptorTable.refCount.add(this.ram, table, 1);
  }

  /** A copy of a table, its files retained (fork): its address, or 0 when slots or memory are used up. */
  copyOf(table: number): number {
    const { ram, locks, files } = this;
    const copy = this.create();
    if (copy === 0) return 0;
    const lock = DescriptorTable.lock.addr(table);
    // Room first: nothing is allocated under the lock.
    if (DescriptorTable.more.peek(ram, table) !== 0 && !this.makeRoom(copy)) {
      this.release(copy);
      return 0;
    }
    locks.acquire(lock);
    const end = DescriptorTable.end.get(ram, table);
    // Another thread may have taken the first number beyond INLINE meanwhile: then the copy is of the moment before.
    const copied = DescriptorTable.more.peek(ram, copy) === 0 ? Math.min(end, INLINE) : end;
    const copyLock = DescriptorTable.lock.addr(copy);
    for (let fd = 0; fd < copied; fd++) {
      const entry = ram.u32[this.word(table, fd)]!;
      if (entry !== 0) files.retain(entry & ~CLOEXEC);
      ram.u32[this.word(copy, fd)] = entry;
    }
    const firstFree = DescriptorTable.firstFree.get(ram, table);
    locks.release(lock);
    locks.acquire(copyLock);
    DescriptorTable.end.set(ram, copy, copied);
    DescriptorTable.firstFree.set(ram, copy, firstFree);
    locks.release(copyLock);
    return copy;
  }

  /** A process lets go of its table; the last one closes what is open. No lock is held. */
  release(table: number): void {
    const { ram } = this;
    if (DescriptorTable.refCount.sub(ram, table, 1) !== 1) return;
    if (SEEDED) this.pool.claim(table);
    const end = DescriptorTable.end.get(ram, table);
    for (let fd = 0; fd < end; fd++) {
      const entry = ram.u32[this.word(table, fd)]!;
      if (entry !== 0) this.drop(table, entry & ~CLOEXEC);
    }
    const more = DescriptorTable.more.get(ram, table);
    if (more !== 0) this.frames.release(more);
    this.pool.free(table);
  }

  /** execve: a table that others share is left to them, and what is close-on-exec is closed. 0, or -ENOMEM with nothing changed. */
  unshare(process: number): number {
    const { ram } = this;
    const table = Process.files.get(ram, process);
    if (DescriptorTable.refCount.load(ram, table) === 1) return 0;
    const own = this.copyOf(table);
    if (own === 0) return -E.NOMEM;
    Process.files.set(ram, process, own);
    this.release(table);
    return 0;
  }

  /** Closes what is close-on-exec in a table that one process with one thread uses. */
  closeOnExec(table: number): void {
    for (let fd = 0; fd < DescriptorTable.end.peek(this.ram, table); fd++) {
      if ((this.ram.u32[this.word(table, fd)]! & CLOEXEC) !== 0) this.close(table, fd);
    }
  }

  /**
   * Enters an open file under the lowest free number from `from` on, and takes over the caller's reference.
   *
   * @returns the number, or -EMFILE or -ENOMEM (the reference stays the caller's)
   */
  install(table: number, file: number, closeOnExec: boolean, from = 0): number {
    const { ram, locks } = this;
    const lock = DescriptorTable.lock.addr(table);
    for (;;) {
      locks.acquire(lock);
      const fd = this.freeFromLocked(table, from);
      const hasRoom = fd < INLINE || DescriptorTable.more.get(ram, table) !== 0;
      if (fd < MAX_DESCRIPTORS && hasRoom) this.setLocked(table, fd, file | (closeOnExec ? CLOEXEC : 0));
      locks.release(lock);
      if (fd >= MAX_DESCRIPTORS) return -E.MFILE;
      if (hasRoom) return fd;
      if (!this.makeRoom(table)) return -E.NOMEM;
    }
  }

  /** Enters an open file under a number of the caller's choice, closing what it named before (dup3). As `install`; -EBADF out of range. */
  replace(table: number, fd: number, file: number, closeOnExec: boolean): number {
    const { ram, locks } = this;
    if (!(fd >= 0 && fd < MAX_DESCRIPTORS)) return -E.BADF;
    if (fd >= INLINE && DescriptorTable.more.peek(ram, table) === 0 && !this.makeRoom(table)) return -E.NOMEM;
    const lock = DescriptorTable.lock.addr(table);
    locks.acquire(lock);
    const before = ram.u32[this.word(table, fd)]!;
    this.setLocked(table, fd, file | (closeOnExec ? CLOEXEC : 0));
    locks.release(lock);
    if (before !== 0) this.drop(table, before & ~CLOEXEC);
    return fd;
  }

  /** close(2): 0 or -EBADF. */
  close(table: number, fd: number): number {
    const { locks } = this;
    const lock = DescriptorTable.lock.addr(table);
    locks.acquire(lock);
    const entry = this.entryLocked(table, fd);
    if (entry !== 0) this.clearLocked(table, fd);
    locks.release(lock);
    if (entry === 0) return -E.BADF;
    this.drop(table, entry & ~CLOEXEC);
    return 0;
  }

  /** The open file of a number with a reference for the caller, or 0. */
  take(table: number, fd: number): number {
    const { locks } = this;
    const lock = DescriptorTable.lock.addr(table);
    locks.acquire(lock);
    const file = this.entryLocked(table, fd) & ~CLOEXEC;
    if (file !== 0) this.files.retain(file);
    locks.release(lock);
    return file;
  }

  /**
   * The open file that the running thread's call works on: that of its earlier attempts, or else the one that the number names now; 0
   * when there is none. `letGo` ends it.
   */
  hold(thread: number, process: number, fd: number): number {
    const { ram } = this;
    const held = Thread.heldFile.get(ram, thread);
    if (held !== 0) return held & ~OWNED;
    const table = Process.files.get(ram, process);
    let file: number;
    if (this.isOnlyUser(process, table)) {
      // Without the lock: nobody else has the table.
      file = fd >= 0 && fd < DescriptorTable.end.peek(ram, table) ? ram.u32[this.word(table, fd)]! & ~CLOEXEC : 0;
      Thread.heldFile.set(ram, thread, file);
    } else {
      file = this.take(table, fd);
      Thread.heldFile.set(ram, thread, file === 0 ? 0 : file | OWNED);
    }
    return file;
  }

  /**
   * Has the running thread hold an open file that is still on its way to a descriptor, because its opening waits: takes over the caller's
   * reference. `hold` finds it when the call is made again.
   */
  keep(thread: number, file: number): void {
    Thread.heldFile.set(this.ram, thread, file | OWNED);
  }

  /** Whether the running thread holds an open file. */
  holds(thread: number): boolean {
    return Thread.heldFile.get(this.ram, thread) !== 0;
  }

  /** Whether another open file would find a number at this moment (EMFILE). */
  hasFree(table: number): boolean {
    const lock = DescriptorTable.lock.addr(table);
    this.locks.acquire(lock);
    const fd = this.freeFromLocked(table, 0);
    this.locks.release(lock);
    return fd < MAX_DESCRIPTORS;
  }

  /** The call that `hold` was made for has ended (it is not BLOCKED), or its thread ends. */
  letGo(thread: number): void {
    const { ram } = this;
    const held = Thread.heldFile.get(ram, thread);
    if (held === 0) return;
    Thread.heldFile.set(ram, thread, 0);
    if ((held & OWNED) !== 0) this.files.release(held & ~OWNED);
  }

  /** Whether a thread that waits, under a lock that the caller holds, only borrows the file that it works on, and that is of this kind. */
  borrowsLocked(thread: number, kind: number): boolean {
    const held = Thread.heldFile.get(this.ram, thread);
    return (held & OWNED) === 0 && held !== 0 && OpenFile.kind.get(this.ram, held) === kind;
  }

  /** The call of such a thread is completed by the caller: `letGo` on its behalf. */
  endLoanLocked(thread: number): void {
    Thread.heldFile.set(this.ram, thread, 0);
  }

  /** The thread dies, maybe in the middle of a call. */
  abandon(thread: number): void {
    const file = Thread.heldFile.get(this.ram, thread) & ~OWNED;
    if (file === 0) return;
    this.files.opsOf(file).abandon?.(file);
    this.letGo(thread);
  }

  /** Whether a number is to be closed by execve; -EBADF when it names nothing. */
  closesOnExec(table: number, fd: number): number {
    const lock = DescriptorTable.lock.addr(table);
    this.locks.acquire(lock);
    const entry = this.entryLocked(table, fd);
    this.locks.release(lock);
    return entry === 0 ? -E.BADF : entry & CLOEXEC;
  }

  /** Sets whether a number is to be closed by execve: 0 or -EBADF. */
  setCloseOnExec(table: number, fd: number, closes: boolean): number {
    const lock = DescriptorTable.lock.addr(table);
    this.locks.acquire(lock);
    const entry = this.entryLocked(table, fd);
    if (entry !== 0) this.ram.u32[this.word(table, fd)] = (entry & ~CLOEXEC) | (closes ? CLOEXEC : 0);
    this.locks.release(lock);
    return entry === 0 ? -E.BADF : 0;
  }

  /** The lowest number ≥ fd that is in use, or -1: for listings and close_range. */
  nextInUse(table: number, from: number): number {
    const lock = DescriptorTable.lock.addr(table);
    this.locks.acquire(lock);
    let found = -1;
    for (let fd = from; found < 0 && fd < DescriptorTable.end.get(this.ram, table); fd++) {
      if (this.entryLocked(table, fd) !== 0) found = fd;
    }
    this.locks.release(lock);
    return found;
  }

  /** Whether a number names this open file. */
  isNamed(table: number, fd: number, file: number): boolean {
    const lock = DescriptorTable.lock.addr(table);
    this.locks.acquire(lock);
    const entry = this.entryLocked(table, fd);
    this.locks.release(lock);
    return (entry & ~CLOEXEC) === file;
  }

  /** Lets go of a file that a number no longer names. */
  private drop(table: number, file: number): void {
    this.onClose?.(table, file);
    this.files.release(file);
  }

  private isOnlyUser(process: number, table: number): boolean {
    // A thread or a sharer more could only come from this very thread; one that is just leaving does not matter.
    return Process.threadCount.peek(this.ram, process) === 1 && DescriptorTable.refCount.peek(this.ram, table) === 1;
  }

  private entryLocked(table: number, fd: number): number {
    return fd >= 0 && fd < DescriptorTable.end.get(this.ram, table) ? this.ram.u32[this.word(table, fd)]! : 0;
  }

  private freeFromLocked(table: number, from: number): number {
    const { ram } = this;
    const end = DescriptorTable.end.get(ram, table);
    let fd = Math.max(from, DescriptorTable.firstFree.get(ram, table));
    while (fd < end && ram.u32[this.word(table, fd)] !== 0) fd++;
    return fd;
  }

  private setLocked(table: number, fd: number, entry: number): void {
    const { ram } = this;
    ram.u32[this.word(table, fd)] = entry;
    if (fd >= DescriptorTable.end.get(ram, table)) DescriptorTable.end.set(ram, table, fd + 1);
    if (fd === DescriptorTable.firstFree.get(ram, table)) DescriptorTable.firstFree.set(ram, table, fd + 1);
  }

  private clearLocked(table: number, fd: number): void {
    const { ram } = this;
    ram.u32[this.word(table, fd)] = 0;
    if (fd < DescriptorTable.firstFree.get(ram, table)) DescriptorTable.firstFree.set(ram, table, fd);
    let end = DescriptorTable.end.get(ram, table);
    while (end > 0 && ram.u32[this.word(table, end - 1)] === 0) end--;
    DescriptorTable.end.set(ram, table, end);
  }

  /** Makes the entries beyond INLINE. False: no memory. */
  private makeRoom(table: number): boolean {
    const { ram, locks } = this;
    const frame = this.frames.alloc();
    if (frame === 0) return false;
    const lock = DescriptorTable.lock.addr(table);
    locks.acquire(lock);
    const another = DescriptorTable.more.get(ram, table) !== 0;
    if (!another) DescriptorTable.more.set(ram, table, frame);
    locks.release(lock);
    if (another) this.frames.release(frame);
    return true;
  }

  /** Index in `ram.u32` of an entry. */
  private word(table: number, fd: number): number {
    if (fd < INLINE) return (DescriptorTable.entries.addr(table) >>> 2) + fd;
    return (DescriptorTable.more.peek(this.ram, table) >>> 2) + fd;
  }
}
