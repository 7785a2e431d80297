/*
 * A translation as text, for whoever works on the translator: each guest instruction with the WebAssembly that it became.
 *
 * What is shown is the very tree that the module is encoded from, with a note before each instruction. The code of a region follows its
 * dominator tree, not the addresses: read the notes in the order in which they stand. What stands before the first note is done once
 * at the entry; what follows the last blocks are the exits.
 */

import { DecodeMemo } from '../decode-memo.ts';
import { disassemble } from '../disassembler.ts';
import { isLong } from '../isa/decode.ts';
import { formatFunction } from '../wasm/text.ts';
import { buildRegion } from './emit.ts';
import { shapeOf } from './flow.ts';
import { Flow } from './operation.ts';
import { type CodeReader, findRegion } from './region.ts';

/** The text of the region that begins at `start`; undefined when nothing that begins there is translated. */
export function dumpTranslation(start: number, read: CodeReader): string | undefined {
  const region = findRegion(start, read, new DecodeMemo());
  if (region.size === 0 || region.flow(0) === Flow.Stop) return undefined;
  const { module, func } = buildRegion(region, {
    annotate: (index) => describeInstruction(region.pc[index]!, read),
  });
  const { blocks, isLoop } = shapeOf(region);
  const header = [
    `region ${address(start)}`,
    `instructions: ${String(region.size)}`,
    `blocks: ${String(blocks.length)}`,
    `loops: ${String(isLoop.filter((is) => is).length)}`,
    `bytes of the module: ${String(module.encode().length)}`,
    `code: ${region
      .ranges()
      .map((range) => `${address(range.start)}-${address(range.end)}`)
      .join(', ')}`,
  ];
  const comments = header.map((line) => `;; ${line}`);
  return [...comments, '', ...formatFunction(func.listing, module.globalNames), ''].join('\n');
}

/** Address, bits and assembly of the instruction at a pc. */
export function describeInstruction(pc: number, read: CodeReader): string {
  const half = read(pc);
  const long = isLong(half);
  const word = long ? ((read(pc + 2) << 16) | half) >>> 0 : half;
  const bits = word.toString(16).padStart(long ? 8 : 4, '0');
  return `${pc.toString(16)}:  ${bits.padEnd(8)}  ${disassemble(word, pc)}`;
}

function address(value: number): string {
  return `0x${value.toString(16)}`;
}
