/*
 * The starting line: does nobody go on before the last one has come, whoever dies meanwhile, and is a held line let go by the host alone?
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { E } from '../../src/kernel/errno.ts';
import { BLOCKED } from '../../src/kernel/result.ts';
import { ThreadState } from '../../src/kernel/thread.ts';
import { HostCall } from '../../src/smp/host-bell.ts';
import { LineFlag, MachineCall } from '../../src/syscalls/abi.ts';
import { KernelBench, type Started } from './kernel-bench.ts';

let bench: KernelBench;

beforeEach(() => {
  bench = new KernelBench();
});

/** The thread makes the call on the hart that runs it. */
function arrive(thread: number, count: number, hart = 0): number {
  return bench.call(hart, thread, MachineCall.SYS_HB_ARRIVE, count);
}

/** Processes of one thread each, on both harts in turn. */
function runners(count: number): Started[] {
  return Array.from({ length: count }, (_, i) => bench.start(i % 2));
}

function kill({ pid, thread }: Started): void {
  bench.host.signals.kill(pid, 9);
  if (bench.stateOf(thread) === ThreadState.Running) bench.harts[0]!.exits.endThread(thread, 0);
}

/** The threads that the scheduler gives out, in its order. */
function picked(hart = 0): number[] {
  const threads: number[] = [];
  for (;;) {
    const thread = bench.harts[hart]!.scheduler.pick();
    if (thread === 0) return threads;
    threads.push(thread);
  }
}

const states = (of: readonly Started[]): number[] => of.map(({ thread }) => bench.stateOf(thread));

describe('threads at the starting line', () => {
  it('wait until the last one has arrived, then all go on', () => {
    const threads = runners(4);
    for (const { thread } of threads.slice(0, 3)) expect(arrive(thread, 4)).toBe(BLOCKED);
    expect(states(threads)).toEqual([ThreadState.Blocked, ThreadState.Blocked, ThreadState.Blocked, ThreadState.Running]);
    expect(arrive(threads[3]!.thread, 4, 1)).toBe(0);
    expect(states(threads)).toEqual([ThreadState.Ready, ThreadState.Ready, ThreadState.Ready, ThreadState.Running]);
    for (const { thread } of threads.slice(0, 3)) expect(bench.resultOf(thread)).toBe(0);
  });

  it('may be of one process', () => {
    const main = bench.start();
    const other = bench.addThread(main);
    expect(arrive(main.thread, 2)).toBe(BLOCKED);
    expect(arrive(other, 2)).toBe(0);
  });

  it('use it again, with another number', () => {
    const threads = runners(3);
    for (const count of [1, 3, 2]) {
      const results = threads.slice(0, count).map(({ thread }) => arrive(thread, count));
      expect(results).toEqual([...Array<number>(count - 1).fill(BLOCKED), 0]);
      for (const { thread } of threads) if (bench.stateOf(thread) === ThreadState.Ready) bench.take(thread, 0);
    }
  });

  it('leave it by dying: one more has to come', () => {
    const [a, b, c, d] = runners(4) as [Started, Started, Started, Started];
    arrive(a.thread, 3);
    arrive(b.thread, 3);
    kill(a);
    expect(arrive(c.thread, 3)).toBe(BLOCKED);
    expect(arrive(d.thread, 3)).toBe(0);
    expect(states([b, c])).toEqual([ThreadState.Ready, ThreadState.Ready]);
  });

  it('may bring another number once all have died who waited', () => {
    const [a, b] = runners(2) as [Started, Started];
    arrive(a.thread, 3);
    kill(a);
    expect(arrive(b.thread, 1)).toBe(0);
  });

  it('who are to die do not wait, and do not count', () => {
    const [a, b, c] = runners(3) as [Started, Started, Started];
    bench.host.signals.kill(a.pid, 9);
    expect(arrive(a.thread, 2)).toBe(-E.INTR);
    expect(arrive(b.thread, 2)).toBe(BLOCKED);
    expect(arrive(c.thread, 2)).toBe(0);
  });

  it('are refused when they name a number that cannot be, or not the one of those who wait', () => {
    const [a, b] = runners(2) as [Started, Started];
    const most = bench.host.map.limits.threads;
    for (const count of [0, most + 1, 0x7fff_ffff, LineFlag.HB_LINE_ASIDE]) expect(arrive(a.thread, count)).toBe(-E.INVAL);
    expect(arrive(a.thread, most)).toBe(BLOCKED);
    expect(arrive(b.thread, 2)).toBe(-E.INVAL);
    expect(bench.stateOf(a.thread)).toBe(ThreadState.Blocked);
  });

  it('do not meet those of the line aside', () => {
    const [a, b, c, d] = runners(4) as [Started, Started, Started, Started];
    expect(arrive(a.thread, 2)).toBe(BLOCKED);
    expect(arrive(b.thread, 3 | LineFlag.HB_LINE_ASIDE)).toBe(BLOCKED);
    expect(arrive(c.thread, 2)).toBe(0);
    expect(arrive(d.thread, 3 | LineFlag.HB_LINE_ASIDE)).toBe(BLOCKED);
    expect(states([a, b])).toEqual([ThreadState.Ready, ThreadState.Blocked]);
  });
});

