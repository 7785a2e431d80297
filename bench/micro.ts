/*
 * Times operations of the kernel on this thread, over a RAM of its own without harts. Each task is a batch, so that tinybench's own
 * clock does not count; the result is the median batch, nanoseconds for one operation.
 */

import { Bench } from 'tinybench';

import { xOffset } from '../src/core/context.ts';
import { Ram } from '../src/core/ram.ts';
import { startProgram } from '../src/kernel/program-start.ts';
import { DEFAULT_CONFIG } from '../src/kernel/config.ts';
import { Space } from '../src/kernel/address-space.ts';
import { Kernel } from '../src/kernel/kernel.ts';
import { planMemory } from '../src/kernel/memory-map.ts';
import { Process } from '../src/kernel/process.ts';
import { Thread } from '../src/kernel/thread.ts';
import { fillRoot } from '../src/machine/root.ts';
import { familyRegions, SystemCalls } from '../src/syscalls/door.ts';
import { Level } from '../src/trace/events.ts';

const BATCH = 1000;
const MESSAGE = 256;
const STACK_POINTER = xOffset(2);

/** One sample of every operation. */
export async function measureMicro(): Promise<Record<string, number>> {
  const kernel = machineOfOne();
  const { locks, frames, copy, table, scheduler, shootdown, ram, scratch } = kernel;
  for (const name of ['first', 'second']) {
    const pid = startProgram(kernel, '/bin/sh', [name], []);
    if (pid < 0) throw new Error(`the process cannot be launched (errno ${-pid})`);
  }
  let running = scheduler.pick();
  const space = Process.space.get(ram, Thread.process.get(ram, running));
  const buffer = ram.getU64(running + STACK_POINTER) - MESSAGE;
  if (copy.copyOut(space, buffer, scratch, MESSAGE) < 0) throw new Error('the stack cannot be written');

  const bench = new Bench({ time: 200, warmupTime: 50 });
  add(bench, 'micro.lock', () => {
    locks.acquire(table.lock);
    locks.release(table.lock);
  });
  add(bench, 'micro.frame', () => {
    frames.release(frames.allocRaw());
  });
  add(bench, 'micro.zeroed', () => {
    frames.release(frames.alloc());
  });
  add(bench, 'micro.copyIn', () => {
    copy.copyIn(space, buffer, scratch, MESSAGE);
  });
  add(bench, 'micro.copyOut', () => {
    copy.copyOut(space, buffer, scratch, MESSAGE);
  });
  add(bench, 'micro.switch', () => {
    scheduler.yield(running);
    running = scheduler.pick();
    const next = Process.space.get(ram, Thread.process.get(ram, running));
    shootdown.activate(Space.tlb.addr(next), Space.root.get(ram, next), Space.asid.get(ram, next));
  });
  await bench.run();

  const samples: Record<string, number> = {};
  for (const { name, result } of bench.tasks) {
    if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
    samples[name] = (result.latency.p50 * 1e6) / BATCH;
  }
  return samples;
}

function add(bench: Bench, key: string, operation: () => void): void {
  bench.add(key, () => {
    for (let i = 0; i < BATCH; i++) operation();
  });
}

/** The kernel of hart 0, and nobody else. */
function machineOfOne(): Kernel {
  const config = { ...DEFAULT_CONFIG, cpus: 1 };
  const map = planMemory(config, familyRegions(config));
  const ram = Ram.allocate(map.bytes);
  Kernel.prepare(ram, config, map, { seed: 1, traceLevel: Level.silent, traceLossless: false });
  const kernel = new Kernel(ram, config, map, 0);
  kernel.initialise();
  new SystemCalls(kernel).initialise();
  fillRoot(kernel);
  kernel.scheduler.start();
  return kernel;
}
