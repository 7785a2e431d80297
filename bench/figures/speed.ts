/*
 * Guest instructions per second: of one hart, in either tier, and what many harts do together. The table of programs (programs.ts) says
 * how fast translated code is; the loop here is the ceiling.
 *
 * Scaling is work per second of the same program with more threads on more harts, in machines of their own. Beside it, what the host
 * gives to two threads of qemu-riscv64: cores that share an execution unit, or a host that is busy, allow no more to anybody.
 */

import { hasQemu, hasTranslator, INTERPRET, machine, reference, run, trial, value } from '../command.ts';
import type { Experiment, Figure, Samples } from '../figure.ts';

const MILLIONS = 200;
const MILLIONS_TRANSLATED = 2000;
const UNITS = 5000;
const MANY = 16;

/** Loops of one kind of instruction that the trial `mips` knows. */
const KINDS = [
  ['alu', 'integer loop'],
  ['memory', 'loads and stores'],
  ['branch', 'branches'],
  ['double', 'double arithmetic'],
] as const;

export const interpreter: Experiment = {
  name: 'mips',
  about: 'guest instructions per second',
  figures: [
    { key: 'mips.mixed', title: 'interpreter, mixed loop', unit: 'MIPS', target: ['≥', 50] },
    ...KINDS.map(([kind, title]): Figure => ({ key: `mips.${kind}`, title: `interpreter, ${title}`, unit: 'MIPS' })),
    { key: 'mips.translated', title: 'translated, mixed loop', unit: 'MIPS' },
    { key: 'mips.qemu', title: 'mixed loop, qemu-riscv64', unit: 'MIPS' },
    { key: 'mips.ratio', title: 'Hartbeat / qemu-riscv64', unit: '×' },
  ],
  measure: async () => {
    const samples: Record<string, number> = { 'mips.mixed': await interpreted() };
    for (const [kind] of KINDS) samples[`mips.${kind}`] = await interpreted(kind);
    let ours = samples['mips.mixed']!;
    if (hasTranslator()) samples['mips.translated'] = ours = value(await trial(1, 'mips', MILLIONS_TRANSLATED), 'mips');
    if (hasQemu) {
      const theirs = value(await reference('mips', MILLIONS_TRANSLATED), 'mips');
      samples['mips.qemu'] = theirs;
      samples['mips.ratio'] = ours / theirs;
    }
    return samples;
  },
};

async function interpreted(...kind: string[]): Promise<number> {
  return value(await run(machine(1, 'trials', ['mips', MILLIONS, ...kind], hasTranslator() ? [INTERPRET] : [])), 'mips');
}

export const scaling: Experiment = {
  name: 'scaling',
  about: 'compute-bound work per second of 1, 2 and 16 harts',
  figures: [
    { key: 'scaling.2/1', title: 'compute-bound, 2 harts / 1 hart', unit: '×', target: ['≥', 1.9] },
    { key: 'scaling.16/2', title: 'compute-bound, 16 harts / 2 harts', unit: '×', target: ['≥', 0.9] },
    { key: 'scaling.1', title: 'work of 1 hart', unit: 'units/s' },
    { key: 'scaling.2', title: 'work of 2 harts', unit: 'units/s' },
    { key: 'scaling.16', title: `work of ${MANY} harts`, unit: 'units/s' },
    { key: 'scaling.qemu', title: '2 threads / 1 thread, qemu-riscv64: what the host allows', unit: '×' },
  ],
  measure: async () => {
    const one = await work(1);
    const two = await work(2);
    const many = await work(MANY);
    const samples: Samples = {
      'scaling.2/1': two / one,
      'scaling.16/2': many / two,
      'scaling.1': one,
      'scaling.2': two,
      'scaling.16': many,
    };
    if (!hasQemu) return samples;
    const theirs = value(await reference('compute', 1, UNITS), 'units_per_second');
    return { ...samples, 'scaling.qemu': value(await reference('compute', 2, UNITS), 'units_per_second') / theirs };
  },
};

async function work(harts: number): Promise<number> {
  // As long for each, so that warming up weighs the same.
  return value(await trial(harts, 'compute', harts, harts === 1 ? UNITS : 2 * UNITS), 'units_per_second');
}
