/*
 * The decoder: from instruction bits to an operation and its operands, by the table.
 *
 * The result is a Decoded that the caller owns and reuses, so that decoding allocates nothing. Registers are slots of the context's
 * register file (context.ts): rd = x0 is the sink slot.
 */

import { F_SLOT, SINK_SLOT } from '../context.ts';
import { COMPRESSED } from './compressed.ts';
import { bits, extractImmediate, immediateKind, type ImmediateKind } from './format.ts';
import type { Operation } from './table.ts';
import { ILLEGAL, OPERATIONS } from './table.ts';

export class Decoded {
  /** Operation number; ILLEGAL when the bits are none. */
  op: number = ILLEGAL;
  /** Bytes. */
  length: 2 | 4 = 4;
  /** Slots. rs1 is the immediate itself where it stands in rs1's place. */
  rd = SINK_SLOT;
  rs1 = 0;
  rs2 = 0;
  /** See `extractImmediate`; for ILLEGAL the bits. */
  imm = 0;
}

/** What decoding needs of an operation, worked out beforehand. */
interface Rule {
  readonly mask: number;
  readonly match: number;
  readonly valid: ((word: number) => boolean) | undefined;
  readonly number: number;
  /** The operation in 16 bits, if compressed forms expand to it. */
  readonly short: number;
  readonly kind: ImmediateKind;
  /** First slot of each operand, or NONE. */
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
}

const NONE = -1;

function ruleFor({ instruction, number }: Operation): Rule {
  const { format, mask, match, valid } = instruction;
  const file = (integer: RegExp, float: string): number => (integer.test(format) ? 0 : format.includes(float) ? F_SLOT : NONE);
  const short = OPERATIONS.find((o) => o.instruction === instruction && o.length === 2);
  return {
    mask,
    match,
    valid,
    number,
    short: short?.number ?? ILLEGAL,
    kind: immediateKind(format),
    rd: file(/d/, 'D'),
    // Loads, stores and atomics have their base register inside o, q and A.
    rs1: file(/[soqAZ]/, 'S'),
    rs2: file(/t/, 'T'),
  };
}

/** Rules by opcode (bits 6:2) and funct3; an instruction without a funct3 stands under all eight. */
const BUCKETS: readonly (readonly Rule[])[] = (() => {
  const buckets = Array.from({ length: 256 }, (): Rule[] => []);
  for (const operation of OPERATIONS) {
    if (operation.length === 2) continue;
    const rule = ruleFor(operation);
    for (let f3 = 0; f3 < 8; f3++) {
      if (((f3 << 12) & rule.mask) === (rule.match & rule.mask & 0x7000)) buckets[bucketOf(rule.match & 0x7c, f3)]!.push(rule);
    }
  }
  return buckets;
})();

function bucketOf(word: number, f3: number): number {
  return (bits(word, 2, 6) << 3) | f3;
}

/** Forms by quadrant and funct3. */
const FORMS = Array.from({ length: 32 }, (_, index) =>
  COMPRESSED.filter((form) => (form.match & 3) === (index & 3) && form.match >> 13 === index >> 2),
);

/** The 32-bit word that a 16-bit instruction stands for, or 0 when it is none. */
export function expandCompressed(half: number): number {
  const forms = FORMS[((half >> 13) << 2) | (half & 3)]!;
  for (const form of forms) if ((half & form.mask) === form.match) return form.expand(half);
  return 0;
}

/** Does this low half begin a 32-bit instruction? */
export function isLong(half: number): boolean {
  return (half & 3) === 3;
}

/** Decodes a 16-bit instruction. */
export function decodeShort(half: number, into: Decoded): void {
  decodeLong(expandCompressed(half), into);
  into.length = 2;
  if (into.op === ILLEGAL) into.imm = half;
  else into.op = shortOf[into.op]!;
}

const shortOf: readonly number[] = [ILLEGAL, ...OPERATIONS.map((o) => (o.length === 2 ? o.number : ruleFor(o).short))];

/** Decodes a 32-bit instruction. */
export function decodeLong(word: number, into: Decoded): void {
  into.length = 4;
  const rules = BUCKETS[bucketOf(word, bits(word, 12, 14))]!;
  for (const rule of rules) {
    if ((word & rule.mask) !== rule.match || (word & 3) !== 3) continue;
    if (rule.valid !== undefined && !rule.valid(word)) break;
    const d = bits(word, 7, 11);
    into.op = rule.number;
    into.rd = rule.rd === NONE || (rule.rd === 0 && d === 0) ? SINK_SLOT : rule.rd + d;
    into.rs1 = rule.rs1 === NONE ? 0 : rule.rs1 + bits(word, 15, 19);
    into.rs2 = rule.rs2 === NONE ? 0 : rule.rs2 + bits(word, 20, 24);
    into.imm = extractImmediate(rule.kind, word);
    return;
  }
  into.op = ILLEGAL;
  into.rd = SINK_SLOT;
  into.rs1 = 0;
  into.rs2 = 0;
  into.imm = word | 0;
}
