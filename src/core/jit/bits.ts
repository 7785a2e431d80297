/*
 * Between the bits of floating-point registers, which the meanings of instructions are written in, and the numbers that the translator
 * keeps in locals.
 */

import { box } from '../isa/boxing.ts';
import { f32, f64, i32, i64 } from '../wasm/ops.ts';
import type { Expr, F64, I64, Local, Node, ValType } from '../wasm/node.ts';

/** The register that holds a single. */
export const boxOf = (single: Local<'f32'>): I64 => box(i64.extendI32U(i32.reinterpretF32(single)));

const LOAD = { i64: 0x29, f32: 0x2a, f64: 0x2b, u32: 0x35 } as const;

/** The number with these bits: what is loaded from memory is loaded as such. */
export function asDouble(bits: I64): F64 {
  if (bits.kind === 'sequence') return lastAs('f64', bits.body, asDouble);
  return loadedAs('f64', LOAD.i64, LOAD.f64, bits) ?? f64.reinterpretI64(bits);
}

/** The single in the low half. */
export function asSingle(bits: I64): Expr<'f32'> {
  if (bits.kind === 'sequence') return lastAs('f32', bits.body, asSingle);
  return loadedAs('f32', LOAD.u32, LOAD.f32, bits) ?? f32.reinterpretI32(i32.wrap(bits));
}

function lastAs<T extends ValType>(type: T, body: readonly Node[], as: (bits: I64) => Expr<T>): Expr<T> {
  return { kind: 'sequence', type, body: [...body.slice(0, -1), as(body.at(-1) as I64)] };
}

function loadedAs<T extends ValType>(type: T, integerLoad: number, load: number, bits: I64): Expr<T> | undefined {
  if (bits.kind !== 'op' || bits.code[0] !== integerLoad) return undefined;
  return { kind: 'op', type, code: [load, ...bits.code.slice(1)], args: bits.args };
}
