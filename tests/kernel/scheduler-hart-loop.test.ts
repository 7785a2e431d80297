/*
 * The hart loop with a CPU that follows a script instead of a program: does it look up often enough, and does it keep its promises to
 * threads that trap, wait and die?
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import type { Cpu } from '../../src/core/cpu.ts';
import { HartBlock } from '../../src/core/hart-block.ts';
import { Cause } from '../../src/core/trap.ts';
import { HartLoop, type Door } from '../../src/kernel/hart-loop.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { MapFlag, Prot } from '../../src/kernel/mman.ts';
import { Thread, ThreadState } from '../../src/kernel/thread.ts';
import { Ipi } from '../../src/smp/ipi.ts';
import { HartControl, Mode } from '../../src/smp/hart-control.ts';
import { DATA, KernelBench } from './kernel-bench.ts';

let bench: KernelBench;
let kernel: Kernel;
const noDoor: Door = { call: () => 0 };

beforeEach(() => {
  bench = new KernelBench({ cpus: 1, hostCores: 1 });
  kernel = bench.harts[0]!;
});

/** Runs a hart whose CPU asks `step` for the cause of each return; the loop ends when `step` has called `halt`. */
function runHart(step: (thread: number, run: number) => number, door = noDoor): number {
  let runs = 0;
  const cpu = {
    run: (thread: number): number => {
      expect(HartControl.mode.load(bench.ram, kernel.smpMap.hartControl(0))).toBe(Mode.Guest);
      expect(kernel.locks.held).toBe(0);
      if (++runs > 50_000) throw new Error('the hart does not listen');
      return step(thread, runs);
    },
  };
  new HartLoop(kernel, cpu as unknown as Cpu, door).run();
  return runs;
}

const halt = (): void => {
  kernel.doorbells.ring(0, Ipi.Halt);
};

describe('a hart', () => {
  it('halts when it is told to, and takes part in no shootdown then', () => {
    bench.startReady();
    runHart(() => {
      halt();
      return Cause.Budget;
    });
    const control = kernel.smpMap.hartControl(0);
    expect(HartControl.mode.load(bench.ram, control)).toBe(Mode.Off);
    expect(HartControl.space.load(bench.ram, control)).toBe(0);
  });

  it('lets two threads take turns', () => {
    const threads = [bench.startReady().thread, bench.startReady().thread];
    const seen: number[] = [];
    // Time goes by in leaps of a slice.
    let leaps = 0;
    const now = kernel.clock.nowNs.bind(kernel.clock);
    kernel.clock.nowNs = () => now() + leaps * 1e8;
    runHart((thread, run) => {
      seen.push(thread);
      leaps++;
      if (run === 6) halt();
      return Cause.Budget;
    });
    expect(new Set(seen)).toEqual(new Set(threads));
    for (let i = 1; i < seen.length; i++) expect(seen[i]).not.toBe(seen[i - 1]);
  });

  it.each([
    ['makes system calls', Cause.EnvironmentCall],
    ['touches new pages', Cause.LoadPageFault],
    ['uses up its budget', Cause.Budget],
    ['is interrupted', Cause.Doorbell],
  ])('looks up now and then while a thread only ever %s', (_, cause) => {
    const { space } = bench.startReady();
    const other = bench.startReady();
    // A sleeper whose time comes while the first thread keeps the hart busy.
    bench.host.mappings.map(space, 2 ** 30, PAGE_SIZE, Prot.Read, MapFlag.Private | MapFlag.Anonymous | MapFlag.Fixed);
    let slept = false;
    let wokenAt = 0;
    let calls = 0;
    const runs = runHart(
      (thread, run) => {
        if (thread === other.thread) {
          if (!slept) {
            slept = true;
            return Cause.EnvironmentCall;
          }
          wokenAt = run;
          halt();
          return Cause.Budget;
        }
        if (!slept && run % 50 === 0) {
          // Not its turn yet: gives way.
          return Cause.Budget;
        }
        HartBlock.trapValue.set(bench.ram, kernel.smpMap.hartBlock(0), 2 ** 30);
        return cause;
      },
      {
        // The sleeper's call is made again when its time has come.
        call: (thread) => {
          if (thread !== other.thread || ++calls > 1) return 0;
          return kernel.futexes.sleep(thread, kernel.clock.nowNs() + 1000);
        },
      },
    );
    expect(slept).toBe(true);
    expect(wokenAt).toBe(runs);
  });

  it('takes a page fault for what it is: memory that is there, or the end of the process', () => {
    const { thread, pid } = bench.startReady();
    let address = DATA;
    let runs = 0;
    runHart(() => {
      runs++;
      HartBlock.trapValue.set(bench.ram, kernel.smpMap.hartBlock(0), address);
      if (runs === 3) address = 8;
      if (runs === 4) halt();
      return Cause.StorePageFault;
    });
    expect(runs).toBe(3 + 1);
    expect(bench.processOf(pid)).toBe(0);
    expect(bench.stateOf(thread)).toBe(ThreadState.Free);
  });

  it('runs no further instruction of a thread that has been killed', () => {
    const { pid, thread } = bench.startReady();
    const runs = runHart(() => {
      bench.host.signals.kill(pid, 9);
      halt();
      return Cause.EnvironmentCall;
    });
    expect(runs).toBe(1);
    expect(Thread.state.load(bench.ram, thread)).toBe(ThreadState.Free);
    expect(bench.processOf(pid)).toBe(0);
  });

  it('is known to be idle before its last look, and until it runs something', () => {
    const { scheduler, doorbells } = kernel;
    const idle: boolean[] = [];
    doorbells.park = (_hart, _timeout, lastLook): void => {
      // A thread that becomes ready from here on is either found by the look, or finds the hart idle and rings.
      idle.push(scheduler.isIdle(0));
      bench.startReady();
      expect(lastLook()).toBe(true);
    };
    runHart(() => {
      idle.push(scheduler.isIdle(0));
      halt();
      return Cause.Budget;
    });
    expect(idle).toEqual([true, false]);
  });

  it('sleeps no longer than until its first deadline', () => {
    const { doorbells, futexes, clock } = kernel;
    const { thread } = bench.start(0);
    futexes.sleep(thread, clock.nowNs() + 1e8);
    doorbells.park = (_hart, timeout): void => {
      expect(timeout).toBeGreaterThan(0);
      expect(timeout).toBeLessThanOrEqual(1e8);
      halt();
    };
    runHart(() => Cause.Budget);
    expect(bench.stateOf(thread)).toBe(ThreadState.Blocked);
  });

  it('panics when a system call keeps a lock', () => {
    bench.startReady();
    const door = {
      call: (): number => {
        kernel.locks.acquire(kernel.table.lock);
        return 0;
      },
    };
    expect(() => runHart(() => Cause.EnvironmentCall, door)).toThrow(/returned with a lock held/);
  });
});
