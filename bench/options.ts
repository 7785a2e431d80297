/*
 * The command line of the benchmark.
 */

import { Command, InvalidArgumentError, Option } from 'commander';

import type { Experiment } from './figure.ts';
import { PROGRAM_GROUP } from './figures/programs.ts';
import { PROGRAMS, type ProgramRow } from './programs/list.ts';

export interface Options {
  readonly runs: number;
  readonly json?: string;
  readonly svg?: string;
  readonly only?: readonly string[];
  /** Rows of the table of programs. */
  readonly program?: readonly ProgramRow[];
  /** Of the programs' repetitions. */
  readonly scale: number;
  /** For every machine that is started. */
  readonly boot: readonly string[];
}

/** @param experiments those that are not in the table of programs */
export function parseOptions(experiments: readonly Experiment[]): Options {
  const line = (name: string, about: string): string => `  ${name.padEnd(14)}${about}`;
  const help = [
    '',
    'Experiments:',
    ...experiments.map(({ name, about }) => line(name, about)),
    line(PROGRAM_GROUP, 'guest programs here, under qemu-riscv64 and natively'),
    '',
    'Programs:',
    ...PROGRAMS.map(({ name, about }) => line(name, about)),
  ];
  return new Command('bench')
    .description('Measures how fast and how big the machine is.')
    .option('--runs <n>', 'samples of each figure (at most 3 of the long ones)', wholeNumber, 5)
    .option('--json <file>', 'also write all samples and the facts of the host to this file')
    .option('--svg <file>', 'also draw the table of programs into this file')
    .addOption(new Option('--only <names...>', 'these experiments only').choices([...names(experiments), PROGRAM_GROUP]))
    .option('--program <names>', 'these programs only, separated by commas; of the experiments, those of --only', programs)
    .option('--scale <factor>', 'work of the programs, relative to the usual', factor, 1)
    .option('--boot <options>', 'options for every machine, e.g. --boot=--no-jit', words, [])
    .addHelpText('after', help.join('\n'))
    .parse()
    .opts<Options>();
}

function names(experiments: readonly Experiment[]): string[] {
  return experiments.map(({ name }) => name);
}

function programs(text: string): ProgramRow[] {
  return text.split(',').map((name) => {
    const row = PROGRAMS.find((program) => program.name === name);
    if (row === undefined) throw new InvalidArgumentError(`there is no program ${name} (see --help)`);
    return row;
  });
}

function words(text: string, before: readonly string[]): string[] {
  return [...before, ...text.split(' ').filter((word) => word !== '')];
}

function factor(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1000) return value;
  throw new InvalidArgumentError('a number above 0');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('a whole number above 0');
}
