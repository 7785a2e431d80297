/*
 * What a machine costs that does nothing: CPU time while its shell waits for input, and memory beside its RAM.
 *
 * Memory: resident pages of the process, less those of the RAM (guests and kernel tables; untouched pages of it are not resident), less
 * a Node process that waits for input as well. A machine of one hart contains the host's side and the tsx loader.
 */

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { DEFAULT_CONFIG } from '../../src/kernel/config.ts';
import { NODE, Prompted } from '../command.ts';
import type { Experiment, Samples } from '../figure.ts';
import { cpuSeconds, hasProc, resident } from '../proc.ts';

/** After the prompt, until what booting has left behind is done: garbage collection, compilers. */
const SETTLE_MS = 3000;
const WATCH_MS = 10_000;
const FEW = 4;
const MANY = 64;

export const idle: Experiment = {
  name: 'idle',
  about: 'CPU time of a machine that waits for input',
  maxRuns: 3,
  figures: [
    { key: 'idle.4', title: 'idle machine, 4 harts', unit: '% of a core', target: ['≤', 1] },
    { key: 'idle.64', title: 'idle machine, 64 harts', unit: '% of a core', target: ['≤', 1] },
  ],
  measure: async (): Promise<Samples> => {
    if (!hasProc) return {};
    // Both at once: what sleeps does not disturb.
    const [few, many] = await Promise.all([idleShare(FEW), idleShare(MANY)]);
    return { 'idle.4': few, 'idle.64': many };
  },
};

async function idleShare(harts: number): Promise<number> {
  const machine = await Prompted.start(NODE, harts);
  await sleep(SETTLE_MS);
  const cpu = cpuSeconds(machine.pid);
  const begin = performance.now();
  await sleep(WATCH_MS);
  const share = (cpuSeconds(machine.pid) - cpu) / ((performance.now() - begin) / 1e3);
  await machine.stop();
  return share * 100;
}

export const memory: Experiment = {
  name: 'memory',
  about: 'resident memory beside the RAM',
  maxRuns: 3,
  figures: [
    { key: 'memory.base', title: 'memory: Node alone', unit: 'MiB' },
    { key: 'memory.1', title: 'memory: 1 hart, over RAM and Node', unit: 'MiB', target: ['≤', 64] },
    { key: 'memory.each', title: 'memory: each further hart (of 16)', unit: 'MiB', target: ['≤', 24] },
    { key: 'memory.ram', title: 'memory: RAM resident at the prompt, 4 harts', unit: 'MiB' },
  ],
  measure: async (): Promise<Samples> => {
    if (!hasProc) return {};
    const base = await nodeAlone();
    const one = await ofMachine(1);
    const many = await ofMachine(16);
    const few = await ofMachine(FEW);
    return {
      'memory.base': base,
      'memory.1': one.total - one.ram - base,
      'memory.each': (many.total - many.ram - (one.total - one.ram)) / 15,
      'memory.ram': few.ram,
    };
  },
};

async function ofMachine(harts: number): Promise<{ total: number; ram: number }> {
  const machine = await Prompted.start(NODE, harts);
  await sleep(SETTLE_MS);
  const memory = resident(machine.pid, DEFAULT_CONFIG.memoryBytes);
  await machine.stop();
  return memory;
}

async function nodeAlone(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await sleep(1000);
  const { total } = resident(child.pid!, Infinity);
  child.stdin.end();
  return total;
}
