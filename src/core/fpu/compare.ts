/*
 * Minimum, maximum, comparisons and classification: operations that round nothing. Their only exception is NV.
 */

import { type Format, isInfinite, isNaN, isNegative, isSignaling, isZero } from './format.ts';
import { Flag } from './op.ts';
import type { Flags } from './round.ts';

/** A key that orders patterns as their numbers, −0 before +0. */
function order(f: Format, x: bigint): bigint {
  return isNegative(f, x) ? f.sign - x - 1n : x;
}

/**
 * The smaller (or, with `larger`, the larger) operand, as minimumNumber and maximumNumber of IEEE 754-2019 (F 2.2): −0 is less than
 * +0, a NaN gives way to a number, a signaling NaN raises NV.
 */
export function select(f: Format, a: bigint, b: bigint, larger: boolean, out: Flags): bigint {
  if (isSignaling(f, a) || isSignaling(f, b)) out.flags |= Flag.NV;
  if (isNaN(f, a)) return isNaN(f, b) ? f.nan : b;
  if (isNaN(f, b)) return a;
  return order(f, a) < order(f, b) !== larger ? a : b;
}

/** FEQ: quiet, only a signaling NaN raises NV. */
export function equal(f: Format, a: bigint, b: bigint, out: Flags): bigint {
  if (isNaN(f, a) || isNaN(f, b)) {
    if (isSignaling(f, a) || isSignaling(f, b)) out.flags |= Flag.NV;
    return 0n;
  }
  return a === b || (isZero(f, a) && isZero(f, b)) ? 1n : 0n;
}

/** FLT, and FLE with `orEqual`: signaling, any NaN raises NV. */
export function less(f: Format, a: bigint, b: bigint, orEqual: boolean, out: Flags): bigint {
  if (isNaN(f, a) || isNaN(f, b)) {
    out.flags |= Flag.NV;
    return 0n;
  }
  if (isZero(f, a) && isZero(f, b)) return orEqual ? 1n : 0n;
  const x = order(f, a);
  const y = order(f, b);
  return x < y || (orEqual && x === y) ? 1n : 0n;
}

/** FCLASS: one bit of ten. */
export function classify(f: Format, x: bigint): bigint {
  if (isNaN(f, x)) return isSignaling(f, x) ? 1n << 8n : 1n << 9n;
  const negative = isNegative(f, x);
  const magnitude = x & f.magnitude;
  // Counted from zero outwards: zero, subnormal, normal, infinity.
  const distance = magnitude === 0n ? 0n : isInfinite(f, x) ? 3n : magnitude < f.hidden ? 1n : 2n;
  return 1n << (negative ? 3n - distance : 4n + distance);
}
