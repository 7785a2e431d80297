/*
 * The result as a table: a row for each figure.
 */

import { type Figure, meets } from './figure.ts';
import { summarise } from './statistics.ts';

/** A figure with what was measured of it. */
export interface Row {
  readonly figure: Figure;
  readonly samples: readonly number[];
  /** Why there are none, if it failed. */
  readonly error: string | undefined;
}

const HEADS = ['figure', 'target', 'median', 'min–max', 'runs', 'verdict'] as const;

/** Lines, each with its newline. */
export function formatTable(rows: readonly Row[]): string {
  const cells = [HEADS, ...rows.map(cellsOf)];
  const widths = HEADS.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column]!, column))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
  return `${lines.join('\n')}\n`;
}

/** `ok` or `missed` for a figure with a target; '' without. */
export function verdictOf({ figure, samples, error }: Row): string {
  if (error !== undefined) return 'failed';
  if (samples.length === 0) return 'not measured here';
  if (figure.target === undefined) return '';
  return meets(figure.target, summarise(samples).median) ? 'ok' : 'missed';
}

function cellsOf(row: Row): readonly string[] {
  const { figure, samples } = row;
  const { title, unit, target } = figure;
  const aim = target === undefined ? '' : `${target[0]} ${target[1]} ${unit}`;
  if (samples.length === 0) return [title, aim, '', '', '0', verdictOf(row)];
  const { median, min, max, runs } = summarise(samples);
  return [title, aim, `${short(median)} ${unit}`, `${short(min)}–${short(max)}`, String(runs), verdictOf(row)];
}

/** Three digits that count. */
function short(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.01) return value.toFixed(4);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 || column === HEADS.length - 1 ? cell.padEnd(width) : cell.padStart(width);
}
