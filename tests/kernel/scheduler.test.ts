/*
 * The scheduler: where does a thread go that becomes ready, and can it be forgotten there?
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { Context, NO_RESERVATION } from '../../src/core/context.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { SLICE_NS } from '../../src/kernel/scheduler.ts';
import { Thread, ThreadState } from '../../src/kernel/thread.ts';
import { Ipi } from '../../src/smp/ipi.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { KernelBench } from './kernel-bench.ts';

let bench: KernelBench;
let harts: readonly Kernel[];

beforeEach(() => {
  bench = new KernelBench({ cpus: 4 });
  ({ harts } = bench);
});

/** A running thread of `hart` that may run on these harts only. */
function threadOn(hart: number, affinity = 0b1111, priority = 20): number {
  const { thread } = bench.start(hart);
  Thread.affinityLow.store(bench.ram, thread, affinity);
  Thread.priority.store(bench.ram, thread, priority);
  return thread;
}

const queued = (): number[] => harts.map(({ scheduler }) => scheduler.queued);
const rung = (): number[] => harts.map(({ doorbells }, hart) => doorbells.take(hart));

describe('a thread that becomes ready', () => {
  it('goes to the hart it ran on last when that is idle, and wakes it', () => {
    const thread = threadOn(2);
    for (const { scheduler } of harts) scheduler.setIdle();
    rung();
    harts[0]!.scheduler.ready(thread);
    expect(queued()).toEqual([0, 0, 1, 0]);
    expect(rung()).toEqual([0, 0, Ipi.Reschedule, 0]);
  });

  it('goes to an idle hart when its last one is busy', () => {
    const thread = threadOn(2);
    harts[3]!.scheduler.setIdle();
    rung();
    harts[0]!.scheduler.ready(thread);
    expect(queued()).toEqual([0, 0, 0, 1]);
    expect(rung()).toEqual([0, 0, 0, Ipi.Reschedule]);
  });

  it('leaves an idle hart to itself that has just been given another one', () => {
    const first = threadOn(2);
    const second = threadOn(2);
    for (const hart of [1, 2, 3]) harts[hart]!.scheduler.setIdle();
    rung();
    harts[0]!.scheduler.ready(first);
    harts[0]!.scheduler.ready(second);
    expect(queued()).toEqual([0, 1, 1, 0]);
    expect(rung()).toEqual([0, Ipi.Reschedule, Ipi.Reschedule, 0]);
  });

  it('goes to no hart that its affinity forbids, idle or not', () => {
    const thread = threadOn(2, 0b0010);
    harts[3]!.scheduler.setIdle();
    rung();
    harts[0]!.scheduler.ready(thread);
    expect(queued()).toEqual([0, 1, 0, 0]);
  });

  it('waits at its last hart when all are busy, which goes on undisturbed', () => {
    const thread = threadOn(2);
    threadOn(2);
    rung();
    harts[0]!.scheduler.ready(thread);
    expect(queued()).toEqual([0, 0, 1, 0]);
    expect(rung()).toEqual([0, 0, 0, 0]);
  });

  it('interrupts a hart that runs something less urgent', () => {
    const thread = threadOn(2, 0b1111, 5);
    threadOn(2, 0b1111, 20);
    rung();
    harts[0]!.scheduler.ready(thread);
    expect(rung()).toEqual([0, 0, Ipi.Reschedule, 0]);
  });

  it('is offered to a hart that has become idle while it was queued', () => {
    const thread = threadOn(2);
    threadOn(2);
    rung();
    // Hart 1 becomes idle after the thread's place has been chosen: between the choice and the queue.
    const { locks, scheduler } = harts[0]!;
    const acquire = locks.acquire.bind(locks);
    locks.acquire = (lock: number): void => {
      harts[1]!.scheduler.setIdle();
      acquire(lock);
    };
    scheduler.ready(thread);
    expect(rung()).toEqual([0, Ipi.Reschedule, 0, 0]);
    expect(harts[1]!.scheduler.pick()).toBe(thread);
  });

  it('starts somewhere when it comes from the host', () => {
    const { thread } = bench.startReady();
    expect(queued().reduce((sum, n) => sum + n, 0)).toBe(1);
    expect(bench.stateOf(thread)).toBe(ThreadState.Ready);
  });
});

