/*
 * The line discipline of the console: what typing means, as Linux's N_TTY in canonical mode with echo.
 *
 *   CR, NL         end the line               Ctrl-D      hand over what is there; on an empty line: end of file, once
 *   DEL, Ctrl-H    erase a character          Ctrl-U, Ctrl-W   erase the line, the word
 *   Ctrl-C         drop all input and count an interrupt
 *   Tab, text      enter the line; other control characters too, shown as ^X
 *
 * A line holds 4095 bytes and its end; what is typed beyond is dropped with a bell. A byte is either taken, its echo included, or not
 * at all: when the ring or the output has no room, it stays with the host. All of it runs under the console's lock.
 */

import type { Ram } from '../core/ram.ts';
import { ConsoleBlock, INPUT_BYTES, Stream } from './console-layout.ts';
import type { ConsoleOutput } from './console-output.ts';

/** Bytes of a line with its end. */
export const LINE_BYTES = 4096;

const MASK = INPUT_BYTES - 1;
const TAB_STOP = 8;
/** Columns that one erasure wipes at most: no terminal goes back over more. It keeps every echo smaller than the output ring. */
const MAX_ERASED = 4096;
/** No echo but an erasure is longer. */
const ECHO_BYTES = 2;

const Key = {
  Interrupt: 3,
  EndOfFile: 4,
  Bell: 7,
  Backspace: 8,
  Tab: 9,
  Newline: 10,
  Return: 13,
  Kill: 21,
  Word: 23,
  Space: 32,
  Delete: 127,
} as const;
const CARET = 0x5e;

export class LineEditor {
  private readonly ring: number;

  constructor(
    private readonly ram: Ram,
    private readonly block: number,
    private readonly output: ConsoleOutput,
  ) {
    this.ring = ConsoleBlock.input.addr(block);
  }

  /** Handles one typed byte; false: no room, try again later. */
  typeLocked(typed: number): boolean {
    if (!this.output.fitsLocked(ECHO_BYTES)) return false;
    switch (typed) {
      case Key.Interrupt:
        this.interrupt();
        return true;
      case Key.Newline:
      case Key.Return:
        if (!this.append(Key.Newline)) return false;
        this.endLine();
        this.echo(Key.Newline);
        return true;
      case Key.EndOfFile:
        if (!this.append(0)) return false;
        this.endLine();
        return true;
      case Key.Backspace:
      case Key.Delete:
        return this.erase(this.previousCharacter(this.head));
      case Key.Kill:
        return this.erase(this.ready);
      case Key.Word:
        return this.erase(this.wordStart());
      default:
        return this.insert(typed);
    }
  }

  /** Adds a byte to the input as it is, without an echo; a newline ends its line. */
  enterLocked(byte: number): void {
    if (!this.append(byte)) return;
    if (byte === Key.Newline) this.endLine();
    else ConsoleBlock.inReady.set(this.ram, this.block, this.head);
  }

  /** Whether the byte at a position of the input ring ends a line. */
  isEnd(position: number): boolean {
    const bit = position & MASK;
    return (ConsoleBlock.ends.at(this.ram, this.block, bit >>> 5) & (1 << (bit & 31))) !== 0;
  }

  private get head(): number {
    return ConsoleBlock.inHead.get(this.ram, this.block);
  }

  private get ready(): number {
    return ConsoleBlock.inReady.get(this.ram, this.block);
  }

  private byteAt(position: number): number {
    return this.ram.u8[this.ring + (position & MASK)]!;
  }

  private insert(typed: number): boolean {
    const { ram, block, head, ready } = this;
    if ((head - ready) >>> 0 >= LINE_BYTES - 1) {
      this.echo(Key.Bell);
      return true;
    }
    if (head === ready) ConsoleBlock.lineColumn.set(ram, block, ConsoleBlock.column.get(ram, block));
    if (!this.append(typed)) return false;
    this.output.open(Stream.Echo);
    if (isControl(typed)) {
      this.output.put(CARET);
      this.output.put(typed ^ 64);
    } else {
      this.output.put(typed);
    }
    this.output.close();
    return true;
  }

  private interrupt(): void {
    const { ram, block } = this;
    const head = this.head;
    ConsoleBlock.inTail.set(ram, block, head);
    ConsoleBlock.inReady.set(ram, block, head);
    ConsoleBlock.interrupts.set(ram, block, ConsoleBlock.interrupts.get(ram, block) + 1);
    this.output.open(Stream.Echo);
    this.output.put(CARET);
    this.output.put(Key.Interrupt ^ 64);
    this.output.close();
  }

