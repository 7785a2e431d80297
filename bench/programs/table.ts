/*
 * The programs as a table: times, and how many times as fast as the others this machine is.
 */

import { layOut, short } from '../table.ts';
import type { Measure, ProgramResult, Verdict } from './result.ts';

const HEADS = ['program', 'Hartbeat', 'qemu', 'native', '× qemu', '× native', '× 1 hart'] as const;
const MEASURES: readonly Measure[] = ['ours', 'qemu', 'native', 'xQemu', 'xNative', 'xOne'];

/** Lines, each with its newline. `errors`: why a program could not be measured. */
export function formatPrograms(
  results: readonly ProgramResult[],
  verdicts: readonly Verdict[],
  errors: ReadonlyMap<string, string>,
): string {
  const rows = results.map(({ row, measures }) => [
    row.name,
    ...MEASURES.map((measure) => {
      const summary = measures[measure];
      if (summary === undefined) return '';
      return measure in UNITS ? `${short(summary.median)} ms` : short(summary.median);
    }),
  ]);
  const failed = [...errors.keys()].filter((name) => !results.some(({ row }) => row.name === name));
  const table = layOut(HEADS, [...rows, ...failed.map((name) => [name, 'failed', '', '', '', '', ''])], TEXT_FIRST);
  const whole = verdicts.map(({ title, target, value, met }) => [
    title,
    short(value),
    target === undefined ? '' : `${target[0]} ${target[1]}`,
    target === undefined ? '' : met ? 'ok' : 'missed',
  ]);
  return whole.length === 0 ? table : `${table}\n${layOut(['all programs', 'value', 'target', 'verdict'], whole, TEXT_ENDS)}`;
}

const UNITS: Readonly<Partial<Record<Measure, 'ms'>>> = { ours: 'ms', qemu: 'ms', native: 'ms' };
/** Columns of text; the others are numbers. */
const TEXT_FIRST = [0];
const TEXT_ENDS = [0, 3];
