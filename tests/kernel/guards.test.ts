/*
 * The seeded build: does it notice who touches what without the guard, or what has been freed, or gives back less than it held?
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { bundle, projectRoot } from '../../src/smp/bundle.ts';
import { VrosCall } from '../../src/syscalls/abi.ts';
import type { KernelBench, Started } from './kernel-bench.ts';
import type * as Seeded from './seeded-bench.ts';

let seeded: typeof Seeded;
let bench: KernelBench;
let a: Started;
let b: Started;

beforeAll(async () => {
  const entry = join(projectRoot, 'tests/kernel/seeded-bench.ts');
  const file = await bundle({ name: 'seeded-bench', entry, seeded: true });
  seeded = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as typeof Seeded;
});

/** Two processes with a thread each, at hart 0 and 1. From `watch` on everything is checked as if hart 0 did it. */
beforeEach(() => {
  bench = new seeded.KernelBench();
  a = bench.start(0);
  b = bench.start(1);
});

afterEach(() => {
  for (const kernel of bench.harts) kernel.guards!.suspend();
});

function watch(): void {
  bench.harts[0]!.guards!.install();
}

/** A port of process `a`: its address. */
function createPort(): number {
  expect(bench.call(0, a.thread, VrosCall.SYS_IPC_CREATE_PORT)).toBe(0);
  return seeded.Process.owned.at(bench.ram, a.process, 0);
}

describe('a field that is touched', () => {
  it('without its lock is a panic that names both, with its lock it is not', () => {
    const { ram } = bench;
    const port = createPort();
    const { locks } = bench.harts[0]!;
    watch();
    expect(() => seeded.Port.count.get(ram, port)).toThrow(
      /read without its guard: Port\.count .* \(guard: lock\) by hart 0, which holds: no lock/,
    );
    locks.acquire(seeded.Port.lock.addr(port));
    seeded.Port.count.set(ram, port, 0);
    expect(() => seeded.Port.next.set(ram, port, 0)).toThrow(/written .*Port\.next .*PortTable\.lock.* holds: object at/);
    expect(() => seeded.Process.owned.at(ram, a.process, 0)).toThrow(/Process\.owned .*family/);
    locks.release(seeded.Port.lock.addr(port));
  });

  it('of a thread is for the hart that runs it, or holds what it waits for', () => {
    const { ram } = bench;
    createPort();
    bench.call(0, a.thread, VrosCall.SYS_IPC_RECV, 0, 0x10000);
    const c = bench.start(0);
    watch();
    expect(seeded.Thread.cpuNs.get(ram, c.thread)).toBeGreaterThanOrEqual(0);
    expect(() => seeded.Thread.cpuNs.get(ram, b.thread)).toThrow(/Thread\.cpuNs .*owner/);
    expect(() => seeded.Thread.waitA.get(ram, a.thread)).toThrow(/Thread\.waitA .*waitGuard/);
    const guard = seeded.Thread.waitGuard.load(ram, a.thread);
    bench.harts[0]!.locks.acquire(guard);
    expect(seeded.Thread.waitA.get(ram, a.thread)).toBe(0x10000);
    expect(seeded.Process.space.get(ram, a.process)).toBe(a.space);
    expect(() => seeded.Process.space.get(ram, b.process)).toThrow(/Process\.space .*owner/);
    bench.harts[0]!.locks.release(guard);
  });

  it('and is immutable may be read by all and written by none', () => {
    const { ram } = bench;
    watch();
    expect(seeded.Process.pid.get(ram, b.process)).toBe(b.pid);
    expect(() => seeded.Process.pid.set(ram, b.process, 99)).toThrow(/written .*Process\.pid .*immutable/);
    expect(() => seeded.Thread.tid.set(ram, b.thread, 99)).toThrow(/written .*Thread\.tid .*alone/);
  });

  it('by peek is nobody’s concern', () => {
    const port = createPort();
    watch();
    expect(seeded.Port.count.peek(bench.ram, port)).toBe(0);
  });

  it('is checked through a whole life of system calls', () => {
    watch();
    bench.call(0, a.thread, VrosCall.SYS_IPC_CREATE_PORT);
    bench.call(0, a.thread, VrosCall.SYS_IPC_SEND, 0, 1, 0x10000, 8);
    bench.call(0, a.thread, VrosCall.SYS_IPC_RECV, 0, 0x10000);
    bench.call(0, a.thread, VrosCall.SYS_IPC_DESTROY_PORT, 0);
    bench.harts[0]!.exits.endGroup(a.thread, 0);
  });
});

describe('what has been freed', () => {
  it('is a panic to use, but for what outlives the owner', () => {
    bench.harts[0]!.exits.endGroup(a.thread, 0);
    watch();
    expect(() => seeded.Process.pid.get(bench.ram, a.process)).toThrow(/use of a freed Process: pid of the one at 0x/);
    expect(() => seeded.Thread.flags.load(bench.ram, a.thread)).toThrow(/use of a freed Thread: flags/);
    expect(seeded.Thread.waitGuard.load(bench.ram, a.thread)).toBe(0);
    expect(() => seeded.Process.pid.get(bench.ram, a.process + 64)).toThrow(/no Process at 0x/);
  });

  it('holds nothing of its owner, and who writes to a slot is noticed when it is given out again', () => {
    const { ram } = bench;
    const { table } = bench.harts[0]!;
    bench.harts[0]!.exits.endGroup(a.thread, 0);
    expect(seeded.Process.pid.peek(ram, a.process)).toBe(0xdeadf0ee);
    seeded.Process.status.set(ram, a.process, 5);
    expect(() => table.processes.alloc()).toThrow(/free process slot at 0x[0-9a-f]+ was written to: at \+\d+ it has 0x5/);
  });

  it('and is a frame is noticed likewise', () => {
    const { frames } = bench.harts[0]!;
    const frame = frames.alloc();
    frames.release(frame);
    expect(frames.allocRaw()).toBe(frame);
    expect(bench.ram.u32[frame >>> 2]).toBe(0xdeadf0ee);
    frames.release(frame);
    bench.ram.u32[(frame + 40) >>> 2] = 7;
    expect(() => frames.allocRaw()).toThrow(/free frame 0x[0-9a-f]+ was written to: at \+40 it has 0x7/);
  });
});

describe('whoever ends', () => {
  it('and still has objects of a family is a panic', () => {
    seeded.Process.owned.put(bench.ram, a.process, 3, 0x1000);
    expect(() => bench.harts[0]!.exits.endGroup(a.thread, 0)).toThrow(/process \d+ ends and still has objects of IPC family 3/);
  });

  it('and still has a deadline is a panic', () => {
    bench.harts[0]!.timers.arm(a.thread, 1, 1e9);
    expect(() => bench.harts[0]!.exits.endGroup(a.thread, 0)).toThrow(/thread \d+ ends while hart 0 has a deadline for it/);
  });
});
