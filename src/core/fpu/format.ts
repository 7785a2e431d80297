/*
 * The two IEEE 754 binary formats as parameters, and what can be told from a bit pattern alone.
 *
 * A pattern is a non-negative BigInt of `width` bits. A finite number is (−1)^sign × significand × 2^exponent with an integer
 * significand: `significandOf` and `exponentOf` give that form, subnormals included, so arithmetic needs no special case for them.
 */

export interface Format {
  /** Bits of a pattern. */
  readonly width: bigint;
  /** Bits of the significand, the hidden one included. */
  readonly precision: number;
  /** Stored bits of the significand. */
  readonly fractionBits: bigint;
  /** Exponent of the lowest bit of a subnormal: the smallest positive number is 2^minExponent. */
  readonly minExponent: number;
  readonly sign: bigint;
  /** All bits but the sign. */
  readonly magnitude: bigint;
  /** +∞; any magnitude above it is a NaN. */
  readonly infinity: bigint;
  /** The hidden bit, which is also the smallest normal magnitude. */
  readonly hidden: bigint;
  readonly fraction: bigint;
  /** The fraction bit that a quiet NaN has set. */
  readonly quiet: bigint;
  /** What every operation answers that produces a NaN. */
  readonly nan: bigint;
}

function format(width: number, precision: number): Format {
  const fractionBits = BigInt(precision - 1);
  const sign = 1n << BigInt(width - 1);
  const hidden = 1n << fractionBits;
  const infinity = sign - hidden;
  const quiet = hidden >> 1n;
  return {
    width: BigInt(width),
    precision,
    fractionBits,
    minExponent: 3 - 2 ** (width - precision - 1) - precision,
    sign,
    magnitude: sign - 1n,
    infinity,
    hidden,
    fraction: hidden - 1n,
    quiet,
    nan: infinity | quiet,
  };
}

/** binary32. */
export const SINGLE = format(32, 24);
/** binary64. */
export const DOUBLE = format(64, 53);

export function isNegative(f: Format, x: bigint): boolean {
  return x >= f.sign;
}

export function isNaN(f: Format, x: bigint): boolean {
  return (x & f.magnitude) > f.infinity;
}

/** Whether `x` is a NaN that raises the invalid flag in every arithmetic operation. */
export function isSignaling(f: Format, x: bigint): boolean {
  return isNaN(f, x) && (x & f.quiet) === 0n;
}

export function isInfinite(f: Format, x: bigint): boolean {
  return (x & f.magnitude) === f.infinity;
}

export function isZero(f: Format, x: bigint): boolean {
  return (x & f.magnitude) === 0n;
}

/** Integer significand of a finite number; 0 only for ±0. */
export function significandOf(f: Format, x: bigint): bigint {
  const fraction = x & f.fraction;
  return (x & f.infinity) === 0n ? fraction : fraction | f.hidden;
}

/** Exponent of the lowest bit of `significandOf`. */
export function exponentOf(f: Format, x: bigint): number {
  const biased = Number((x & f.infinity) >> f.fractionBits);
  return f.minExponent + (biased === 0 ? 0 : biased - 1);
}

/** The single in a 64-bit register: the low half of a boxed value (high half all ones), else the canonical NaN. */
export function unboxSingle(register: bigint): bigint {
  const bits = BigInt.asUintN(64, register);
  return bits >> 32n === 0xffff_ffffn ? bits & 0xffff_ffffn : SINGLE.nan;
}

/** A single as it lies in a 64-bit register. */
export function boxSingle(single: bigint): bigint {
  return 0xffff_ffff_0000_0000n | single;
}
