/*
 * Random instructions that do not jump, in 32 and 16 bits, by the instruction table; and the words of those that do.
 *
 * Registers have customary roles, so that programs do something: some mostly hold addresses of data, some count the turns of loops. An
 * instruction seldom overwrites one of those. Everything else is left to chance: any destination (x0 too), the same register in
 * all places, reserved rounding modes, CSRs that user mode does not have.
 */

import { COMPRESSED } from '../../../src/core/isa/compressed.ts';
import { Csr } from '../../../src/core/isa/csr.ts';
import { Decoded, decodeLong, expandCompressed } from '../../../src/core/isa/decode.ts';
import type { Instruction } from '../../../src/core/isa/define.ts';
import { extractImmediate } from '../../../src/core/isa/format.ts';
import { ILLEGAL, INSTRUCTIONS, OPERATIONS } from '../../../src/core/isa/table.ts';
import { asm } from '../../core/helpers/assembler.ts';
import type { Dice } from './dice.ts';

/** Registers that mostly hold addresses of data; those of 8…15 serve compressed loads and stores. */
export const POINTERS: readonly number[] = [2, 8, 9, 15, 18, 19];
/** One for each depth of loops. */
export const COUNTERS: readonly number[] = [28, 29, 30, 31];
/** Registers that start with addresses of code. */
export const CODE_POINTERS: readonly number[] = [1, 26, 27];
/** What most instructions compute with. */
const WORKING: readonly number[] = [5, 6, 7, 10, 11, 12, 13, 14];

const PROTECTED = new Set([...POINTERS, ...COUNTERS, 26, 27]);

/** The first of two pages that only the code that modifies code names: see shapes.ts. */
export const ALIAS_PAGE_NUMBER = 0x5a5a4;

export const C_NOP = 0x0001;
export const C_EBREAK = 0x9002;
export const NOP = asm('addi');

const JUMPS = /^(b(eq|ne|ltu?|geu?)|jalr?|ecall|ebreak)$/;
const plain = INSTRUCTIONS.filter(({ name }) => !JUMPS.test(name) && !name.startsWith('fence'));
const isAccess = ({ format }: Instruction): boolean => /[oqA]/.test(format);
const isFloat = ({ format }: Instruction): boolean => /[DSTR]/.test(format);

/** Instructions by kind, with how often each kind is drawn. */
const GROUPS: readonly (readonly [weight: number, instructions: readonly Instruction[]])[] = [
  [34, plain.filter((i) => !isAccess(i) && !isFloat(i) && !i.format.includes('E') && !/^(mul|div|rem)/.test(i.name))],
  [10, plain.filter(({ name }) => /^(mul|div|rem)/.test(name))],
  [18, plain.filter(({ format }) => format.includes('o'))],
  [14, plain.filter(({ format }) => format.includes('q'))],
  [7, plain.filter(({ format }) => format.includes('A'))],
  [24, plain.filter((i) => !isAccess(i) && isFloat(i))],
  [5, plain.filter(({ format }) => format.includes('E'))],
  [2, INSTRUCTIONS.filter(({ name }) => name.startsWith('fence'))],
];
const WEIGHTS = GROUPS.map(([weight]) => weight);

const CSRS: readonly number[] = [...Object.values(Csr), Csr.fcsr, Csr.frm, Csr.fflags, Csr.instret];
const FORMS = COMPRESSED.filter(({ base }) => !JUMPS.test(base));

const decoded = new Decoded();

function put(word: number, low: number, width: number, value: number): number {
  const mask = (2 ** width - 1) << low;
  return (word & ~mask) | ((value << low) & mask);
}

/** A register to read or write, mostly one of a few. */
export function anyRegister(dice: Dice): number {
  return dice.below(4) < 3 ? dice.pick(WORKING) : dice.below(32);
}

/** A register to write. */
export function destination(dice: Dice): number {
  const register = anyRegister(dice);
  return PROTECTED.has(register) && !dice.oneIn(12) ? dice.pick(WORKING) : register;
}

function pointer(dice: Dice): number {
  return dice.oneIn(16) ? dice.below(32) : dice.pick(POINTERS);
}

/** The offset of a load or store: near, at times at the ends of its range. */
function offset(dice: Dice): number {
  switch (dice.below(4)) {
    case 0:
      return 0;
    case 1:
      return 8 * dice.between(-8, 8);
    case 2:
      return dice.between(-24, 24);
    default:
      return dice.between(-2048, 2047);
  }
}

function immediate(dice: Dice): number {
  return dice.oneIn(2) ? dice.between(-8, 16) : dice.between(-2048, 2047);
}

