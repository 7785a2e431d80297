/*
 * Waiting for any of several files (poll(2), select(2)).
 *
 * An object that can be polled has lists of those who do, guarded by its own lock. An entry of such a list belongs to one thread's call; the
 * call puts it there under the same lock under which it has looked at the object, and whoever changes the object says so (`notifyLocked`) under
 * that lock. To be told is to be *poked*: the poller's bucket is locked, the poke noted in its thread, and its sleep ended if it sleeps. A poller
 * looks for the note under that lock before it sleeps. So a change that comes after the look at an object and before the sleep is not missed.
 *
 * Waits are of the Rerun form under the lock of the bucket: the woken thread makes its call again, which takes all its entries off their lists and
 * looks at everything anew. Everybody who polls for a change is told of it: what they will do about it, nobody knows.
 *
 * An entry holds a reference to its file, so the object stays as long as entries are on its lists. They go at the end of the call, and
 * with the thread when it dies in the middle of one.
 */

import { struct, u32 } from '../../core/layout.ts';
import type { Ram } from '../../core/ram.ts';
import { Rank } from '../../smp/ranks.ts';
import { SEEDED } from '../../smp/schedule/build.ts';
import { spinlock, type Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import { placed } from '../oracles/places.ts';
import { SlotPool } from '../slots.ts';
import { Thread } from '../thread.ts';
import { WaitForm, waitQueue, WaitQueue, WaitReason } from '../wait.ts';
import type { WaitQueues } from '../wait-queue.ts';
import type { Descriptors } from './descriptors.ts';
import { Open, PollEvent, type PollWatch } from './file-ops.ts';
import type { OpenFiles } from './open-files.ts';

export const PollEntry = struct(
  'PollEntry',
  {
    /** Who polls; the next entry of the same call. */
    thread: u32('immutable'),
    sibling: u32('immutable'),
    file: u32('immutable'),
    /** PollEvent bits that it is to be told of. */
    events: u32('immutable'),
    /** Address of the word that is the list's head, and of the lock that guards it. */
    list: u32('immutable'),
    guard: u32('immutable'),
    next: u32('watched'),
    prev: u32('watched'),
  },
  { align: 64 },
);

/** Those who poll, by a hash of their thread. */
const PollBucket = struct('PollBucket', { lock: spinlock(), pollers: waitQueue('lock') }, { align: 64 });
const BUCKETS = 64;
const HASH = 0x9e37_79b1;
/** Events that nobody has to ask for. */
const ALWAYS = PollEvent.Error | PollEvent.HangUp;

/** A list of entries lies in an object as a word: the first of them, 0 when there is none. Its guard is the object's. */
export class Polls implements PollWatch {
  private readonly pool: SlotPool;
  private readonly buckets: number;
  /** The call that entries are being made for. */
  private thread = 0;
  private file = 0;
  private events = 0;
  private refused = false;

  /** @param base region of `Polls.bytes(count)` bytes */
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly files: OpenFiles,
    private readonly descriptors: Descriptors,
    private readonly waits: WaitQueues,
    base: number,
    count: number,
  ) {
    this.buckets = base;
    this.pool = new SlotPool(ram, locks, base + BUCKETS * PollBucket.SIZE, {
      name: 'poll entry',
      count,
      size: PollEntry.SIZE,
      layout: PollEntry,
      order: 'lifo',
    });
    if (SEEDED) placed(PollBucket, base, PollBucket.SIZE, BUCKETS);
  }

  static bytes(count: number): number {
    return BUCKETS * PollBucket.SIZE + SlotPool.bytes(count, PollEntry.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
    for (let i = 0; i < BUCKETS; i++) {
      const bucket = this.buckets + i * PollBucket.SIZE;
      PollBucket.lock.init(this.ram, bucket, Rank.poll);
      this.ram.fill(PollBucket.pollers.addr(bucket), WaitQueue.SIZE);
    }
  }

  /** Entries in use: a snapshot. */
  inUse(): number {
    return this.pool.inUse();
  }

  /** The running thread's call begins to look at its files, or does so again: what it has put on lists before is taken off. */
  begin(thread: number): void {
    this.end(thread);
    Thread.poked.put(this.ram, thread, 0);
    this.thread = thread;
    this.refused = false;
  }

  /**
   * Looks at one file.
   *
   * @param events PollEvent bits that are of interest; hang-ups and errors always are
   * @param watch whether to be told when that changes
   * @returns those that hold; Invalid when the number names nothing
   */
  look(table: number, fd: number, events: number, watch: boolean): number {
    const { files } = this;
    const file = this.descriptors.take(table, fd);
    if (file === 0) return PollEvent.Invalid;
    let found: number = PollEvent.Invalid;
    if ((files.flags(file) & Open.Path) === 0) {
      this.file = file;
      this.events = events | ALWAYS;
      found = files.opsOf(file).poll(file, watch ? this : undefined) & this.events;
    }
    files.release(file);
    return found;
  }

  /** Puts the call on an object's list, whose guard the caller holds. */
  addLocked(list: number, guard: number): void {
    const { ram } = this;
    const entry = this.pool.alloc();
    if (entry === 0) {
      this.refused = true;
      return;
    }
    this.files.retain(this.file);
    const first = ram.u32[list >>> 2]!;
    PollEntry.thread.set(ram, entry, this.thread);
    PollEntry.sibling.set(ram, entry, Thread.polls.get(ram, this.thread));
    PollEntry.file.set(ram, entry, this.file);
    PollEntry.events.set(ram, entry, this.events);
    PollEntry.list.set(ram, entry, list);
    PollEntry.guard.set(ram, entry, guard);
    PollEntry.next.set(ram, entry, first);
    PollEntry.prev.set(ram, entry, 0);
    if (SEEDED) this.pool.publish(entry);
    if (first !== 0) PollEntry.prev.set(ram, first, entry);
    ram.u32[list >>> 2] = entry;
    Thread.polls.set(ram, this.thread, entry);
  }

  /**
   * Sleeps until one of the files that are watched has changed.
   *
   * @param deadline nanoseconds since power-on, or NO_DEADLINE
   * @returns BLOCKED; 0 when one has changed already; -ENOMEM when not all could be watched; a restart code
   */
  sleep(thread: number, deadline: number): number {
    const { ram, locks } = this;
    if (this.refused) return -E.NOMEM;
    const bucket = this.bucketOf(thread);
    const lock = PollBucket.lock.addr(bucket);
    locks.acquire(lock);
    let result = 0;
    if (Thread.poked.peek(ram, thread) === 0) {
      const queue = PollBucket.pollers.addr(bucket);
      result = this.waits.sleepLocked(thread, queue, lock, WaitForm.Rerun, WaitReason.poll, deadline, -E.AGAIN);
    }
    locks.release(lock);
    return result;
  }

  /** The call ends, or its thread does: takes all its entries off their lists. */
  end(thread: number): void {
    const { ram, locks } = this;
    let entry = Thread.polls.get(ram, thread);
    if (entry === 0) return;
    Thread.polls.set(ram, thread, 0);
    while (entry !== 0) {
      const guard = PollEntry.guard.get(ram, entry);
      locks.acquire(guard);
      const next = PollEntry.next.get(ram, entry);
      const prev = PollEntry.prev.get(ram, entry);
      if (next !== 0) PollEntry.prev.set(ram, next, prev);
      if (prev !== 0) PollEntry.next.set(ram, prev, next);
      else ram.u32[PollEntry.list.get(ram, entry) >>> 2] = next;
      locks.release(guard);
      const sibling = PollEntry.sibling.get(ram, entry);
      const file = PollEntry.file.get(ram, entry);
      this.pool.free(entry);
      this.files.release(file);
      entry = sibling;
    }
  }

  /** These events (PollEvent bits) hold now for an object, and did not before: tells those on its list. The caller holds its guard. */
  notifyLocked(list: number, events: number): void {
    const { ram } = this;
    for (let entry = ram.u32[list >>> 2]!; entry !== 0; entry = PollEntry.next.get(ram, entry)) {
      if ((PollEntry.events.get(ram, entry) & events) !== 0) this.poke(PollEntry.thread.get(ram, entry));
    }
  }

  private poke(thread: number): void {
    const { ram, locks, waits } = this;
    const bucket = this.bucketOf(thread);
    const lock = PollBucket.lock.addr(bucket);
    locks.acquire(lock);
    Thread.poked.put(ram, thread, 1);
    if (Thread.waitGuard.load(ram, thread) === lock) waits.wakeLocked(thread);
    locks.release(lock);
  }

  private bucketOf(thread: number): number {
    return this.buckets + (Math.imul(thread >>> 6, HASH) >>> 26) * PollBucket.SIZE;
  }
}
