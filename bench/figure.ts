/*
 * What the benchmark measures, as data.
 *
 * A Figure is a row of the table. An Experiment yields a sample for each of its figures at once, so that what is compared is measured
 * side by side: a ratio is made of two measurements that follow each other, and its median is the median of ratios. The runner
 * (index.ts) takes one sample of every experiment in turn, then the next round: a burst of other work on the host hits a sample of
 * each figure instead of all samples of one.
 */

/** At most, or at least. */
export type Target = readonly [relation: '≤' | '≥', value: number];

export interface Figure {
  /** Key of the samples in the JSON output. */
  readonly key: string;
  /** What the table calls it. */
  readonly title: string;
  readonly unit: string;
  readonly target?: Target;
}

/** Samples by key of the figure; what could not be measured here (no qemu, no /proc) is left out. */
export type Samples = Readonly<Record<string, number>>;

export interface Experiment {
  /** What `--only` takes, unless there is a group. */
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  /** Experiments that `--only` takes together by this name, and that have a table of their own. */
  readonly group?: string;
  readonly figures: readonly Figure[];
  /** Fewer runs than the others get, for those that take long. */
  readonly maxRuns?: number;
  /** @throws Error when it fails: the table says so, and the benchmark ends with status 1 */
  readonly measure: () => Promise<Samples>;
}

/** Whether a value is as good as the target asks. */
export function meets([relation, value]: Target, measured: number): boolean {
  return relation === '≤' ? measured <= value : measured >= value;
}
