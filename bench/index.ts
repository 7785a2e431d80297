/*
 * `npm run bench [-- --json FILE] [--runs N] [--only NAME…]`: how fast and how big, as a table against the targets.
 *
 * Rounds over all experiments, a sample of each (figure.ts says why); progress on stderr, the table on stdout. Before every experiment
 * the host is watched for a moment: when others use it, a warning beside the table says how much, for then no figure is to be believed.
 * A missed target is no failure of this command; an experiment that could not be measured is (status 1).
 */

import { writeFileSync } from 'node:fs';

import { Command, InvalidArgumentError, Option } from 'commander';

import type { Experiment } from './figure.ts';
import { ports, systemCall } from './figures/calls.ts';
import { idle, memory } from './figures/idle.ts';
import { micro } from './figures/micro.ts';
import { powerOn, powerOnCold } from './figures/power-on.ts';
import { interpreter, scaling } from './figures/speed.ts';
import { BUSY_CORES, foreignLoad, hostFacts, loadAverage } from './host.ts';
import { summarise } from './statistics.ts';
import { formatTable, type Row, verdictOf } from './table.ts';

const EXPERIMENTS: readonly Experiment[] = [powerOn, powerOnCold, systemCall, ports, interpreter, scaling, idle, memory, micro];

interface Options {
  readonly runs: number;
  readonly json?: string;
  readonly only?: readonly string[];
}

/** What the rounds have gathered. */
class Results {
  readonly samples = new Map<string, number[]>();
  readonly errors = new Map<string, string>();
  /** Cores that others kept busy, before each experiment. */
  readonly load: number[] = [];

  row(experiment: Experiment): Row[] {
    return experiment.figures.map((figure) => ({
      figure,
      samples: this.samples.get(figure.key) ?? [],
      error: this.errors.get(experiment.name),
    }));
  }
}

async function measure(experiments: readonly Experiment[], runs: number): Promise<Results> {
  const results = new Results();
  for (let round = 0; round < runs; round++) {
    for (const experiment of experiments) {
      if (round >= (experiment.maxRuns ?? runs) || results.errors.has(experiment.name)) continue;
      results.load.push(await foreignLoad());
      process.stderr.write(`round ${round + 1} of ${runs}: ${experiment.about} …\n`);
      try {
        for (const [key, value] of Object.entries(await experiment.measure())) {
          const list = results.samples.get(key) ?? [];
          list.push(value);
          results.samples.set(key, list);
        }
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        results.errors.set(experiment.name, message);
        process.stderr.write(`${experiment.name} failed: ${message}\n`);
      }
    }
  }
  return results;
}

function parse(): Options {
  const names = EXPERIMENTS.map(({ name }) => name);
  return new Command('bench')
    .description('Measures how fast and how big the machine is.')
    .option('--runs <n>', 'samples of each figure (at most 3 of the long ones)', positive, 5)
    .option('--json <file>', 'also write all samples and the facts of the host to this file')
    .addOption(new Option('--only <names...>', 'these experiments only').choices(names))
    .addHelpText('after', `\nExperiments:\n${EXPERIMENTS.map(({ name, about }) => `  ${name.padEnd(10)}${about}`).join('\n')}`)
    .parse()
    .opts<Options>();
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('a whole number above 0');
}

const options = parse();
const chosen = EXPERIMENTS.filter(({ name }) => options.only?.includes(name) ?? true);
const host = hostFacts();
const began = new Date();
const results = await measure(chosen, options.runs);
const rows = chosen.flatMap((experiment) => results.row(experiment));
const load = summarise(results.load);

console.log(`${host.cpu}, ${host.cores} cores, ${host.memoryMiB} MiB, Node ${host.node}, ${began.toISOString()}\n`);
console.log(formatTable(rows));
if (load.median > BUSY_CORES || load.max > 2 * BUSY_CORES) {
  console.log(
    `WARNING: the host was not quiet. Others kept up to ${load.max.toFixed(2)} of its ${host.cores} cores busy ` +
      `(median ${load.median.toFixed(2)}; load average ${loadAverage().toFixed(1)}): these figures are worse than the machine is.`,
  );
}
for (const [name, message] of results.errors) console.log(`${name} failed: ${message}`);

if (options.json !== undefined) {
  const figures = rows.map((row) => ({
    ...row.figure,
    verdict: verdictOf(row),
    ...(row.samples.length > 0 ? summarise(row.samples) : {}),
    samples: row.samples,
    error: row.error,
  }));
  const facts = { host, began: began.toISOString(), foreignLoadCores: results.load, figures };
  writeFileSync(options.json, `${JSON.stringify(facts, null, 2)}\n`);
}
if (results.errors.size > 0) process.exitCode = 1;
