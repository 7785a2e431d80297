/*
 * Spinlocks: does exactly one hart hold a lock, does everybody who waits get it, and is every misuse a panic?
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ram } from '../../src/core/ram.ts';
import { HartControl, MAX_HELD } from '../../src/smp/hart-control.ts';
import { KernelPanic } from '../../src/smp/panic.ts';
import { Rank, rankName } from '../../src/smp/ranks.ts';
import { Locks, Spinlock } from '../../src/smp/spinlock.ts';
import { allocate, planSmp, smpMapOf, type SmpPlan } from './bench.ts';
import type { SpinlockTask } from './spinlock-worker.ts';
import { endAll, runWorker } from './workers.ts';

const worker = new URL('spinlock-worker.ts', import.meta.url);

afterEach(endAll);

/** Lock `n` of the room, of a rank. */
function makeLock(ram: Ram, plan: SmpPlan, n: number, rank: number): number {
  const lock = plan.room + n * Spinlock.SIZE;
  Spinlock.word.store(ram, lock, 0);
  Spinlock.rank.set(ram, lock, rank);
  return lock;
}

interface Contest {
  readonly harts: number;
  readonly rounds: number;
  readonly locks: number;
  readonly napEvery: number;
}

/** Lets harts fight for locks; returns the counts that the locks guarded. */
async function contest({ harts, rounds, locks: lockCount, napEvery }: Contest): Promise<{ sum: number; contended: number }> {
  const plan = planSmp(harts);
  const ram = allocate(plan);
  const locks = Array.from({ length: lockCount }, (_, n) => makeLock(ram, plan, n, Rank.object));
  const words = locks.map((_, n) => plan.room + 4096 + n * 64);
  const gate = plan.room + 8192;
  const tasks = Array.from({ length: harts }, (_, hart): SpinlockTask => ({
    memory: ram.memory,
    plan,
    hart,
    rounds,
    locks,
    words,
    napEvery,
    gate,
  }));
  const results = await Promise.all(tasks.map((task) => runWorker(worker, task)));
  expect(results).toEqual(Array(harts).fill({ counted: rounds, held: 0 }));
  for (const lock of locks) expect(Spinlock.word.load(ram, lock)).toBe(0);
  return {
    sum: words.reduce((sum, word) => sum + ram.u32[word >>> 2]!, 0),
    contended: locks.reduce((sum, lock) => sum + Spinlock.contended.load(ram, lock), 0),
  };
}

describe('a lock that several harts want', () => {
  it.each([
    [2, 40_000, 1],
    [4, 10_000, 1],
    [16, 2_000, 1],
    [4, 10_000, 3],
  ])('is held by one of %i harts at a time: %i counts each under %i locks', async (harts, rounds, locks) => {
    const { sum, contended } = await contest({ harts, rounds, locks, napEvery: 0 });
    expect(sum).toBe(harts * rounds);
    expect(contended).toBeGreaterThan(0);
  });

  // A holder that is off its core for a millisecond: all others spin out and sleep. One wake-up lost, and the worker never ends.
  it.each([
    [2, 100],
    [4, 60],
    [16, 12],
  ])('wakes each of %i harts that sleep on it', async (harts, rounds) => {
    const { sum, contended } = await contest({ harts, rounds, locks: 1, napEvery: 3 });
    expect(sum).toBe(harts * rounds);
    expect(contended).toBeGreaterThan(0);
  });
});

