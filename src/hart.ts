/*
 * A hart: what runs in each worker. Puts CPU, kernel and system calls together over the shared RAM and runs the hart loop until the
 * machine halts.
 *
 * A hart that is held still for a while (smp/gate.ts), or called back to the start by a schedule, begins anew: what it knows beside RAM is
 * made again, so RAM may have been replaced meanwhile.
 *
 * Whatever escapes the loop is a bug of the kernel, a machine check: the report goes to the boot page, all harts stop, and the host
 * prints it and ends with a status of its own.
 */

import { Cpu, CPU_CACHE_BYTES } from './core/cpu.ts';
import { Ram } from './core/ram.ts';
import type { MachineConfig } from './kernel/config.ts';
import { HartLoop } from './kernel/hart-loop.ts';
import { Kernel, smpMapOf } from './kernel/kernel.ts';
import { reportMachineCheck } from './kernel/machine-check.ts';
import { planMemory } from './kernel/memory-map.ts';
import { Gate } from './smp/gate.ts';
import { SEEDED } from './smp/schedule/build.ts';
import { setScheduledHart } from './smp/schedule/point.ts';
import { SeededHart } from './smp/schedule/seeded-hart.ts';
import { Abandoned } from './smp/schedule/turns.ts';
import { familyRegions, SystemCalls } from './syscalls/door.ts';

/** What a worker is started with. */
export interface HartTask {
  readonly memory: WebAssembly.Memory;
  /** The interpreter, compiled once by the host. */
  readonly module: WebAssembly.Module;
  readonly config: MachineConfig;
  readonly hart: number;
}

/** Runs one hart from power-on to halt. Never throws. */
export function runHart({ memory, module, config, hart }: HartTask): void {
  const ram = new Ram(memory);
  const map = planMemory(config, familyRegions(config));
  const smpMap = smpMapOf(config, map);
  let kernel: Kernel | undefined;
  try {
    const time = (): number => kernel!.clock.nowNs();
    const caches = map.cpuCaches + hart * CPU_CACHE_BYTES;
    const cpu = new Cpu(ram, smpMap.hartBlock(hart), caches, module, map, time, config.jit, config.countAccesses);
    const begin = (): boolean => {
      kernel = new Kernel(ram, config, map, hart, cpu);
      const calls = new SystemCalls(kernel);
      if (SEEDED) kernel.guards!.install();
      return new HartLoop(kernel, cpu, calls).run();
    };
    if (SEEDED) {
      const report = (error: unknown): void => {
        reportMachineCheck(ram, config, map, hart, kernel, error);
      };
      const seeded = new SeededHart(ram, smpMap, map.turns, map.schedule, hart);
      while (runScheduled(seeded, begin, report)) cpu.flushTlb();
    } else {
      const gate = new Gate(ram, map.gate, config.cpus);
      for (gate.pass(); begin(); gate.pass()) cpu.flushTlb();
    }
  } catch (error) {
    reportMachineCheck(ram, config, map, hart, kernel, error);
  }
}

/** Runs the loop once under a schedule. Returns whether the machine stays on. */
function runScheduled(seeded: SeededHart, begin: () => boolean, report: (error: unknown) => void): boolean {
  try {
    setScheduledHart(undefined);
    seeded.join();
    setScheduledHart(seeded);
    begin();
    seeded.leave();
  } catch (error) {
    if (error instanceof Abandoned) return !error.off;
    setScheduledHart(undefined);
    report(error);
    return seeded.fail();
  }
  return true;
}
