/*
 * The disassembler: an instruction's text in the style of GNU binutils without aliases (`addi a0,a0,1`), from the instruction table.
 *
 * A compressed instruction is shown as the one it expands to. What is no instruction is shown as data. For people, not for hot paths.
 */

import { Rounding } from './fpu/op.ts';
import { decodeLong, Decoded, decodeShort, expandCompressed, isLong } from './isa/decode.ts';
import type { Instruction } from './isa/define.ts';
import { bits, extractImmediate, immediateKind } from './isa/format.ts';
import { csrName, F_NAMES, hex, ROUNDING_NAMES, X_NAMES } from './isa/registers.ts';
import { ILLEGAL, OPERATIONS } from './isa/table.ts';

/** The rounding mode that stands for frm. */
const DYNAMIC = 7;

const ATOMIC_ORDER: readonly string[] = ['', '.rl', '.aq', '.aqrl'];

/**
 * Text of one instruction.
 *
 * @param word its bits; of a 16-bit instruction only the low half counts
 * @param pc its address, for the targets of branches
 */
export function disassemble(word: number, pc = 0): string {
  const decoded = new Decoded();
  const long = isLong(word);
  const half = word & 0xffff;
  if (long) decodeLong(word, decoded);
  else decodeShort(half, decoded);
  if (decoded.op === ILLEGAL) return long ? `.4byte ${hex(word)}` : `.2byte ${hex(half)}`;
  return text(OPERATIONS[decoded.op - 1]!.instruction, long ? word : expandCompressed(half), pc);
}

function text({ name, format }: Instruction, word: number, pc: number): string {
  const imm = extractImmediate(immediateKind(format), word);
  const order = format.includes('A') ? ATOMIC_ORDER[bits(word, 25, 26)]! : '';
  const operands = Array.from(format)
    .map((letter) => operand(letter, word, imm, pc))
    .filter((shown) => shown !== '');
  return operands.length === 0 ? name : `${name}${order} ${operands.join(',')}`;
}

/** One operand, or nothing where assembly leaves the usual one out; letters are those of isa/format.ts. */
function operand(letter: string, word: number, imm: number, pc: number): string {
  switch (letter) {
    case 'd':
      return X_NAMES[bits(word, 7, 11)]!;
    case 's':
      return X_NAMES[bits(word, 15, 19)]!;
    case 't':
      return X_NAMES[bits(word, 20, 24)]!;
    case 'D':
      return F_NAMES[bits(word, 7, 11)]!;
    case 'S':
      return F_NAMES[bits(word, 15, 19)]!;
    case 'T':
      return F_NAMES[bits(word, 20, 24)]!;
    case 'R':
      return F_NAMES[bits(word, 27, 31)]!;
    case 'A':
      return `(${X_NAMES[bits(word, 15, 19)]!})`;
    case 'o':
    case 'q':
      return `${String(imm)}(${X_NAMES[bits(word, 15, 19)]!})`;
    case 'u':
      return hex(imm >>> 12);
    case '>':
    case '<':
      return hex(imm);
    case 'p':
    case 'a':
      return address(pc + imm);
    case 'm':
      return imm >> 8 === DYNAMIC ? '' : ROUNDING_NAMES[imm >> 8]!;
    case 'n':
      return imm >> 8 === Rounding.RNE ? '' : ROUNDING_NAMES[imm >> 8]!;
    case 'E':
      return csrName(imm);
    case 'Z':
      return String(bits(word, 15, 19));
    case 'P':
      return `${fenceSet(bits(word, 24, 27))},${fenceSet(bits(word, 20, 23))}`;
    default:
      return String(imm);
  }
}

/** An address, wrapped to 64 bits. */
function address(value: number): string {
  return `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}

/** Predecessors or successors of a fence. */
function fenceSet(set: number): string {
  const letters = Array.from('iorw')
    .filter((_, index) => (set & (8 >> index)) !== 0)
    .join('');
  return letters === '' ? 'unknown' : letters;
}
