/*
 * What the values of registers in a loop have to do with those at its head: linear forms, modulo 2^64.
 *
 * A form is a sum of registers as they are at the head of the loop, each times a constant, a constant, and a part of which no more is
 * known than its range. It is what tells where a loop's memory accesses go from one round to the next (loop-guard.ts).
 */

import { ILLEGAL, OPERATIONS } from '../isa/table.ts';

export interface Form {
  /** Factor of each register, by slot; none is 0. */
  readonly terms: ReadonlyMap<number, number>;
  readonly constant: number;
  /** What is not known lies between 0 and this. */
  readonly extent: number;
  /** The addition that has brought in all of what is not known, if there is one. */
  readonly split?: Split | undefined;
}

/** An addition, of a register of which the range is known to one of which all else is. */
export interface Split {
  /** The instruction, by its index in the region. */
  readonly at: number;
  /** Slot of the former register. */
  readonly slot: number;
}

/** Nothing is known of the value. */
export type Value = Form | undefined;

/** Constants and factors beyond this are not followed. */
const MAX_FACTOR = 2 ** 31 - 1;
/** The same for ranges. */
const MAX_EXTENT = 2 ** 20;

const NO_TERMS: ReadonlyMap<number, number> = new Map();

/** A register as it is at the head. */
export function registerForm(slot: number): Form {
  return slot === 0 ? constantForm(0) : { terms: new Map([[slot, 1]]), constant: 0, extent: 0 };
}

function constantForm(constant: number): Form {
  return { terms: NO_TERMS, constant, extent: 0 };
}

/** A value from 0 to `extent`. */
function anyUpTo(extent: number): Value {
  return checked({ terms: NO_TERMS, constant: 0, extent });
}

function checked(form: Form): Value {
  if (Math.abs(form.constant) > MAX_FACTOR || form.extent > MAX_EXTENT) return undefined;
  for (const factor of form.terms.values()) if (Math.abs(factor) > MAX_FACTOR) return undefined;
  return form;
}

/** a + factor × b. */
export function combine(a: Value, b: Value, factor = 1): Value {
  if (a === undefined || b === undefined || (factor < 0 && b.extent > 0)) return undefined;
  const terms = new Map(a.terms);
  for (const [slot, times] of b.terms) {
    const sum = (terms.get(slot) ?? 0) + factor * times;
    if (sum === 0) terms.delete(slot);
    else terms.set(slot, sum);
  }
  return checked({ terms, constant: a.constant + factor * b.constant, extent: a.extent + Math.abs(factor) * b.extent });
}

export function plus(a: Value, constant: number): Value {
  const sum = combine(a, constantForm(constant));
  return sum === undefined ? undefined : { ...sum, split: a?.split };
}

/** The registers of a form with their factors, as a key: forms with the same key differ by what is constant or not known. */
export function keyOf(form: Form): string {
  return [...form.terms]
    .sort(([a], [b]) => a - b)
    .map(([slot, factor]) => `${String(factor)}x${String(slot)}`)
    .join('+');
}

/** What is known where two ways meet that bring these values. */
export function meet(a: Value, b: Value): Value {
  if (a === undefined || b?.constant !== a.constant || keyOf(a) !== keyOf(b)) return undefined;
  const split = a.split?.at === b.split?.at ? a.split : undefined;
  return { ...a, extent: Math.max(a.extent, b.extent), split };
}

/** The greatest value of a form that has no registers and is not negative. */
function greatest(a: Value): number | undefined {
  return a?.terms.size === 0 && a.constant >= 0 ? a.constant + a.extent : undefined;
}

interface Operands {
  /** The values of rs1 and rs2, and their slots. */
  readonly a: Value;
  readonly b: Value;
  readonly rs1: number;
  readonly rs2: number;
  readonly imm: number;
  readonly pc: number;
  /** The instruction's index in the region. */
  readonly index: number;
}

/** Whether nothing but the range is known, from 0 on. */
const isIndex = (a: Value): boolean => a?.terms.size === 0 && a.constant === 0 && a.extent > 0;

function sum({ a, b, rs1, rs2, index }: Operands): Value {
  const form = combine(a, b);
  if (form === undefined) return undefined;
  if (isIndex(a) && b!.extent === 0) return { ...form, split: { at: index, slot: rs1 } };
  if (isIndex(b) && a!.extent === 0) return { ...form, split: { at: index, slot: rs2 } };
  return form;
}

/** All ones from the highest one of a number on. */
const filled = (n: number): number => 2 ** (32 - Math.clz32(n)) - 1;

function shiftedRight({ a, imm }: Operands, bits: number): Value {
  const most = greatest(a);
  return anyUpTo(most === undefined ? 2 ** (bits - imm) - 1 : Math.floor(most / 2 ** imm));
}

function masked({ a, b }: Pick<Operands, 'a' | 'b'>): Value {
  const [x, y] = [greatest(a), greatest(b)];
  if (x === undefined && y === undefined) return undefined;
  return anyUpTo(Math.min(x ?? Infinity, y ?? Infinity));
}

function bitwise({ a, b }: Operands): Value {
  const [x, y] = [greatest(a), greatest(b)];
  return x === undefined || y === undefined ? undefined : anyUpTo(filled(Math.max(x, y)));
}

/** Of operations whose results are followed; of no other is anything known. */
const RULES: Readonly<Record<string, (operands: Operands) => Value>> = {
  lui: ({ imm }) => checked(constantForm(imm)),
  auipc: ({ pc, imm }) => checked(constantForm(pc + imm)),
  addi: ({ a, imm }) => plus(a, imm),
  add: sum,
  sub: ({ a, b }) => combine(a, b, -1),
  slli: ({ a, imm }) => combine(constantForm(0), a, 2 ** imm),
  andi: ({ a, imm }) => (imm < 0 ? undefined : masked({ a, b: constantForm(imm) })),
  and: masked,
  or: bitwise,
  xor: bitwise,
  srli: (operands) => shiftedRight(operands, 64),
  // Of a word whose sign may be set, unless something is shifted in.
  srliw: (operands) => (operands.imm === 0 ? undefined : anyUpTo(2 ** (32 - operands.imm) - 1)),
  lbu: () => anyUpTo(0xff),
  lhu: () => anyUpTo(0xffff),
  slt: () => anyUpTo(1),
  sltu: () => anyUpTo(1),
  slti: () => anyUpTo(1),
  sltiu: () => anyUpTo(1),
};

const rules = [undefined, ...OPERATIONS.map(({ instruction: { name } }) => RULES[name])];

/** Whether a value is known to be no less than 0, and less than 2^31. */
export function isSmall(value: Value): boolean {
  const most = greatest(value);
  return most !== undefined && most <= MAX_FACTOR;
}

/** The result of an operation. */
export function resultOf(op: number, operands: Operands): Value {
  return op === ILLEGAL ? undefined : rules[op]?.(operands);
}
