/*
 * Deadlines of waits and of alarms: a binary heap for each hart, in RAM.
 *
 * A thread that sleeps with a deadline is in the heap of the hart it slept on, at most once, and likewise an alarm (alarms.ts) that has been set; its
 * block knows where (timerHart, timerIndex), so that taking it out early is done in O(log n). An entry's owner is the block's address,
 * with ALARM added if it is an alarm. The hart expires its own heap: after each slice of guest code
 * and when it parks (it sleeps no longer than until the first deadline).
 *
 * Lock rank: an entry is armed and disarmed under the guard of the wait (an alarm: the tree lock). `takeExpired` cannot take that inside its own
 * lock, so it hands out owner and sequence, and whoever acts on them checks that they still mean the same.
 */

import { bytes, f64, struct, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';
import { Alarm } from './alarm.ts';
import { placed } from './oracles/places.ts';
import { Thread } from './thread.ts';

export const NO_DEADLINE = Infinity;
/** Added to the address of an alarm, to tell it from a thread. */
export const ALARM = 1;

export const TimerHeap = struct(
  'TimerHeap',
  {
    lock: spinlock(),
    count: u32('lock'),
    /** The earliest deadline, or NO_DEADLINE: read by its hart without the lock, which at worst looks once too often. */
    first: f64('lock'),
    entries: bytes('lock', 0, 64),
  },
  { align: 64 },
);

const Entry = struct('TimerEntry', {
  deadline: f64('TimerHeap.lock'),
  owner: u32('TimerHeap.lock'),
  sequence: u32('TimerHeap.lock'),
});

export class Timers {
  /** The wait that `takeExpired` found. */
  sequence = 0;
  private readonly stride: number;
  private readonly own: number;

  /**
   * @param base region of `Timers.bytes(harts, owners)` bytes, for so many threads and alarms
   * @param hart this hart; the host, which never sleeps on a deadline, passes any
   */
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly base: number,
    private readonly harts: number,
    owners: number,
    private readonly hart: number,
  ) {
    this.stride = Timers.heapBytes(owners);
    this.own = base + hart * this.stride;
    if (SEEDED) placed(TimerHeap, base, this.stride, harts);
  }

  static bytes(harts: number, owners: number): number {
    return harts * Timers.heapBytes(owners);
  }

  private static heapBytes(owners: number): number {
    return TimerHeap.SIZE + Math.ceil((owners * Entry.SIZE) / 64) * 64;
  }

  initialise(): void {
    for (let hart = 0; hart < this.harts; hart++) {
      const heap = this.heapOf(hart);
      TimerHeap.lock.init(this.ram, heap, Rank.timer);
      TimerHeap.count.set(this.ram, heap, 0);
      TimerHeap.first.set(this.ram, heap, NO_DEADLINE);
    }
  }

  /** The earliest deadline of this hart. */
  get next(): number {
    return TimerHeap.first.peek(this.ram, this.own);
  }

  /** Deadlines that are armed, over all harts: statistics, hence without the locks. */
  armed(): number {
    let sum = 0;
    for (let hart = 0; hart < this.harts; hart++) sum += TimerHeap.count.peek(this.ram, this.heapOf(hart));
    return sum;
  }

  /** Arms a deadline for the wait `sequence` of a thread (or an alarm) that has none armed. Under the wait's guard. */
  arm(owner: number, sequence: number, deadline: number): void {
    const { ram, locks } = this;
    const heap = this.own;
    locks.acquire(heap);
    const index = TimerHeap.count.get(ram, heap);
    TimerHeap.count.set(ram, heap, index + 1);
    this.putHart(owner, this.hart + 1);
    this.place(heap, index, deadline, owner, sequence);
    this.up(heap, index);
    this.noteFirst(heap);
    locks.release(heap);
  }

  /** Takes an owner's deadline back, if it is still armed. Under the wait's guard. */
  disarm(owner: number): void {
    const { locks } = this;
    const hart = this.hartOf(owner);
    if (hart === 0) return;
    const heap = this.heapOf(hart - 1);
    locks.acquire(heap);
    // Between the look and the lock the deadline may have passed; only one of the two removes it.
    if (this.hartOf(owner) === hart) this.removeLocked(heap, this.indexOf(owner));
    locks.release(heap);
  }

  /** Removes one deadline that has passed: returns its owner and leaves the wait's number in `sequence`; 0 when there is none. */
  takeExpired(now: number): number {
    const { ram, locks } = this;
    const heap = this.own;
    if (TimerHeap.first.peek(ram, heap) > now) return 0;
    locks.acquire(heap);
    let owner = 0;
    if (TimerHeap.count.get(ram, heap) > 0 && TimerHeap.first.get(ram, heap) <= now) {
      const entry = this.entry(heap, 0);
      owner = Entry.owner.get(ram, entry);
      this.sequence = Entry.sequence.get(ram, entry);
      this.removeLocked(heap, 0);
    }
    locks.release(heap);
    return owner;
  }

  private removeLocked(heap: number, index: number): void {
    const { ram } = this;
    const last = TimerHeap.count.get(ram, heap) - 1;
    this.putHart(Entry.owner.get(ram, this.entry(heap, index)), 0);
    TimerHeap.count.set(ram, heap, last);
    if (index !== last) {
      const moved = this.entry(heap, last);
      this.place(heap, index, Entry.deadline.get(ram, moved), Entry.owner.get(ram, moved), Entry.sequence.get(ram, moved));
      this.up(heap, index);
      this.down(heap, index);
    }
    this.noteFirst(heap);
  }

  private noteFirst(heap: number): void {
    const count = TimerHeap.count.get(this.ram, heap);
    TimerHeap.first.set(this.ram, heap, count === 0 ? NO_DEADLINE : Entry.deadline.get(this.ram, this.entry(heap, 0)));
  }

  private up(heap: number, from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (this.deadline(heap, parent) <= this.deadline(heap, index)) return;
      this.swap(heap, index, parent);
      index = parent;
    }
  }

  private down(heap: number, from: number): void {
    const count = TimerHeap.count.get(this.ram, heap);
    let index = from;
    for (;;) {
      let least = index;
      const left = 2 * index + 1;
      if (left < count && this.deadline(heap, left) < this.deadline(heap, least)) least = left;
      if (left + 1 < count && this.deadline(heap, left + 1) < this.deadline(heap, least)) least = left + 1;
      if (least === index) return;
      this.swap(heap, index, least);
      index = least;
    }
  }

  private swap(heap: number, a: number, b: number): void {
    const { ram } = this;
    const first = this.entry(heap, a);
    const second = this.entry(heap, b);
    const deadline = Entry.deadline.get(ram, first);
    const owner = Entry.owner.get(ram, first);
    const sequence = Entry.sequence.get(ram, first);
    this.place(heap, a, Entry.deadline.get(ram, second), Entry.owner.get(ram, second), Entry.sequence.get(ram, second));
    this.place(heap, b, deadline, owner, sequence);
  }

  private place(heap: number, index: number, deadline: number, owner: number, sequence: number): void {
    const { ram } = this;
    const entry = this.entry(heap, index);
    Entry.deadline.set(ram, entry, deadline);
    Entry.owner.set(ram, entry, owner);
    Entry.sequence.set(ram, entry, sequence);
    if ((owner & ALARM) !== 0) Alarm.timerIndex.set(ram, owner - ALARM, index);
    else Thread.timerIndex.set(ram, owner, index);
  }

  private hartOf(owner: number): number {
    return (owner & ALARM) !== 0 ? Alarm.timerHart.peek(this.ram, owner - ALARM) : Thread.timerHart.peek(this.ram, owner);
  }

  private putHart(owner: number, hart: number): void {
    if ((owner & ALARM) !== 0) Alarm.timerHart.put(this.ram, owner - ALARM, hart);
    else Thread.timerHart.put(this.ram, owner, hart);
  }

  private indexOf(owner: number): number {
    return (owner & ALARM) !== 0 ? Alarm.timerIndex.get(this.ram, owner - ALARM) : Thread.timerIndex.get(this.ram, owner);
  }

  private deadline(heap: number, index: number): number {
    return Entry.deadline.get(this.ram, this.entry(heap, index));
  }

  private entry(heap: number, index: number): number {
    return TimerHeap.entries.addr(heap) + index * Entry.SIZE;
  }

  private heapOf(hart: number): number {
    return this.base + hart * this.stride;
  }
}
