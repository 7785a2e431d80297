/*
 * Takes the samples: rounds over all experiments, one of each in turn (figure.ts says why), with progress on stderr.
 *
 * An experiment that fails is left out of the rounds that follow, and keeps the reason.
 */

import type { Experiment } from './figure.ts';
import { foreignLoad } from './host.ts';
import type { Row } from './table.ts';

/** What the rounds have gathered. */
export class Results {
  /** By key of the figure. */
  readonly samples = new Map<string, number[]>();
  /** By name of the experiment. */
  readonly errors = new Map<string, string>();
  /** Cores that others kept busy, before each experiment. */
  readonly load: number[] = [];

  /** Rows of the table of figures. */
  rows(experiment: Experiment): Row[] {
    return experiment.figures.map((figure) => ({
      figure,
      samples: this.samples.get(figure.key) ?? [],
      error: this.errors.get(experiment.name),
    }));
  }
}

export async function measure(experiments: readonly Experiment[], runs: number): Promise<Results> {
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