describe('a line that is held', () => {
  beforeEach(() => {
    bench.host.line.hold(true);
    bench.host.bell.take();
  });

  it('rings for the host when it is complete, and lets nobody go before the host does', () => {
    const threads = runners(3);
    for (const { thread } of threads.slice(0, 2)) expect(arrive(thread, 3)).toBe(BLOCKED);
    expect(bench.host.bell.take()).toBe(0);
    expect(bench.host.line.heldCount()).toBe(0);
    expect(arrive(threads[2]!.thread, 3)).toBe(BLOCKED);
    expect(bench.host.bell.take()).toBe(HostCall.Line);
    expect(bench.host.line.heldCount()).toBe(3);
    expect(states(threads)).toEqual(Array(3).fill(ThreadState.Blocked));
  });

  it('lets them go in the order of their arrival, each with 0', () => {
    const threads = Array.from({ length: 4 }, () => bench.start(0));
    const order = [2, 0, 3, 1].map((i) => threads[i]!.thread);
    for (const thread of order) arrive(thread, 4);
    bench.host.line.release();
    expect(order.map((thread) => bench.resultOf(thread))).toEqual([0, 0, 0, 0]);
    expect(picked()).toEqual(order);
    expect(bench.host.line.heldCount()).toBe(0);
  });

  it('loses who dies there, and lets the others go', () => {
    const [a, b] = runners(2) as [Started, Started];
    arrive(a.thread, 2);
    arrive(b.thread, 2);
    kill(a);
    expect(bench.host.line.heldCount()).toBe(1);
    bench.host.line.release();
    expect(bench.stateOf(b.thread)).toBe(ThreadState.Ready);
  });

  it('keeps those apart who come to the next one', () => {
    const [a, b, c, d] = runners(4) as [Started, Started, Started, Started];
    arrive(a.thread, 2);
    arrive(b.thread, 2);
    expect(arrive(c.thread, 2)).toBe(BLOCKED);
    bench.host.line.release();
    expect(states([a, b, c])).toEqual([ThreadState.Ready, ThreadState.Ready, ThreadState.Blocked]);
    bench.host.line.hold(false);
    expect(arrive(d.thread, 2)).toBe(0);
    expect(bench.stateOf(c.thread)).toBe(ThreadState.Ready);
  });

  it('is not complete by somebody who is to die', () => {
    const [a, b] = runners(2) as [Started, Started];
    arrive(a.thread, 2);
    bench.host.signals.kill(b.pid, 9);
    expect(arrive(b.thread, 2)).toBe(-E.INTR);
    expect(bench.host.bell.take()).toBe(0);
    expect(bench.host.line.heldCount()).toBe(0);
  });

  it('holds a single thread too, and never the line aside', () => {
    const [a, b] = runners(2) as [Started, Started];
    expect(arrive(a.thread, 1 | LineFlag.HB_LINE_ASIDE)).toBe(0);
    expect(bench.host.bell.take()).toBe(0);
    expect(arrive(b.thread, 1)).toBe(BLOCKED);
    expect(bench.host.bell.take()).toBe(HostCall.Line);
  });

  it('leaves nothing behind when all have died', () => {
    const empty = new KernelBench().inUse();
    bench = new KernelBench();
    bench.host.line.hold(true);
    const threads = runners(2);
    for (const { thread } of threads) arrive(thread, 2);
    for (const one of threads) {
      kill(one);
      bench.take(one.thread, 0);
      bench.harts[0]!.exits.endThread(one.thread, 0);
    }
    expect(bench.inUse()).toEqual(empty);
    expect(bench.host.line.heldCount()).toBe(0);
  });
});
