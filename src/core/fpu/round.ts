/*
 * Rounding: the one place where an exact result becomes a number of a format, and where OF, UF and NX arise.
 *
 * An exact result is sign × significand × 2^exponent with a positive integer significand of any length below 2^1023. A producer
 * whose result has infinitely many digits (division, root) gives at least precision + 2 of them and makes the last one sticky: set if
 * anything non-zero follows.
 */

import type { Format } from './format.ts';
import { Flag, Rounding } from './op.ts';

/** What collects the accrued exceptions of an operation. */
export interface Flags {
  flags: number;
}

const scratch = new Float64Array(1);
const scratchWords = new Uint32Array(scratch.buffer);

/** Bits of a positive integer below 2^1023. */
export function bitLength(x: bigint): number {
  scratch[0] = Number(x);
  const length = (scratchWords[1]! >>> 20) - 1022;
  // Number() rounds to nearest, so 2^60 − 1 looks like 2^60.
  return length > 53 && x >> BigInt(length - 1) === 0n ? length - 1 : length;
}

/**
 * Whether the magnitude is to be incremented.
 *
 * @param odd whether the truncated magnitude is odd
 * @param rest what truncation dropped: −1 below half a unit, 0 exactly half, 1 above (never nothing)
 */
function roundsUp(negative: boolean, odd: boolean, rest: number, rm: number): boolean {
  switch (rm) {
    case Rounding.RNE:
      return rest > 0 || (rest === 0 && odd);
    case Rounding.RDN:
      return negative;
    case Rounding.RUP:
      return !negative;
    case Rounding.RMM:
      return rest >= 0;
    default:
      return false;
  }
}

/** Magnitude of sign × significand / 2^shift rounded to an integer; the caller finds out about exactness with `isExact`. */
export function roundShift(negative: boolean, significand: bigint, shift: number, rm: number): bigint {
  if (shift <= 0) return significand << BigInt(-shift);
  const n = BigInt(shift);
  const kept = significand >> n;
  const rest = significand - (kept << n);
  if (rest === 0n) return kept;
  const half = 1n << (n - 1n);
  return roundsUp(negative, (kept & 1n) !== 0n, rest > half ? 1 : rest < half ? -1 : 0, rm) ? kept + 1n : kept;
}

/** Whether a shift right by `shift` bits drops only zeros. */
export function isExact(significand: bigint, shift: number): boolean {
  return shift <= 0 || BigInt.asUintN(shift, significand) === 0n;
}

/** The pattern of the number of format `f` that the exact result rounds to. */
export function round(f: Format, negative: boolean, exponent: number, significand: bigint, rm: number, out: Flags): bigint {
  const length = bitLength(significand);
  /** Exponent of the last place as if exponents were unbounded, and as it is. */
  const unbounded = exponent + length - f.precision;
  const last = Math.max(unbounded, f.minExponent);
  const magnitude = roundShift(negative, significand, last - exponent, rm);
  // A magnitude of precision + 1 bits (rounding carried out) and a subnormal that became normal both come out right in this sum.
  const pattern = (BigInt(last - f.minExponent) << f.fractionBits) + magnitude;
  const sign = negative ? f.sign : 0n;
  if (pattern >= f.infinity) {
    out.flags |= Flag.OF | Flag.NX;
    const toInfinity = rm === Rounding.RNE || rm === Rounding.RMM || rm === (negative ? Rounding.RDN : Rounding.RUP);
    return sign | (toInfinity ? f.infinity : f.infinity - 1n);
  }
  if (!isExact(significand, last - exponent)) {
    out.flags |= Flag.NX;
    // Tininess is detected after rounding: with unbounded exponents the result would still lie below the smallest normal number.
    const tiny =
      unbounded < f.minExponent - 1 ||
      (unbounded === f.minExponent - 1 && roundShift(negative, significand, unbounded - exponent, rm) < f.hidden << 1n);
    if (tiny) out.flags |= Flag.UF;
  }
  return sign | pattern;
}
