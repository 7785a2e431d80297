/*
 * Races that real harts hardly ever run into, played step by step: what happens between a look and the lock that follows it.
 */

import { beforeEach, describe, expect, it } from 'vitest';

import { xOffset } from '../../src/core/context.ts';
import { ConsoleFlag } from '../../src/devices/console-layout.ts';
import { startProgram } from '../../src/kernel/program-start.ts';
import { Space } from '../../src/kernel/address-space.ts';
import { E } from '../../src/kernel/errno.ts';
import { ANY_BITS } from '../../src/kernel/futex.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { MapFlag, Prot } from '../../src/kernel/mman.ts';
import { Process } from '../../src/kernel/process.ts';
import { BLOCKED } from '../../src/kernel/result.ts';
import { Thread, ThreadState } from '../../src/kernel/thread.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { Shootdown, TlbState } from '../../src/smp/shootdown.ts';
import { Linux } from '../../src/syscalls/numbers.ts';
import { bareKernel, type Bench, bindBox } from './kernel.ts';

const PAGE = 0x3000_0000;

let bench: Bench;
let kernel: Kernel;
let thread: number;
let process: number;
let space: number;

beforeEach(() => {
  bench = bareKernel();
  ({ kernel } = bench);
  bindBox(kernel);
  process = kernel.table.processLocked(startProgram(kernel, '/bin/box', ['box'], []));
  space = Process.space.get(kernel.ram, process);
  kernel.mappings.map(space, PAGE, 4096, Prot.Read | Prot.Write, MapFlag.Private | MapFlag.Anonymous | MapFlag.Fixed);
  thread = kernel.scheduler.pick();
});

describe('a deadline', () => {
  it('ends a wait that is requeued between the look at its lock and the lock', () => {
    const { ram, futexes, locks } = kernel;
    expect(futexes.wait(thread, space, PAGE, 0, ANY_BITS, 1000)).toBe(BLOCKED);
    const guard = Thread.waitGuard.load(ram, thread);
    const acquire = locks.acquire.bind(locks);
    let requeued = 0;
    locks.acquire = (lock) => {
      if (lock === guard && requeued++ === 0) expect(futexes.requeue(space, PAGE, PAGE + 4, 0, 1, undefined, true)).toBe(1);
      acquire(lock);
    };
    kernel.expire(2000);
    expect(Thread.waitGuard.load(ram, thread)).toBe(0);
    expect(Thread.state.load(ram, thread)).toBe(ThreadState.Ready);
    expect(ram.getI64(thread + xOffset(10))).toBe(-E.TIMEDOUT);
    expect(requeued).toBeGreaterThan(1);
  });

  it('leaves the next wait of the same thread alone', () => {
    const { ram, futexes, timers, scheduler } = kernel;
    expect(futexes.wait(thread, space, PAGE, 0, ANY_BITS, 1000)).toBe(BLOCKED);
    const takeExpired = timers.takeExpired.bind(timers);
    // The hart that expires holds thread and sequence in its hands, when another one wakes the thread and it waits again.
    timers.takeExpired = (now) => {
      const expired = takeExpired(now);
      if (expired !== 0) {
        const { sequence } = timers;
        expect(futexes.wake(space, PAGE, 1)).toBe(1);
        expect(scheduler.pick()).toBe(thread);
        expect(futexes.wait(thread, space, PAGE, 0, ANY_BITS, 1e9)).toBe(BLOCKED);
        timers.sequence = sequence;
      }
      return expired;
    };
    kernel.expire(2000);
    expect(Thread.state.load(ram, thread)).toBe(ThreadState.Blocked);
    expect(timers.armed()).toBe(1);
  });
});

describe('a hart that goes from one address space to another', () => {
  it('does not claim to have flushed the new one as often as the old one', () => {
    const { ram, smpMap, doorbells } = kernel;
    const other = kernel.spaces.create();
    const control = smpMap.hartControl(1);
    const hart = new Shootdown(
      ram,
      smpMap,
      doorbells,
      { activate: () => undefined, flushAsid: () => undefined, flushCodeOf: () => undefined },
      1,
      16,
    );
    const enter = (of: number): void => hart.activate(Space.tlb.addr(of), Space.root.get(ram, of), Space.asid.get(ram, of));
    for (let i = 0; i < 5; i++) kernel.shootdown.shoot(Space.tlb.addr(space));
    enter(space);
    hart.enterGuest();
    hart.leaveGuest();
    enter(other);
    // A shooter that comes now, while the hart is between saying that it runs guest code and looking, has to wait for it.
    const next = TlbState.generation.load(ram, Space.tlb.addr(other)) + 1;
    expect(HartControl.generation.load(ram, control)).toBeLessThan(next);
    hart.enterGuest();
    expect(HartControl.generation.load(ram, control)).toBe(next - 1);
  });
});

describe('a write', () => {
  it('whose descriptor is closed while it waits for room goes on, and the next one fails', () => {
    const { ram, console, descriptors } = kernel;
    const write = (fd: number, length: number): number => {
      [fd, PAGE, length].forEach((arg, i) => ram.setU64(thread + xOffset(10 + i), arg));
      ram.setU64(thread + xOffset(17), Linux.write);
      return bench.calls.call(thread);
    };
    expect(console.flagsLocked() & ConsoleFlag.OutputTerminal).toBe(0);
    const table = Process.files.get(ram, process);
    // Somebody else uses the table, too: so a call's hold is a reference.
    descriptors.share(table);
    // As a write that has put out 1000 bytes and waits for room for more.
    descriptors.hold(thread, process, 1);
    Thread.progress.set(ram, thread, 1000);
    expect(descriptors.close(table, 1)).toBe(0);
    expect(write(1, 4000)).toBe(4000);
    expect(Thread.progress.get(ram, thread)).toBe(0);
    expect(write(1, 10)).toBe(-E.BADF);
    expect(write(2, 10)).toBe(10);
  });
});
