/*
 * All instructions, numbered.
 *
 * An operation number stands for an instruction in one length: 1…n for the 32-bit encodings in table order, then those that a
 * compressed form expands to, in 16 bits. So the length is known wherever the operation is. Number 0 is the illegal instruction, whose
 * immediate is its bits. Numbers fit a byte.
 */

import { ATOMIC } from './atomic.ts';
import { COMPRESSED } from './compressed.ts';
import { CSR } from './csr.ts';
import type { Instruction } from './define.ts';
import { FLOAT } from './float.ts';
import { INTEGER } from './integer.ts';
import { MULTIPLY } from './multiply.ts';

export const INSTRUCTIONS: readonly Instruction[] = [...INTEGER, ...MULTIPLY, ...ATOMIC, ...CSR, ...FLOAT];

export interface Operation {
  readonly number: number;
  readonly instruction: Instruction;
  /** Bytes. */
  readonly length: 2 | 4;
}

export const ILLEGAL = 0;

const compressedBases = new Set(COMPRESSED.map((form) => form.base));

/** Operation n is OPERATIONS[n - 1]. */
export const OPERATIONS: readonly Operation[] = [
  ...INSTRUCTIONS.map((instruction) => ({ instruction, length: 4 as const })),
  ...INSTRUCTIONS.filter(({ name }) => compressedBases.has(name)).map((instruction) => ({ instruction, length: 2 as const })),
].map((operation, index) => ({ ...operation, number: index + 1 }));
