/*
 * RV64M: multiplication and division.
 */

import { either, yields } from '../wasm/control.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local } from '../wasm/node.ts';
import type { Instruction } from './define.ts';
import { funct7, op } from './define.ts';
import { word } from './integer.ts';
import type { Tier } from './tier.ts';

const OP = 0x33;
const OP_32 = 0x3b;
const MULDIV = 1;

type Temp = Tier['temp'];

/** Upper half of the 128-bit product of two unsigned numbers, from four products of halves. */
function highUnsigned(a: Local<'i64'>, b: Local<'i64'>, temp: Temp): I64 {
  const mask = i64.const(0xffff_ffff);
  const half = i64.const(32);
  const lowOf = (x: I64): I64 => i64.and(x, mask);
  const highOf = (x: I64): I64 => i64.shrU(x, half);
  const t = temp('i64');
  const u = temp('i64');
  return yields(
    [
      t.set(i64.add(i64.mul(highOf(a), lowOf(b)), highOf(i64.mul(lowOf(a), lowOf(b))))),
      u.set(i64.add(i64.mul(lowOf(a), highOf(b)), lowOf(t))),
    ],
    i64.add(i64.add(i64.mul(highOf(a), highOf(b)), highOf(t)), highOf(u)),
  );
}

/** The share of a negative operand in a signed product: subtract the other operand from the upper half. */
const ifNegative = (x: I64, other: I64): I64 => i64.and(i64.shrS(x, i64.const(63)), other);

const high = (name: string, f3: number, signedA: boolean, signedB: boolean): Instruction =>
  op(name, 'dst', funct7(OP, f3, MULDIV), ({ rs1, rs2, rd, temp }) => {
    const a = temp('i64');
    const b = temp('i64');
    let result = highUnsigned(a, b, temp);
    if (signedA) result = i64.sub(result, ifNegative(a, b));
    if (signedB) result = i64.sub(result, ifNegative(b, a));
    return [a.set(rs1), b.set(rs2), rd(result)];
  });

/**
 * Division as RISC-V has it: no traps. By zero: quotient −1, remainder the dividend. Overflow (most negative by −1): quotient the
 * dividend, remainder 0.
 */
const divide = (name: string, f3: number, compute: (a: I64, b: I64) => I64): Instruction =>
  op(name, 'dst', funct7(OP, f3, MULDIV), ({ rs1, rs2, rd, temp }) => {
    const a = temp('i64');
    const b = temp('i64');
    const [byZero, byMinusOne] = special(name, a, i64.const(-1), i64.sub(i64.const(0), a), i64.const(0));
    let value = compute(a, b);
    if (byMinusOne !== undefined) value = either(i64.eq(b, i64.const(-1)), byMinusOne, value);
    return [a.set(rs1), b.set(rs2), rd(either(i64.eqz(b), byZero, value))];
  });

const divideWord = (name: string, f3: number, compute: (a: I32, b: I32) => I32): Instruction =>
  op(name, 'dst', funct7(OP_32, f3, MULDIV), ({ rs1, rs2, rd, temp }) => {
    const a = temp('i32');
    const b = temp('i32');
    const [byZero, byMinusOne] = special(name, a, i32.const(-1), i32.sub(i32.const(0), a), i32.const(0));
    let value = compute(a, b);
    if (byMinusOne !== undefined) value = either(i32.eq(b, i32.const(-1)), byMinusOne, value);
    return [a.set(i32.wrap(rs1)), b.set(i32.wrap(rs2)), rd(word(either(i32.eqz(b), byZero, value)))];
  });

/** Results for the divisors 0 and −1 (the latter only where it may overflow, that is when signed: negation wraps). */
function special<T>(name: string, dividend: T, minusOne: T, negated: T, zero: T): [T, T | undefined] {
  const unsigned = name.includes('u');
  if (name.startsWith('div')) return [minusOne, unsigned ? undefined : negated];
  return [dividend, unsigned ? undefined : zero];
}

export const MULTIPLY: readonly Instruction[] = [
  op('mul', 'dst', funct7(OP, 0, MULDIV), ({ rs1, rs2, rd }) => rd(i64.mul(rs1, rs2))),
  high('mulh', 1, true, true),
  high('mulhsu', 2, true, false),
  high('mulhu', 3, false, false),
  divide('div', 4, i64.divS),
  divide('divu', 5, i64.divU),
  divide('rem', 6, i64.remS),
  divide('remu', 7, i64.remU),
  op('mulw', 'dst', funct7(OP_32, 0, MULDIV), ({ rs1, rs2, rd }) => rd(word(i32.mul(i32.wrap(rs1), i32.wrap(rs2))))),
  divideWord('divw', 4, i32.divS),
  divideWord('divuw', 5, i32.divU),
  divideWord('remw', 6, i32.remS),
  divideWord('remuw', 7, i32.remU),
];