describe('a hart that looks for work', () => {
  it('takes its own first, then from others what it may run', () => {
    const mine = threadOn(0);
    const theirs = threadOn(1);
    const pinned = threadOn(2, 0b0100);
    harts[0]!.scheduler.yield(mine);
    harts[1]!.scheduler.yield(theirs);
    harts[2]!.scheduler.yield(pinned);
    expect(harts[0]!.scheduler.pick()).toBe(mine);
    expect(harts[0]!.scheduler.pick()).toBe(theirs);
    expect(harts[0]!.scheduler.pick()).toBe(0);
    expect(queued()).toEqual([0, 0, 1, 0]);
    expect(HartControl.steals.get(bench.ram, harts[0]!.smpMap.hartControl(0))).toBe(1);
  });

  it('passes on what may not run here any more', () => {
    const thread = threadOn(0);
    harts[0]!.scheduler.yield(thread);
    Thread.affinityLow.store(bench.ram, thread, 0b1000);
    expect(harts[0]!.scheduler.pick()).toBe(0);
    expect(queued()).toEqual([0, 0, 0, 1]);
    expect(harts[3]!.scheduler.pick()).toBe(thread);
  });

  it('makes the thread its own, and breaks its reservation', () => {
    const thread = threadOn(0);
    Context.reservation.set(bench.ram, thread, 0x1234);
    harts[0]!.scheduler.yield(thread);
    expect(harts[3]!.scheduler.pick()).toBe(thread);
    expect(Thread.hart.load(bench.ram, thread)).toBe(3);
    expect(bench.stateOf(thread)).toBe(ThreadState.Running);
    expect(Context.reservation.get(bench.ram, thread)).toBe(NO_RESERVATION);
    expect(HartControl.thread.get(bench.ram, harts[3]!.smpMap.hartControl(3))).toBe(thread);
  });

  it('panics when a queued thread is not ready', () => {
    const thread = threadOn(0);
    harts[0]!.scheduler.yield(thread);
    Thread.state.store(bench.ram, thread, ThreadState.Blocked);
    expect(() => harts[0]!.scheduler.pick()).toThrow(/queued but not ready/);
  });
});

describe('a running thread', () => {
  const now = 1e12;

  it('goes on beyond its slice while nobody waits', () => {
    const thread = threadOn(0);
    expect(harts[0]!.scheduler.mustYield(thread, now)).toBe(false);
  });

  it('gives way to its like when the slice is over, to the more urgent at once, to the less urgent never before', () => {
    const { scheduler } = harts[0]!;
    const thread = threadOn(0);
    const other = threadOn(0);
    bench.take((scheduler.yield(thread), thread), 0);
    scheduler.mustYield(thread, now);
    Thread.affinityLow.store(bench.ram, other, 0b0001);
    scheduler.yield(other);
    expect(scheduler.mustYield(thread, now + SLICE_NS - 1)).toBe(false);
    expect(scheduler.mustYield(thread, now + SLICE_NS)).toBe(true);
    Thread.priority.store(bench.ram, thread, 21);
    expect(scheduler.mustYield(thread, now + 1)).toBe(true);
    Thread.priority.store(bench.ram, thread, 19);
    expect(scheduler.mustYield(thread, now + 1)).toBe(false);
  });

  it('moves at once when it may not run here any more', () => {
    const thread = threadOn(0);
    Thread.affinityLow.store(bench.ram, thread, 0b0010);
    expect(harts[0]!.scheduler.mustYield(thread, 0)).toBe(true);
  });

  it('is charged for its time, and its hart too', () => {
    const thread = threadOn(0);
    const { scheduler, clock } = harts[0]!;
    const control = harts[0]!.smpMap.hartControl(0);
    const start = clock.nowNs();
    scheduler.charge(thread, start);
    const before = [Thread.cpuNs.get(bench.ram, thread), HartControl.busyNs.get(bench.ram, control)];
    scheduler.charge(thread, start + 500);
    const after = [Thread.cpuNs.get(bench.ram, thread), HartControl.busyNs.get(bench.ram, control)];
    expect(after.map((ns, i) => Math.round(ns - before[i]!))).toEqual([500, 500]);
  });
});

describe('idle harts', () => {
  it('are known one by one, beyond the thirty-second too', () => {
    bench = new KernelBench({ cpus: 64, memoryBytes: 72 * 2 ** 20, traceRecords: 2 });
    ({ harts } = bench);
    for (const hart of [0, 31, 32, 63]) harts[hart]!.scheduler.setIdle();
    harts[32]!.scheduler.clearIdle();
    expect([0, 1, 31, 32, 33, 63].map((hart) => harts[5]!.scheduler.isIdle(hart))).toEqual([
      true,
      false,
      true,
      false,
      false,
      true,
    ]);
    const { thread } = bench.start(40);
    Thread.affinityLow.store(bench.ram, thread, 0);
    rung();
    harts[40]!.scheduler.yield(thread);
    expect(rung().indexOf(Ipi.Reschedule)).toBe(63);
  });
});
