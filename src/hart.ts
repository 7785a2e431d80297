/*
 * A hart: what runs in each worker. Puts CPU, kernel and system calls together over the shared RAM and runs the hart loop until the
 * machine halts.
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
import { SEEDED } from './smp/schedule/build.ts';
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
  let kernel: Kernel | undefined;
  try {
    const smpMap = smpMapOf(config, map);
    const time = (): number => kernel!.clock.nowNs();
    const caches = map.cpuCaches + hart * CPU_CACHE_BYTES;
    const cpu = new Cpu(ram, smpMap.hartBlock(hart), caches, module, map, time, config.jit, config.countAccesses);
    kernel = new Kernel(ram, config, map, hart, cpu);
    const calls = new SystemCalls(kernel);
    if (SEEDED) kernel.guards!.install();
    new HartLoop(kernel, cpu, calls).run();
  } catch (error) {
    reportMachineCheck(ram, config, map, hart, kernel, error);
  }
}
