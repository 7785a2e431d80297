/*
 * RV64C: each 16-bit form as the 32-bit instruction it stands for.
 *
 * A form is a name, the bits that tell it, the base instruction, and a function that yields that instruction's word or 0 when the form
 * is reserved. Forms are tried in order, so a special case (C.JR) stands before the general one (C.MV) it is cut out of.
 */

import { bits, placeImmediate } from './format.ts';

export interface CompressedForm {
  readonly name: string;
  readonly mask: number;
  readonly match: number;
  /** Name of the base instruction. */
  readonly base: string;
  /** The equivalent 32-bit word; 0, which is no instruction, when reserved. */
  readonly expand: (half: number) => number;
}

const LUI = 0x37;
const OP_IMM = 0x13;
const OP_IMM_32 = 0x1b;
const OP = 0x33;
const OP_32 = 0x3b;
const LOAD = 0x03;
const LOAD_FP = 0x07;
const STORE = 0x23;
const STORE_FP = 0x27;
const WORD = 2;
const DOUBLE = 3;
const SP = 2;

// Register fields: full ones, and the three-bit ones that name x8…x15.
const rd = (h: number): number => bits(h, 7, 11);
const rs2 = (h: number): number => bits(h, 2, 6);
const rdShort = (h: number): number => 8 + bits(h, 2, 4);
const rs1Short = (h: number): number => 8 + bits(h, 7, 9);

// Immediates, as the C chapter scrambles them.
const signed6 = (h: number): number => ((bits(h, 12, 12) << 31) >> 26) | bits(h, 2, 6);
const shamt = (h: number): number => (bits(h, 12, 12) << 5) | bits(h, 2, 6);
const offsetW = (h: number): number => (bits(h, 5, 5) << 6) | (bits(h, 10, 12) << 3) | (bits(h, 6, 6) << 2);
const offsetD = (h: number): number => (bits(h, 5, 6) << 6) | (bits(h, 10, 12) << 3);
const spLoadW = (h: number): number => (bits(h, 2, 3) << 6) | (bits(h, 12, 12) << 5) | (bits(h, 4, 6) << 2);
const spLoadD = (h: number): number => (bits(h, 2, 4) << 6) | (bits(h, 12, 12) << 5) | (bits(h, 5, 6) << 3);
const spStoreW = (h: number): number => (bits(h, 7, 8) << 6) | (bits(h, 9, 12) << 2);
const spStoreD = (h: number): number => (bits(h, 7, 9) << 6) | (bits(h, 10, 12) << 3);
const addi4spn = (h: number): number =>
  (bits(h, 7, 10) << 6) | (bits(h, 11, 12) << 4) | (bits(h, 5, 5) << 3) | (bits(h, 6, 6) << 2);
const addi16sp = (h: number): number =>
  ((bits(h, 12, 12) << 31) >> 22) | (bits(h, 3, 4) << 7) | (bits(h, 5, 5) << 6) | (bits(h, 2, 2) << 5) | (bits(h, 6, 6) << 4);
const jumpOffset = (h: number): number =>
  ((bits(h, 12, 12) << 31) >> 20) |
  (bits(h, 8, 8) << 10) |
  (bits(h, 9, 10) << 8) |
  (bits(h, 6, 6) << 7) |
  (bits(h, 7, 7) << 6) |
  (bits(h, 2, 2) << 5) |
  (bits(h, 11, 11) << 4) |
  (bits(h, 3, 5) << 1);
const branchOffset = (h: number): number =>
  ((bits(h, 12, 12) << 31) >> 23) | (bits(h, 5, 6) << 6) | (bits(h, 2, 2) << 5) | (bits(h, 10, 11) << 3) | (bits(h, 3, 4) << 1);

// The base formats.
const typeI = (code: number, f3: number, d: number, s: number, value: number): number =>
  code | (d << 7) | (f3 << 12) | (s << 15) | placeImmediate('I', value);
const typeS = (code: number, f3: number, s: number, t: number, value: number): number =>
  code | (f3 << 12) | (s << 15) | (t << 20) | placeImmediate('S', value);
const typeB = (f3: number, s: number, value: number): number => 0x63 | (f3 << 12) | (s << 15) | placeImmediate('B', value);
const typeR = (code: number, f3: number, f7: number, d: number, s: number, t: number): number =>
  code | (d << 7) | (f3 << 12) | (s << 15) | (t << 20) | (f7 << 25);
/** Reserved when the value is 0. */
const unlessZero = (value: number, word: number): number => (value === 0 ? 0 : word);

/** A form that quadrant (bits 1:0) and funct3 (bits 15:13) tell, with further fixed bits. */
const form = (
  name: string,
  quadrant: number,
  funct3: number,
  base: string,
  expand: (half: number) => number,
  { mask = 0, match = 0 } = {},
): CompressedForm => ({ name, mask: 0xe003 | mask, match: (funct3 << 13) | quadrant | match, base, expand });

const shortAlu = (
  name: string,
  high: number,
  low: number,
  base: string,
  code: number,
  f3: number,
  f7: number,
): CompressedForm =>
  form(name, 1, 4, base, (h) => typeR(code, f3, f7, rs1Short(h), rs1Short(h), rdShort(h)), {
    mask: 0x1c60,
    match: (high << 12) | (3 << 10) | (low << 5),
  });

