/*
 * --dump-translation: what the translator makes of the code at an address of a program, which is not run.
 *
 * The code is read from the program's file. A running program may have written over it, and a position-independent one lies elsewhere:
 * addresses are as linked. Targets of computed jumps, which a hart sees while it interprets them, are not in it. But for these it is what
 * every hart of a machine on this host makes of the same code.
 */

import { findSymbol } from '../core/elf-symbols.ts';
import { describeElf, type ElfSegment, PF_X } from '../core/elf.ts';
import { describeInstruction, dumpTranslation } from '../core/jit/dump.ts';
import type { CodeReader } from '../core/jit/region.ts';
import { UsageError } from '../machine/errors.ts';
import { findProgram, readProgram } from '../machine/programs.ts';

/**
 * The text for a place in a program.
 *
 * @param place a hexadecimal address, or the name of a symbol
 * @param word the program, as on the command line
 * @throws UsageError when there is no code, or nothing that is translated
 */
export function dumpProgram(place: string, word: string | undefined): string {
  if (word === undefined) throw new UsageError('--dump-translation needs a program, whose code is shown (see --help)');
  const bytes = readProgram(findProgram(word));
  const outcome = describeElf(bytes);
  if (!outcome.ok) throw new UsageError(`${word} ${outcome.refusal}`);
  const code = outcome.program.segments.filter((segment) => (segment.flags & PF_X) !== 0);
  const pc = locate(place, bytes, word);
  const shown = `0x${pc.toString(16)}`;
  if (pc % 2 !== 0) throw new UsageError(`--dump-translation ${place}: ${shown} is odd, instructions begin at even addresses`);
  const read = readerOf(bytes, code);
  if (read(pc) < 0) {
    const ranges = code.map(
      ({ address, memoryBytes }) => `0x${address.toString(16)}-0x${(address + memoryBytes).toString(16)}`,
    );
    throw new UsageError(`--dump-translation ${place}: no code there, that of ${word} is at ${ranges.join(', ')}`);
  }
  const text = dumpTranslation(pc, read);
  if (text !== undefined) return text;
  throw new UsageError(
    `--dump-translation ${place}: nothing to translate, it is left to the interpreter: ${describeInstruction(pc, read)}`,
  );
}

/** The address that is meant: a symbol goes before a number without 0x that it could be taken for. */
function locate(place: string, bytes: Uint8Array, word: string): number {
  const symbol = findSymbol(bytes, place);
  if (symbol !== undefined) return symbol;
  if (/^(0x)?[\da-f]{1,13}$/i.test(place)) return parseInt(place, 16);
  throw new UsageError(`--dump-translation ${place}: neither a hexadecimal address nor a symbol of ${word}`);
}

function readerOf(bytes: Uint8Array, code: readonly ElfSegment[]): CodeReader {
  const byteAt = (address: number): number => {
    const segment = code.find((s) => address >= s.address && address < s.address + s.memoryBytes);
    if (segment === undefined) return -1;
    const at = address - segment.address;
    return at < segment.fileBytes ? bytes[segment.offset + at]! : 0;
  };
  return (pc) => {
    const low = byteAt(pc);
    const high = byteAt(pc + 1);
    return low < 0 || high < 0 ? -1 : (high << 8) | low;
  };
}
