/*
 * Comparisons, minimum, maximum and conversions of floating-point numbers inline, as float.ts has the arithmetic: what raises no flag, or
 * NX when it has accrued. All else is asked of the reference unit.
 *
 * Invariant: bit for bit equal to soft.ts in result and flags, as all paths are.
 */

import { FpuOp, Rounding } from '../fpu/op.ts';
import { f32, f64, i32, i64 } from '../wasm/ops.ts';
import type { Expr, F64, I32, I64, Stmt } from '../wasm/node.ts';
import { bitsOfSingle, double, isProven, kept, proven, single, upperWordOfSingle } from './float.ts';
import type { FloatSite } from './site.ts';

/** An operation with its operand in doubles, or in singles. */
interface Site {
  readonly tier: FloatSite;
  readonly op: FpuOp;
  readonly a: I64;
  readonly b: I64;
  /** Static, or that of the region. */
  readonly mode: number;
}

/** The host's rounding to an integral number; it has none to nearest with ties away. */
const INTEGRAL: Readonly<Record<number, ((x: F64) => F64) | undefined>> = {
  [Rounding.RNE]: f64.nearest,
  [Rounding.RTZ]: f64.trunc,
  [Rounding.RDN]: f64.floor,
  [Rounding.RUP]: f64.ceil,
};

/** The operation inline; undefined when this is none of those. */
export function inlineConversion(site: Site): I64 | undefined {
  switch ((site.op & ~1) as FpuOp) {
    case FpuOp.MIN_S:
      return extreme(site, 'min');
    case FpuOp.MAX_S:
      return extreme(site, 'max');
    case FpuOp.EQ_S:
      return comparison(site, 'eq');
    case FpuOp.LT_S:
      return comparison(site, 'lt');
    case FpuOp.LE_S:
      return comparison(site, 'le');
    case FpuOp.CVT_W_S:
      return toInteger(site, 2 ** 31, true, (x) => i64.extendI32S(i32.truncSatF64S(x)));
    case FpuOp.CVT_WU_S:
      return toInteger(site, 2 ** 32, false, (x) => i64.extendI32S(i32.truncSatF64U(x)));
    case FpuOp.CVT_L_S:
      return toInteger(site, 2 ** 63, true, i64.truncSatF64S);
    case FpuOp.CVT_LU_S:
      return toInteger(site, 2 ** 64, false, i64.truncSatF64U);
    case FpuOp.CVT_S_W:
      return fromInteger(site, i64.extendI32S(i32.wrap(site.a)), true);
    case FpuOp.CVT_S_WU:
      return fromInteger(site, i64.extendI32U(i32.wrap(site.a)), false);
    case FpuOp.CVT_S_L:
      return fromInteger(site, site.a, true);
    case FpuOp.CVT_S_LU:
      return fromInteger(site, site.a, false);
    case FpuOp.CVT_S_D:
      return (site.op & 1) === 0 ? narrow(site) : widen(site);
    default:
      return undefined;
  }
}

const isDouble = ({ op }: Site): boolean => (op & 1) === 1;
const NONE = i64.const(0);
const asked = ({ tier, op, mode }: Site, a: I64, b: I64): I64 => tier.slow(op, a, b, NONE, i32.const(mode));

/** Neither operand is a NaN. */
const ordered = <T extends 'f32' | 'f64'>(ops: { eq: (a: Expr<T>, b: Expr<T>) => I32 }, a: Expr<T>, b: Expr<T>): I32 =>
  i32.and(ops.eq(a, a), ops.eq(b, b));

function comparison(site: Site, relation: 'eq' | 'lt' | 'le'): I64 {
  const { tier } = site;
  const result = tier.temp('i32');
  const before: Stmt[] = [];
  const [a, b] = isDouble(site) ? [site.a, site.b] : [kept(tier, before, site.a), kept(tier, before, site.b)];
  const [holds, proof] = isDouble(site)
    ? [f64[relation](double(a), double(b)), ordered(f64, double(a), double(b))]
    : [f32[relation](single(a), single(b)), ordered(f32, single(a), single(b))];
  const slow = i32.wrap(asked(site, a, b));
  return proven([...before, result.set(holds)], proof, undefined, result, slow, i64.extendI32U);
}

