/*
 * Code that has been written: what fence.i and riscv_flush_icache ask of the other harts, as the kernel puts CPU and shootdown together.
 */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Cpu } from '../../src/core/cpu.ts';
import { Space } from '../../src/kernel/address-space.ts';
import { E } from '../../src/kernel/errno.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { Ipi } from '../../src/smp/ipi.ts';
import { Linux } from '../../src/syscalls/numbers.ts';
import { KernelBench, type Started } from './kernel-bench.ts';

let bench: KernelBench;
let me: Started;

beforeEach(() => {
  bench = new KernelBench();
  me = bench.start(0);
});

/** A hart with a CPU that only notes which spaces' code it is told to forget. */
function makeHart(hart: number): { kernel: Kernel; cpu: Pick<Cpu, 'onFence'>; forgotten: number[] } {
  const forgotten: number[] = [];
  const cpu = {
    onFence: (): void => undefined,
    activate: (): void => undefined,
    flushAsid: (): void => undefined,
    flushCodeOf: (asid: number): void => void forgotten.push(asid),
  };
  const kernel = new Kernel(bench.ram, bench.config, bench.host.map, hart, cpu as unknown as Cpu);
  const { ram } = bench;
  kernel.shootdown.activate(Space.tlb.addr(me.space), Space.root.get(ram, me.space), Space.asid.get(ram, me.space));
  kernel.shootdown.enterGuest();
  return { kernel, cpu, forgotten };
}

describe('fence.i', () => {
  it('makes every other hart forget the code of the space before it enters guest code again', () => {
    const fencing = makeHart(0);
    const other = makeHart(1);
    other.kernel.shootdown.leaveGuest();
    fencing.cpu.onFence();
    expect(other.forgotten).toEqual([]);
    other.kernel.shootdown.enterGuest();
    expect(other.forgotten).toEqual([Space.asid.get(bench.ram, me.space)]);
  });
});

describe('riscv_flush_icache', () => {
  it('returns when the harts that run guest code of the space have forgotten it', () => {
    const { kernel, forgotten } = makeHart(1);
    const ring = vi.spyOn(bench.harts[0]!.doorbells, 'ring').mockImplementation((hart, kinds) => {
      expect([hart, kinds]).toEqual([1, Ipi.Shootdown]);
      kernel.shootdown.leaveGuest();
      kernel.shootdown.enterGuest();
    });
    expect(bench.call(0, me.thread, Linux.riscv_flush_icache, 0, 0, 0)).toBe(0);
    expect(ring).toHaveBeenCalledTimes(1);
    expect(forgotten).toEqual([Space.asid.get(bench.ram, me.space)]);
  });

  it('refuses flags that it does not know', () => {
    expect(bench.call(0, me.thread, Linux.riscv_flush_icache, 0, 0, 2)).toBe(-E.INVAL);
  });
});
