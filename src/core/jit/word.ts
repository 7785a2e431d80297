/*
 * Words: 64-bit values that are the sign extension of their low 32 bits. As i32 they need no extension after each operation, and the host
 * finds rotations in them.
 *
 * The meanings of instructions are written in 64 bits. `wordOf` finds in such a tree the one in 32 bits that it extends, if it has one;
 * each operand is in that once, as it was in the other. What it finds depends on how the registers are read alone (`read`), so that what
 * is a word can be worked out in advance (word-flow.ts).
 */

import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Node } from '../wasm/node.ts';

/** What may be known of a value; the greater includes the less. */
export const Level = {
  /** Nothing. */
  Any: 0,
  /** It is a word. */
  Word: 1,
  /** It is below 2^31: extension without a sign yields it too, which costs the host nothing. */
  Positive: 2,
} as const;
export type Level = (typeof Level)[keyof typeof Level];

export interface Word {
  readonly low: I32;
  readonly isPositive: boolean;
}

/** Opcodes of i64 operators; those of i32 that do the same on words lie so much below. */
const I64_EQZ = 0x50;
const I64_GE_U = 0x5a;
const COMPARISONS_DOWN = I64_EQZ - 0x45;
const [AND, OR, XOR, SHL, SHR_S, SHR_U] = [0x83, 0x84, 0x85, 0x86, 0x87, 0x88];
const ADD = 0x7c;
const LOGIC_DOWN = AND - 0x71;
const [EXTEND_I32_S, EXTEND_I32_U, EXTEND32_S] = [0xac, 0xad, 0xc4];
/** And the first and last of comparisons that yield an i32. */
const [FIRST_COMPARISON, LAST_COMPARISON] = [0x45, 0x66];
const I32 = { and: 0x71, or: 0x72, xor: 0x73, shrU: 0x76 } as const;

/** Loads that yield words: opcode in i64, in i32, whether the result is positive. */
const LOADS: Readonly<Record<number, readonly [number, boolean] | undefined>> = {
  0x30: [0x2c, false],
  0x31: [0x2d, true],
  0x32: [0x2e, false],
  0x33: [0x2f, true],
  0x34: [0x28, false],
};
const I32_LOAD8_U = 0x2d;
const I32_LOAD16_U = 0x2f;

/** Marks, by being this very array, the extension of a local that is known to be positive. */
const EXTEND_POSITIVE = [EXTEND_I32_U];

/** The 64 bits of a word in a local. */
export function read(word: Local<'i32'>, isPositive: boolean): I64 {
  return isPositive ? { kind: 'op', type: 'i64', code: EXTEND_POSITIVE, args: [word] } : i64.extendI32S(word);
}

/** The word that a value is, as far as its tree tells. */
export function wordOf(value: I64): Word | undefined {
  if (value.kind === 'const') return wordOfConstant(value.value);
  if (value.kind === 'sequence') {
    const last = wordOf(value.body.at(-1) as I64);
    return last && { ...last, low: { ...value, type: 'i32', body: [...value.body.slice(0, -1), last.low] } };
  }
  if (value.kind !== 'op') return undefined;
  const code = value.code[0]!;
  const [a, b] = value.args as readonly [I64, I64];
  const load = LOADS[code];
  if (load !== undefined)
    return { low: { ...value, type: 'i32', code: [load[0], ...value.code.slice(1)] }, isPositive: load[1] };
  switch (code) {
    case EXTEND_I32_S:
      return { low: value.args[0] as I32, isPositive: isPositive(value.args[0]!) };
    case EXTEND_I32_U:
      return value.code === EXTEND_POSITIVE || isPositive(value.args[0]!)
        ? { low: value.args[0] as I32, isPositive: true }
        : undefined;
    case EXTEND32_S:
      return { low: i32.wrap(a), isPositive: false };
    case ADD:
      return sum(a, b);
    case AND:
    case OR:
    case XOR:
      return logic(code, a, b);
    case SHR_U:
    case SHR_S:
      return shift(code, a, b);
    default:
      return undefined;
  }
}

