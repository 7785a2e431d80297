/*
 * Builders for WebAssembly's numeric, memory and atomic operators, one namespace per type: i64.add(a, b), i32.load8U(address, offset),
 * i32.atomic.cmpxchg(address, offset, expected, value). Names follow the WebAssembly text format in camel case.
 *
 * Memory operators take the address, then a constant offset of bytes that is added to it. Plain ones may be misaligned.
 */

import { unsigned } from './leb128.ts';
import type { ConstNode, Expr, F64, I32, I64, Node, OpNode, ResultType, Stmt, ValType } from './node.ts';

function node<R extends ResultType>(type: R, code: readonly number[], args: readonly Node[]): Expr<R> {
  return { kind: 'op', type, code, args };
}

const unary =
  <A extends ValType, R extends ValType>(type: R, ...code: readonly number[]) =>
  (a: Expr<A>): Expr<R> =>
    node(type, code, [a]);

/** A conversion of which `inverse` (an opcode) is the inverse: one after the other is nothing. */
const undoing =
  <A extends ValType, R extends ValType>(type: R, code: number, ...inverses: readonly number[]) =>
  (a: Expr<A>): Expr<R> => {
    if (a.kind === 'op' && a.code.length === 1 && inverses.includes(a.code[0]!)) return a.args[0] as Expr<R>;
    return node(type, [code], [a]);
  };

const binary =
  <A extends ValType, R extends ValType>(type: R, ...code: readonly number[]) =>
  (a: Expr<A>, b: Expr<A>): Expr<R> =>
    node(type, code, [a, b]);

/** Worked out when both are constants. */
const equality = (a: I32, b: I32): I32 =>
  a.kind === 'const' && b.kind === 'const'
    ? i32.const((Number(a.value) | 0) === (Number(b.value) | 0) ? 1 : 0)
    : node('i32', [0x46], [a, b]);

function memory(code: readonly number[], align: number, offset: number): number[] {
  const bytes = [...code, align];
  unsigned(bytes, offset);
  return bytes;
}

const load =
  <R extends ValType>(type: R, ...code: readonly number[]) =>
  (address: I32, offset = 0): Expr<R> =>
    node(type, memory(code, 0, offset), [address]);

const store =
  <A extends ValType>(...code: readonly number[]) =>
  (address: I32, offset: number, value: Expr<A>): Stmt =>
    node('void', memory(code, 0, offset), [address, value]);

/** A store of the low bytes: of what has been extended from 32 bits, `short` stores the same. */
const storeLow =
  (short: (address: I32, offset: number, value: I32) => Stmt, code: number) =>
  (address: I32, offset: number, value: I64): Stmt =>
    extended(value) ? short(address, offset, value.args[0] as I32) : node('void', memory([code], 0, offset), [address, value]);

const extended = (value: I64): value is OpNode<'i64'> =>
  value.kind === 'op' && (value.code[0] === 0xac || value.code[0] === 0xad);

/** Operators 0xFE xx: the address must be aligned to 2^align or the host traps. */
const atomics = <T extends 'i32' | 'i64'>(
  type: T,
  first: { load: number; store: number; add: number; step: number },
  align: number,
) => {
  const rmw =
    (position: number) =>
    (address: I32, offset: number, value: Expr<T>): Expr<T> =>
      node(type, memory([0xfe, first.add + position * first.step], align, offset), [address, value]);
  return {
    load: (address: I32, offset = 0): Expr<T> => node(type, memory([0xfe, first.load], align, offset), [address]),
    store: (address: I32, offset: number, value: Expr<T>): Stmt =>
      node('void', memory([0xfe, first.store], align, offset), [address, value]),
    add: rmw(0),
    sub: rmw(1),
    and: rmw(2),
    or: rmw(3),
    xor: rmw(4),
    xchg: rmw(5),
    /** Stores `value` where `expected` stands; yields what stood there. */
    cmpxchg: (address: I32, offset: number, expected: Expr<T>, value: Expr<T>): Expr<T> =>
      node(type, memory([0xfe, first.add + 6 * first.step], align, offset), [address, expected, value]),
  };
};

