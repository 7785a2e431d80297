/*
 * The frame that every fast path of the floating-point unit is built in.
 *
 * A fast path is a list of statements that leave with `answer` as soon as the host's arithmetic has given a result whose value and flags
 * are proven; running off their end means "not proven", and the frame (fast.ts) then asks the reference (soft.ts). So a path never
 * has to treat a case it finds awkward, and a mistake can only be in a proof.
 * Interface: `Path` (what a path is written in terms of), `FloatKind` (the two formats as the host has them), range tests, TwoSum.
 */

import { Context } from '../context.ts';
import { Label, branch, sequence, when } from '../wasm/control.ts';
import { type F64, f32, f64, i32, i64 } from '../wasm/ops.ts';
import type { Expr, I32, I64, Local, Stmt, ValType } from '../wasm/node.ts';
import { Flag, Rounding } from './op.ts';

/** A float type with the operators that both have. */
export interface FloatOps<T extends ValType> {
  eq(a: Expr<T>, b: Expr<T>): I32;
  ne(a: Expr<T>, b: Expr<T>): I32;
  lt(a: Expr<T>, b: Expr<T>): I32;
  gt(a: Expr<T>, b: Expr<T>): I32;
  le(a: Expr<T>, b: Expr<T>): I32;
  ge(a: Expr<T>, b: Expr<T>): I32;
  abs(a: Expr<T>): Expr<T>;
  neg(a: Expr<T>): Expr<T>;
  sqrt(a: Expr<T>): Expr<T>;
  add(a: Expr<T>, b: Expr<T>): Expr<T>;
  sub(a: Expr<T>, b: Expr<T>): Expr<T>;
  mul(a: Expr<T>, b: Expr<T>): Expr<T>;
  div(a: Expr<T>, b: Expr<T>): Expr<T>;
  min(a: Expr<T>, b: Expr<T>): Expr<T>;
  max(a: Expr<T>, b: Expr<T>): Expr<T>;
  const(value: number): Expr<T>;
}

/** One of the two formats on the host. */
export interface FloatKind<T extends 'f32' | 'f64'> {
  readonly type: T;
  readonly ops: FloatOps<T>;
  /** The number whose pattern (for singles: the low half) is given. */
  fromBits(bits: I64): Expr<T>;
  /** The pattern, zero-extended. */
  toBits(value: Expr<T>): I64;
  /** The value as a double: exact. */
  toDouble(value: Expr<T>): F64;
  readonly smallestNormal: number;
  /** Whether a×b is exactly `product`, which is the host's a×b; all three are normal numbers. */
  productIsExact(a: Local<T>, b: Local<T>, product: Local<T>): I32;
}

const bitsOf = (x: F64): I64 => i64.reinterpretF64(x);
const significand = (x: F64): I64 => i64.or(i64.and(bitsOf(x), i64.const(0xf_ffff_ffff_ffffn)), i64.const(1n << 52n));
const exponent = (x: F64): I64 => i64.and(i64.shrU(bitsOf(x), i64.const(52)), i64.const(0x7ff));

export const DOUBLES: FloatKind<'f64'> = {
  type: 'f64',
  ops: f64,
  fromBits: f64.reinterpretI64,
  toBits: bitsOf,
  toDouble: (value) => value,
  smallestNormal: 2 ** -1022,
  // The integer product of the significands has 105 or 106 bits, of which the lowest 52 or 53 do not fit and must be zero. The
  // 64-bit product has them all; the exponents tell how many there are.
  productIsExact: (a, b, product) => {
    const carried = i64.sub(exponent(product), i64.add(exponent(a), i64.sub(exponent(b), i64.const(1023))));
    return i64.eqz(i64.shl(i64.mul(significand(a), significand(b)), i64.sub(i64.const(12), carried)));
  },
};

