/*
 * Fast paths of addition, subtraction, multiplication, division and square root, rounding to nearest.
 *
 * The host rounds as RNE does, so its result is right wherever it is in range; what a path has to find out is the flags. OF and UF are
 * excluded by the result's magnitude, NV and DZ with them (they give NaN or ∞). If NX has accrued before, that is all; otherwise the
 * exactness of the result is tested by error-free transformation.
 */

import { when } from '../wasm/control.ts';
import { i32 } from '../wasm/ops.ts';
import type { Stmt } from '../wasm/node.ts';
import type { FloatKind, Path } from './path.ts';
import { both, isFinite, isInfinite, isNormal, isSafe, sumError } from './path.ts';

type Type = 'f32' | 'f64';

/**
 * a + b, or a − b with `negate`. A sum in the subnormal range is always exact, so a finite result raises NX or nothing.
 * Should an intermediate of TwoSum overflow, the error term is no number, and nothing is proven.
 */
export function addPath<T extends Type>(kind: FloatKind<T>, path: Path, negate: boolean): Stmt[] {
  const { ops } = kind;
  const a = path.local(kind.type);
  const b = path.local(kind.type);
  const sum = path.local(kind.type);
  const error = path.local(kind.type);
  const scratch = path.local(kind.type);
  return [
    when(
      path.roundsToNearest,
      a.set(kind.fromBits(path.a)),
      b.set(negate ? ops.neg(kind.fromBits(path.b)) : kind.fromBits(path.b)),
      sum.set(ops.add(a, b)),
      when(
        isFinite(kind, sum),
        when(path.inexactKnown, path.answer(kind.toBits(sum))),
        sumError(kind, a, b, sum, error, scratch),
        when(isFinite(kind, error), path.finish(ops.eq(error, ops.const(0)), kind.toBits(sum))),
      ),
      // ∞ and a number: exact. (An infinite sum of numbers has overflowed.)
      when(both(isInfinite(kind, sum), i32.or(isInfinite(kind, a), isInfinite(kind, b))), path.answer(kind.toBits(sum))),
    ),
  ];
}

export function multiplyPath<T extends Type>(kind: FloatKind<T>, path: Path): Stmt[] {
  const { ops } = kind;
  const a = path.local(kind.type);
  const b = path.local(kind.type);
  const product = path.local(kind.type);
  const zero = ops.const(0);
  return [
    when(
      path.roundsToNearest,
      a.set(kind.fromBits(path.a)),
      b.set(kind.fromBits(path.b)),
      product.set(ops.mul(a, b)),
      when(
        isSafe(kind, product),
        when(path.inexactKnown, path.answer(kind.toBits(product))),
        when(both(isNormal(kind, a), isNormal(kind, b)), path.finish(kind.productIsExact(a, b, product), kind.toBits(product))),
      ),
      // A zero or infinite factor: exact. (Products of other numbers under- or overflow there.)
      when(both(ops.eq(product, zero), i32.or(ops.eq(a, zero), ops.eq(b, zero))), path.answer(kind.toBits(product))),
      when(
        both(isInfinite(kind, product), i32.or(isInfinite(kind, a), isInfinite(kind, b))),
        path.answer(kind.toBits(product)),
      ),
    ),
  ];
}

/** A quotient is exact when the host's quotient × divisor is the dividend, exactly. */
export function dividePath<T extends Type>(kind: FloatKind<T>, path: Path): Stmt[] {
  const { ops } = kind;
  const a = path.local(kind.type);
  const b = path.local(kind.type);
  const quotient = path.local(kind.type);
  const product = path.local(kind.type);
  const zero = ops.const(0);
  return [
    when(
      path.roundsToNearest,
      a.set(kind.fromBits(path.a)),
      b.set(kind.fromBits(path.b)),
      quotient.set(ops.div(a, b)),
      when(
        // A zero divisor gives ∞ or NaN, which is not safe.
        isSafe(kind, quotient),
        when(path.inexactKnown, path.answer(kind.toBits(quotient))),
        when(
          both(isNormal(kind, a), isNormal(kind, b)),
          product.set(ops.mul(quotient, b)),
          path.finish(both(ops.eq(product, a), kind.productIsExact(quotient, b, product)), kind.toBits(quotient)),
        ),
      ),
      when(both(ops.eq(quotient, zero), i32.or(ops.eq(a, zero), isInfinite(kind, b))), path.answer(kind.toBits(quotient))),
      when(both(isInfinite(kind, quotient), isInfinite(kind, a)), path.answer(kind.toBits(quotient))),
    ),
  ];
}

/** A root of a positive number is always in range. √±0 = ±0 is exact. */
export function rootPath<T extends Type>(kind: FloatKind<T>, path: Path): Stmt[] {
  const { ops } = kind;
  const a = path.local(kind.type);
  const root = path.local(kind.type);
  const square = path.local(kind.type);
  return [
    a.set(kind.fromBits(path.a)),
    when(
      both(path.roundsToNearest, ops.ge(a, ops.const(0))),
      root.set(ops.sqrt(a)),
      when(i32.or(path.inexactKnown, ops.eq(a, ops.const(0))), path.answer(kind.toBits(root))),
      when(
        isNormal(kind, a),
        square.set(ops.mul(root, root)),
        path.finish(both(ops.eq(square, a), kind.productIsExact(root, root, square)), kind.toBits(root)),
      ),
    ),
  ];
}
