/*
 * How a program ended, as a shell would say it.
 */

import { Cause } from '../core/trap.ts';
import type { ProgramEnd } from '../kernel/launches.ts';
import { Signal } from '../kernel/signal-numbers.ts';

export interface RunResult {
  /** The exit status, or 128 + n when signal n ended the program. */
  readonly status: number;
  /** The signal that ended it, as `SIGSEGV`. */
  readonly signal: string | undefined;
  /** The trap behind the signal, if there was one: `store page fault at pc 0x10400, address 0x0`. */
  readonly fault: string | undefined;
  /** What it and its children have written; '' when the run had streams. */
  readonly stdout: string;
  readonly stderr: string;
}

const SIGNAL_NAMES = new Map<number, string>(Object.entries(Signal).map(([name, number]) => [number, `SIG${name}`]));
const CAUSE_NAMES = new Map<number, string>(Object.entries(Cause).map(([name, number]) => [number, words(name)]));

/** Signals that a trap raises. */
const FAULT_SIGNALS: ReadonlySet<number> = new Set([Signal.ILL, Signal.TRAP, Signal.BUS, Signal.SEGV]);

/** Makes the result of a run from how its first process ended and what was captured. */
export function resultOf({ status, fault }: ProgramEnd, stdout: string, stderr: string): RunResult {
  const number = status & 0x7f;
  if (number === 0) return { status: (status >>> 8) & 0xff, signal: undefined, fault: undefined, stdout, stderr };
  const trapped = FAULT_SIGNALS.has(number) && fault.pc !== 0;
  return {
    status: 128 + number,
    signal: SIGNAL_NAMES.get(number) ?? `signal ${String(number)}`,
    fault: trapped
      ? `${CAUSE_NAMES.get(fault.cause) ?? 'trap'} at pc ${hex(fault.pc)}, address ${hex(fault.address)}`
      : undefined,
    stdout,
    stderr,
  };
}

/** `StorePageFault` → `store page fault`. */
function words(name: string): string {
  return name.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
