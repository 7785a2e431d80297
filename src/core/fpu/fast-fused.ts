/*
 * Fast paths of the fused multiply-adds, rounding to nearest. WebAssembly has no fused operation.
 *
 * Singles: a double holds the product exactly; the sum is rounded to double, then to single. The second rounding errs only when the
 * double lies exactly between two singles and was itself inexact: it is then moved one place towards the exact sum.
 * Doubles: the exact value is kept as a sum of doubles, s + e + u: s the rounded sum of product and addend, e its error, u the error of the
 * product. A cheap rounding test (both ends of the interval in which the exact value lies round to the same number) settles nearly
 * all; the rest goes the way of Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd"
 * (2008), which also says whether the result is exact. Neither over- nor underflow may occur, hence the range tests.
 */

import { sequence, when } from '../wasm/control.ts';
import { type F64, type I64, f32, f64, i32, i64 } from '../wasm/ops.ts';
import type { Local, Stmt } from '../wasm/node.ts';
import type { Path } from './path.ts';
import { DOUBLES, SINGLES, both, isFinite, isNormal, isSafe, sumError } from './path.ts';

/** Which operands an operation negates: FMSUB the addend, FNMSUB the product, FNMADD both. */
export interface Negation {
  readonly product: boolean;
  readonly addend: boolean;
}

const negateIf = (negate: boolean, x: F64): F64 => (negate ? f64.neg(x) : x);

/** The neighbour of `x` (not zero) in the direction of the sign of `towards`, as a pattern. */
function step(x: F64, towards: F64): I64 {
  const differ = i64.shrS(i64.xor(i64.reinterpretF64(x), i64.reinterpretF64(towards)), i64.const(63));
  // differ is 0 (away from zero: one up) or −1 (one down).
  return i64.add(i64.reinterpretF64(x), i64.or(differ, i64.const(1)));
}

export function fusedSinglePath(path: Path, negation: Negation): Stmt[] {
  const product = path.local('f64');
  const addend = path.local('f64');
  const sum = path.local('f64');
  const error = path.local('f64');
  const scratch = path.local('f64');
  const result = path.local('f32');
  const single = (bits: I64): F64 => f64.promote(SINGLES.fromBits(bits));
  const betweenSingles = i64.eq(i64.and(i64.reinterpretF64(sum), i64.const(0x1fff_ffff)), i64.const(0x1000_0000));
  return [
    when(
      path.roundsToNearest,
      product.set(f64.mul(negateIf(negation.product, single(path.a)), single(path.b))),
      addend.set(negateIf(negation.addend, single(path.c))),
      sum.set(f64.add(product, addend)),
      sumError(DOUBLES, product, addend, sum, error, scratch),
      scratch.set(sum),
      when(both(betweenSingles, f64.ne(error, f64.const(0))), scratch.set(f64.reinterpretI64(step(sum, error)))),
      result.set(f32.demote(scratch)),
      // A sum of zero is exact; the sign of a zero is the host's.
      when(
        i32.or(isSafe(SINGLES, result), f64.eq(sum, f64.const(0))),
        when(path.inexactKnown, path.answer(SINGLES.toBits(result))),
        path.finish(both(f64.eq(error, f64.const(0)), f64.eq(f64.promote(result), sum)), SINGLES.toBits(result)),
      ),
    ),
  ];
}

/** Answers product + c if both the product and this sum are exact, which they are in computations with small integers. */
function exactSum(path: Path, a: Local<'f64'>, b: Local<'f64'>, product: Local<'f64'>, c: F64): Stmt {
  const sum = path.local('f64');
  const error = path.local('f64');
  const scratch = path.local('f64');
  return when(
    both(both(isNormal(DOUBLES, a), isNormal(DOUBLES, b)), DOUBLES.productIsExact(a, b, product)),
    sum.set(f64.add(product, c)),
    sumError(DOUBLES, product, c, sum, error, scratch),
    when(f64.eq(error, f64.const(0)), path.answer(i64.reinterpretF64(sum))),
  );
}

/** The upper 26 bits of a double, rounded; what remains has a sign and 26 bits. A number next to the largest becomes ∞. */
function upperHalf(x: F64): F64 {
  return f64.reinterpretI64(i64.and(i64.add(i64.reinterpretF64(x), i64.const(1n << 26n)), i64.const(-(1n << 27n))));
}

