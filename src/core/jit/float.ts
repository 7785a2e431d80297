/*
 * Floating-point arithmetic inline: the host's operation, and a comparison that proves that it needs no look at the flags.
 *
 * The host rounds to nearest as RNE does, so a result in range is right, and the only flag that it may raise is NX. While NX has accrued
 * anyway, nothing is left to do; `limit` of the tier folds that into one comparison of the result's upper bits. All else (another rounding
 * mode, results that are tiny, huge, infinite or no number, NX not yet accrued) goes to the operation out of line.
 *
 * A fused multiply-add needs a host that fuses: WebAssembly has it as a relaxed operation, which this host may know (`canFuse`).
 */

import { FpuOp } from '../fpu/op.ts';
import { rarely, yields } from '../wasm/control.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { f32, f64, i32, i64 } from '../wasm/ops.ts';
import type { Expr, F64, I32, I64, Local, Stmt } from '../wasm/node.ts';
import type { FloatSite } from './site.ts';

export type Kind = 's' | 'd';

/**
 * Upper words, without the sign, from which on results have not underflowed: above that of the smallest normal number, to which a smaller
 * one may have been rounded.
 */
const NORMAL = { s: 0x0100_0002, d: 0x0020_0002 } as const;

/**
 * `limit` of the tier while NX has accrued: what an upper word less NORMAL has to be below. It is the format with the smaller
 * exponents that sets it; doubles beyond 2^1009 are left to the operation out of line.
 */
export const LIMIT = 0xff00_0000 - NORMAL.s;

/** An operation that is inlined: the host's, and whether its result may be tiny. */
interface Inline {
  readonly compute: (kind: Kind, a: I64, b: I64, c: I64) => Expr<'f32'> | F64;
  readonly mayUnderflow: boolean;
  /** Whether a zero as result is exact, from whether the first operand is zero, and the second. */
  readonly exactZero?: (a: I32, b: I32) => I32;
}

export const single = (bits: I64): Expr<'f32'> => f32.reinterpretI32(i32.wrap(bits));
export const double = (bits: I64): F64 => f64.reinterpretI64(bits);

const binary =
  (name: 'add' | 'sub' | 'mul' | 'div'): Inline['compute'] =>
  (kind, a, b) =>
    kind === 's' ? f32[name](single(a), single(b)) : f64[name](double(a), double(b));

/** Of a product, and of a sum with one. */
const zeroFactor = (a: I32, b: I32): I32 => i32.or(a, b);

const fused = (negateProduct: boolean, negateAddend: boolean): Inline => ({
  compute: (kind, a, b, c) => {
    if (kind === 's') {
      return f32.relaxedMadd(
        negateProduct ? f32.neg(single(a)) : single(a),
        single(b),
        negateAddend ? f32.neg(single(c)) : single(c),
      );
    }
    return f64.relaxedMadd(
      negateProduct ? f64.neg(double(a)) : double(a),
      double(b),
      negateAddend ? f64.neg(double(c)) : double(c),
    );
  },
  mayUnderflow: true,
  exactZero: zeroFactor,
});

/** By the number of the operation on singles. */
const INLINE: Readonly<Record<number, Inline>> = {
  // A tiny sum is exact.
  [FpuOp.ADD_S]: { compute: binary('add'), mayUnderflow: false },
  [FpuOp.SUB_S]: { compute: binary('sub'), mayUnderflow: false },
  [FpuOp.MUL_S]: { compute: binary('mul'), mayUnderflow: true, exactZero: zeroFactor },
  [FpuOp.DIV_S]: { compute: binary('div'), mayUnderflow: true, exactZero: (a) => a },
  [FpuOp.SQRT_S]: {
    compute: (kind, a) => (kind === 's' ? f32.sqrt(single(a)) : f64.sqrt(double(a))),
    mayUnderflow: false,
  },
  [FpuOp.MADD_S]: fused(false, false),
  [FpuOp.MSUB_S]: fused(false, true),
  [FpuOp.NMSUB_S]: fused(true, false),
  [FpuOp.NMADD_S]: fused(true, true),
};