export const COMPRESSED: readonly CompressedForm[] = [
  form('c.addi4spn', 0, 0, 'addi', (h) => unlessZero(addi4spn(h), typeI(OP_IMM, 0, rdShort(h), SP, addi4spn(h)))),
  form('c.fld', 0, 1, 'fld', (h) => typeI(LOAD_FP, DOUBLE, rdShort(h), rs1Short(h), offsetD(h))),
  form('c.lw', 0, 2, 'lw', (h) => typeI(LOAD, WORD, rdShort(h), rs1Short(h), offsetW(h))),
  form('c.ld', 0, 3, 'ld', (h) => typeI(LOAD, DOUBLE, rdShort(h), rs1Short(h), offsetD(h))),
  form('c.fsd', 0, 5, 'fsd', (h) => typeS(STORE_FP, DOUBLE, rs1Short(h), rdShort(h), offsetD(h))),
  form('c.sw', 0, 6, 'sw', (h) => typeS(STORE, WORD, rs1Short(h), rdShort(h), offsetW(h))),
  form('c.sd', 0, 7, 'sd', (h) => typeS(STORE, DOUBLE, rs1Short(h), rdShort(h), offsetD(h))),

  form('c.addi', 1, 0, 'addi', (h) => typeI(OP_IMM, 0, rd(h), rd(h), signed6(h))),
  form('c.addiw', 1, 1, 'addiw', (h) => unlessZero(rd(h), typeI(OP_IMM_32, 0, rd(h), rd(h), signed6(h)))),
  form('c.li', 1, 2, 'addi', (h) => typeI(OP_IMM, 0, rd(h), 0, signed6(h))),
  form('c.addi16sp', 1, 3, 'addi', (h) => unlessZero(addi16sp(h), typeI(OP_IMM, 0, SP, SP, addi16sp(h))), {
    mask: 0x0f80,
    match: SP << 7,
  }),
  form('c.lui', 1, 3, 'lui', (h) => unlessZero(signed6(h), LUI | (rd(h) << 7) | (signed6(h) << 12))),
  form('c.srli', 1, 4, 'srli', (h) => typeI(OP_IMM, 5, rs1Short(h), rs1Short(h), shamt(h)), { mask: 0x0c00, match: 0x0000 }),
  form('c.srai', 1, 4, 'srai', (h) => typeI(OP_IMM, 5, rs1Short(h), rs1Short(h), 0x400 | shamt(h)), {
    mask: 0x0c00,
    match: 0x0400,
  }),
  form('c.andi', 1, 4, 'andi', (h) => typeI(OP_IMM, 7, rs1Short(h), rs1Short(h), signed6(h)), { mask: 0x0c00, match: 0x0800 }),
  shortAlu('c.sub', 0, 0, 'sub', OP, 0, 0x20),
  shortAlu('c.xor', 0, 1, 'xor', OP, 4, 0),
  shortAlu('c.or', 0, 2, 'or', OP, 6, 0),
  shortAlu('c.and', 0, 3, 'and', OP, 7, 0),
  shortAlu('c.subw', 1, 0, 'subw', OP_32, 0, 0x20),
  shortAlu('c.addw', 1, 1, 'addw', OP_32, 0, 0),
  form('c.j', 1, 5, 'jal', (h) => 0x6f | placeImmediate('J', jumpOffset(h))),
  form('c.beqz', 1, 6, 'beq', (h) => typeB(0, rs1Short(h), branchOffset(h))),
  form('c.bnez', 1, 7, 'bne', (h) => typeB(1, rs1Short(h), branchOffset(h))),

  form('c.slli', 2, 0, 'slli', (h) => typeI(OP_IMM, 1, rd(h), rd(h), shamt(h))),
  form('c.fldsp', 2, 1, 'fld', (h) => typeI(LOAD_FP, DOUBLE, rd(h), SP, spLoadD(h))),
  form('c.lwsp', 2, 2, 'lw', (h) => unlessZero(rd(h), typeI(LOAD, WORD, rd(h), SP, spLoadW(h)))),
  form('c.ldsp', 2, 3, 'ld', (h) => unlessZero(rd(h), typeI(LOAD, DOUBLE, rd(h), SP, spLoadD(h)))),
  form('c.jr', 2, 4, 'jalr', (h) => unlessZero(rd(h), typeI(0x67, 0, 0, rd(h), 0)), { mask: 0x107c, match: 0 }),
  form('c.mv', 2, 4, 'add', (h) => typeR(OP, 0, 0, rd(h), 0, rs2(h)), { mask: 0x1000, match: 0 }),
  form('c.ebreak', 2, 4, 'ebreak', () => 0x0010_0073, { mask: 0x1ffc, match: 0x1000 }),
  form('c.jalr', 2, 4, 'jalr', (h) => typeI(0x67, 0, 1, rd(h), 0), { mask: 0x107c, match: 0x1000 }),
  form('c.add', 2, 4, 'add', (h) => typeR(OP, 0, 0, rd(h), rd(h), rs2(h)), { mask: 0x1000, match: 0x1000 }),
  form('c.fsdsp', 2, 5, 'fsd', (h) => typeS(STORE_FP, DOUBLE, SP, rs2(h), spStoreD(h))),
  form('c.swsp', 2, 6, 'sw', (h) => typeS(STORE, WORD, SP, rs2(h), spStoreW(h))),
  form('c.sdsp', 2, 7, 'sd', (h) => typeS(STORE, DOUBLE, SP, rs2(h), spStoreD(h))),
];