  private append(byte: number): boolean {
    const { ram, block, head } = this;
    if ((head - ConsoleBlock.inTail.get(ram, block)) >>> 0 >= INPUT_BYTES) return false;
    const at = head & MASK;
    ram.u8[this.ring + at] = byte;
    const word = at >>> 5;
    ConsoleBlock.ends.put(ram, block, word, ConsoleBlock.ends.at(ram, block, word) & ~(1 << (at & 31)));
    ConsoleBlock.inHead.set(ram, block, (head + 1) >>> 0);
    return true;
  }

  /** Marks the byte just appended as the end of its line and hands the line over. */
  private endLine(): void {
    const { ram, block, head } = this;
    const at = (head - 1) & MASK;
    const word = at >>> 5;
    ConsoleBlock.ends.put(ram, block, word, ConsoleBlock.ends.at(ram, block, word) | (1 << (at & 31)));
    ConsoleBlock.inReady.set(ram, block, head);
  }

  private echo(byte: number): void {
    this.output.open(Stream.Echo);
    this.output.put(byte);
    this.output.close();
  }

  /** Cuts the line back to `to` and wipes what stood there. */
  private erase(to: number): boolean {
    if (to === this.head) return true;
    const columns = Math.min(this.columnAt(this.head) - this.columnAt(to), MAX_ERASED);
    if (!this.output.fitsLocked(3 * columns)) return false;
    ConsoleBlock.inHead.set(this.ram, this.block, to);
    if (columns === 0) return true;
    this.output.open(Stream.Echo);
    for (let i = 0; i < columns; i++) this.output.put(Key.Backspace);
    for (let i = 0; i < columns; i++) this.output.put(Key.Space);
    for (let i = 0; i < columns; i++) this.output.put(Key.Backspace);
    this.output.close();
    return true;
  }

  /** Where the character before `position` begins: over UTF-8 continuation bytes to its lead. Not before the line. */
  private previousCharacter(position: number): number {
    const start = this.ready;
    let at = position;
    while (at !== start) {
      at = (at - 1) >>> 0;
      if ((this.byteAt(at) & 0xc0) !== 0x80) break;
    }
    return at;
  }

  /** As N_TTY: back over what is no word, then over the word (letters, digits, _, and all of UTF-8). */
  private wordStart(): number {
    const start = this.ready;
    let at = this.head;
    let seen = false;
    while (at !== start) {
      const before = (at - 1) >>> 0;
      if (isWord(this.byteAt(before))) seen = true;
      else if (seen) break;
      at = before;
    }
    return at;
  }

  /** The column at which a position of the line is shown. */
  private columnAt(position: number): number {
    let column = ConsoleBlock.lineColumn.get(this.ram, this.block);
    for (let at = this.ready; at !== position; at = (at + 1) >>> 0) {
      const byte = this.byteAt(at);
      if (byte === Key.Tab) column += TAB_STOP - (column % TAB_STOP);
      else if (isControl(byte)) column += 2;
      else if (byte < 0x80) column += 1;
      else if (byte >= 0xc0) column += columnsOf(this.codePointAt(at, position));
    }
    return column;
  }

  /** Decodes one UTF-8 character without judging it. */
  private codePointAt(position: number, end: number): number {
    const lead = this.byteAt(position);
    const more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    let code = lead & (0x3f >>> more);
    for (let i = 1; i <= more; i++) {
      const at = (position + i) >>> 0;
      if (at === end || (this.byteAt(at) & 0xc0) !== 0x80) break;
      code = (code << 6) | (this.byteAt(at) & 0x3f);
    }
    return code;
  }
}

/** Control characters that are shown as ^X: all but the tab. */
function isControl(byte: number): boolean {
  return (byte < 32 && byte !== Key.Tab) || byte === Key.Delete;
}

function isWord(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte === 95 || byte >= 128;
}

/** Ranges that terminals show two columns wide (East Asian Wide and emoji), and combining marks, which take none. */
const WIDE = [
  0x1100, 0x115f, 0x2e80, 0x303e, 0x3041, 0xa4cf, 0xac00, 0xd7a3, 0xf900, 0xfaff, 0xfe30, 0xfe6f, 0xff00, 0xff60, 0xffe0,
  0xffe6, 0x1f300, 0x1f64f, 0x1f680, 0x1f6ff, 0x1f900, 0x1f9ff, 0x20000, 0x3fffd,
];
const COMBINING = [
  0x300, 0x36f, 0x1ab0, 0x1aff, 0x1dc0, 0x1dff, 0x200b, 0x200f, 0x20d0, 0x20ff, 0xfe00, 0xfe0f, 0xfe20, 0xfe2f,
];

function columnsOf(code: number): number {
  if (within(COMBINING, code)) return 0;
  return within(WIDE, code) ? 2 : 1;
}

function within(ranges: readonly number[], code: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) if (code >= ranges[i]! && code <= ranges[i + 1]!) return true;
  return false;
}
