/*
 * The terminal's settings (termios(3)), as they lie in the console's block: flags of input, output, control and local modes, and the
 * characters that have a meaning. Everything needs the console's lock.
 */

import type { Ram } from '../core/ram.ts';
import { ConsoleBlock } from './console-layout.ts';

/** Bits of c_iflag that have an effect here. */
export const InputMode = {
  NewlineToReturn: 0x40,
  IgnoreReturn: 0x80,
  ReturnToNewline: 0x100,
  FlowControl: 0x400,
  AnyRestarts: 0x800,
} as const;
/** Bits of c_lflag. */
export const LocalMode = {
  Signals: 1,
  Canonical: 2,
  Echo: 8,
  EchoErase: 0x10,
  EchoKill: 0x20,
  EchoNewline: 0x40,
  NoFlush: 0x80,
  StopBackground: 0x100,
  EchoControl: 0x200,
  Extended: 0x8000,
} as const;
/** Indices in c_cc. */
export const Character = {
  Interrupt: 0,
  Quit: 1,
  Erase: 2,
  Kill: 3,
  EndOfFile: 4,
  Time: 5,
  Minimum: 6,
  Start: 8,
  Stop: 9,
  Suspend: 10,
  EndOfLine: 11,
  Reprint: 12,
  WordErase: 14,
  Literal: 15,
  EndOfLine2: 16,
} as const;

/** `struct termios` as the kernel has it: four words of flags, the line discipline, 19 characters. */
export const TERMIOS_BYTES = 36;
const FLAG_WORDS = 4;
const LINE_AT = 16;
const CHARACTERS_AT = 17;
export const CHARACTERS = 19;

/** ICRNL | IXON, OPOST | ONLCR, B38400 | CS8 | CREAD, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN. */
const DEFAULT_FLAGS = [0x500, 0x5, 0xbf, 0x8a3b];
/** INTR QUIT ERASE KILL EOF TIME MIN SWTC START STOP SUSP EOL REPRINT DISCARD WERASE LNEXT EOL2. */
const DEFAULT_CHARACTERS = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0];

export class Termios {
  private readonly characters: number;

  constructor(
    private readonly ram: Ram,
    private readonly block: number,
  ) {
    this.characters = ConsoleBlock.characters.addr(block);
  }

  /** What a terminal begins with. */
  resetLocked(): void {
    const { ram, block, characters } = this;
    DEFAULT_FLAGS.forEach((flags, i) => {
      ConsoleBlock.modes.put(ram, block, i, flags);
    });
    ram.fill(characters, CHARACTERS);
    ram.u8.set(DEFAULT_CHARACTERS, characters);
  }

  /** Whether a bit of c_iflag is set. */
  inputLocked(bit: number): boolean {
    return (ConsoleBlock.modes.at(this.ram, this.block, 0) & bit) !== 0;
  }

  /** Whether a bit of c_lflag is set. */
  localLocked(bit: number): boolean {
    return (ConsoleBlock.modes.at(this.ram, this.block, 3) & bit) !== 0;
  }

  characterLocked(index: number): number {
    return this.ram.u8[this.characters + index]!;
  }

  /** Whether a typed byte is the character with this meaning; 0 is none (_POSIX_VDISABLE). */
  meansLocked(index: number, typed: number): boolean {
    return typed !== 0 && this.characterLocked(index) === typed;
  }

  /** Writes TERMIOS_BYTES at a physical address. */
  storeLocked(to: number): void {
    const { ram, block } = this;
    for (let i = 0; i < FLAG_WORDS; i++) ram.u32[(to >>> 2) + i] = ConsoleBlock.modes.at(ram, block, i);
    ram.u8[to + LINE_AT] = 0;
    ram.copy(to + CHARACTERS_AT, this.characters, CHARACTERS);
  }

  /** Takes TERMIOS_BYTES from a physical address. */
  loadLocked(from: number): void {
    const { ram, block } = this;
    for (let i = 0; i < FLAG_WORDS; i++) ConsoleBlock.modes.put(ram, block, i, ram.u32[(from >>> 2) + i]!);
    ram.copy(this.characters, from + CHARACTERS_AT, CHARACTERS);
  }
}
