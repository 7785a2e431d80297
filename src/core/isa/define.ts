/*
 * The form of an instruction's definition, and helpers that spell the encodings of the standard types.
 */

import type { Meaning } from './tier.ts';

/** Bits that tell one instruction from all others: (word & mask) === match. */
export interface Encoding {
  readonly mask: number;
  readonly match: number;
}

export interface Instruction extends Encoding {
  readonly name: string;
  /** Operand letters, see format.ts. */
  readonly format: string;
  readonly meaning: Meaning;
  /** Rarely executed, or long: the interpreter keeps it out of its main loop. */
  readonly outOfLine: boolean;
  /** Finer conditions on the word than mask and match; an instruction that fails them is illegal. */
  readonly valid?: (word: number) => boolean;
}

/** An instruction of the main loop. */
export function op(name: string, format: string, encoding: Encoding, meaning: Meaning): Instruction {
  return { name, format, ...encoding, meaning, outOfLine: false };
}

/** An instruction that is called out of line. */
export function rare(name: string, format: string, encoding: Encoding, meaning: Meaning): Instruction {
  return { name, format, ...encoding, meaning, outOfLine: true };
}

/** Only the opcode is fixed (LUI, AUIPC, JAL). */
export const opcode = (code: number): Encoding => ({ mask: 0x7f, match: code });
/** Opcode and funct3. */
export const funct3 = (code: number, f3: number): Encoding => ({ mask: 0x707f, match: (f3 << 12) | code });
/** Opcode, funct3 and funct7. */
export const funct7 = (code: number, f3: number, f7: number): Encoding => ({
  mask: 0xfe00_707f | 0,
  match: (f7 << 25) | (f3 << 12) | code,
});
/** A shift by an immediate: the upper 6 bits are fixed (7 for a 32-bit shift). */
export const shift = (code: number, f3: number, f7: number, bits: 5 | 6): Encoding => ({
  mask: (bits === 6 ? 0xfc00_707f : 0xfe00_707f) | 0,
  match: (f7 << 25) | (f3 << 12) | code,
});
/** An atomic instruction: funct5, any aq and rl. */
export const atomic = (f3: number, f5: number): Encoding => ({
  mask: 0xf800_707f | 0,
  match: (f5 << 27) | (f3 << 12) | 0x2f,
});
/** All bits are fixed. */
export const exact = (word: number): Encoding => ({ mask: -1, match: word | 0 });
/** Adds a fixed rs2 field. */
export const withRs2 = ({ mask, match }: Encoding, rs2: number): Encoding => ({
  mask: mask | (0x1f << 20),
  match: match | (rs2 << 20),
});
/** Operation in OP-FP with a rounding mode: opcode and funct7. */
export const rounded = (f7: number): Encoding => ({ mask: 0xfe00_007f | 0, match: (f7 << 25) | 0x53 });
/** Fused multiply-add: opcode and the format in bits 26:25. */
export const fused = (code: number, format: number): Encoding => ({ mask: 0x0600_007f, match: (format << 25) | code });
