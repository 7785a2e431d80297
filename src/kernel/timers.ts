/*
 * Deadlines of waits: a binary heap for each hart, in RAM.
 *
 * A thread that sleeps with a deadline is in the heap of the hart it slept on, at most once; its block knows where (timerHart,
 * timerIndex), so that ending the wait early takes it out in O(log n). The hart expires its own heap: after each slice of guest code
 * and when it parks (it sleeps no longer than until the first deadline).
 *
 * Lock rank: an entry is armed and disarmed under the guard of the wait. `takeExpired` cannot take that guard inside its own lock, so
 * it hands out thread and wait sequence, and whoever ends the wait checks that it is still the same one.
 */

import { bytes, f64, struct, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';
import { placed } from './oracles/places.ts';
import { Thread } from './thread.ts';

export const NO_DEADLINE = Infinity;

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
  thread: u32('TimerHeap.lock'),
  sequence: u32('TimerHeap.lock'),
});

export class Timers {
  /** The wait that `takeExpired` found. */
  sequence = 0;
  private readonly stride: number;
  private readonly own: number;

  /**
   * @param base region of `Timers.bytes(harts, threads)` bytes
   * @param hart this hart; the host, which never sleeps on a deadline, passes any
   */
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly base: number,
    private readonly harts: number,
    threads: number,
    private readonly hart: number,
  ) {
    this.stride = Timers.heapBytes(threads);
    this.own = base + hart * this.stride;
    if (SEEDED) placed(TimerHeap, base, this.stride, harts);
  }

  static bytes(harts: number, threads: number): number {
    return harts * Timers.heapBytes(threads);
  }

  private static heapBytes(threads: number): number {
    return TimerHeap.SIZE + Math.ceil((threads * Entry.SIZE) / 64) * 64;
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

  /** Arms a deadline for the wait `sequence` of a thread that has none armed. Under the wait's guard. */
  arm(thread: number, sequence: number, deadline: number): void {
    const { ram, locks } = this;
    const heap = this.own;
    locks.acquire(heap);
    const index = TimerHeap.count.get(ram, heap);
    TimerHeap.count.set(ram, heap, index + 1);
    Thread.timerHart.put(ram, thread, this.hart + 1);
    this.place(heap, index, deadline, thread, sequence);
    this.up(heap, index);
    this.noteFirst(heap);
    locks.release(heap);
  }

  /** Takes a thread's deadline back, if it is still armed. Under the wait's guard. */
  disarm(thread: number): void {
    const { ram, locks } = this;
    const hart = Thread.timerHart.peek(ram, thread);
    if (hart === 0) return;
    const heap = this.heapOf(hart - 1);
    locks.acquire(heap);
    // Between the look and the lock the deadline may have passed; only one of the two removes it.
    if (Thread.timerHart.peek(ram, thread) === hart) this.removeLocked(heap, Thread.timerIndex.get(ram, thread));
    locks.release(heap);
  }

  /** Removes one deadline that has passed: returns its thread and leaves the wait's number in `sequence`; 0 when there is none. */
  takeExpired(now: number): number {
    const { ram, locks } = this;
    const heap = this.own;
    if (TimerHeap.first.peek(ram, heap) > now) return 0;
    locks.acquire(heap);
    let thread = 0;
    if (TimerHeap.count.get(ram, heap) > 0 && TimerHeap.first.get(ram, heap) <= now) {
      const entry = this.entry(heap, 0);
      thread = Entry.thread.get(ram, entry);
      this.sequence = Entry.sequence.get(ram, entry);
      this.removeLocked(heap, 0);
    }
    locks.release(heap);
    return thread;
  }

  private removeLocked(heap: number, index: number): void {
    const { ram } = this;
    const last = TimerHeap.count.get(ram, heap) - 1;
    Thread.timerHart.put(ram, Entry.thread.get(ram, this.entry(heap, index)), 0);
    TimerHeap.count.set(ram, heap, last);
    if (index !== last) {
      const moved = this.entry(heap, last);
      this.place(heap, index, Entry.deadline.get(ram, moved), Entry.thread.get(ram, moved), Entry.sequence.get(ram, moved));
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
    const thread = Entry.thread.get(ram, first);
    const sequence = Entry.sequence.get(ram, first);
    this.place(heap, a, Entry.deadline.get(ram, second), Entry.thread.get(ram, second), Entry.sequence.get(ram, second));
    this.place(heap, b, deadline, thread, sequence);
  }

  private place(heap: number, index: number, deadline: number, thread: number, sequence: number): void {
    const { ram } = this;
    const entry = this.entry(heap, index);
    Entry.deadline.set(ram, entry, deadline);
    Entry.thread.set(ram, entry, thread);
    Entry.sequence.set(ram, entry, sequence);
    Thread.timerIndex.set(ram, thread, index);
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
