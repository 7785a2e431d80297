/*
 * Does a program that runs for the first time stall on translation? A megabyte of instructions, each executed once, until the first
 * output, with the translator and without it, one right after the other.
 *
 * Twice the same question: for the whole command, as the user waits for it, power-on included; and for the program alone by the guest's
 * clock, from the beginning of main, where nothing else dilutes the answer.
 */

import { hasTranslator, INTERPRET, machine, run, value } from '../command.ts';
import type { Experiment, Samples } from '../figure.ts';
import { buildFirstTime } from '../programs/first-time.ts';
import { canBuild } from '../programs/build.ts';

export const firstOutput: Experiment = {
  name: 'first',
  about: 'first output of a large program that does everything once',
  figures: [
    { key: 'first.command', title: 'first output of 1 MB of code run once, whole command', unit: 's' },
    { key: 'first.command.ratio', title: `the same / with ${INTERPRET}`, unit: '×', target: ['≤', 1.3] },
    { key: 'first.program', title: 'the program alone, from main', unit: 'ms' },
    { key: 'first.program.ratio', title: `the same / with ${INTERPRET}`, unit: '×', target: ['≤', 1.3] },
  ],
  measure: async (): Promise<Samples> => {
    if (!canBuild('riscv64')) return {};
    const elf = await buildFirstTime();
    const usual = await toFirstOutput(elf);
    const samples: Samples = { 'first.command': usual.command, 'first.program': usual.program };
    if (!hasTranslator()) return samples;
    const interpreted = await toFirstOutput(elf, INTERPRET);
    return {
      ...samples,
      'first.command.ratio': usual.command / interpreted.command,
      'first.program.ratio': usual.program / interpreted.program,
    };
  },
};

/** Seconds from the start of the command, milliseconds from the start of main. */
async function toFirstOutput(elf: string, ...options: string[]): Promise<{ command: number; program: number }> {
  const begin = performance.now();
  let arrived = 0;
  const printed = await run(machine(1, elf, [], options), () => {
    arrived = performance.now();
  });
  return { command: (arrived - begin) / 1e3, program: value(printed, 'ns') / 1e6 };
}