/** Orders all memory accesses before it with all after it. */
export const atomicFence = (): Stmt => node('void', [0xfe, 0x03, 0x00], []);

/** a × b + c of the lowest lanes of vectors, rounded once or twice as the host likes (relaxed SIMD). */
const relaxedMadd =
  <T extends 'f32' | 'f64'>(type: T, code: { splat: number; madd: number; extract: number }) =>
  (a: Expr<T>, b: Expr<T>, c: Expr<T>): Expr<T> => {
    // Vectors only occur in here: their nodes pass for numbers.
    const splat = (x: Expr<T>): Expr<T> => node(type, [0xfd, code.splat], [x]);
    const madd = node(type, [0xfd, code.madd, 0x02], [splat(a), splat(b), splat(c)]);
    return node(type, [0xfd, code.extract, 0x00], [madd]);
  };

export const i32 = {
  const: (value: number): ConstNode<'i32'> => ({ kind: 'const', type: 'i32', value }),
  eqz: unary<'i32', 'i32'>('i32', 0x45),
  eq: equality,
  ne: binary<'i32', 'i32'>('i32', 0x47),
  ltS: binary<'i32', 'i32'>('i32', 0x48),
  ltU: binary<'i32', 'i32'>('i32', 0x49),
  gtS: binary<'i32', 'i32'>('i32', 0x4a),
  gtU: binary<'i32', 'i32'>('i32', 0x4b),
  leS: binary<'i32', 'i32'>('i32', 0x4c),
  leU: binary<'i32', 'i32'>('i32', 0x4d),
  geS: binary<'i32', 'i32'>('i32', 0x4e),
  geU: binary<'i32', 'i32'>('i32', 0x4f),
  clz: unary<'i32', 'i32'>('i32', 0x67),
  ctz: unary<'i32', 'i32'>('i32', 0x68),
  popcnt: unary<'i32', 'i32'>('i32', 0x69),
  add: binary<'i32', 'i32'>('i32', 0x6a),
  sub: binary<'i32', 'i32'>('i32', 0x6b),
  mul: binary<'i32', 'i32'>('i32', 0x6c),
  divS: binary<'i32', 'i32'>('i32', 0x6d),
  divU: binary<'i32', 'i32'>('i32', 0x6e),
  remS: binary<'i32', 'i32'>('i32', 0x6f),
  remU: binary<'i32', 'i32'>('i32', 0x70),
  and: binary<'i32', 'i32'>('i32', 0x71),
  or: binary<'i32', 'i32'>('i32', 0x72),
  xor: binary<'i32', 'i32'>('i32', 0x73),
  shl: binary<'i32', 'i32'>('i32', 0x74),
  shrS: binary<'i32', 'i32'>('i32', 0x75),
  shrU: binary<'i32', 'i32'>('i32', 0x76),
  rotl: binary<'i32', 'i32'>('i32', 0x77),
  rotr: binary<'i32', 'i32'>('i32', 0x78),
  wrap: undoing<'i64', 'i32'>('i32', 0xa7, 0xac, 0xad),
  extend8S: unary<'i32', 'i32'>('i32', 0xc0),
  extend16S: unary<'i32', 'i32'>('i32', 0xc1),
  reinterpretF32: undoing<'f32', 'i32'>('i32', 0xbc, 0xbe),
  truncSatF32S: unary<'f32', 'i32'>('i32', 0xfc, 0),
  truncSatF32U: unary<'f32', 'i32'>('i32', 0xfc, 1),
  truncSatF64S: unary<'f64', 'i32'>('i32', 0xfc, 2),
  truncSatF64U: unary<'f64', 'i32'>('i32', 0xfc, 3),
  load: load('i32', 0x28),
  load8S: load('i32', 0x2c),
  load8U: load('i32', 0x2d),
  load16S: load('i32', 0x2e),
  load16U: load('i32', 0x2f),
  store: store<'i32'>(0x36),
  store8: store<'i32'>(0x3a),
  store16: store<'i32'>(0x3b),
  atomic: atomics('i32', { load: 0x10, store: 0x17, add: 0x1e, step: 7 }, 2),
} as const;

