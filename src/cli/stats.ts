/*
 * The counters of a machine as a table.
 */

import type { MachineStats } from '../machine.ts';
import type { HartStats } from '../machine/stats.ts';

const COLUMNS: readonly (readonly [title: string, value: (hart: HartStats) => string])[] = [
  ['hart', ({ hart }) => String(hart)],
  ['busy ms', ({ busyNs }) => milliseconds(busyNs)],
  ['idle ms', ({ idleNs }) => milliseconds(idleNs)],
  ['instructions', ({ instructions }) => String(instructions)],
  ['switches', ({ switches }) => String(switches)],
  ['syscalls', ({ syscalls }) => String(syscalls)],
  ['faults', ({ faults }) => String(faults)],
  ['interrupts', ({ interrupts }) => String(interrupts)],
  ['steals', ({ steals }) => String(steals)],
  ['parks', ({ parks }) => String(parks)],
  ['shootdowns', ({ shootdowns }) => String(shootdowns)],
  ['TLB misses', ({ tlbMisses }) => String(tlbMisses)],
  [
    'translated',
    ({ translated, instructions }) => (instructions === 0 ? '-' : `${((100 * translated) / instructions).toFixed(1)}%`),
  ],
  ['regions', ({ regions }) => String(regions)],
  ['of instructions', ({ regionInstructions }) => String(regionInstructions)],
  ['compile ms', ({ translateNs }) => milliseconds(translateNs)],
];

/** Lines for `--stats`, each with its newline. */
export function formatStats({ harts, framesTotal, framesFree }: MachineStats): string {
  const rows = [COLUMNS.map(([title]) => title), ...harts.map((hart) => COLUMNS.map(([, value]) => value(hart)))];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join('  '));
  lines.push(`frames: ${String(framesTotal - framesFree)} of ${String(framesTotal)} in use`);
  return `${lines.join('\n')}\n`;
}

function milliseconds(ns: number): string {
  return (ns / 1e6).toFixed(1);
}
