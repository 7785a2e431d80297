/*
 * Values of options, common to the commands: numbers and sizes that are in range, and the one line for those that are not.
 */

import { InvalidArgumentError } from 'commander';

import { MAX_RAM_BYTES } from '../core/ram.ts';

/** Parser of a whole number within bounds. */
export function count(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= low && value <= high) return value;
    throw new InvalidArgumentError(`a whole number from ${String(low)} to ${String(high)}`);
  };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** Parses a size of RAM. */
export function bytes(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([KMG]?)(?:i?B)?$/i.exec(text) ?? [];
  const value = Math.floor(Number(digits) * (UNITS[unit.toUpperCase()] ?? NaN));
  if (Number.isNaN(value)) throw new InvalidArgumentError('a number of bytes, or one with K, M or G, such as 64M');
  if (value > MAX_RAM_BYTES) throw new InvalidArgumentError('a machine has less than 2G');
  return value;
}

/** Commander's message as one line that says what to do next. */
export function oneLine(message: string): string {
  const line = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/^option '(--[\w-]+)[^']*' argument '(.*)' is invalid\./, '$1 $2:')
    .replace(/^option '(--[\w-]+) (\S+)' argument missing/, '$1 needs a value, $2');
  return `${line.replace(/\.$/, '')} (see --help)`;
}
