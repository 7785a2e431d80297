import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ram } from '../../src/core/ram.ts';
import { SlotPool } from '../../src/kernel/slots.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { KernelPanic } from '../../src/smp/panic.ts';
import { Locks } from '../../src/smp/spinlock.ts';

const BASE = 4096;

function makePool(count: number, order: 'lifo' | 'fifo'): SlotPool {
  const ram = Ram.allocate(BASE + SlotPool.bytes(count, 100));
  const pool = new SlotPool(ram, new Locks(ram, 1024, 0), BASE, { name: 'test', count, size: 100, order });
  expect(HartControl.SIZE).toBeLessThan(BASE - 1024);
  pool.initialise();
  return pool;
}

describe('a slot pool', () => {
  it('hands out every slot once, each apart from the others, and then none', () => {
    const pool = makePool(5, 'lifo');
    const slots = Array.from({ length: 5 }, () => pool.alloc());
    expect(new Set(slots).size).toBe(5);
    for (const slot of slots) expect(slot % 64).toBe(0);
    expect(Math.min(...slots.slice(1).map((slot, i) => slot - slots[i]!))).toBe(128);
    expect(pool.alloc()).toBe(0);
    expect(pool.inUse()).toBe(5);
  });

  it('gives the last one freed again when it is last-in-first-out', () => {
    const pool = makePool(4, 'lifo');
    const [a, b] = [pool.alloc(), pool.alloc()];
    pool.free(a);
    pool.free(b);
    expect(pool.alloc()).toBe(b);
    expect(pool.alloc()).toBe(a);
  });

  it('gives the one that has been free for longest when it is first-in-first-out', () => {
    const pool = makePool(3, 'fifo');
    const [a, b] = [pool.alloc(), pool.alloc()];
    pool.free(b);
    pool.free(a);
    expect(pool.alloc()).toBe(pool.at(2));
    expect(pool.alloc()).toBe(b);
    expect(pool.alloc()).toBe(a);
  });

  it('tells the handle of an earlier owner from the present one', () => {
    const pool = makePool(2, 'lifo');
    const slot = pool.alloc();
    const old = pool.handleOf(slot);
    expect(pool.resolve(old)).toBe(slot);
    pool.free(slot);
    expect(pool.resolve(old)).toBe(0);
    expect(pool.alloc()).toBe(slot);
    expect(pool.resolve(old)).toBe(0);
    expect(pool.isLive(slot, pool.handleOf(slot))).toBe(true);
  });

  it('resolves nothing from numbers that are no handles', () => {
    const pool = makePool(3, 'lifo');
    pool.alloc();
    for (const handle of [0, -1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 53, 3]) expect(pool.resolve(handle)).toBe(0);
  });

  it('keeps handles positive and non-zero when the count of a slot wraps', () => {
    // 2^20 slots leave 11 bits for the count.
    const pool = makePool(2 ** 20, 'lifo');
    const seen = new Set<number>();
    for (let i = 0; i < 2047; i++) {
      const slot = pool.alloc();
      const handle = pool.handleOf(slot);
      expect(handle).toBeGreaterThan(0);
      seen.add(handle);
      pool.free(slot);
    }
    expect(seen.size).toBe(2047);
    expect(pool.handleOf(pool.alloc())).toBeGreaterThan(0);
  });

  it('panics when a slot is freed twice or was never one', () => {
    const pool = makePool(2, 'lifo');
    const slot = pool.alloc();
    pool.free(slot);
    expect(() => {
      pool.free(slot);
    }).toThrow(KernelPanic);
    expect(() => pool.indexOf(slot + 8)).toThrow(KernelPanic);
  });

  it.each(['lifo', 'fifo'] as const)('never loses or doubles a slot, in any order of use (%s)', (order) => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 200 }), (steps) => {
        const pool = makePool(6, order);
        const held: number[] = [];
        for (const step of steps) {
          if (step < 5) {
            const slot = pool.alloc();
            expect(slot === 0).toBe(held.length === 6);
            if (slot !== 0) {
              expect(held).not.toContain(slot);
              held.push(slot);
            }
          } else if (held.length > 0) {
            pool.free(held.splice(step % held.length, 1)[0]!);
          }
          expect(pool.inUse()).toBe(held.length);
        }
      }),
    );
  });
});
