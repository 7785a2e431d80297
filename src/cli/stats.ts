/*
 * The counters of a machine as two tables, a row a hart: what its kernel did, and what its CPU did.
 *
 *   translated     share of the instructions that translated code executed; the interpreter executed the others
 *   regions        translated on this hart; `guest code` is how many instructions they were made from, `compile ms` the time it took
 *   TLB hit rate   share of the loads, stores and atomics that needed no walk of the page tables. The walks include those for code, which
 *                  are few: fetches are not counted, since decoded and translated code needs none
 */

import type { MachineStats } from '../machine.ts';
import type { HartStats } from '../machine/stats.ts';

type Column = readonly [title: string, value: (hart: HartStats) => string];

const KERNEL: readonly Column[] = [
  ['hart', ({ hart }) => String(hart)],
  ['busy ms', ({ busyNs }) => milliseconds(busyNs)],
  ['idle ms', ({ idleNs }) => milliseconds(idleNs)],
  ['switches', ({ switches }) => String(switches)],
  ['syscalls', ({ syscalls }) => String(syscalls)],
  ['faults', ({ faults }) => String(faults)],
  ['interrupts', ({ interrupts }) => String(interrupts)],
  ['steals', ({ steals }) => String(steals)],
  ['parks', ({ parks }) => String(parks)],
  ['shootdowns', ({ shootdowns }) => String(shootdowns)],
];

const CPU: readonly Column[] = [
  ['hart', ({ hart }) => String(hart)],
  ['instructions', ({ instructions }) => String(instructions)],
  ['translated', ({ translated, instructions }) => share(translated, instructions, 1)],
  ['regions', ({ regions }) => String(regions)],
  ['guest code', ({ regionInstructions }) => String(regionInstructions)],
  ['compile ms', ({ translateNs }) => milliseconds(translateNs)],
  ['TLB misses', ({ tlbMisses }) => String(tlbMisses)],
  ['TLB hit rate', ({ accesses, tlbMisses }) => share(Math.max(accesses - tlbMisses, 0), accesses, 3)],
];

/** Lines for `--stats`, each with its newline. */
export function formatStats({ harts, framesTotal, framesFree }: MachineStats): string {
  const lines = [...table(KERNEL, harts), '', ...table(CPU, harts), ''];
  lines.push(`frames: ${String(framesTotal - framesFree)} of ${String(framesTotal)} in use`);
  return `${lines.join('\n')}\n`;
}

function table(columns: readonly Column[], harts: readonly HartStats[]): string[] {
  const rows = [columns.map(([title]) => title), ...harts.map((hart) => columns.map(([, value]) => value(hart)))];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join('  '));
}

/** A part of a whole in percent; `-` of nothing. Rounded down, so that only all of it is 100%. */
function share(part: number, whole: number, digits: number): string {
  if (whole === 0) return '-';
  const unit = 10 ** digits;
  return `${(Math.floor((100 * unit * part) / whole) / unit).toFixed(digits)}%`;
}

function milliseconds(ns: number): string {
  return (ns / 1e6).toFixed(1);
}
