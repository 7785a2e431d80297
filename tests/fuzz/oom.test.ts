/*
 * What if the n-th request for memory, or for a slot, finds none, for every n? Starting a program, execve and clone fail with an errno
 * then, and leave nothing behind.
 */

import { beforeEach, describe, expect, it } from 'vitest';

import { xOffset } from '../../src/core/context.ts';
import { startProgram } from '../../src/kernel/program-start.ts';
import { E } from '../../src/kernel/errno.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { MapFlag, Prot } from '../../src/kernel/mman.ts';
import { Process } from '../../src/kernel/process.ts';
import { REPLACED } from '../../src/kernel/result.ts';
import { SlotPool } from '../../src/kernel/slots.ts';
import { Linux } from '../../src/syscalls/numbers.ts';
import { bareKernel, type Bench, bindBox } from './kernel.ts';

const STRINGS = 0x2000_0000;

let bench: Bench;
let kernel: Kernel;

beforeEach(() => {
  bench = bareKernel();
  ({ kernel } = bench);
  bindBox(kernel);
});

/** What is in use. */
function inUse(): Record<string, number> {
  const { frames, spaces, areas, contents, table } = kernel;
  return {
    frames: frames.total - frames.freeCount(),
    spaces: spaces.inUse(),
    areas: areas.inUse(),
    contents: contents.inUse(),
    processes: table.processes.inUse(),
    threads: table.threads.inUse(),
  };
}

/** Lets the n-th allocation of a frame or a slot from now on fail, once, while `action` runs. Returns whether it came so far. */
function failing(n: number, action: () => void): boolean {
  let count = 0;
  const fails = (): boolean => count++ === n;
  const { frames } = kernel;
  const allocRaw = frames.allocRaw.bind(frames);
  // `alloc` goes through it, too.
  frames.allocRaw = () => (fails() ? 0 : allocRaw());
  const alloc: (this: SlotPool) => number = Reflect.get(SlotPool.prototype, 'alloc');
  SlotPool.prototype.alloc = function (this: SlotPool): number {
    return fails() ? 0 : alloc.call(this);
  };
  try {
    action();
  } finally {
    SlotPool.prototype.alloc = alloc;
    frames.allocRaw = allocRaw;
  }
  return count > n;
}

/** Calls `attempt` with the first, second, third … allocation failing, until none is left to fail; returns how many there were. */
function failAll(attempt: () => void): number {
  let n = 0;
  while (failing(n, attempt)) n++;
  return n;
}

/** The only thread of a process that has been launched. */
function threadOf(pid: number): number {
  const process = kernel.table.processLocked(pid);
  return Process.threads.get(kernel.ram, process);
}

/** Makes a system call for a thread, as if it ran. */
function call(thread: number, number: number, ...args: number[]): number {
  args.forEach((arg, i) => kernel.ram.setU64(thread + xOffset(10 + i), arg));
  kernel.ram.setU64(thread + xOffset(17), number);
  return bench.calls.call(thread);
}

const ERRNOS = [-E.NOMEM, -E.AGAIN, -E.NFILE];

describe('without memory at any one point', () => {
  it('a program does not start, and nothing of it stays', () => {
    const before = inUse();
    let pid = 0;
    const points = failAll(() => {
      pid = startProgram(kernel, '/bin/box', ['box', 'argument'], ['PATH=/bin']);
      if (pid > 0) return;
      expect(ERRNOS).toContain(pid);
      expect(inUse()).toEqual(before);
    });
    expect(points).toBeGreaterThan(10);
    expect(pid).toBeGreaterThan(0);
  });

  it('execve leaves its caller as it was', () => {
    const pid = startProgram(kernel, '/bin/box', ['box'], []);
    const thread = threadOf(pid);
    const space = (): number => Process.space.get(kernel.ram, kernel.table.processLocked(pid));
    kernel.mappings.map(space(), STRINGS, 4096, Prot.Read | Prot.Write, MapFlag.Private | MapFlag.Anonymous | MapFlag.Fixed);
    new TextEncoder().encode('/bin/box\0').forEach((byte, i) => kernel.copy.writeU8(space(), STRINGS + i, byte));
    kernel.copy.writeU64(space(), STRINGS + 64, STRINGS);
    kernel.copy.writeU64(space(), STRINGS + 72, 0);
    const before = inUse();
    const old = space();
    let result = 0;
    const points = failAll(() => {
      result = call(thread, Linux.execve, STRINGS, STRINGS + 64, 0);
      if (result === REPLACED) return;
      expect(result).toBe(-E.NOMEM);
      expect(space()).toBe(old);
      expect(inUse()).toEqual(before);
    });
    expect(points).toBeGreaterThan(10);
    expect(result).toBe(REPLACED);
    expect(space()).not.toBe(old);
  });

  it('clone makes neither thread nor process', () => {
    const thread = threadOf(startProgram(kernel, '/bin/box', ['box'], []));
    const VM = 0x100;
    const THREAD = 0x1_0000 | 0x800 | VM;
    for (const flags of [VM | 17, THREAD]) {
      const before = inUse();
      let result = 0;
      const points = failAll(() => {
        result = call(thread, Linux.clone, flags, 0, 0, 0, 0);
        if (result > 0) return;
        // Without a slot, or without memory for what a child has a copy of.
        expect([-E.AGAIN, -E.NOMEM]).toContain(result);
        expect(inUse()).toEqual(before);
      });
      // A process also wants a descriptor table.
      expect(points).toBe(flags === THREAD ? 1 : 3);
      expect(result).toBeGreaterThan(0);
    }
  });

  it('mappings are refused or stay as they were', () => {
    const thread = threadOf(startProgram(kernel, '/bin/box', ['box'], []));
    const anonymous = MapFlag.Private | MapFlag.Anonymous;
    const ways: [string, () => number][] = [
      ['mmap', () => call(thread, Linux.mmap, 0x3000_0000, 8 * 4096, 3, anonymous | MapFlag.Fixed, -1, 0)],
      ['mprotect', () => call(thread, Linux.mprotect, 0x3000_0000 + 2 * 4096, 4096, 1)],
      ['munmap', () => call(thread, Linux.munmap, 0x3000_0000 + 5 * 4096, 4096)],
      ['mmap over', () => call(thread, Linux.mmap, 0x3000_0000 + 6 * 4096, 4096, 7, anonymous | MapFlag.Fixed, -1, 0)],
    ];
    for (const [name, way] of ways) {
      const areas = kernel.areas.inUse();
      let result = 0;
      const points = failAll(() => {
        result = way();
        if (result >= 0) return;
        expect({ name, result }).toEqual({ name, result: -E.NOMEM });
      });
      expect({ name, result: Math.min(result, 0), points: points > 0 }).toEqual({ name, result: 0, points: true });
      expect(kernel.areas.inUse()).toBeGreaterThanOrEqual(areas);
    }
  });
});
