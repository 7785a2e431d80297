/*
 * Signal numbers (Linux riscv64), sets of them, and their default actions.
 *
 * A set is two words: signals 1 … 32 in the low one, 33 … 64 in the high one. FractureOS's numbers are the same. No core is ever written, so
 * the default actions "terminate" and "terminate with a core" are one.
 */

export const Signal = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const;

/** The bit of a signal in the word of its half: signals 1 … 32 in the low word, 33 … 64 in the high one. */
export function signalBit(signal: number): number {
  return (1 << ((signal - 1) & 31)) >>> 0;
}

/** The first real-time signal: from here on signals queue, each with its own information. */
export const FIRST_REALTIME = 32;

/** The bits of signals below 32 in the low word. */
const bitsOf = (signals: readonly number[]): number => signals.reduce((bits, signal) => bits | signalBit(signal), 0) >>> 0;

/** KILL and STOP can be neither caught, blocked nor ignored. */
export const UNSTOPPABLE = bitsOf([Signal.KILL, Signal.STOP]);
/** Signals that stop a process by default. */
export const STOPPING = bitsOf([Signal.STOP, Signal.TSTP, Signal.TTIN, Signal.TTOU]);
/** Signals that do nothing by default. */
const IGNORED = bitsOf([Signal.CHLD, Signal.CONT, Signal.URG, Signal.WINCH]);
/** Signals that an instruction brings about: they are delivered before any other. */
export const SYNCHRONOUS = bitsOf([Signal.SEGV, Signal.BUS, Signal.ILL, Signal.TRAP, Signal.FPE, Signal.SYS]);

/** Whether the default action is to do nothing. */
export function ignoredByDefault(signal: number): boolean {
  return signal < FIRST_REALTIME && (IGNORED & signalBit(signal)) !== 0;
}

/** Whether the default action is to stop the process. */
export function stopsByDefault(signal: number): boolean {
  return signal < FIRST_REALTIME && (STOPPING & signalBit(signal)) !== 0;
}

/** Whether the default action is to end the process. */
export function endsByDefault(signal: number): boolean {
  return !ignoredByDefault(signal) && !stopsByDefault(signal);
}

/** The lowest signal of a set, the SYNCHRONOUS ones before all others; 0 when it is empty. */
export function firstSignal(low: number, high: number): number {
  const urgent = low & SYNCHRONOUS;
  const first = urgent !== 0 ? urgent : low;
  if (first !== 0) return 32 - Math.clz32(first & -first);
  return high !== 0 ? 64 - Math.clz32(high & -high) : 0;
}

/** The wait status of a process that a signal has ended. */
export function statusOfSignal(signal: number): number {
  return signal;
}

/** The wait status of a process that has exited with `code`. */
export function statusOfExit(code: number): number {
  return (code & 0xff) << 8;
}
