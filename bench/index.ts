/*
 * `npm run bench [-- --runs N --only NAME… --program NAME,… --json FILE --svg FILE --boot=OPTIONS]`: how fast and how big, as tables
 * against the targets: one of the figures, one of the guest programs.
 *
 * Rounds over all experiments, a sample of each (figure.ts says why); progress on stderr, the tables on stdout. Before every experiment
 * the host is watched for a moment: when others use it, a warning beside the table says how much, for then no figure is to be believed.
 * A missed target is no failure of this command; an experiment that could not be measured is (status 1).
 */

import { writeFileSync } from 'node:fs';

import { useMachineOptions } from './command.ts';
import type { Experiment } from './figure.ts';
import { ports, signals, systemCall } from './figures/calls.ts';
import { distribution } from './figures/distribution.ts';
import { firstOutput } from './figures/first-output.ts';
import { forks } from './figures/forks.ts';
import { idle, memory } from './figures/idle.ts';
import { micro } from './figures/micro.ts';
import { pipes } from './figures/pipes.ts';
import { powerOn, powerOnCold } from './figures/power-on.ts';
import { PROGRAM_GROUP, programExperiment } from './figures/programs.ts';
import { schedules } from './figures/schedules.ts';
import { interpreter, scaling } from './figures/speed.ts';
import { BUSY_CORES, hostFacts, loadAverage } from './host.ts';
import { type Options, parseOptions } from './options.ts';
import { canBuild, noCrossCompiler } from './programs/build.ts';
import { PROGRAMS } from './programs/list.ts';
import { programResults, verdicts } from './programs/result.ts';
import { formatPrograms } from './programs/table.ts';
import { measure } from './rounds.ts';
import { summarise } from './statistics.ts';
import { formatTable, verdictOf } from './table.ts';

const EXPERIMENTS: readonly Experiment[] = [
  powerOn,
  powerOnCold,
  systemCall,
  signals,
  ports,
  pipes,
  forks,
  distribution,
  interpreter,
  scaling,
  firstOutput,
  idle,
  memory,
  micro,
  schedules,
];

/** All experiments, those of --only, or, with --program alone, only the programs. */
function choose({ only, program, scale }: Options): Experiment[] {
  const names = only ?? (program === undefined ? undefined : [PROGRAM_GROUP]);
  const figures = EXPERIMENTS.filter(({ name }) => names?.includes(name) ?? true);
  if (program === undefined && !(names?.includes(PROGRAM_GROUP) ?? true)) return figures;
  if (!canBuild('riscv64')) {
    console.error(`The table of programs is left out: ${noCrossCompiler}`);
    return figures;
  }
  return [...figures, ...(program ?? PROGRAMS).map((row) => programExperiment(row, scale))];
}

const options = parseOptions(EXPERIMENTS);
useMachineOptions(options.boot);
const chosen = choose(options);
const host = hostFacts();
const began = new Date();
const results = await measure(chosen, options.runs);

const figures = chosen.filter(({ group }) => group === undefined);
const rows = figures.flatMap((experiment) => results.rows(experiment));
const programs = programResults(results.samples);
const whole = verdicts(programs);
const load = summarise(results.load.length > 0 ? results.load : [0]);

const bootNote = options.boot.length > 0 ? `, machines with ${options.boot.join(' ')}` : '';
console.log(`${host.cpu}, ${host.cores} cores, ${host.memoryMiB} MiB, Node ${host.node}, ${began.toISOString()}${bootNote}\n`);
if (rows.length > 0) console.log(formatTable(rows));
if (figures.length < chosen.length) {
  const failed = new Map([...results.errors].filter(([name]) => !figures.some((figure) => figure.name === name)));
  console.log(formatPrograms(programs, whole, failed));
}
if (load.median > BUSY_CORES || load.max > 2 * BUSY_CORES) {
  console.log(
    `WARNING: the host was not quiet. Others kept up to ${load.max.toFixed(2)} of its ${host.cores} cores busy ` +
      `(median ${load.median.toFixed(2)}; load average ${loadAverage().toFixed(1)}): these figures are worse than the machine is.`,
  );
}
for (const [name, message] of results.errors) console.log(`${name} failed: ${message}`);

if (options.json !== undefined) {
  const withSamples = rows.map((row) => ({
    ...row.figure,
    verdict: verdictOf(row),
    ...(row.samples.length > 0 ? summarise(row.samples) : {}),
    samples: row.samples,
    error: row.error,
  }));
  const facts = {
    host,
    began: began.toISOString(),
    boot: options.boot,
    scale: options.scale,
    foreignLoadCores: results.load,
    figures: withSamples,
    programs: {
      rows: programs.map(({ row, measures }) => ({ ...row, measures })),
      whole,
      samples: Object.fromEntries([...results.samples].filter(([key]) => key.startsWith('program.'))),
    },
    errors: Object.fromEntries(results.errors),
  };
  writeFileSync(options.json, `${JSON.stringify(facts, null, 2)}\n`);
}
if (options.svg !== undefined && programs.length === 0) console.error('Without programs there is no chart.');
else if (options.svg !== undefined) {
  // The library is loaded by those who want a chart.
  const { drawPrograms } = await import('./programs/chart.ts');
  writeFileSync(options.svg, drawPrograms(programs, `${host.cpu}, Node ${host.node}`));
}
if (results.errors.size > 0) process.exitCode = 1;