/** The word that a sum or a shift to the left is, if it is known otherwise to be positive. */
export function smallOf(value: I64): Word | undefined {
  if (value.kind !== 'op') return undefined;
  const [a, b] = value.args as readonly [I64, I64];
  if (value.code[0] === ADD) return { low: i32.add(i32.wrap(a), i32.wrap(b)), isPositive: true };
  if (value.code[0] !== SHL || b.kind !== 'const' || Number(b.value) > 31) return undefined;
  return { low: i32.shl(i32.wrap(a), i32.const(Number(b.value))), isPositive: true };
}

/** The level of what `wordOf` has found. */
export function levelOf(word: Word | undefined): Level {
  if (word === undefined) return Level.Any;
  return word.isPositive ? Level.Positive : Level.Word;
}

/** A comparison, in 32 bits if it compares words: extending the sign keeps the order, the unsigned one too. */
export function narrowed(condition: I32): I32 {
  if (condition.kind !== 'op') return condition;
  const code = condition.code[0]!;
  if (code < I64_EQZ || code > I64_GE_U) return condition;
  const words = condition.args.map((operand) => wordOf(operand as I64));
  if (words.includes(undefined)) return condition;
  return { ...condition, code: [code - COMPARISONS_DOWN], args: words.map((word) => word!.low) };
}

function wordOfConstant(value: number | bigint): Word | undefined {
  const exact = typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : value;
  const low = exact | 0;
  return low === exact ? { low: i32.const(low), isPositive: low >= 0 } : undefined;
}

const isZero = (value: I64): boolean => value.kind === 'const' && Number(value.value) === 0;

/** Sums carry, but for those with zero (which is how registers are copied) and those of constants. */
function sum(a: I64, b: I64): Word | undefined {
  if (isZero(b)) return wordOf(a);
  if (isZero(a)) return wordOf(b);
  return a.kind === 'const' && b.kind === 'const' ? wordOfConstant(Number(a.value) + Number(b.value)) : undefined;
}

function logic(code: number, a: I64, b: I64): Word | undefined {
  const [x, y] = [wordOf(a), wordOf(b)];
  const short = code - LOGIC_DOWN;
  const node = (p: I32, q: I32): I32 => ({ kind: 'op', type: 'i32', code: [short], args: [p, q] });
  if (code === AND && (x?.isPositive === true || y?.isPositive === true)) {
    return { low: node(x?.low ?? i32.wrap(a), y?.low ?? i32.wrap(b)), isPositive: true };
  }
  return x && y && { low: node(x.low, y.low), isPositive: x.isPositive && y.isPositive };
}

/** By a constant: an arithmetic shift leaves a word one, a logical one what is positive; and what has come down far enough is one. */
function shift(code: number, a: I64, b: I64): Word | undefined {
  if (b.kind !== 'const') return undefined;
  const amount = Number(b.value) & 63;
  const x = wordOf(a);
  if (x?.isPositive === true || (x !== undefined && code === SHR_S)) {
    return { low: i32.shrS(x.low, i32.const(Math.min(amount, 31))), isPositive: x.isPositive };
  }
  if (amount < 32 || (amount === 32 && code === SHR_U)) return undefined;
  return { low: i32.wrap({ kind: 'op', type: 'i64', code: [code], args: [a, b] }), isPositive: code === SHR_U };
}

/** Whether an i32 is known not to be negative. */
function isPositive(value: Node): boolean {
  if (value.kind === 'const') return (Number(value.value) | 0) >= 0;
  if (value.kind !== 'op') return false;
  const { args } = value;
  const code = value.code[0]!;
  if (code >= FIRST_COMPARISON && code <= LAST_COMPARISON) return true;
  switch (code) {
    case I32_LOAD8_U:
    case I32_LOAD16_U:
      return true;
    case I32.and:
      return args.some(isPositive);
    case I32.or:
    case I32.xor:
      return args.every(isPositive);
    case I32.shrU:
      return args[1]!.kind === 'const' && (Number(args[1].value) & 31) !== 0;
    default:
      return false;
  }
}