export function fusedDoublePath(path: Path, negation: Negation): Stmt[] {
  const a = path.local('f64');
  const b = path.local('f64');
  const c = path.local('f64');
  const product = path.local('f64');
  const u = path.local('f64');
  const zero = f64.const(0);
  /** The product and its error are exact above 2^-900, nothing overflows below 2^1000, and no result is subnormal. */
  const inRange = both(
    both(f64.gt(f64.abs(product), f64.const(2 ** -900)), f64.lt(f64.abs(product), f64.const(2 ** 1000))),
    f64.lt(f64.abs(c), f64.const(2 ** 1000)),
  );
  return [
    when(
      path.roundsToNearest,
      a.set(negateIf(negation.product, f64.reinterpretI64(path.a))),
      b.set(f64.reinterpretI64(path.b)),
      c.set(negateIf(negation.addend, f64.reinterpretI64(path.c))),
      product.set(f64.mul(a, b)),
      when(
        inRange,
        when(i32.eqz(path.inexactKnown), exactSum(path, a, b, product, c)),
        productError(path, a, b, product, u),
        when(path.inexactKnown, roundingTest(path, product, u, c)),
        oddRounding(path, product, u, c),
      ),
      // A zero factor: the product is exact, and so is the sum.
      when(
        both(f64.eq(product, zero), i32.or(f64.eq(a, zero), f64.eq(b, zero))),
        product.set(f64.add(product, c)),
        when(isFinite(DOUBLES, product), path.answer(i64.reinterpretF64(product))),
      ),
    ),
  ];
}

/** `u` := a×b − product, exactly (Dekker). Not finite when a or b is next to the largest number. */
function productError(path: Path, a: F64, b: F64, product: F64, u: Local<'f64'>): Stmt {
  const aHigh = path.local('f64');
  const aLow = path.local('f64');
  const bHigh = path.local('f64');
  const bLow = path.local('f64');
  const first = f64.sub(f64.mul(aHigh, bHigh), product);
  const second = f64.add(f64.add(first, f64.mul(aHigh, bLow)), f64.mul(aLow, bHigh));
  return sequence(
    aHigh.set(upperHalf(a)),
    aLow.set(f64.sub(a, aHigh)),
    bHigh.set(upperHalf(b)),
    bLow.set(f64.sub(b, bHigh)),
    u.set(f64.add(second, f64.mul(aLow, bLow))),
  );
}

/** Answers product + u + c rounded, if the rounding is beyond doubt. */
function roundingTest(path: Path, product: F64, u: F64, c: F64): Stmt {
  const sum = path.local('f64');
  const error = path.local('f64');
  const rest = path.local('f64');
  const slack = path.local('f64');
  const low = path.local('f64');
  return sequence(
    sum.set(f64.add(product, c)),
    sumError(DOUBLES, product, c, sum, error, rest),
    // The sum of the errors is rounded by at most half its last place; the slack is at least a whole one.
    rest.set(f64.add(error, u)),
    slack.set(f64.mul(f64.abs(rest), f64.const(2 ** -52))),
    low.set(f64.add(sum, f64.sub(rest, slack))),
    when(f64.eq(low, f64.add(sum, f64.add(rest, slack))), path.answer(i64.reinterpretF64(low))),
  );
}

/** Answers product + u + c rounded, and finds out whether that is exact. */
function oddRounding(path: Path, product: F64, u: F64, c: F64): Stmt {
  const high = path.local('f64');
  const low = path.local('f64');
  const sum = path.local('f64');
  const sumLow = path.local('f64');
  const rest = path.local('f64');
  const lost = path.local('f64');
  const result = path.local('f64');
  const error = path.local('f64');
  const scratch = path.local('f64');
  const zero = f64.const(0);
  const isEven = i64.eqz(i64.and(i64.reinterpretF64(rest), i64.const(1)));
  return sequence(
    high.set(f64.add(c, u)),
    sumError(DOUBLES, c, u, high, low, scratch),
    sum.set(f64.add(product, high)),
    sumError(DOUBLES, product, high, sum, sumLow, scratch),
    rest.set(f64.add(low, sumLow)),
    sumError(DOUBLES, low, sumLow, rest, lost, scratch),
    // Rounded to odd: an inexact number gets an odd last digit, which keeps the second rounding from taking it for a tie.
    when(both(f64.ne(lost, zero), isEven), rest.set(f64.reinterpretI64(step(rest, lost)))),
    result.set(f64.add(sum, rest)),
    sumError(DOUBLES, sum, rest, result, error, scratch),
    when(isFinite(DOUBLES, result), path.finish(both(f64.eq(lost, zero), f64.eq(error, zero)), i64.reinterpretF64(result))),
  );
}
