/*
 * Futexes: threads that wait for a word of user memory to change (futex(2)).
 *
 * Waiters hang in buckets chosen by a hash of the word's name; a bucket's lock guards its queue. A waiter compares the word while it
 * holds the bucket, and a waker takes the bucket after the word was changed: so either the waiter sees the change or the waker sees
 * the waiter. Waits are of the Complete form (those of `sleep` of the Rerun form); a waiter's operands are waitA and waitB = the word's name,
 * waitC = bit set.
 *
 * A word is named by its space and address, or, in memory that processes share, by the content mapped there (a negative number) and its
 * place in that (`UserCopy.nameWord`). Calls with FUTEX_PRIVATE_FLAG say that all who wait are of one space, and do not look.
 */

import { struct } from '../core/layout.ts';
import { Access } from '../core/mmu.ts';
import type { Ram } from '../core/ram.ts';
import { compareExchangeWord, loadWord } from '../smp/atomics.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';
import { Space } from './address-space.ts';
import { E } from './errno.ts';
import { placed } from './oracles/places.ts';
import { Process } from './process.ts';
import { Thread } from './thread.ts';
import { NO_DEADLINE } from './timers.ts';
import type { UserCopy } from './user-copy.ts';
import { waitQueue, WaitForm, WaitReason } from './wait.ts';
import type { WaitQueues } from './wait-queue.ts';

const BUCKETS = 256;

const Bucket = struct('FutexBucket', { lock: spinlock(), waiters: waitQueue('lock') }, { align: 64 });

export const ANY_BITS = 0xffff_ffff;

/** Robust mutexes (set_robust_list(2)): what the kernel does when an owner dies. */
const OWNER_DIED = 0x4000_0000;
const WAITERS = 0x8000_0000;
const TID_MASK = 0x3fff_ffff;
const ROBUST_LIST_LIMIT = 2048;

