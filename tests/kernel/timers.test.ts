/*
 * Deadlines: does the heap of each hart say the same as a sorted list would?
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Thread } from '../../src/kernel/thread.ts';
import { NO_DEADLINE } from '../../src/kernel/timers.ts';
import { KernelBench } from './kernel-bench.ts';

const HARTS = 2;
const THREADS = 24;

type Command =
  | { readonly kind: 'arm'; readonly hart: number; readonly thread: number; readonly deadline: number }
  | { readonly kind: 'disarm'; readonly hart: number; readonly thread: number }
  | { readonly kind: 'expire'; readonly hart: number; readonly now: number };

const hart = fc.nat(HARTS - 1);
const thread = fc.nat(THREADS - 1);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('arm'), hart, thread, deadline: fc.nat(50) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('disarm'), hart, thread }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire'), hart, now: fc.nat(50) }) },
);

interface Armed {
  readonly hart: number;
  readonly thread: number;
  readonly deadline: number;
  readonly sequence: number;
}

/** Runs commands on the heaps and on a list, and compares after each. */
function compare(commands: readonly Command[]): void {
  const bench = new KernelBench({ cpus: HARTS });
  const timers = bench.harts.map((kernel) => kernel.timers);
  const blocks = Array.from({ length: THREADS }, () => bench.host.table.threads.alloc());
  let armed: Armed[] = [];
  let sequence = 0;
  const of = (hart: number): Armed[] => armed.filter((entry) => entry.hart === hart).sort((a, b) => a.deadline - b.deadline);
  for (const step of commands) {
    if (step.kind === 'arm') {
      // A thread waits for one thing at a time.
      if (armed.some((entry) => entry.thread === step.thread)) continue;
      sequence++;
      timers[step.hart]!.arm(blocks[step.thread]!, sequence, step.deadline);
      armed.push({ hart: step.hart, thread: step.thread, deadline: step.deadline, sequence });
    } else if (step.kind === 'disarm') {
      // Any hart may wake a thread whose deadline another one keeps.
      timers[step.hart]!.disarm(blocks[step.thread]!);
      armed = armed.filter((entry) => entry.thread !== step.thread);
    } else {
      const due = of(step.hart).filter((entry) => entry.deadline <= step.now);
      const taken: Armed[] = [];
      for (;;) {
        const block = timers[step.hart]!.takeExpired(step.now);
        if (block === 0) break;
        const thread = blocks.indexOf(block);
        const entry = armed.find((one) => one.thread === thread)!;
        expect(timers[step.hart]!.sequence).toBe(entry.sequence);
        taken.push(entry);
      }
      expect(taken.map(({ deadline }) => deadline)).toEqual(due.map(({ deadline }) => deadline));
      expect(new Set(taken)).toEqual(new Set(due));
      armed = armed.filter((entry) => !due.includes(entry));
    }
    for (let hart = 0; hart < HARTS; hart++) expect(timers[hart]!.next).toBe(of(hart)[0]?.deadline ?? NO_DEADLINE);
    expect(bench.host.timers.armed()).toBe(armed.length);
    blocks.forEach((block, thread) => {
      const entry = armed.find((one) => one.thread === thread);
      expect(Thread.timerHart.load(bench.ram, block)).toBe(entry === undefined ? 0 : entry.hart + 1);
    });
  }
}

describe('the deadlines of two harts', () => {
  it('come in order, whatever is armed, taken back and waited for', () => {
    fc.assert(fc.property(fc.array(command, { maxLength: 120 }), compare), { numRuns: 60 });
  });

  it('have room for one of every thread there can be', () => {
    const bench = new KernelBench({ cpus: 1 });
    const { threads } = bench.host.table;
    const { timers } = bench.harts[0]!;
    for (let i = 0; i < threads.count; i++) timers.arm(threads.alloc(), 1, (i * 7919) % threads.count);
    for (let i = 0; i < threads.count; i++) {
      expect(timers.next).toBe(i);
      expect(timers.takeExpired(i)).not.toBe(0);
    }
    expect(timers.takeExpired(Infinity)).toBe(0);
    expect(timers.next).toBe(NO_DEADLINE);
  });
});
