/*
 * How the operands of an instruction lie in its 32 bits.
 *
 * A format is a string of operand letters in assembly order, those of GNU binutils where they have one:
 *   d s t   integer rd, rs1, rs2            D S T R  floating-point rd, rs1, rs2, rs3
 *   j       I-type immediate                o q      offset(rs1) of a load, of a store
 *   p a     branch and jump target          u        upper immediate, already shifted
 *   > <     6-bit and 5-bit shift amount    m n      rounding mode, one that cannot matter
 *   E Z     CSR number, 5-bit immediate     A        (rs1) of an atomic instruction, aq and rl in its mnemonic
 *   P       predecessor and successor sets of FENCE
 * Decoder, assembler and disassembler all work from these letters.
 */

/** Which bits hold the immediate, and how. */
export type ImmediateKind = 'none' | 'I' | 'S' | 'B' | 'U' | 'J' | 'shift' | 'rounding' | 'csr' | 'fence';

const KIND_OF_LETTER: Readonly<Record<string, ImmediateKind>> = {
  j: 'I',
  o: 'I',
  q: 'S',
  p: 'B',
  a: 'J',
  u: 'U',
  '>': 'shift',
  '<': 'shift',
  m: 'rounding',
  n: 'rounding',
  E: 'csr',
  P: 'fence',
};

/** The kind of immediate a format has. */
export function immediateKind(format: string): ImmediateKind {
  for (const letter of format) {
    const kind = KIND_OF_LETTER[letter];
    if (kind !== undefined) return kind;
  }
  return 'none';
}

/** Bits of an instruction word, low to high inclusive, right-aligned. */
export function bits(word: number, low: number, high: number): number {
  return (word >>> low) & (2 ** (high - low + 1) - 1);
}

/** The immediate of `word`, a signed 32-bit integer. For 'rounding' the mode is in bits 10:8 and the register rs3 in 4:0. */
export function extractImmediate(kind: ImmediateKind, word: number): number {
  switch (kind) {
    case 'none':
      return 0;
    case 'I':
      return word >> 20;
    case 'S':
      return ((word >> 25) << 5) | bits(word, 7, 11);
    case 'B':
      return ((word >> 31) << 12) | (bits(word, 7, 7) << 11) | (bits(word, 25, 30) << 5) | (bits(word, 8, 11) << 1);
    case 'U':
      return word & 0xffff_f000;
    case 'J':
      return ((word >> 31) << 20) | (bits(word, 12, 19) << 12) | (bits(word, 20, 20) << 11) | (bits(word, 21, 30) << 1);
    case 'shift':
      return bits(word, 20, 25);
    case 'rounding':
      return (bits(word, 12, 14) << 8) | bits(word, 27, 31);
    case 'csr':
      return bits(word, 20, 31);
    case 'fence':
      return bits(word, 20, 31);
  }
}

/** The inverse of `extractImmediate`: an instruction word that has only the immediate. */
export function placeImmediate(kind: ImmediateKind, value: number): number {
  switch (kind) {
    case 'none':
      return 0;
    case 'I':
    case 'csr':
    case 'fence':
      return value << 20;
    case 'S':
      return (bits(value, 5, 11) << 25) | (bits(value, 0, 4) << 7);
    case 'B':
      return (bits(value, 12, 12) << 31) | (bits(value, 5, 10) << 25) | (bits(value, 1, 4) << 8) | (bits(value, 11, 11) << 7);
    case 'U':
      return value & 0xffff_f000;
    case 'J':
      return (
        (bits(value, 20, 20) << 31) | (bits(value, 1, 10) << 21) | (bits(value, 11, 11) << 20) | (bits(value, 12, 19) << 12)
      );
    case 'shift':
      return bits(value, 0, 5) << 20;
    case 'rounding':
      return (bits(value, 8, 10) << 12) | (bits(value, 0, 4) << 27);
  }
}