describe('a hart with locks', () => {
  let ram: Ram;
  let plan: SmpPlan;
  let mine: Locks;
  let other: Locks;
  let outer: number;
  let inner: number;

  beforeEach(() => {
    plan = planSmp(2);
    ram = allocate(plan);
    const map = smpMapOf(plan);
    mine = new Locks(ram, map.hartControl(0), 0);
    other = new Locks(ram, map.hartControl(1), 1);
    outer = makeLock(ram, plan, 0, Rank.process);
    inner = makeLock(ram, plan, 1, Rank.space);
  });

  it('holds what it has taken until it gives it back, in whatever order', () => {
    mine.acquire(outer);
    mine.acquire(inner);
    expect([mine.holds(outer), mine.holds(inner), mine.held]).toEqual([true, true, 2]);
    expect([other.holds(outer), other.tryAcquire(inner)]).toEqual([false, false]);
    mine.release(outer);
    expect([mine.holds(outer), mine.holds(inner), mine.held]).toEqual([false, true, 1]);
    expect(other.tryAcquire(outer)).toBe(true);
    mine.release(inner);
    expect(mine.held).toBe(0);
  });

  it('leaves a list of them in its control block, for the report of a crash', () => {
    const control = smpMapOf(plan).hartControl(0);
    mine.acquire(outer);
    mine.acquire(inner);
    expect(HartControl.heldCount.get(ram, control)).toBe(2);
    expect([HartControl.held.at(ram, control, 0), HartControl.held.at(ram, control, 1)]).toEqual([outer, inner]);
    mine.release(outer);
    expect(HartControl.heldCount.get(ram, control)).toBe(1);
    expect(HartControl.held.at(ram, control, 0)).toBe(inner);
  });

  it('panics when it takes an outer lock inside of an inner one, and does not hold it then', () => {
    mine.acquire(inner);
    expect(() => {
      mine.acquire(outer);
    }).toThrow(/^lock order: process at 0x[0-9a-f]+ taken while holding space at/);
    expect([mine.holds(outer), mine.held]).toEqual([false, 1]);
  });

  it('knows the order again after the innermost lock has been given back', () => {
    const middle = makeLock(ram, plan, 2, Rank.object);
    mine.acquire(outer);
    mine.acquire(inner);
    mine.release(inner);
    mine.acquire(middle);
    expect(() => {
      mine.acquire(makeLock(ram, plan, 3, Rank.portTable));
    }).toThrow(/lock order/);
  });

  it('takes two locks of one rank by rising address only', () => {
    const first = makeLock(ram, plan, 4, Rank.futex);
    const second = makeLock(ram, plan, 5, Rank.futex);
    mine.acquire(first);
    mine.acquire(second);
    mine.release(first);
    expect(() => {
      mine.acquire(first);
    }).toThrow(/lock order/);
  });

  it('panics when it takes a lock twice, at once and not by waiting for itself', () => {
    mine.acquire(outer);
    expect(() => {
      mine.acquire(outer);
    }).toThrow(KernelPanic);
  });

  it('panics when it gives back what it does not hold, whoever does', () => {
    expect(() => {
      mine.release(outer);
    }).toThrow(/released but not held/);
    other.acquire(outer);
    expect(() => {
      mine.release(outer);
    }).toThrow(/released but not held/);
    expect(other.holds(outer)).toBe(true);
    other.release(outer);
    expect(() => {
      other.release(outer);
    }).toThrow(/released but not held/);
  });

  it('panics when somebody else has given its lock away', () => {
    mine.acquire(outer);
    Spinlock.word.store(ram, outer, 2);
    expect(() => {
      mine.release(outer);
    }).toThrow(/does not hold it/);
  });

  it('may try a lock in any order, and gets it only when it is free', () => {
    mine.acquire(inner);
    expect(mine.tryAcquire(outer)).toBe(true);
    expect(mine.tryAcquire(outer)).toBe(false);
    mine.release(outer);
    mine.release(inner);
  });

  it('is caught without a lock that a function asks for', () => {
    expect(() => {
      mine.assertHeld(inner);
    }).toThrow(/\(space\) must be held here/);
    mine.acquire(inner);
    mine.assertHeld(inner);
    expect(() => {
      other.assertHeld(inner);
    }).toThrow(KernelPanic);
  });

  it('panics rather than hold more than its list has room for', () => {
    for (let n = 0; n < MAX_HELD; n++) mine.acquire(makeLock(ram, plan, 10 + n, Rank.object));
    expect(() => {
      mine.acquire(makeLock(ram, plan, 10 + MAX_HELD, Rank.object));
    }).toThrow(/too many locks/);
  });
});

describe('the ranks', () => {
  it('differ from one another, and have their names', () => {
    const numbers = Object.values(Rank);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const [name, rank] of Object.entries(Rank)) expect(rankName(rank)).toBe(name);
    expect(rankName(11)).toBe('rank 11');
  });
});
