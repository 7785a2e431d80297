/*
 * A kernel without harts: one participant over a RAM of its own, so that a test decides what happens between any two steps.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Ram } from '../../src/core/ram.ts';
import { DEFAULT_CONFIG, type MachineConfig } from '../../src/kernel/config.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { planMemory } from '../../src/kernel/memory-map.ts';
import { HostFiles } from '../../src/machine/host-files.ts';
import { projectRoot } from '../../src/smp/bundle.ts';
import { familyRegions, SystemCalls } from '../../src/syscalls/door.ts';
import { Level } from '../../src/trace/index.ts';

export interface Bench {
  readonly kernel: Kernel;
  readonly calls: SystemCalls;
}

/** The kernel of hart 0 of a machine that has not been started. */
export function bareKernel(options: Partial<MachineConfig> = {}): Bench {
  const config = { ...DEFAULT_CONFIG, memoryBytes: 32 * 2 ** 20, cpus: 2, ...options };
  const map = planMemory(config, familyRegions(config));
  const ram = Ram.allocate(map.bytes);
  Kernel.prepare(ram, config, map, { seed: 1, traceLevel: Level.silent, traceLossless: false });
  const kernel = new Kernel(ram, config, map, 0);
  kernel.initialise();
  const calls = new SystemCalls(kernel);
  calls.initialise();
  return { kernel, calls };
}

/** Makes the box known as /bin/box. */
export function bindBox(kernel: Kernel): void {
  new HostFiles(kernel).putFile('/bin/box', readFileSync(join(projectRoot, 'guest/bin/box')), 0o755);
}