export const i64 = {
  const: (value: number | bigint): ConstNode<'i64'> => ({ kind: 'const', type: 'i64', value }),
  eqz: unary<'i64', 'i32'>('i32', 0x50),
  eq: binary<'i64', 'i32'>('i32', 0x51),
  ne: binary<'i64', 'i32'>('i32', 0x52),
  ltS: binary<'i64', 'i32'>('i32', 0x53),
  ltU: binary<'i64', 'i32'>('i32', 0x54),
  gtS: binary<'i64', 'i32'>('i32', 0x55),
  gtU: binary<'i64', 'i32'>('i32', 0x56),
  leS: binary<'i64', 'i32'>('i32', 0x57),
  leU: binary<'i64', 'i32'>('i32', 0x58),
  geS: binary<'i64', 'i32'>('i32', 0x59),
  geU: binary<'i64', 'i32'>('i32', 0x5a),
  clz: unary<'i64', 'i64'>('i64', 0x79),
  ctz: unary<'i64', 'i64'>('i64', 0x7a),
  popcnt: unary<'i64', 'i64'>('i64', 0x7b),
  add: binary<'i64', 'i64'>('i64', 0x7c),
  sub: binary<'i64', 'i64'>('i64', 0x7d),
  mul: binary<'i64', 'i64'>('i64', 0x7e),
  divS: binary<'i64', 'i64'>('i64', 0x7f),
  divU: binary<'i64', 'i64'>('i64', 0x80),
  remS: binary<'i64', 'i64'>('i64', 0x81),
  remU: binary<'i64', 'i64'>('i64', 0x82),
  and: binary<'i64', 'i64'>('i64', 0x83),
  or: binary<'i64', 'i64'>('i64', 0x84),
  xor: binary<'i64', 'i64'>('i64', 0x85),
  shl: binary<'i64', 'i64'>('i64', 0x86),
  shrS: binary<'i64', 'i64'>('i64', 0x87),
  shrU: binary<'i64', 'i64'>('i64', 0x88),
  rotl: binary<'i64', 'i64'>('i64', 0x89),
  rotr: binary<'i64', 'i64'>('i64', 0x8a),
  extendI32S: unary<'i32', 'i64'>('i64', 0xac),
  extendI32U: unary<'i32', 'i64'>('i64', 0xad),
  extend8S: unary<'i64', 'i64'>('i64', 0xc2),
  extend16S: unary<'i64', 'i64'>('i64', 0xc3),
  extend32S: unary<'i64', 'i64'>('i64', 0xc4),
  reinterpretF64: undoing<'f64', 'i64'>('i64', 0xbd, 0xbf),
  truncSatF32S: unary<'f32', 'i64'>('i64', 0xfc, 4),
  truncSatF32U: unary<'f32', 'i64'>('i64', 0xfc, 5),
  truncSatF64S: unary<'f64', 'i64'>('i64', 0xfc, 6),
  truncSatF64U: unary<'f64', 'i64'>('i64', 0xfc, 7),
  load: load('i64', 0x29),
  load8S: load('i64', 0x30),
  load8U: load('i64', 0x31),
  load16S: load('i64', 0x32),
  load16U: load('i64', 0x33),
  load32S: load('i64', 0x34),
  load32U: load('i64', 0x35),
  store: store<'i64'>(0x37),
  store8: storeLow(i32.store8, 0x3c),
  store16: storeLow(i32.store16, 0x3d),
  store32: storeLow(i32.store, 0x3e),
  atomic: atomics('i64', { load: 0x11, store: 0x18, add: 0x1f, step: 7 }, 3),
} as const;

