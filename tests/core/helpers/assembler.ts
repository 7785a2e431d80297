/*
 * A tiny assembler for tests: words from mnemonic and operands, by the encodings of the instruction table (which encodings.test.ts
 * checks against GNU as).
 */

import { placeImmediate, immediateKind } from '../../../src/core/isa/format.ts';
import { INSTRUCTIONS } from '../../../src/core/isa/table.ts';

/** Operands by field; registers by number. `rm` defaults to dynamic rounding. */
export interface Operands {
  readonly rd?: number;
  readonly rs1?: number;
  readonly rs2?: number;
  readonly rs3?: number;
  readonly imm?: number;
  readonly rm?: number;
}

const byName = new Map(INSTRUCTIONS.map((instruction) => [instruction.name, instruction]));

/** The word of an instruction. */
export function asm(name: string, { rd = 0, rs1 = 0, rs2 = 0, rs3 = 0, imm = 0, rm = 7 }: Operands = {}): number {
  const instruction = byName.get(name);
  if (instruction === undefined) throw new Error(`no instruction ${name}`);
  const kind = immediateKind(instruction.format);
  const immediate = placeImmediate(kind, kind === 'rounding' ? (rm << 8) | rs3 : imm);
  const free = ~instruction.mask;
  const fields = (rd << 7) | (rs1 << 15) | (rs2 << 20);
  return (instruction.match | ((fields | immediate) & free)) >>> 0;
}
