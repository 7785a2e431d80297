/*
 * Conversions between the formats and between them and integers.
 *
 * Interface: `toInteger`, `fromInteger`, `convert`. An integer result is the 64-bit pattern for rd: results of 32 bits, unsigned ones
 * too, are sign-extended, as RISC-V has it.
 */

import { type Format, exponentOf, isInfinite, isNaN, isNegative, isSignaling, isZero, significandOf } from './format.ts';
import { Flag } from './op.ts';
import { type Flags, isExact, round, roundShift } from './round.ts';

/**
 * FCVT to an integer of `bits` bits. What does not fit after rounding, or is infinite, saturates and raises NV alone; a NaN counts as
 * too large.
 */
export function toInteger(f: Format, x: bigint, bits: 32 | 64, signed: boolean, rm: number, out: Flags): bigint {
  const max = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const min = signed ? -max - 1n : 0n;
  const nan = isNaN(f, x);
  const negative = !nan && isNegative(f, x);
  let value = negative ? min - 1n : max + 1n;
  // Only numbers below 2^66 are worked out, so a conversion never shifts by a thousand bits.
  if (!nan && !isInfinite(f, x) && exponentOf(f, x) <= 66) {
    const significand = significandOf(f, x);
    const shift = -exponentOf(f, x);
    const magnitude = roundShift(negative, significand, shift, rm);
    value = negative ? -magnitude : magnitude;
    if (value >= min && value <= max && !isExact(significand, shift)) out.flags |= Flag.NX;
  }
  if (value < min || value > max) {
    out.flags |= Flag.NV;
    value = negative ? min : max;
  }
  return BigInt.asUintN(64, bits === 32 ? BigInt.asIntN(32, value) : value);
}

/** FCVT from the integer in the low `bits` bits of `x`. */
export function fromInteger(f: Format, x: bigint, bits: 32 | 64, signed: boolean, rm: number, out: Flags): bigint {
  const value = signed ? BigInt.asIntN(bits, x) : BigInt.asUintN(bits, x);
  if (value === 0n) return 0n;
  return value < 0n ? round(f, true, 0, -value, rm, out) : round(f, false, 0, value, rm, out);
}

/** FCVT between formats. */
export function convert(from: Format, to: Format, x: bigint, rm: number, out: Flags): bigint {
  if (isNaN(from, x)) {
    if (isSignaling(from, x)) out.flags |= Flag.NV;
    return to.nan;
  }
  const negative = isNegative(from, x);
  const sign = negative ? to.sign : 0n;
  if (isInfinite(from, x)) return sign | to.infinity;
  if (isZero(from, x)) return sign;
  return round(to, negative, exponentOf(from, x), significandOf(from, x), rm, out);
}
