/*
 * Whether a seed fixes a run: trace and end state are the same to the byte, with interpreter or translator, whatever else the host does,
 * and however many harts there are.
 */

import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import children from '../../scenarios/children.ts';
import handOff from '../../scenarios/port-hand-off.ts';
import mutex from '../../scenarios/mutex.ts';
import { encodeAgent } from '../../src/explore/agent.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { Machine, type MachineOptions } from '../../src/machine.ts';
import { saveMachine } from '../../src/machine/snapshot.ts';
import type { Strategy } from '../../src/smp/schedule/plan.ts';

interface Step {
  readonly word: string;
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly strategy: Strategy;
}

/** What one machine runs, one after the other. */
const STEPS: readonly Step[] = [
  { word: 'agent', args: encodeAgent(handOff.program), strategy: { kind: 'random', seed: 11 } },
  { word: 'agent', args: encodeAgent(mutex.program), strategy: { kind: 'pct', seed: 12, depth: 3, steps: 20_000 } },
  { word: 'agent', args: encodeAgent(children.program), strategy: { kind: 'round-robin', quantum: 20 } },
  { word: 'sh', args: [], stdin: 'ipctest\nipcstop\nexit\n', strategy: { kind: 'random', seed: 13 } },
];

/**
 * The first half of the SHA-256 of the trace at two harts. It changes with whatever changes what the kernel does, its guests, or the
 * trace itself, and with nothing else: when one of these has been changed on purpose, put in what the test says it received.
 */
const PINNED = '19bb6a14805cf8c883d12e0d99654b66';

interface Ending {
  readonly trace: string;
  readonly output: string;
  readonly state: string;
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hartbeat-determinism-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function run(options: MachineOptions): Promise<Ending> {
  const file = join(folder, 'trace.ndjson');
  const machine = await Machine.boot({ memory: 64 * 2 ** 20, ...options, seeded: true, trace: { file } });
  const outputs: string[] = [];
  try {
    for (const { word, args, stdin, strategy } of STEPS) {
      const { stdout, stderr, status } = await machine.run(word, args, { stdin, plan: { strategy, faults: [] } });
      outputs.push(`${stdout}${stderr}${word} ${status}`);
    }
  } finally {
    await machine.halt();
  }
  const trace = await readFile(file);
  await rm(file);
  const state = saveMachine(kernelOf(machine)).pieces.map(({ words }) => new Uint8Array(words.buffer));
  return { trace: sha256(trace), output: outputs.join('\n'), state: sha256(...state) };
}

/** What a machine keeps to itself. */
const kernelOf = (machine: Machine): Kernel => (machine as unknown as { kernel: Kernel }).kernel;

function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, 32);
}

/** Keeps the cores of the host busy meanwhile. */
async function underLoad<T>(work: () => Promise<T>): Promise<T> {
  const workers = [1, 2].map(() => new Worker('for (;;);', { eval: true }));
  try {
    return await work();
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

describe('a seed', () => {
  it.each([1, 2, 4, 16])(
    'fixes the run of a machine of %i harts',
    async (cpus) => {
      const first = await run({ cpus, jit: 'off' });
      expect(first.output).toMatch(/^agent 0\nagent 0\nagent 0\n[^]*Goodbye![^]*\nsh 0$/);
      if (cpus === 2) expect(first.trace).toBe(PINNED);
      expect(await run({ cpus, jit: 'hot' })).toEqual(first);
      expect(await run({ cpus, jit: 'always' })).toEqual(first);
      const again = (): Promise<Ending> => run({ cpus, jit: 'off' });
      expect(await (cpus === 2 ? underLoad(again) : again())).toEqual(first);
    },
    120_000,
  );

  it('makes a difference', async () => {
    const [step] = STEPS;
    const traces = new Set<string>();
    for (const seed of [1, 2]) {
      const file = join(folder, 'trace.ndjson');
      const machine = await Machine.boot({ cpus: 2, memory: 32 * 2 ** 20, seeded: true, trace: { file } });
      await machine.run(step!.word, step!.args, { plan: { strategy: { kind: 'random', seed }, faults: [] } });
      await machine.halt();
      traces.add(sha256(await readFile(file)));
    }
    expect(traces.size).toBe(2);
  });
});
