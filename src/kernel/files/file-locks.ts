/*
 * Advisory locks on files: fcntl(2)'s, which belong to a descriptor table (F_SETLK) or to an open file (F_OFD_SETLK) and cover ranges of
 * bytes, and flock(2)'s, which belong to an open file and cover all of it. The first two stand in each other's way, flock's only in that of
 * their like.
 *
 * A table's locks on a file go when it closes any descriptor of that file, an open file's with its last reference.
 *
 * Guard: the inode's lock, for its list of locks and who waits for one (`Inode.lockWaiters`, Rerun form). Whoever takes a lock away wakes all
 * of them, and each looks again. That processes wait for each other's locks is not found out (no EDEADLK).
 */

import { f64, struct, u32 } from '../../core/layout.ts';
import type { Ram } from '../../core/ram.ts';
import { SEEDED } from '../../smp/schedule/build.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import type { Inspection } from '../oracles/inspection.ts';
import { SlotPool } from '../slots.ts';
import { Thread } from '../thread.ts';
import { WaitForm, WaitReason } from '../wait.ts';
import type { WaitQueues } from '../wait-queue.ts';
import { Inode } from './inodes.ts';

export const LockType = { Read: 0, Write: 1, None: 2 } as const;

/** Whose a lock is. */
export const LockKind = { Table: 0, Open: 1, Flock: 2 } as const;

export const FileLock = struct('FileLock', {
  inode: u32('immutable'),
  next: u32('inode'),
  kind: u32('inode'),
  /** Address of a descriptor table or an open file. */
  owner: u32('inode'),
  type: u32('inode'),
  /** Process that has set it, for F_GETLK. */
  pid: u32('inode'),
  /** Bytes [start, end); to the end of all files: Infinity. */
  start: f64('inode'),
  end: f64('inode'),
});

/** A lock that is asked for, or asked about. One object a participant, used again and again. */
export interface LockRequest {
  kind: number;
  owner: number;
  type: number;
  pid: number;
  start: number;
  end: number;
}

