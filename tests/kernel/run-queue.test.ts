/*
 * The run queue: who is next, and does nobody wait for ever?
 */

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { CACHE_LINE } from '../../src/core/layout.ts';
import { Ram } from '../../src/core/ram.ts';
import {
  dequeueLocked,
  enqueueLocked,
  initialiseRunQueue,
  mayRunOn,
  mostUrgentLevelLocked,
  RunQueue,
  stealLocked,
} from '../../src/kernel/run-queue.ts';
import { PRIORITIES, Thread } from '../../src/kernel/thread.ts';

const THREADS = 64;
const QUEUE = CACHE_LINE;
const ram = Ram.allocate(65536 * 2);

/** Thread n, with a priority and the harts it may run on. */
function thread(n: number, priority = 20, harts = 0xffff_ffff): number {
  const block = 4096 + n * Thread.SIZE;
  Thread.priority.store(ram, block, priority);
  Thread.affinityLow.store(ram, block, harts);
  Thread.affinityHigh.store(ram, block, 0);
  return block;
}

beforeEach(() => {
  initialiseRunQueue(ram, QUEUE);
});

const drain = (): number[] => {
  const order: number[] = [];
  for (let next = dequeueLocked(ram, QUEUE); next !== 0; next = dequeueLocked(ram, QUEUE)) order.push(next);
  return order;
};

describe('a run queue', () => {
  it('is first come, first served within a priority', () => {
    const threads = [3, 1, 2].map((n) => thread(n));
    for (const one of threads) enqueueLocked(ram, QUEUE, one);
    expect(drain()).toEqual(threads);
    expect(drain()).toEqual([]);
  });

  it('prefers the more urgent, over the whole range', () => {
    const order = [0, 1, 19, 20, 31, 32, 33, PRIORITIES - 1];
    const threads = order.map((priority, n) => thread(n, priority));
    for (const one of [...threads].reverse()) enqueueLocked(ram, QUEUE, one);
    expect(mostUrgentLevelLocked(ram, QUEUE)).toBe(0);
    expect(drain()).toEqual(threads);
    expect(mostUrgentLevelLocked(ram, QUEUE)).toBe(-1);
  });

  it('lets the least urgent run now and then, however many urgent ones there are', () => {
    const patient = thread(0, 39);
    const urgent = thread(1, 0);
    enqueueLocked(ram, QUEUE, patient);
    let picks = 0;
    let next = 0;
    while (next !== patient && picks < 100) {
      enqueueLocked(ram, QUEUE, urgent);
      picks++;
      next = dequeueLocked(ram, QUEUE);
    }
    expect(picks).toBe(16);
  });

  it('keeps a thread where it was queued when its priority changes meanwhile', () => {
    const changed = thread(0, 10);
    enqueueLocked(ram, QUEUE, changed);
    Thread.priority.store(ram, changed, 35);
    const other = thread(1, 20);
    enqueueLocked(ram, QUEUE, other);
    expect(drain()).toEqual([changed, other]);
  });

  it('gives a thief the most urgent thread that it may run', () => {
    const here = thread(0, 5, 0b01);
    const there = thread(1, 20, 0b10);
    const later = thread(2, 20, 0b11);
    for (const one of [here, there, later]) enqueueLocked(ram, QUEUE, one);
    expect(stealLocked(ram, QUEUE, 1)).toBe(there);
    expect(stealLocked(ram, QUEUE, 1)).toBe(later);
    expect(stealLocked(ram, QUEUE, 1)).toBe(0);
    expect(drain()).toEqual([here]);
  });

  it('reads affinity beyond the thirty-second hart', () => {
    const one = thread(0, 20, 0);
    Thread.affinityHigh.store(ram, one, 0x8000_0001);
    expect([0, 31, 32, 33, 63].map((hart) => mayRunOn(ram, one, hart))).toEqual([false, false, true, false, true]);
  });

  it('holds what a sorted list would, whatever is put in, taken out and stolen', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('put' as const),
        n: fc.nat(THREADS - 1),
        priority: fc.nat(39),
        harts: fc.integer({ min: 1, max: 3 }),
      }),
      fc.record({ kind: fc.constant('take' as const) }),
      fc.record({ kind: fc.constant('steal' as const), hart: fc.nat(1) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        initialiseRunQueue(ram, QUEUE);
        let model: { block: number; priority: number; harts: number }[] = [];
        let picks = 0;
        const leave = (block: number | undefined): number => {
          model = model.filter((one) => one.block !== block);
          return block ?? 0;
        };
        for (const one of steps) {
          // The sort is stable: within a priority the list keeps the order of arrival.
          const urgentFirst = [...model].sort((a, b) => a.priority - b.priority);
          if (one.kind === 'put') {
            const block = thread(one.n, one.priority, one.harts);
            if (model.some((queued) => queued.block === block)) {
              Thread.priority.store(ram, block, model.find((queued) => queued.block === block)!.priority);
              Thread.affinityLow.store(ram, block, model.find((queued) => queued.block === block)!.harts);
              continue;
            }
            enqueueLocked(ram, QUEUE, block);
            model.push({ block, priority: one.priority, harts: one.harts });
          } else if (one.kind === 'take') {
            picks++;
            const last = urgentFirst.at(-1)?.priority;
            const fair = urgentFirst.find(({ priority }) => priority === last)?.block;
            expect(dequeueLocked(ram, QUEUE)).toBe(leave(picks % 16 === 0 ? fair : urgentFirst[0]?.block));
          } else {
            const found = urgentFirst.find(({ harts }) => (harts & (1 << one.hart)) !== 0)?.block;
            expect(stealLocked(ram, QUEUE, one.hart)).toBe(leave(found));
          }
          expect(RunQueue.length.load(ram, QUEUE)).toBe(model.length);
          expect(mostUrgentLevelLocked(ram, QUEUE)).toBe(
            Math.min(...model.map(({ priority }) => priority), Infinity) === Infinity
              ? -1
              : Math.min(...model.map(({ priority }) => priority)),
          );
        }
      }),
      { numRuns: 200 },
    );
  });
});