export const SINGLES: FloatKind<'f32'> = {
  type: 'f32',
  ops: f32,
  fromBits: (bits) => f32.reinterpretI32(i32.wrap(bits)),
  toBits: (value) => i64.extendI32U(i32.reinterpretF32(value)),
  toDouble: f64.promote,
  smallestNormal: 2 ** -126,
  // A double holds the product of two singles.
  productIsExact: (a, b, product) => f64.eq(f64.mul(f64.promote(a), f64.promote(b)), f64.promote(product)),
};

/** What a fast path is written in terms of: operands in locals, the context, and a place for the answer. */
export class Path {
  readonly answered = new Label('answered');
  readonly result: Local<'i64'>;
  /** Rounding mode in force, 0–4. */
  readonly rm: Local<'i32'>;
  readonly a: Local<'i64'>;
  readonly b: Local<'i64'>;
  readonly c: Local<'i64'>;

  constructor(
    /** Address of the running context. */
    readonly context: I32,
    readonly local: <T extends ValType>(type: T) => Local<T>,
  ) {
    this.rm = local('i32');
    this.a = local('i64');
    this.b = local('i64');
    this.c = local('i64');
    this.result = local('i64');
  }

  /** Leaves the path with the pattern of the result. */
  answer(bits: I64): Stmt {
    return sequence(this.result.set(bits), branch(this.answered));
  }

  get roundsToNearest(): I32 {
    return i32.eq(this.rm, i32.const(Rounding.RNE));
  }

  /** Whether NX has accrued, so that it is of no interest whether this operation is exact. */
  get inexactKnown(): I32 {
    return i32.and(i32.load(this.context, Context.fcsr.offset), i32.const(Flag.NX));
  }

  raiseInexact(): Stmt {
    const fcsr = i32.load(this.context, Context.fcsr.offset);
    return i32.store(this.context, Context.fcsr.offset, i32.or(fcsr, i32.const(Flag.NX)));
  }

  /** Answers `bits`; raises NX first unless `exact`. */
  finish(exact: I32, bits: I64): Stmt {
    return sequence(when(i32.eqz(exact), this.raiseInexact()), this.answer(bits));
  }
}

/** Both conditions, both of which are evaluated. */
export const both = (a: I32, b: I32): I32 => i32.and(a, b);

/** A finite number. */
export function isFinite<T extends 'f32' | 'f64'>(kind: FloatKind<T>, x: Expr<T>): I32 {
  return kind.ops.lt(kind.ops.abs(x), kind.ops.const(Infinity));
}

export function isInfinite<T extends 'f32' | 'f64'>(kind: FloatKind<T>, x: Expr<T>): I32 {
  return kind.ops.eq(kind.ops.abs(x), kind.ops.const(Infinity));
}

/** A finite number above the smallest normal magnitude: a result that raised neither OF nor UF, however it was rounded. */
export function isSafe<T extends 'f32' | 'f64'>(kind: FloatKind<T>, x: Expr<T>): I32 {
  return both(kind.ops.gt(kind.ops.abs(x), kind.ops.const(kind.smallestNormal)), isFinite(kind, x));
}

/** A normal number; as an operand it has its hidden bit. */
export function isNormal<T extends 'f32' | 'f64'>(kind: FloatKind<T>, x: Expr<T>): I32 {
  return both(kind.ops.ge(kind.ops.abs(x), kind.ops.const(kind.smallestNormal)), isFinite(kind, x));
}

/** `error` := a + b − sum exactly, for sum = the host's a + b (Knuth's TwoSum). NaN when an intermediate overflows. */
export function sumError<T extends 'f32' | 'f64'>(
  { ops }: FloatKind<T>,
  a: Expr<T>,
  b: Expr<T>,
  sum: Local<T>,
  error: Local<T>,
  scratch: Local<T>,
): Stmt {
  return sequence(scratch.set(ops.sub(sum, a)), error.set(ops.add(ops.sub(a, ops.sub(sum, scratch)), ops.sub(b, scratch))));
}
