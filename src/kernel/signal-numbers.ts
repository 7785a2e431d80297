/*
 * Signal numbers (Linux riscv64) and their default actions.
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

/** Signals whose default action is to do nothing. */
export function ignoredByDefault(signal: number): boolean {
  return signal === Signal.CHLD || signal === Signal.CONT || signal === Signal.URG || signal === Signal.WINCH;
}

/** Signals whose default action is to stop the process. */
export function stopsByDefault(signal: number): boolean {
  return signal === Signal.STOP || signal === Signal.TSTP || signal === Signal.TTIN || signal === Signal.TTOU;
}

/** The wait status of a process that a signal has ended. */
export function statusOfSignal(signal: number): number {
  return signal;
}

/** The wait status of a process that has exited with `code`. */
export function statusOfExit(code: number): number {
  return (code & 0xff) << 8;
}
