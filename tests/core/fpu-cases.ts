/*
 * Operands for the floating-point tests: edge values, their neighbours, operands that nearly cancel or straddle a rounding position,
 * and plain random patterns. A seed fixes the sequence.
 *
 * Interface: `Cases` (a stream of operands into one reused object), `edges`, `OPERATIONS` with what each operation takes.
 */

import { FpuOp } from '../../src/core/fpu/op.ts';

/** Name and number of every operation. */
export const OPERATIONS: readonly (readonly [string, FpuOp])[] = Object.entries(FpuOp);

export const isFused = (op: FpuOp): boolean => op >= FpuOp.MADD_S && op <= FpuOp.NMADD_D;
export const isFromInteger = (op: FpuOp): boolean => op >= FpuOp.CVT_S_W && op <= FpuOp.CVT_D_LU;
export const isToInteger = (op: FpuOp): boolean => op >= FpuOp.CVT_W_S && op <= FpuOp.CVT_LU_D;
/** Operations that have no rounding mode. */
export const isUnrounded = (op: FpuOp): boolean => op >= FpuOp.MIN_S && op <= FpuOp.CLASS_D;
export const takesTwo = (op: FpuOp): boolean => op < FpuOp.CLASS_S && op !== FpuOp.SQRT_S && op !== FpuOp.SQRT_D;
/** Whether the operands are doubles. */
export const takesDouble = (op: FpuOp): boolean =>
  op === FpuOp.CVT_S_D ? true : op === FpuOp.CVT_D_S ? false : (op & 1) === 1;

/** Zero, subnormal and normal borders, 1 and its neighbours, infinities, quiet and signaling NaNs: alike in both formats. */
function formatEdges(width: bigint, fractionBits: bigint): bigint[] {
  const hidden = 1n << fractionBits;
  const infinity = (1n << (width - 1n)) - hidden;
  const one = ((1n << (width - 2n)) / hidden - 1n) * hidden;
  const exponent = (e: bigint): bigint => one + e * hidden;
  const p = fractionBits + 1n;
  const bias = one / hidden;
  return [
    ...[0n, 1n, 2n, 3n, hidden / 2n, hidden - 1n, hidden, hidden + 1n, 2n * hidden - 1n, 2n * hidden],
    ...[one - 1n, one, one + 1n, one + hidden / 2n, exponent(1n), exponent(1n) + hidden / 4n, exponent(1n) + hidden / 2n],
    ...[exponent(-1n) - 1n, exponent(-1n), exponent(-1n) + 1n, exponent(-p), exponent(1n - p), exponent(-1n - p)],
    ...[exponent(p - 2n) + 1n, exponent(p - 1n), exponent(p - 1n) + 1n, exponent(p), exponent(p) - 1n],
    ...[infinity - 1n, infinity - 2n, infinity - hidden, infinity, infinity + 1n, infinity + hidden / 2n - 1n],
    ...[infinity + hidden / 2n, infinity + hidden / 2n + 1n, infinity + hidden - 1n],
    // Where products and quotients leave the range.
    ...[bias / 2n, bias / 2n + 1n, (bias + p) / 2n].flatMap((e) => [exponent(e), exponent(-e), exponent(-e) + 1n]),
    // Borders of the integer types.
    ...[31n, 32n, 63n, 64n].flatMap((e) => [exponent(e) - 1n, exponent(e), exponent(e) + 1n]),
  ];
}

const DOUBLE_EDGES = [
  ...formatEdges(64n, 52n),
  // Borders of 32-bit integers with fractions, and of singles: their range, subnormals and halfway points.
  ...[0x41dfffffffc00000n, 0x41dfffffffe00000n, 0x41e0000000100000n, 0x41efffffffe00000n, 0x41effffffff00000n],
  ...[0x36a0000000000000n, 0x3690000000000000n, 0x3690000000000001n, 0x380fffffe0000000n, 0x380fffffffffffffn],
  ...[0x380ffffff0000000n, 0x380fffffefffffffn, 0x3810000000000000n, 0x47efffffe0000000n, 0x47efffffefffffffn],
  ...[0x47effffff0000000n, 0x47f0000000000000n],
];
const SINGLE_EDGES = formatEdges(32n, 23n);
const INTEGER_EDGES = [
  ...[0n, 1n, 2n, 3n, 5n],
  ...[23n, 24n, 25n, 26n, 31n, 32n, 39n, 40n, 52n, 53n, 54n, 55n, 62n, 63n].flatMap((k) => [
    (1n << k) - 1n,
    1n << k,
    (1n << k) + 1n,
  ]),
  ...[(1n << 25n) + 3n, (1n << 55n) + 6n, (1n << 55n) + 4n, 0x7ffffffffffffc00n, 0x7ffffffffffffe00n, 0x7ffffffffffffdffn],
  ...[0xfffffffffffff800n, 0xfffffffffffffbffn, 0xfffffffffffffc00n, 0x7fffffbfffffffffn, 0x7fffffc000000000n],
];

/** The edge values an operation's operands are drawn from, both signs. */
export function edges(op: FpuOp): bigint[] {
  if (isFromInteger(op)) return INTEGER_EDGES.flatMap((x) => [x, BigInt.asUintN(64, -x)]);
  return takesDouble(op)
    ? DOUBLE_EDGES.flatMap((x) => [x, x | (1n << 63n)])
    : SINGLE_EDGES.flatMap((x) => [x, x | (1n << 31n)]);
}

const EDGES = Object.values(FpuOp).map(edges);

