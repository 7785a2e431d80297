/*
 * Programs of bench/guest, timed as the same ELF on this machine, under qemu-riscv64, and compiled for the host.
 *
 * Each is an experiment of its own: in a round all take their turn, each on the three machines one after another, so that what is
 * divided by one another was measured within seconds. A program times its own kernel, so neither power-on nor the start of a process
 * is in its time, but warming up is: V8's and the translator's here, qemu's there.
 */

import { hasQemu, machine, type Printed, run, underQemu, value } from '../command.ts';
import type { Experiment, Samples } from '../figure.ts';
import { buildProgram, canBuild } from '../programs/build.ts';
import { argumentsOf, type ProgramRow } from '../programs/list.ts';
import { figuresOf, keyOf, type Measure } from '../programs/result.ts';

/** Name of the group for `--only`. */
export const PROGRAM_GROUP = 'programs';

/** @param scale of the rows' repetitions */
export function programExperiment(row: ProgramRow, scale: number): Experiment {
  return {
    name: row.name,
    group: PROGRAM_GROUP,
    about: `${row.name}: ${row.about}`,
    figures: figuresOf(row),
    measure: () => measure(row, scale),
  };
}

async function measure(row: ProgramRow, scale: number): Promise<Samples> {
  const threads = row.threads ?? 1;
  const elf = await buildProgram('riscv64', row.source);
  const native = canBuild('native') ? await buildProgram('native', row.source) : undefined;
  const args = argumentsOf(row, threads, scale);
  const alone = argumentsOf(row, 1, scale);
  const samples: Record<string, number> = {};
  const results = new Set<number>();

  const take = async (measure: Measure, command: readonly string[]): Promise<number> => {
    const ms = milliseconds(await run(command), results);
    samples[keyOf(row, measure)] = ms;
    return ms;
  };
  const ours = await take('ours', machine(threads, elf, args));
  if (hasQemu) samples[keyOf(row, 'xQemu')] = (await take('qemu', underQemu(elf, args))) / ours;
  const theirs = native === undefined ? undefined : await take('native', [native, ...args]);
  if (theirs !== undefined) samples[keyOf(row, 'xNative')] = theirs / ours;
  if (threads > 1) {
    samples[keyOf(row, 'xOne')] = milliseconds(await run(machine(1, elf, alone)), results) / ours;
    if (native !== undefined && theirs !== undefined) {
      samples[keyOf(row, 'nativeXOne')] = milliseconds(await run([native, ...alone]), results) / theirs;
    }
  }
  if (results.size > 1) throw new Error(`results differ: ${[...results].join(', ')}`);
  return samples;
}

/** Of the kernel; notes the result, which is to be the same everywhere. */
function milliseconds(printed: Printed, results: Set<number>): number {
  results.add(value(printed, 'result'));
  return value(printed, 'ns') / 1e6;
}
