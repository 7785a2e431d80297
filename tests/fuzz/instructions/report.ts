/*
 * What a person needs to see of a difference: the seed, what differs, and the program around where it began.
 */

import { disassemble } from '../../../src/core/disassembler.ts';
import { isLong } from '../../../src/core/isa/decode.ts';
import { CODE } from '../../core/helpers/hart.ts';
import { C_NOP, NOP } from './encode.ts';
import { type Difference, hex } from './lab.ts';
import type { Program } from './layout.ts';

/** Instructions shown before and after the marked ones, when not all are. */
const AROUND = 40;

export function wordAt({ image }: Program, address: number): number {
  const at = (address - CODE) >>> 1;
  return (((image[at + 1] ?? 0) << 16) | image[at]!) >>> 0;
}

/** The program, without what does nothing; `>` marks where the run began, `*` where it ended. */
function listing(program: Program, { from, pc }: Difference): string {
  const lines: string[] = [];
  const near = program.starts.findIndex((start) => start >= Math.min(from, pc));
  program.starts.forEach((start, index) => {
    const word = wordAt(program, start);
    const marks = (start === from ? '>' : ' ') + (start === pc ? '*' : ' ');
    const idle = word === NOP || (word & 0xffff) === C_NOP;
    if ((idle && marks === '  ') || (near >= 0 && Math.abs(index - near) > AROUND)) return;
    const bits = (isLong(word) ? word : word & 0xffff).toString(16);
    lines.push(`${marks} ${hex(start)}  ${bits.padStart(8)}  ${disassemble(word, start)}`);
  });
  return lines.join('\n');
}

export function describeDifference(found: Difference, program: Program): string {
  return [
    `${found.what}: ${found.reference} on the reference, ${found.subject} on the subject`,
    `after run ${String(found.run)}, of ${String(found.budget)} instructions from ${hex(found.from)} to ${hex(found.pc)}:`,
    listing(program, found),
  ].join('\n');
}
