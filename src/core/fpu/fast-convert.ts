/*
 * Fast paths of the conversions between floating point and integers, and between the formats.
 *
 * To an integer: the number is rounded to an integral one in any of the five modes by the host, tested against the range of the type, and
 * NX is whether rounding changed it. From an integer: exact numbers take every rounding mode, others RNE, as the host converts.
 */

import { either, sequence, when } from '../wasm/control.ts';
import { type F64, f32, f64, i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import { Rounding } from './op.ts';
import type { FloatKind, Path } from './path.ts';
import { DOUBLES, SINGLES, both, isFinite, isSafe } from './path.ts';

/** An integer type as a conversion sees it. */
export interface IntegerKind {
  readonly bits: 32 | 64;
  readonly signed: boolean;
}

/** `rounded` := x as an integral number, by the mode in force. Rounding to a power of two below the digits of x is exact. */
function roundToIntegral(path: Path, x: F64, rounded: Local<'f64'>): Stmt {
  const is = (mode: number): I32 => i32.eq(path.rm, i32.const(mode));
  const truncated = f64.trunc(x);
  // To nearest, ties away: one more than truncation if half or more was dropped (the difference is exact).
  const away = either(
    f64.ge(f64.abs(f64.sub(x, truncated)), f64.const(0.5)),
    f64.add(truncated, f64.copysign(f64.const(1), x)),
    truncated,
  );
  return rounded.set(
    either(
      is(Rounding.RTZ),
      truncated,
      either(
        is(Rounding.RNE),
        f64.nearest(x),
        either(is(Rounding.RDN), f64.floor(x), either(is(Rounding.RUP), f64.ceil(x), away)),
      ),
    ),
  );
}

export function toIntegerPath<T extends 'f32' | 'f64'>(kind: FloatKind<T>, path: Path, { bits, signed }: IntegerKind): Stmt[] {
  const x = path.local('f64');
  const rounded = path.local('f64');
  const convert =
    bits === 64
      ? signed
        ? i64.truncSatF64S(rounded)
        : i64.truncSatF64U(rounded)
      : // Unsigned 32-bit results too are sign-extended.
        i64.extendI32S(signed ? i32.truncSatF64S(rounded) : i32.truncSatF64U(rounded));
  return [
    x.set(kind.toDouble(kind.fromBits(path.a))),
    roundToIntegral(path, x, rounded),
    when(
      both(
        f64.ge(rounded, f64.const(signed ? -(2 ** (bits - 1)) : 0)),
        f64.lt(rounded, f64.const(signed ? 2 ** (bits - 1) : 2 ** bits)),
      ),
      path.finish(f64.eq(rounded, x), convert),
    ),
  ];
}

export function fromIntegerPath<T extends 'f32' | 'f64'>(
  kind: FloatKind<T>,
  path: Path,
  { bits, signed }: IntegerKind,
): Stmt[] {
  const low = i32.wrap(path.a);
  if (kind.type === 'f64' && bits === 32) {
    return [path.answer(i64.reinterpretF64(signed ? f64.convertI32S(low) : f64.convertI32U(low)))];
  }
  const x = path.local('i64');
  const magnitude = path.local('i64');
  const digits = kind.type === 'f64' ? 53 : 24;
  const result: I64 =
    kind.type === 'f64'
      ? i64.reinterpretF64(signed ? f64.convertI64S(x) : f64.convertI64U(x))
      : i64.extendI32U(i32.reinterpretF32(signed ? f32.convertI64S(x) : f32.convertI64U(x)));
  // Exact: at most `digits` bits between the highest and the lowest set one.
  const exact = i64.ltU(i64.shrU(magnitude, i64.ctz(magnitude)), i64.const(1n << BigInt(digits)));
  return [
    x.set(bits === 64 ? path.a : signed ? i64.extendI32S(low) : i64.extendI32U(low)),
    magnitude.set(signed ? either(i64.ltS(x, i64.const(0)), i64.sub(i64.const(0), x), x) : x),
    when(exact, path.answer(result)),
    when(path.roundsToNearest, sequence(path.raiseInexact(), path.answer(result))),
  ];
}

/** Double to single. ∞ and ±0 are exact; a finite number is one that stays in range. */
export function narrowPath(path: Path): Stmt[] {
  const x = path.local('f64');
  const single = path.local('f32');
  return [
    x.set(DOUBLES.fromBits(path.a)),
    single.set(f32.demote(x)),
    when(f64.eq(f64.promote(single), x), path.answer(SINGLES.toBits(single))),
    when(both(path.roundsToNearest, isSafe(SINGLES, single)), path.raiseInexact(), path.answer(SINGLES.toBits(single))),
  ];
}

/** Single to double: exact; a NaN is the reference's. */
export function widenPath(path: Path): Stmt[] {
  const x = path.local('f32');
  return [
    x.set(SINGLES.fromBits(path.a)),
    when(i32.or(isFinite(SINGLES, x), f32.eq(x, x)), path.answer(DOUBLES.toBits(f64.promote(x)))),
  ];
}