export class Futexes {
  static readonly BYTES = BUCKETS * Bucket.SIZE;
  private modified = 0;
  /** The name that `nameWord` has found. */
  private object = 0;
  private offset = 0;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly copy: UserCopy,
    private readonly waits: WaitQueues,
    private readonly base: number,
  ) {
    if (SEEDED) placed(Bucket, base, Bucket.SIZE, BUCKETS);
  }

  initialise(): void {
    this.ram.fill(this.base, Futexes.BYTES);
    for (let i = 0; i < BUCKETS; i++) Bucket.lock.init(this.ram, this.base + i * Bucket.SIZE, Rank.futex);
  }

  /**
   * Waits while the word holds `expected`.
   *
   * @param deadline nanoseconds since power-on, or NO_DEADLINE
   * @param isPrivate whether nobody outside of the space waits for the word or wakes its waiters
   * @returns BLOCKED (0 on wake-up, -ETIMEDOUT); or at once -EAGAIN, -EFAULT, -EINTR
   */
  wait(
    thread: number,
    space: number,
    address: number,
    expected: number,
    bits: number,
    deadline: number,
    isPrivate = false,
  ): number {
    const { ram, locks } = this;
    if (this.nameWord(space, address, isPrivate) < 0) return -E.FAULT;
    const { object, offset } = this;
    const bucket = this.bucketOf(object, offset);
    locks.acquire(bucket);
    let result = this.copy.readU32(space, address);
    if (result === 0 && this.copy.value !== expected) result = -E.AGAIN;
    if (result === 0) {
      Thread.waitA.set(ram, thread, object);
      Thread.waitB.set(ram, thread, offset);
      Thread.waitC.set(ram, thread, bits);
      result = this.waits.sleepLocked(
        thread,
        Bucket.waiters.addr(bucket),
        bucket,
        WaitForm.Complete,
        WaitReason.futex,
        deadline,
        deadline === NO_DEADLINE ? 0 : -E.TIMEDOUT,
      );
    }
    locks.release(bucket);
    return result;
  }

  /** Sleeps until the deadline: a wait that no word ends, of the Rerun form. Returns BLOCKED or a restart code. */
  sleep(thread: number, deadline: number): number {
    const { ram, locks } = this;
    const bucket = this.bucketOf(0, thread);
    Thread.waitA.set(ram, thread, 0);
    locks.acquire(bucket);
    const result = this.waits.sleepLocked(
      thread,
      Bucket.waiters.addr(bucket),
      bucket,
      WaitForm.Rerun,
      WaitReason.sleep,
      deadline,
      -E.TIMEDOUT,
    );
    locks.release(bucket);
    return result;
  }

  /** Wakes up to `count` waiters of a word that share a bit with `bits`, in the order of their arrival: how many, or -EFAULT. */
  wake(space: number, address: number, count: number, bits = ANY_BITS, isPrivate = false): number {
    if (this.nameWord(space, address, isPrivate) < 0) return -E.FAULT;
    const { object, offset } = this;
    const bucket = this.bucketOf(object, offset);
    this.locks.acquire(bucket);
    const woken = this.wakeLocked(bucket, object, offset, count, bits);
    this.locks.release(bucket);
    return woken;
  }

  /**
   * Wakes up to `wakeCount` waiters and moves up to `moveCount` others to another word.
   *
   * @param expected value that the first word must have, else -EAGAIN; undefined: any
   * @returns how many were woken or moved (FUTEX_CMP_REQUEUE), or only woken if `countMoved` is false (FUTEX_REQUEUE); -EFAULT
   */
  requeue(
    space: number,
    from: number,
    to: number,
    wakeCount: number,
    moveCount: number,
    expected: number | undefined,
    countMoved: boolean,
    isPrivate = false,
  ): number {
    const { ram } = this;
    if (this.nameWord(space, from, isPrivate) < 0) return -E.FAULT;
    const { object, offset } = this;
    if (this.nameWord(space, to, isPrivate) < 0) return -E.FAULT;
    const { object: newObject, offset: newOffset } = this;
    const source = this.bucketOf(object, offset);
    const target = this.bucketOf(newObject, newOffset);
    this.lockBoth(source, target);
    if (expected !== undefined) {
      const fault = this.copy.readU32(space, from);
      if (fault !== 0 || this.copy.value !== expected) {
        this.unlockBoth(source, target);
        return fault !== 0 ? fault : -E.AGAIN;
      }
    }
    const woken = this.wakeLocked(source, object, offset, wakeCount, ANY_BITS);
    let moved = 0;
    let thread = this.waits.firstLocked(Bucket.waiters.addr(source));
    while (thread !== 0 && moved < moveCount) {
      const next = this.waits.nextLocked(thread);
      if (this.waitsOn(thread, object, offset)) {
        Thread.waitA.set(ram, thread, newObject);
        Thread.waitB.set(ram, thread, newOffset);
        if (source !== target) this.waits.moveLocked(thread, Bucket.waiters.addr(target), target);
        moved++;
      }
      thread = next;
    }
    this.unlockBoth(source, target);
    return countMoved ? woken + moved : woken;
  }

  /** Wakes waiters of one word, changes another word, and wakes waiters of that one if its old value satisfies a condition. */
  wakeOp(
    space: number,
    first: number,
    second: number,
    count: number,
    secondCount: number,
    operation: number,
    isPrivate = false,
  ): number {
    if (this.nameWord(space, first, isPrivate) < 0) return -E.FAULT;
    const { object, offset } = this;
    if (this.nameWord(space, second, isPrivate) < 0) return -E.FAULT;
    const { object: secondObject, offset: secondOffset } = this;
    const a = this.bucketOf(object, offset);
    const b = this.bucketOf(secondObject, secondOffset);
    this.lockBoth(a, b);
    let result = this.modify(space, second, (old) => operate(operation, old));
    if (result === 0) {
      const satisfied = compare(operation, this.modified);
      result = this.wakeLocked(a, object, offset, count, ANY_BITS);
      if (satisfied) result += this.wakeLocked(b, secondObject, secondOffset, secondCount, ANY_BITS);
    }
    this.unlockBoth(a, b);
    return result;
  }

  /** A thread ends: marks the robust mutexes it holds as abandoned and wakes one waiter of each. Its list may be garbage. */
  abandonRobust(thread: number): void {
    const { ram, copy } = this;
    const head = Thread.robustList.get(ram, thread);
    if (head === 0) return;
    const space = Process.space.get(ram, Thread.process.get(ram, thread));
    const tid = Thread.tid.get(ram, thread);
    if (copy.readU64(space, head + 8) !== 0) return;
    // Signed, and negative as a rule: a value of 2^64 - 32 would not survive as a double.
    const offset = (copy.hi | 0) * 2 ** 32 + copy.lo;
    if (copy.readU64(space, head + 16) !== 0) return;
    const pending = copy.value;
    if (copy.readU64(space, head) !== 0) return;
    let entry = copy.value;
    for (let i = 0; i < ROBUST_LIST_LIMIT && entry !== head; i++) {
      // The next one is read first: an unlocked mutex may be freed by another thread.
      const bad = copy.readU64(space, entry);
      const next = copy.value;
      if (entry !== pending) this.abandon(space, entry + offset, tid);
      if (bad !== 0) break;
      entry = next;
    }
    if (pending !== 0) this.abandon(space, pending + offset, tid);
  }

  private abandon(space: number, word: number, tid: number): void {
    let owned = false as boolean;
    const fault = this.modify(space, word, (old) => {
      owned = (old & TID_MASK) === tid;
      return owned ? ((old & WAITERS) | OWNER_DIED) >>> 0 : old;
    });
    if (fault === 0 && owned && (this.modified & WAITERS) !== 0) this.wake(space, word, 1);
  }

  /** Changes a user word atomically with respect to guests; leaves the old value in `modified`. */
  private modify(space: number, address: number, change: (old: number) => number): number {
    const { ram, locks } = this;
    const lock = Space.lock.addr(space);
    locks.acquire(lock);
    const word = this.copy.physicalLocked(space, address, Access.Write);
    if (word >= 0) {
      do this.modified = loadWord(ram, word);
      while (compareExchangeWord(ram, word, this.modified, change(this.modified)) !== this.modified);
    }
    locks.release(lock);
    return Math.min(word, 0);
  }

  private wakeLocked(bucket: number, object: number, offset: number, count: number, bits: number): number {
    const { ram } = this;
    let woken = 0;
    let thread = this.waits.firstLocked(Bucket.waiters.addr(bucket));
    while (thread !== 0 && woken < count) {
      const next = this.waits.nextLocked(thread);
      if (this.waitsOn(thread, object, offset) && (Thread.waitC.get(ram, thread) & bits) !== 0) {
        this.waits.completeLocked(thread, 0);
        woken++;
      }
      thread = next;
    }
    return woken;
  }

  /** Whether a waiting thread hangs where a wake-up of its word looks for it: for oracles, without a lock. */
  isInItsBucket(thread: number): boolean {
    const { ram } = this;
    const bucket = this.bucketOf(Thread.waitA.peek(ram, thread), Thread.waitB.peek(ram, thread));
    return Thread.waitQueue.peek(ram, thread) === Bucket.waiters.addr(bucket);
  }

  private waitsOn(thread: number, object: number, offset: number): boolean {
    return Thread.waitB.get(this.ram, thread) === offset && Thread.waitA.get(this.ram, thread) === object;
  }

  private nameWord(space: number, address: number, isPrivate: boolean): number {
    const error = isPrivate ? 0 : this.copy.nameWord(space, address);
    this.object = isPrivate ? space : this.copy.wordObject;
    this.offset = isPrivate ? address : this.copy.wordOffset;
    return error;
  }

  private lockBoth(a: number, b: number): void {
    this.locks.acquire(Math.min(a, b));
    if (a !== b) this.locks.acquire(Math.max(a, b));
  }

  private unlockBoth(a: number, b: number): void {
    this.locks.release(a);
    if (a !== b) this.locks.release(b);
  }

  private bucketOf(object: number, offset: number): number {
    const hash = Math.imul(((offset % 2 ** 32) >>> 2) ^ (object >>> 6), 0x9e3779b1) >>> 24;
    return this.base + (hash & (BUCKETS - 1)) * Bucket.SIZE;
  }
}

/** FUTEX_WAKE_OP's encoded operation: bits 31:28 operation, 27:24 comparison, 23:12 operand, 11:0 comparand. */
function operate(operation: number, old: number): number {
  let operand = (operation << 8) >> 20;
  if ((operation & 0x8000_0000) !== 0) operand = 1 << (operand & 31);
  switch ((operation >>> 28) & 7) {
    case 0:
      return operand >>> 0;
    case 1:
      return (old + operand) >>> 0;
    case 2:
      return (old | operand) >>> 0;
    case 3:
      return (old & ~operand) >>> 0;
    default:
      return (old ^ operand) >>> 0;
  }
}

function compare(operation: number, old: number): boolean {
  const value = old | 0;
  const comparand = (operation << 20) >> 20;
  switch ((operation >>> 24) & 15) {
    case 0:
      return value === comparand;
    case 1:
      return value !== comparand;
    case 2:
      return value < comparand;
    case 3:
      return value <= comparand;
    case 4:
      return value > comparand;
    default:
      return value >= comparand;
  }
}
