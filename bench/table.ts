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
  return layOut(HEADS, rows.map(cellsOf), [0, HEADS.length - 1]);
}

/**
 * Columns of equal width under their heads.
 *
 * @param text columns of text, which begin at their left; numbers end at their right
 */
export function layOut(heads: readonly string[], rows: readonly (readonly string[])[], text: readonly number[]): string {
  const cells = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (text.includes(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
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
export function short(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.01) return value.toFixed(4);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
