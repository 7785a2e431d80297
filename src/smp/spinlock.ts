/*
 * Spinlocks: a word in RAM on a cache line of its own.
 *
 * The word is 0 when free, else the holder's hart number + 1, with SLEEPERS set when somebody may be asleep on it. Harts outnumber
 * host cores, so a holder may be off its core for milliseconds: a hart spins briefly and then sleeps on the word. Whoever releases a
 * lock with SLEEPERS set wakes one sleeper, which takes the lock with SLEEPERS set again, for it cannot know whether it was the last.
 *
 * A spinning or sleeping hart owes nobody an answer: a TLB shootdown waits only for harts that run guest code (shootdown.ts).
 *
 * The stack of held locks lies in the hart's control block, so that order can be checked and a crash can be read.
 */

import { custom, Field, type FieldSpec, struct, u32, bytes } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { atomicU32 } from './atomics.ts';
import { HartControl, MAX_HELD } from './hart-control.ts';
import { KernelPanic } from './panic.ts';
import { type Rank, rankName } from './ranks.ts';
import { SEEDED } from './schedule/build.ts';
import { Point, point } from './schedule/point.ts';
import { sleepOn, wakeOne } from './sleep.ts';

export const Spinlock = struct(
  'Spinlock',
  {
    word: atomicU32(),
    rank: u32('immutable'),
    /** How often a hart found it taken: statistics. */
    contended: atomicU32(),
    rest: bytes('padding', 64 - 12, 4),
  },
  { align: 64 },
);

/** A lock inside of a structure; `addr(base)` is what `Locks` takes. */
export class SpinlockField extends Field {
  /** Makes the lock free and gives it its rank; before the structure is shared. */
  init(ram: Ram, base: number, rank: Rank): void {
    const lock = base + this.offset;
    Spinlock.word.store(ram, lock, 0);
    Spinlock.rank.set(ram, lock, rank);
  }
}

export const spinlock = (): FieldSpec<SpinlockField> =>
  custom(SpinlockField, Spinlock.SIZE, Spinlock.ALIGN, 'atomic', 'struct spinlock');

const SLEEPERS = 0x4000_0000;
/** About 2 µs: longer than the kernel holds most locks, much shorter than a sleep and wake-up (22 µs). */
const SPINS = 300;

/** The locks of a machine as one hart takes them. */
export class Locks {
  private readonly me: number;
  private readonly heldBase: number;
  private count = 0;
  private top = 0;

  constructor(
    private readonly ram: Ram,
    /** This hart's control block. */
    private readonly control: number,
    readonly hart: number,
    /** How long a sleep on a lock may last before it counts as the machine's failure, ms: the host's, for no worker can end it. */
    private readonly patienceMs = Infinity,
  ) {
    this.me = hart + 1;
    this.heldBase = HartControl.held.addr(control) >>> 2;
  }

  /** Takes the lock at `lock`; waits while another hart has it. Panics when the rank forbids it. */
  acquire(lock: number): void {
    this.checkOrder(lock);
    if (SEEDED) point(Point.Acquire, lock);
    if (Atomics.compareExchange(this.ram.i32, lock >>> 2, 0, this.me) !== 0) {
      HartControl.wanted.set(this.ram, this.control, lock);
      this.contend(lock);
      HartControl.wanted.set(this.ram, this.control, 0);
    }
    this.push(lock);
  }

  /** Takes the lock if it is free. Never waits, so any order is allowed. */
  tryAcquire(lock: number): boolean {
    if (SEEDED) point(Point.Acquire, lock);
    if (Atomics.compareExchange(this.ram.i32, lock >>> 2, 0, this.me) !== 0) return false;
    this.push(lock);
    return true;
  }