/** The host too puts −0 before +0. Its result is a NaN when an operand is. */
function extreme(site: Site, which: 'min' | 'max'): I64 {
  const { tier } = site;
  if (isDouble(site)) {
    const result = tier.temp('f64');
    const compute = result.set(f64[which](double(site.a), double(site.b)));
    const slow = double(asked(site, site.a, site.b));
    return proven([compute], f64.eq(result, result), undefined, result, slow, i64.reinterpretF64);
  }
  const before: Stmt[] = [];
  const [a, b] = [kept(tier, before, site.a), kept(tier, before, site.b)];
  const result = tier.temp('f32');
  const compute = result.set(f32[which](single(a), single(b)));
  return proven([...before, compute], f32.eq(result, result), undefined, result, single(asked(site, a, b)), bitsOfSingle);
}

/** A number in range whose rounding raises nothing new: it is integral, or NX has accrued. */
function toInteger(site: Site, bound: number, signed: boolean, convert: (x: F64) => I64): I64 | undefined {
  const { tier, mode } = site;
  const round = INTEGRAL[mode];
  if (round === undefined) return undefined;
  const before: Stmt[] = [];
  const a = isDouble(site) ? site.a : kept(tier, before, site.a);
  const x = isDouble(site) ? double(a) : f64.promote(single(a));
  const rounded = tier.temp('f64');
  const result = tier.temp('i64');
  const inRange = signed
    ? f64.lt(f64.abs(rounded), f64.const(bound))
    : i32.and(f64.ge(rounded, f64.const(0)), f64.lt(rounded, f64.const(bound)));
  return proven(
    [...before, rounded.set(round(x)), result.set(convert(rounded))],
    i32.and(inRange, i32.or(f64.eq(rounded, x), tier.inexactKnown)),
    undefined,
    result,
    asked(site, a, NONE),
    (value) => value,
  );
}

/** Of an integer in 64 bits. Small ones are exact, and so take any rounding mode; of the others NX has to have accrued. */
function fromInteger(site: Site, x: I64, signed: boolean): I64 {
  const { tier, op, mode } = site;
  if (op === FpuOp.CVT_D_W) return i64.reinterpretF64(f64.convertI32S(i32.wrap(site.a)));
  if (op === FpuOp.CVT_D_WU) return i64.reinterpretF64(f64.convertI32U(i32.wrap(site.a)));
  const exact = 2 ** (isDouble(site) ? 53 : 24);
  const isSmall = signed ? i64.ltU(i64.add(x, i64.const(exact)), i64.const(2 * exact)) : i64.ltU(x, i64.const(exact));
  const proof = mode === Rounding.RNE ? i32.or(isSmall, tier.inexactKnown) : isSmall;
  if (isDouble(site)) {
    const result = tier.temp('f64');
    const compute = result.set(signed ? f64.convertI64S(x) : f64.convertI64U(x));
    return proven([compute], proof, undefined, result, double(asked(site, site.a, NONE)), i64.reinterpretF64);
  }
  const result = tier.temp('f32');
  const compute = result.set(signed ? f32.convertI64S(x) : f32.convertI64U(x));
  return proven([compute], proof, undefined, result, single(asked(site, site.a, NONE)), bitsOfSingle);
}

/** Double to single: in range, or unchanged. */
function narrow(site: Site): I64 | undefined {
  const { tier, a, mode } = site;
  if (mode !== Rounding.RNE) return undefined;
  const result = tier.temp('f32');
  return proven(
    [result.set(f32.demote(double(a)))],
    isProven(tier, 's', upperWordOfSingle(result), true),
    f64.eq(f64.promote(result), double(a)),
    result,
    single(asked(site, a, NONE)),
    bitsOfSingle,
  );
}

/** Single to double: exact. */
function widen(site: Site): I64 {
  const { tier } = site;
  const before: Stmt[] = [];
  const a = kept(tier, before, site.a);
  const result = tier.temp('f64');
  const compute = result.set(f64.promote(single(a)));
  return proven(
    [...before, compute],
    f64.eq(result, result),
    undefined,
    result,
    double(asked(site, a, NONE)),
    i64.reinterpretF64,
  );
}