function rounding(dice: Dice): number {
  if (dice.oneIn(40)) return dice.between(5, 6);
  return dice.oneIn(2) ? 7 : dice.below(5);
}

function csr(dice: Dice): number {
  return dice.oneIn(20) ? dice.below(4096) : dice.pick(CSRS);
}

/** Puts an operand in its place, unless chance is to rule there: letters are those of isa/format.ts. */
function operand(letter: string, word: number, dice: Dice): number {
  switch (letter) {
    case 'd':
      return put(word, 7, 5, destination(dice));
    case 's':
      return put(word, 15, 5, anyRegister(dice));
    case 't':
      return put(word, 20, 5, anyRegister(dice));
    // Few floating-point registers, so that results are used.
    case 'D':
      return put(word, 7, 5, dice.below(12));
    case 'S':
      return put(word, 15, 5, dice.below(12));
    case 'T':
      return put(word, 20, 5, dice.below(12));
    case 'R':
      return put(word, 27, 5, dice.below(12));
    case 'A':
      return put(word, 15, 5, pointer(dice));
    case 'o':
      return put(put(word, 15, 5, pointer(dice)), 20, 12, offset(dice));
    case 'q': {
      const distance = offset(dice);
      return put(put(put(word, 15, 5, pointer(dice)), 25, 7, distance >> 5), 7, 5, distance);
    }
    case 'j':
      return put(word, 20, 12, immediate(dice));
    case 'm':
    case 'n':
      return put(word, 12, 3, rounding(dice));
    case 'E':
      return put(word, 20, 12, csr(dice));
    default:
      return word;
  }
}

/** A 32-bit instruction that does not jump; seldom an illegal one. */
export function plain32(dice: Dice): number {
  const instruction = dice.pick(GROUPS[dice.weighted(WEIGHTS)]![1]);
  const free = ~instruction.mask;
  let word = instruction.match | (dice.word() & free);
  for (const letter of instruction.format) word = operand(letter, word, dice);
  // An operand does not change what the instruction is.
  word = (word & free) | instruction.match;
  if (instruction.name === 'lui' && Math.abs((word >>> 12) - ALIAS_PAGE_NUMBER) < 4) return NOP;
  return word >>> 0;
}

/** A 16-bit instruction that does not jump. */
export function plain16(dice: Dice): number {
  for (;;) {
    const form = dice.pick(FORMS);
    let half = form.match | (dice.word() & 0xffff & ~form.mask);
    // rs1 of c.lw and its kin.
    if ((half & 3) === 0 && half >> 13 !== 0) half = put(half, 7, 3, dice.pick([0, 1, 7]));
    decodeLong(expandCompressed(half), decoded);
    if (decoded.op === ILLEGAL) {
      if (dice.oneIn(40)) return half;
      continue;
    }
    // Some words of a form belong to another: c.mv of x0 is c.jr.
    if (JUMPS.test(OPERATIONS[decoded.op - 1]!.instruction.name)) continue;
    if (decoded.rd < 32 && PROTECTED.has(decoded.rd) && !dice.oneIn(12)) continue;
    return half;
  }
}

/** What is no instruction, in so many bytes. */
export function illegal(dice: Dice, length: 2 | 4): number {
  if (length === 2) return dice.oneIn(2) ? 0 : 0x8002;
  return dice.pick([0xffff_ffff, 0x3020_0073, 0x0000_707f, 0x0000_0057, 0xc005_1073]);
}

/** Compressed jumps and branches by offset, which only the expansion of all of them tells. */
const shortJumps = new Map<number, number>();
const shortBranches = new Map<number, number>();
const branchKey = (equal: boolean, register: number, distance: number): number =>
  (distance + 256) * 16 + (register - 8) * 2 + (equal ? 1 : 0);

for (let half = 0xa001; half < 0x1_0000; half += 4) {
  if (half >> 13 === 5) shortJumps.set(extractImmediate('J', expandCompressed(half)), half);
  else {
    const word = expandCompressed(half);
    const distance = extractImmediate('B', word);
    shortBranches.set(branchKey((word & 0x1000) === 0, (word >>> 15) & 31, distance), half);
  }
}

/** C.J, or undefined when it does not reach. */
export function shortJump(distance: number): number | undefined {
  return shortJumps.get(distance);
}

/** C.BEQZ or C.BNEZ of a register of 8…15, or undefined when it does not reach. */
export function shortBranch(equal: boolean, register: number, distance: number): number | undefined {
  return Math.abs(distance) > 256 ? undefined : shortBranches.get(branchKey(equal, register, distance));
}
