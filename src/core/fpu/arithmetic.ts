/*
 * Addition, multiplication, fused multiply-add, division and square root, exactly, then rounded once.
 *
 * Each function takes patterns of one format and returns the pattern of the result; exceptions go to `out`. NaN results are the
 * canonical NaN; a signaling operand raises NV (RISC-V F, "NaN generation and propagation").
 */

import { type Format, exponentOf, isInfinite, isNaN, isNegative, isSignaling, isZero, significandOf } from './format.ts';
import { Flag, Rounding } from './op.ts';
import { type Flags, round } from './round.ts';

function invalid(f: Format, out: Flags): bigint {
  out.flags |= Flag.NV;
  return f.nan;
}

function propagate(f: Format, a: bigint, b: bigint, out: Flags): bigint {
  return isSignaling(f, a) || isSignaling(f, b) ? invalid(f, out) : f.nan;
}

/**
 * Rounds x + y, each sign × significand × 2^exponent with a significand of at most 2 × precision bits.
 *
 * A summand too far below the other to reach its rounding position counts as the smallest non-zero amount there.
 */
function addExact(
  f: Format,
  xNegative: boolean,
  xExponent: number,
  x: bigint,
  yNegative: boolean,
  yExponent: number,
  y: bigint,
  rm: number,
  out: Flags,
): bigint {
  if (x === 0n && y === 0n) return zeroSum(f, xNegative, yNegative, rm);
  if (y === 0n) return round(f, xNegative, xExponent, x, rm, out);
  if (x === 0n) return round(f, yNegative, yExponent, y, rm, out);
  if (xExponent < yExponent) return addExact(f, yNegative, yExponent, y, xNegative, xExponent, x, rm, out);
  let low = y;
  let exponent = yExponent;
  const guardBits = f.precision + 3;
  if (xExponent - yExponent > 2 * f.precision + guardBits) {
    low = 1n;
    exponent = xExponent - guardBits;
  }
  const high = x << BigInt(xExponent - exponent);
  const sum = (xNegative ? -high : high) + (yNegative ? -low : low);
  if (sum === 0n) return zeroSum(f, xNegative, yNegative, rm);
  return sum < 0n ? round(f, true, exponent, -sum, rm, out) : round(f, false, exponent, sum, rm, out);
}

/** An exact zero sum: the common sign, or for opposite signs −0 only when rounding down. */
function zeroSum(f: Format, xNegative: boolean, yNegative: boolean, rm: number): bigint {
  return (xNegative === yNegative ? xNegative : rm === Rounding.RDN) ? f.sign : 0n;
}

export function add(f: Format, a: bigint, b: bigint, rm: number, out: Flags): bigint {
  if (isNaN(f, a) || isNaN(f, b)) return propagate(f, a, b, out);
  if (isInfinite(f, a)) return isInfinite(f, b) && a !== b ? invalid(f, out) : a;
  if (isInfinite(f, b)) return b;
  return addExact(
    f,
    isNegative(f, a),
    exponentOf(f, a),
    significandOf(f, a),
    isNegative(f, b),
    exponentOf(f, b),
    significandOf(f, b),
    rm,
    out,
  );
}

export function multiply(f: Format, a: bigint, b: bigint, rm: number, out: Flags): bigint {
  if (isNaN(f, a) || isNaN(f, b)) return propagate(f, a, b, out);
  const sign = (a ^ b) & f.sign;
  if (isInfinite(f, a) || isInfinite(f, b)) return isZero(f, a) || isZero(f, b) ? invalid(f, out) : sign | f.infinity;
  if (isZero(f, a) || isZero(f, b)) return sign;
  const product = significandOf(f, a) * significandOf(f, b);
  return round(f, sign !== 0n, exponentOf(f, a) + exponentOf(f, b), product, rm, out);
}

/** a×b + c with a single rounding. Negated forms negate a or c beforehand. */
export function multiplyAdd(f: Format, a: bigint, b: bigint, c: bigint, rm: number, out: Flags): bigint {
  // ∞×0 is invalid even when c is a quiet NaN.
  if ((isInfinite(f, a) && isZero(f, b)) || (isZero(f, a) && isInfinite(f, b))) return invalid(f, out);
  if (isNaN(f, a) || isNaN(f, b) || isNaN(f, c)) return isSignaling(f, c) ? invalid(f, out) : propagate(f, a, b, out);
  const sign = (a ^ b) & f.sign;
  if (isInfinite(f, a) || isInfinite(f, b)) {
    const product = sign | f.infinity;
    return isInfinite(f, c) && c !== product ? invalid(f, out) : product;
  }
  if (isInfinite(f, c)) return c;
  return addExact(
    f,
    sign !== 0n,
    exponentOf(f, a) + exponentOf(f, b),
    significandOf(f, a) * significandOf(f, b),
    isNegative(f, c),
    exponentOf(f, c),
    significandOf(f, c),
    rm,
    out,
  );
}

export function divide(f: Format, a: bigint, b: bigint, rm: number, out: Flags): bigint {
  if (isNaN(f, a) || isNaN(f, b)) return propagate(f, a, b, out);
  const sign = (a ^ b) & f.sign;
  if (isInfinite(f, a)) return isInfinite(f, b) ? invalid(f, out) : sign | f.infinity;
  if (isInfinite(f, b)) return sign;
  if (isZero(f, b)) {
    if (isZero(f, a)) return invalid(f, out);
    out.flags |= Flag.DZ;
    return sign | f.infinity;
  }
  if (isZero(f, a)) return sign;
  // Whatever the lengths of the significands, the quotient has precision + 2 bits or more; the last is sticky.
  const shift = 2 * f.precision + 2;
  const divisor = significandOf(f, b);
  const dividend = significandOf(f, a) << BigInt(shift);
  const quotient = dividend / divisor;
  const sticky = quotient * divisor === dividend ? 0n : 1n;
  return round(f, sign !== 0n, exponentOf(f, a) - exponentOf(f, b) - shift - 1, (quotient << 1n) | sticky, rm, out);
}

export function squareRoot(f: Format, a: bigint, rm: number, out: Flags): bigint {
  if (isNaN(f, a)) return propagate(f, a, a, out);
  if (isZero(f, a)) return a;
  if (isNegative(f, a)) return invalid(f, out);
  if (isInfinite(f, a)) return a;
  const exponent = exponentOf(f, a);
  const odd = exponent & 1;
  const shift = 2 * (f.precision + 2) + odd;
  const radicand = significandOf(f, a) << BigInt(shift);
  const root = integerRoot(radicand);
  const sticky = root * root === radicand ? 0n : 1n;
  return round(f, false, (exponent - shift) / 2 - 1, (root << 1n) | sticky, rm, out);
}

/** ⌊√n⌋ for 2^50 < n < 2^200. */
function integerRoot(n: bigint): bigint {
  // The host's root is right to 52 bits; one Newton step doubles that, beyond the ≤ 82 bits wanted, and leaves an error of ±1.
  const estimate = BigInt(Math.floor(Math.sqrt(Number(n))));
  let root = (estimate + n / estimate) >> 1n;
  while (root * root > n) root--;
  while ((root + 1n) * (root + 1n) <= n) root++;
  return root;
}
