/*
 * Names of registers, rounding modes and CSRs as assembly writes them.
 */

import { Csr } from './csr.ts';

export const X_NAMES: readonly string[] = (
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 ' + 's2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'
).split(' ');

export const F_NAMES: readonly string[] = (
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 ' +
  'fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'
).split(' ');

/** By mode number; empty where reserved. */
export const ROUNDING_NAMES: readonly string[] = ['rne', 'rtz', 'rdn', 'rup', 'rmm', '', '', 'dyn'];

const csrNames = new Map<number, string>(Object.entries(Csr).map(([name, number]) => [number, name]));

export function csrName(csr: number): string {
  return csrNames.get(csr) ?? hex(csr);
}

/** As 0x… in as few digits as it takes. */
export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