/** The operation inline, rounding to nearest; undefined when this is none of those. */
export function inlineArithmetic(tier: FloatSite, op: FpuOp, a: I64, b: I64, c: I64): I64 | undefined {
  const inline = INLINE[op & ~1];
  if (inline === undefined || (op >= FpuOp.MADD_S && !canFuse())) return undefined;
  const { compute, mayUnderflow, exactZero } = inline;
  const slow = (x: I64, y: I64, z: I64): I64 => tier.outOfLine(op, x, y, z);
  if ((op & 1) === 1) {
    const result = tier.temp('f64');
    const zero = f64.const(0);
    return proven(
      [result.set(compute('d', a, b, c) as F64)],
      isProven(tier, 'd', upperWord(result), mayUnderflow),
      exactZero && i32.and(f64.eq(result, zero), exactZero(f64.eq(double(a), zero), f64.eq(double(b), zero))),
      result,
      f64.reinterpretI64(slow(a, b, c)),
      i64.reinterpretF64,
    );
  }
  const result = tier.temp('f32');
  const zero = f32.const(0);
  const before: Stmt[] = [];
  const [x, y, z] = [kept(tier, before, a), kept(tier, before, b), kept(tier, before, c)];
  return proven(
    [...before, result.set(compute('s', x, y, z) as Expr<'f32'>)],
    isProven(tier, 's', upperWordOfSingle(result), mayUnderflow),
    exactZero && i32.and(f32.eq(result, zero), exactZero(f32.eq(single(x), zero), f32.eq(single(y), zero))),
    result,
    single(slow(x, y, z)),
    bitsOfSingle,
  );
}

/** The upper word of a magnitude, shifted up by one: the sign is gone. */
export const upperWord = (x: F64): I32 => i32.shl(i32.wrap(i64.shrU(i64.reinterpretF64(x), i64.const(32))), i32.const(1));
export const upperWordOfSingle = (x: Expr<'f32'>): I32 => i32.shl(i32.reinterpretF32(x), i32.const(1));

export const bitsOfSingle = (x: Expr<'f32'>): I64 => i64.extendI32U(i32.reinterpretF32(x));

/** Whether a result with this upper word is right, and nothing is to be said of its flags. */
export function isProven(tier: FloatSite, kind: Kind, upper: I32, mayUnderflow: boolean): I32 {
  return i32.ltU(mayUnderflow ? i32.sub(upper, i32.const(NORMAL[kind])) : upper, tier.limit);
}

/** Operands of singles may have to be unboxed, and are needed twice. */
export function kept(tier: FloatSite, before: Stmt[], bits: I64): I64 {
  if (bits.kind === 'const' || isSingleLocal(bits)) return bits;
  const local = tier.temp('f32');
  before.push(local.set(single(bits)));
  return bitsOfSingle(local);
}

/** Whether this is the pattern of a local. */
function isSingleLocal(bits: I64): boolean {
  return single(bits).kind === 'local';
}

/**
 * The pattern of `result`, as `compute` leaves it when one of two proofs holds (the second is tried out of the way), else set to `slow`.
 */
export function proven<T extends 'f32' | 'f64' | 'i32' | 'i64'>(
  compute: readonly Stmt[],
  proof: I32,
  other: I32 | undefined,
  result: Local<T>,
  slow: Expr<T>,
  bitsOf: (value: Expr<T>) => I64,
): I64 {
  const correct = result.set(slow);
  return yields(
    [...compute, rarely(i32.eqz(proof), other === undefined ? correct : rarely(i32.eqz(other), correct))],
    bitsOf(result),
  );
}

let fuses: boolean | undefined;

/** Whether the host knows the relaxed multiply-add, and fuses it. */
export function canFuse(): boolean {
  fuses ??= probe();
  return fuses;
}

function probe(): boolean {
  const module = new ModuleBuilder();
  const func = module.func(['f64', 'f64', 'f64'], 'f64', 'run');
  func.body([], f64.relaxedMadd(func.param('f64', 0), func.param('f64', 1), func.param('f64', 2)));
  const bytes = module.encode();
  if (!WebAssembly.validate(bytes)) return false;
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  // (1 + ε)² − (1 + 2ε) is ε² when it is rounded once, 0 when twice.
  const x = 1 + 2 ** -52;
  return (run as (a: number, b: number, c: number) => number)(x, x, -(1 + 2 ** -51)) === 2 ** -104;
}