/** Random bits, 32 at a time (sfc32). */
export class Random {
  #a: number;
  #b = 0x9e3779b9;
  #c = 0x243f6a88;
  #counter = 1;
  readonly #words = new Uint32Array(2);
  readonly #wide = new BigUint64Array(this.#words.buffer);

  constructor(seed: number) {
    this.#a = seed;
    for (let i = 0; i < 12; i++) this.word();
  }

  word(): number {
    const t = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  below(n: number): number {
    return this.word() % n;
  }

  wide(): bigint {
    this.#words[0] = this.word();
    this.#words[1] = this.word();
    return this.#wide[0]!;
  }

  /** Long runs of equal bits are what reveals a rounding mistake. */
  sparse(): bigint {
    switch (this.below(4)) {
      case 0:
        return this.wide();
      case 1:
        return this.wide() & this.wide() & this.wide();
      case 2:
        return this.wide() | this.wide() | this.wide();
      default: {
        const k = BigInt(this.below(64));
        return (this.wide() >> k) << k;
      }
    }
  }
}

const doubles = new Float64Array(2);
const doubleBits = new BigUint64Array(doubles.buffer);
const singles = new Float32Array(2);
const singleBits = new Uint32Array(singles.buffer);

function productOfDoubles(a: bigint, b: bigint): bigint {
  doubleBits[0] = a;
  doubleBits[1] = b;
  doubles[0] = doubles[0]! * doubles[1]!;
  return doubleBits[0];
}

function productOfSingles(a: bigint, b: bigint): bigint {
  singleBits[0] = Number(a);
  singleBits[1] = Number(b);
  singles[0] = singles[0]! * singles[1]!;
  return BigInt(singleBits[0]);
}

export class Cases {
  a = 0n;
  b = 0n;
  c = 0n;
  rm = 0;
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** Draws the next operands and rounding mode for `op`. */
  next(op: FpuOp): void {
    const r = this.#random;
    this.rm = isUnrounded(op) ? 0 : r.below(5);
    if (isFromInteger(op)) {
      this.a = this.#integer(op);
      this.b = this.c = 0n;
      return;
    }
    const double = takesDouble(op);
    const fractionBits = double ? 52n : 23n;
    const exponents = double ? 0x7ffn : 0xffn;
    this.a = this.#number(op, double);
    this.b = takesTwo(op) ? this.#number(op, double) : 0n;
    this.c = isFused(op) ? this.#number(op, double) : 0n;
    if (takesTwo(op)) {
      const meet = r.below(6);
      const exponent = (this.a >> fractionBits) & exponents;
      if (meet === 0) this.b = this.a ^ BigInt(r.below(8));
      if (meet === 1) this.b = this.#withExponent(this.b, exponent + BigInt(r.below(5)) - 2n, double);
    }
    if (isFused(op)) {
      // The addend meets the product: near its exponent, or near its negative.
      const bias = double ? 1023n : 127n;
      const exponent = ((this.a >> fractionBits) & exponents) + ((this.b >> fractionBits) & exponents) - bias;
      const reach = double ? 110 : 50;
      switch (r.below(4)) {
        case 0:
          this.c = this.#withExponent(this.c, exponent + BigInt(r.below(2 * reach) - reach), double);
          break;
        case 1:
          this.c = this.#nearProduct(double);
          break;
      }
    }
  }

  /** ±(a×b), a few places off. */
  #nearProduct(double: boolean): bigint {
    const product = double ? productOfDoubles(this.a, this.b) : productOfSingles(this.a, this.b);
    const near = product ^ BigInt(this.#random.below(4));
    return this.#random.below(4) === 0 ? near : near ^ (double ? 1n << 63n : 1n << 31n);
  }

  #withExponent(x: bigint, exponent: bigint, double: boolean): bigint {
    const max = double ? 0x7ffn : 0xffn;
    const e = exponent < 0n ? 0n : exponent > max ? max : exponent;
    const shift = double ? 52n : 23n;
    return (x & ~(max << shift)) | (e << shift);
  }

  #number(op: FpuOp, double: boolean): bigint {
    const r = this.#random;
    const width = double ? 64 : 32;
    const table = EDGES[op]!;
    const edge = table[r.below(table.length)]!;
    const any = BigInt.asUintN(width, r.sparse());
    const bias = double ? 1023 : 127;
    const reach = double ? 60 : 30;
    switch (r.below(8)) {
      case 0:
        return edge;
      case 1:
        return BigInt.asUintN(width, edge + BigInt(r.below(9) - 4));
      case 2:
        return BigInt.asUintN(width, r.wide());
      case 3:
      case 4:
        return this.#withExponent(any, BigInt(bias - reach + r.below(2 * reach)), double);
      case 5:
        return this.#withExponent(any, BigInt(bias - 3 + r.below(6)), double);
      case 6:
        return this.#withExponent(any, BigInt(r.below(2) === 0 ? r.below(reach) : 2 * bias + 1 - r.below(reach)), double);
      default:
        return any;
    }
  }

  #integer(op: FpuOp): bigint {
    const r = this.#random;
    const table = EDGES[op]!;
    const edge = table[r.below(table.length)]!;
    const x = r.sparse() >> BigInt(r.below(64));
    switch (r.below(4)) {
      case 0:
        return edge;
      case 1:
        return BigInt.asUintN(64, edge + BigInt(r.below(9) - 4));
      case 2:
        return x;
      default:
        return BigInt.asUintN(64, -x);
    }
  }
}