  release(lock: number): void {
    // First of all: as long as the word is taken, the lock counts as held.
    if (SEEDED) point(Point.Release, lock);
    this.pop(lock);
    const word = Atomics.exchange(this.ram.i32, lock >>> 2, 0);
    if ((word & ~SLEEPERS) !== this.me)
      throw new KernelPanic(`lock at ${hex(lock)} released by hart ${String(this.me - 1)} that does not hold it`);
    if ((word & SLEEPERS) !== 0) wakeOne(this.ram, lock);
  }

  holds(lock: number): boolean {
    return (Atomics.load(this.ram.i32, lock >>> 2) & ~SLEEPERS) === this.me;
  }

  /** Panics unless this hart holds the lock: the first line of a `…Locked` function that is worth it. */
  assertHeld(lock: number): void {
    if (!this.holds(lock)) throw new KernelPanic(`lock at ${hex(lock)} (${this.nameOf(lock)}) must be held here`);
  }

  /** How many locks this hart holds: zero whenever it enters guest code or parks. */
  get held(): number {
    return this.count;
  }

  private checkOrder(lock: number): void {
    if (this.count === 0) return;
    const rank = Spinlock.rank.get(this.ram, lock);
    const topRank = Spinlock.rank.get(this.ram, this.top);
    if (rank > topRank || (rank === topRank && lock > this.top)) return;
    throw new KernelPanic(
      `lock order: ${this.nameOf(lock)} at ${hex(lock)} taken while holding ${this.nameOf(this.top)} at ${hex(this.top)}`,
    );
  }

  private contend(lock: number): void {
    const { i32 } = this.ram;
    const index = lock >>> 2;
    Spinlock.contended.add(this.ram, lock, 1);
    // Under a schedule nobody else runs meanwhile.
    for (let spin = 0; spin < (SEEDED ? 0 : SPINS); spin++) {
      if (Atomics.load(i32, index) === 0 && Atomics.compareExchange(i32, index, 0, this.me) === 0) return;
    }
    for (;;) {
      const word = Atomics.load(i32, index);
      if (word === 0) {
        if (Atomics.compareExchange(i32, index, 0, this.me | SLEEPERS) === 0) return;
        continue;
      }
      if ((word & ~SLEEPERS) === this.me) throw new KernelPanic(`lock ${this.nameOf(lock)} at ${hex(lock)} taken twice`);
      if ((word & SLEEPERS) !== 0 || Atomics.compareExchange(i32, index, word, word | SLEEPERS) === word) {
        if (sleepOn(this.ram, lock, word | SLEEPERS, this.patienceMs)) {
          throw new KernelPanic(`lock ${this.nameOf(lock)} at ${hex(lock)} is held for ever by hart ${(word & ~SLEEPERS) - 1}`);
        }
      }
    }
  }

  /** The held stack stays sorted by rank in practice; `top` is the one with the highest rank. */
  private push(lock: number): void {
    if (this.count === MAX_HELD) throw new KernelPanic('too many locks held');
    this.ram.u32[this.heldBase + this.count] = lock;
    this.count++;
    HartControl.heldCount.set(this.ram, this.control, this.count);
    this.top = lock;
  }

  private pop(lock: number): void {
    let at = this.count - 1;
    while (at >= 0 && this.ram.u32[this.heldBase + at] !== lock) at--;
    if (at < 0) throw new KernelPanic(`lock at ${hex(lock)} (${this.nameOf(lock)}) released but not held`);
    for (; at < this.count - 1; at++) this.ram.u32[this.heldBase + at] = this.ram.u32[this.heldBase + at + 1]!;
    this.count--;
    HartControl.heldCount.set(this.ram, this.control, this.count);
    this.top = this.count === 0 ? 0 : this.ram.u32[this.heldBase + this.count - 1]!;
  }

  private nameOf(lock: number): string {
    return rankName(Spinlock.rank.get(this.ram, lock));
  }
}

/** Who holds a lock, or -1: a plain look, for whoever watches or reports. */
export function holderOf(ram: Ram, lock: number): number {
  return (ram.i32[lock >>> 2]! & ~SLEEPERS) - 1;
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
