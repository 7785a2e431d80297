/*
 * What has been measured of the programs, brought together: a result for each row, and what they say as a whole.
 *
 * Times are medians over the rounds. A ratio is made within a round, and its median is the median of ratios. The whole is the
 * geometric mean of the rows' median ratios: it does not depend on which side is above the fraction line, and no program weighs more
 * because it takes longer.
 */

import { type Figure, meets, type Target } from '../figure.ts';
import { type Summary, summarise } from '../statistics.ts';
import { PROGRAMS, type ProgramRow } from './list.ts';

/** Where a program runs. */
export const PLACES = ['ours', 'qemu', 'native'] as const;
export type Place = (typeof PLACES)[number];

/** Ratios of times; above 1, this machine is the faster one. */
export const RATIOS = {
  xQemu: 'qemu-riscv64 / Hartbeat',
  xNative: 'native / Hartbeat',
  /** Of programs in threads: the same work by one thread on one hart, over that of all threads on as many harts. */
  xOne: '1 hart / as many as threads',
  /** The same natively: what the host allows. */
  nativeXOne: 'natively 1 thread / all threads',
} as const;
export type Ratio = keyof typeof RATIOS;

export type Measure = Place | Ratio;

/** Key of a row's samples. */
export function keyOf(row: ProgramRow, measure: Measure): string {
  return `program.${row.name}.${measure}`;
}

/** The figures of a row. */
export function figuresOf(row: ProgramRow): Figure[] {
  const times = PLACES.map((place) => ({ key: keyOf(row, place), title: `${row.name}, ${place}`, unit: 'ms' }));
  const ratios = (Object.keys(RATIOS) as Ratio[])
    .filter((ratio) => row.threads !== undefined || (ratio !== 'xOne' && ratio !== 'nativeXOne'))
    .map((ratio) => ({ key: keyOf(row, ratio), title: `${row.name}, ${RATIOS[ratio]}`, unit: '×' }));
  return [...times, ...ratios];
}

export interface ProgramResult {
  readonly row: ProgramRow;
  /** What could not be measured here is left out. */
  readonly measures: Readonly<Partial<Record<Measure, Summary>>>;
}

/** The rows of which there are samples. */
export function programResults(samples: ReadonlyMap<string, readonly number[]>): ProgramResult[] {
  const measures: readonly Measure[] = [...PLACES, ...(Object.keys(RATIOS) as Ratio[])];
  return PROGRAMS.map((row) => {
    const found = measures.flatMap((measure): [Measure, Summary][] => {
      const list = samples.get(keyOf(row, measure));
      return list === undefined ? [] : [[measure, summarise(list)]];
    });
    return { row, measures: Object.fromEntries(found) };
  }).filter(({ measures }) => measures.ours !== undefined);
}

/** What the whole table says, against a target. */
export interface Verdict {
  readonly title: string;
  readonly target: Target | undefined;
  readonly value: number;
  readonly met: boolean;
}

/** Targets of the table: geometric means, and the least of all rows. */
export function verdicts(results: readonly ProgramResult[]): Verdict[] {
  const found: Verdict[] = [];
  const add = (title: string, value: number, target?: Target): void => {
    found.push({ title, value, target, met: target === undefined || meets(target, value) });
  };
  const of = (ratio: Ratio): { name: string; value: number }[] =>
    results.flatMap(({ row, measures }) => {
      const median = measures[ratio]?.median;
      return median === undefined ? [] : [{ name: row.name, value: median }];
    });
  const mean = (title: string, ratio: Ratio, target?: Target): void => {
    const values = of(ratio).map(({ value }) => value);
    if (values.length > 0) add(`${title}, geometric mean`, geometricMean(values), target);
  };
  const least = (title: string, ratio: Ratio, target?: Target): void => {
    const [first] = of(ratio).sort((a, b) => a.value - b.value);
    if (first !== undefined) add(`${title}, least: ${first.name}`, first.value, target);
  };
  mean('× qemu', 'xQemu', ['≥', 2]);
  least('× qemu', 'xQemu', ['≥', 1]);
  mean('× native', 'xNative', ['≥', 0.35]);
  least('× native', 'xNative');
  mean('2 harts / 1 hart', 'xOne', ['≥', 1.9]);
  mean('2 threads / 1 thread natively, what the host allows', 'nativeXOne');
  return found;
}

/** @param values at least one, all above 0 */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