export class FileLocks {
  private readonly pool: SlotPool;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly waits: WaitQueues,
    base: number,
    count: number,
  ) {
    this.pool = new SlotPool(ram, locks, base, {
      name: 'file lock',
      count,
      size: FileLock.SIZE,
      layout: FileLock,
      order: 'lifo',
    });
  }

  static bytes(count: number): number {
    return SlotPool.bytes(count, FileLock.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
  }

  describe(inspection: Inspection): void {
    const { ram } = this;
    const inodeOf = (thread: number): number => Thread.waitQueue.peek(ram, thread) - Inode.lockWaiters.offset;
    inspection.count('file locks', () => this.pool.inUse());
    inspection.wait(WaitReason.fileLock, {
      does: 'waits for a lock on',
      object: (thread) => `file ${String(Inode.number.get(ram, inodeOf(thread)))}`,
      wakers: () => 'whoever has one',
      unjustified: (thread) => (Inode.locks.peek(ram, inodeOf(thread)) === 0 ? 'nobody has one' : undefined),
    });
  }

  /**
   * Sets a lock, or takes locks away (LockType.None), for the running thread.
   *
   * @param wait whether it waits for those that stand in the way
   * @returns 0, -EAGAIN, -ENOLCK, BLOCKED or a restart code
   */
  set(thread: number, inode: number, request: LockRequest, wait: boolean): number {
    const { locks } = this;
    const lock = Inode.lock.addr(inode);
    locks.acquire(lock);
    // A lock of flock's is not changed but given away: whoever waits may come first.
    if (request.kind === LockKind.Flock) this.dropLocked(inode, request.kind, request.owner, request.type);
    let result: number;
    if (request.type !== LockType.None && this.conflictLocked(inode, request) !== 0) {
      result = wait
        ? this.waits.sleepLocked(thread, Inode.lockWaiters.addr(inode), lock, WaitForm.Rerun, WaitReason.fileLock)
        : -E.AGAIN;
    } else result = this.applyLocked(inode, request);
    locks.release(lock);
    return result;
  }

  /** Changes a request into the first lock that stands in its way; its type is None when there is none. */
  find(inode: number, request: LockRequest): void {
    const { ram, locks } = this;
    const lock = Inode.lock.addr(inode);
    locks.acquire(lock);
    const found = this.conflictLocked(inode, request);
    if (found === 0) request.type = LockType.None;
    else {
      request.type = FileLock.type.get(ram, found);
      request.kind = FileLock.kind.get(ram, found);
      request.pid = FileLock.pid.get(ram, found);
      request.start = FileLock.start.get(ram, found);
      request.end = FileLock.end.get(ram, found);
    }
    locks.release(lock);
  }

  /** Takes away all locks of a kind that an owner has on a file. */
  drop(inode: number, kind: number, owner: number): void {
    // Nobody else could set one for this owner now.
    if (Inode.locks.peek(this.ram, inode) === 0) return;
    const lock = Inode.lock.addr(inode);
    this.locks.acquire(lock);
    this.dropLocked(inode, kind, owner, LockType.None);
    this.locks.release(lock);
  }

  /** @param except locks of this type stay */
  private dropLocked(inode: number, kind: number, owner: number, except: number): void {
    const { ram } = this;
    let dropped = false;
    for (let before = 0, one = Inode.locks.get(ram, inode); one !== 0;) {
      const next = FileLock.next.get(ram, one);
      if (this.isOf(one, kind, owner) && FileLock.type.get(ram, one) !== except) {
        this.unlinkLocked(inode, before, one);
        dropped = true;
      } else before = one;
      one = next;
    }
    if (dropped) this.waits.wakeAllLocked(Inode.lockWaiters.addr(inode));
  }

  private conflictLocked(inode: number, { kind, owner, type, start, end }: LockRequest): number {
    const { ram } = this;
    for (let one = Inode.locks.get(ram, inode); one !== 0; one = FileLock.next.get(ram, one)) {
      const its = FileLock.kind.get(ram, one);
      if ((its === LockKind.Flock) !== (kind === LockKind.Flock) || this.isOf(one, kind, owner)) continue;
      if (type === LockType.Read && FileLock.type.get(ram, one) === LockType.Read) continue;
      if (FileLock.start.get(ram, one) < end && FileLock.end.get(ram, one) > start) return one;
    }
    return 0;
  }

  /** Enters a lock that nothing stands in the way of; what its owner had there gives way, or becomes one with it. */
  private applyLocked(inode: number, request: LockRequest): number {
    const { ram } = this;
    const { kind, owner, type } = request;
    // One for the lock, one for what is left behind it of a lock that it cuts in two.
    const takesAll = type === LockType.None && request.start === 0 && request.end === Infinity;
    const spare = takesAll ? [] : [this.pool.alloc(), this.pool.alloc()];
    if (spare.includes(0)) {
      for (const slot of spare) if (slot !== 0) this.pool.free(slot);
      return -E.NOLCK;
    }
    let { start, end } = request;
    let freed = false;
    for (let before = 0, one = Inode.locks.get(ram, inode); one !== 0;) {
      const next = FileLock.next.get(ram, one);
      const from = FileLock.start.get(ram, one);
      const to = FileLock.end.get(ram, one);
      const isSame = FileLock.type.get(ram, one) === type;
      if (!this.isOf(one, kind, owner) || (isSame ? from > end || to < start : from >= end || to <= start)) {
        before = one;
      } else if (isSame) {
        start = Math.min(start, from);
        end = Math.max(end, to);
        this.unlinkLocked(inode, before, one);
      } else {
        freed = true;
        if (to > end) this.insertLocked(inode, spare.pop()!, one, end, to);
        if (from < start) {
          FileLock.end.set(ram, one, start);
          before = one;
        } else before = this.unlinkLocked(inode, before, one);
      }
      one = next;
    }
    if (type !== LockType.None) {
      const slot = spare.pop()!;
      this.fill(slot, inode, request);
      this.linkLocked(inode, slot, start, end);
    }
    for (const slot of spare) this.pool.free(slot);
    if (freed) this.waits.wakeAllLocked(Inode.lockWaiters.addr(inode));
    return 0;
  }

  private isOf(one: number, kind: number, owner: number): boolean {
    return FileLock.owner.get(this.ram, one) === owner && FileLock.kind.get(this.ram, one) === kind;
  }

  private fill(slot: number, inode: number, { kind, owner, type, pid }: LockRequest): void {
    const { ram } = this;
    FileLock.inode.set(ram, slot, inode);
    FileLock.kind.set(ram, slot, kind);
    FileLock.owner.set(ram, slot, owner);
    FileLock.type.set(ram, slot, type);
    FileLock.pid.set(ram, slot, pid);
  }

  /** Another lock like `like`, for a part of its range. */
  private insertLocked(inode: number, slot: number, like: number, start: number, end: number): void {
    const { ram } = this;
    ram.copy(slot, like, FileLock.SIZE);
    this.linkLocked(inode, slot, start, end);
  }

  private linkLocked(inode: number, slot: number, start: number, end: number): void {
    const { ram } = this;
    FileLock.start.set(ram, slot, start);
    FileLock.end.set(ram, slot, end);
    FileLock.next.set(ram, slot, Inode.locks.get(ram, inode));
    Inode.locks.set(ram, inode, slot);
    if (SEEDED) this.pool.publish(slot);
  }

  /** Takes a lock out of the list; returns the one before it. */
  private unlinkLocked(inode: number, before: number, one: number): number {
    const { ram } = this;
    const next = FileLock.next.get(ram, one);
    if (Inode.locks.get(ram, inode) === one) Inode.locks.set(ram, inode, next);
    else {
      // What was entered meanwhile stands before what was the first.
      let last = before !== 0 ? before : Inode.locks.get(ram, inode);
      while (FileLock.next.get(ram, last) !== one) last = FileLock.next.get(ram, last);
      FileLock.next.set(ram, last, next);
    }
    this.pool.free(one);
    return before;
  }
}