export const f32 = {
  const: (value: number): ConstNode<'f32'> => ({ kind: 'const', type: 'f32', value }),
  eq: binary<'f32', 'i32'>('i32', 0x5b),
  ne: binary<'f32', 'i32'>('i32', 0x5c),
  lt: binary<'f32', 'i32'>('i32', 0x5d),
  gt: binary<'f32', 'i32'>('i32', 0x5e),
  le: binary<'f32', 'i32'>('i32', 0x5f),
  ge: binary<'f32', 'i32'>('i32', 0x60),
  abs: unary<'f32', 'f32'>('f32', 0x8b),
  neg: unary<'f32', 'f32'>('f32', 0x8c),
  ceil: unary<'f32', 'f32'>('f32', 0x8d),
  floor: unary<'f32', 'f32'>('f32', 0x8e),
  trunc: unary<'f32', 'f32'>('f32', 0x8f),
  nearest: unary<'f32', 'f32'>('f32', 0x90),
  sqrt: unary<'f32', 'f32'>('f32', 0x91),
  add: binary<'f32', 'f32'>('f32', 0x92),
  sub: binary<'f32', 'f32'>('f32', 0x93),
  mul: binary<'f32', 'f32'>('f32', 0x94),
  div: binary<'f32', 'f32'>('f32', 0x95),
  min: binary<'f32', 'f32'>('f32', 0x96),
  max: binary<'f32', 'f32'>('f32', 0x97),
  convertI32S: unary<'i32', 'f32'>('f32', 0xb2),
  convertI32U: unary<'i32', 'f32'>('f32', 0xb3),
  convertI64S: unary<'i64', 'f32'>('f32', 0xb4),
  convertI64U: unary<'i64', 'f32'>('f32', 0xb5),
  demote: unary<'f64', 'f32'>('f32', 0xb6),
  reinterpretI32: undoing<'i32', 'f32'>('f32', 0xbe, 0xbc),
  relaxedMadd: relaxedMadd('f32', { splat: 0x13, madd: 0x85, extract: 0x1f }),
  load: load('f32', 0x2a),
  store: store<'f32'>(0x38),
} as const;

export const f64 = {
  const: (value: number): ConstNode<'f64'> => ({ kind: 'const', type: 'f64', value }),
  eq: binary<'f64', 'i32'>('i32', 0x61),
  ne: binary<'f64', 'i32'>('i32', 0x62),
  lt: binary<'f64', 'i32'>('i32', 0x63),
  gt: binary<'f64', 'i32'>('i32', 0x64),
  le: binary<'f64', 'i32'>('i32', 0x65),
  ge: binary<'f64', 'i32'>('i32', 0x66),
  abs: unary<'f64', 'f64'>('f64', 0x99),
  neg: unary<'f64', 'f64'>('f64', 0x9a),
  ceil: unary<'f64', 'f64'>('f64', 0x9b),
  floor: unary<'f64', 'f64'>('f64', 0x9c),
  trunc: unary<'f64', 'f64'>('f64', 0x9d),
  nearest: unary<'f64', 'f64'>('f64', 0x9e),
  sqrt: unary<'f64', 'f64'>('f64', 0x9f),
  add: binary<'f64', 'f64'>('f64', 0xa0),
  sub: binary<'f64', 'f64'>('f64', 0xa1),
  mul: binary<'f64', 'f64'>('f64', 0xa2),
  div: binary<'f64', 'f64'>('f64', 0xa3),
  min: binary<'f64', 'f64'>('f64', 0xa4),
  max: binary<'f64', 'f64'>('f64', 0xa5),
  copysign: binary<'f64', 'f64'>('f64', 0xa6),
  convertI32S: unary<'i32', 'f64'>('f64', 0xb7),
  convertI32U: unary<'i32', 'f64'>('f64', 0xb8),
  convertI64S: unary<'i64', 'f64'>('f64', 0xb9),
  convertI64U: unary<'i64', 'f64'>('f64', 0xba),
  promote: unary<'f32', 'f64'>('f64', 0xbb),
  reinterpretI64: undoing<'i64', 'f64'>('f64', 0xbf, 0xbd),
  relaxedMadd: relaxedMadd('f64', { splat: 0x14, madd: 0x87, extract: 0x21 }),
  load: load('f64', 0x2b),
  store: store<'f64'>(0x39),
} as const;

export type { F64, I64 };
