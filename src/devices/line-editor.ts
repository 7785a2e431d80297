/*
 * The line discipline of the console: what typing means, as Linux's N_TTY, by the terminal's settings (termios.ts). As it begins:
 *
 *   CR, NL         end the line               Ctrl-D      hand over what is there; on an empty line: end of file, once
 *   DEL, Ctrl-H    erase a character          Ctrl-U, Ctrl-W   erase the line, the word
 *   Ctrl-C, Ctrl-\\, Ctrl-Z   drop all input and note a signal     Ctrl-S, Ctrl-Q   stop output, let it go on
 *   Ctrl-V         takes the meaning from the byte that follows    Ctrl-R   shows the line again
 *   Tab, text      enter the line; other control characters too, shown as ^X
 *
 * In raw mode (ICANON off) every byte can be read at once. A line holds 4095 bytes and its end; what is typed beyond is dropped with a bell.
 * A byte is either taken, its echo included, or not at all: when the ring or the output has no room, it stays with the host. All of it runs
 * under the console's lock.
 */

import type { Ram } from '../core/ram.ts';
import { ConsoleBlock, INPUT_BYTES, Stream, TerminalSignal } from './console-layout.ts';
import type { ConsoleOutput } from './console-output.ts';
import { Character, InputMode, LocalMode, type Termios } from './termios.ts';

/** Bytes of a line with its end. */
export const LINE_BYTES = 4096;

const MASK = INPUT_BYTES - 1;
const TAB_STOP = 8;
/** Columns that one erasure wipes at most: no terminal goes back over more. It keeps every echo smaller than the output ring. */
const MAX_ERASED = 4096;
/** No echo but an erasure is longer. */
const ECHO_BYTES = 2;

const Key = { Bell: 7, Backspace: 8, Tab: 9, Newline: 10, Return: 13, Space: 32, Delete: 127 } as const;
const CARET = 0x5e;

export class LineEditor {
  private readonly ring: number;

  constructor(
    private readonly ram: Ram,
    private readonly block: number,
    private readonly output: ConsoleOutput,
    private readonly termios: Termios,
  ) {
    this.ring = ConsoleBlock.input.addr(block);
  }

  /** Handles one typed byte; false: no room, try again later. */
  typeLocked(typed: number): boolean {
    const { ram, block, termios } = this;
    if (!this.output.fitsLocked(ECHO_BYTES)) return false;
    if (ConsoleBlock.literal.get(ram, block) !== 0) return this.insertLiteral(typed);
    let byte = typed;
    if (byte === Key.Return) {
      if (termios.inputLocked(InputMode.IgnoreReturn)) return true;
      if (termios.inputLocked(InputMode.ReturnToNewline)) byte = Key.Newline;
    } else if (byte === Key.Newline && termios.inputLocked(InputMode.NewlineToReturn)) byte = Key.Return;
    if (termios.inputLocked(InputMode.FlowControl) && this.controlFlow(byte)) return true;
    if (termios.localLocked(LocalMode.Signals)) {
      const signal = this.signalOf(byte);
      if (signal !== 0) {
        this.interrupt(byte, signal);
        return true;
      }
    }
    return termios.localLocked(LocalMode.Canonical) ? this.edit(byte) : this.insertRaw(byte);
  }

  /**
   * Canonical mode has been turned on or off: what is there can be read, as if it were a line; what was being edited can be edited no more.
   */
  modeChangedLocked(): void {
    const { ram, block, head } = this;
    ConsoleBlock.literal.set(ram, block, 0);
    if (head !== ConsoleBlock.inTail.get(ram, block) && this.termios.localLocked(LocalMode.Canonical)) this.endLine();
    else ConsoleBlock.inReady.set(ram, block, head);
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

  /** A byte in canonical mode. */
  private edit(byte: number): boolean {
    const { termios } = this;
    if (byte === Key.Newline) {
      if (!this.append(Key.Newline)) return false;
      this.endLine();
      if (termios.localLocked(LocalMode.Echo | LocalMode.EchoNewline)) this.echo(Key.Newline);
      return true;
    }
    if (termios.meansLocked(Character.EndOfFile, byte)) {
      if (!this.append(0)) return false;
      this.endLine();
      return true;
    }
    if (termios.meansLocked(Character.EndOfLine, byte) || termios.meansLocked(Character.EndOfLine2, byte)) {
      if (!this.insert(byte)) return false;
      this.endLine();
      return true;
    }
    // Keyboards send one or the other.
    const erases = termios.meansLocked(Character.Erase, byte);
    if (erases || (byte === Key.Backspace && termios.meansLocked(Character.Erase, Key.Delete)))
      return this.erase(this.previousCharacter(this.head));
    if (termios.meansLocked(Character.Kill, byte)) return this.erase(this.ready);
    if (termios.localLocked(LocalMode.Extended)) {
      if (termios.meansLocked(Character.WordErase, byte)) return this.erase(this.wordStart());
      if (termios.meansLocked(Character.Reprint, byte)) return this.reprint(byte);
      if (termios.meansLocked(Character.Literal, byte)) {
        ConsoleBlock.literal.set(this.ram, this.block, 1);
        return true;
      }
    }
    return this.insert(byte);
  }

  private insert(typed: number): boolean {
    const { ram, block, head, ready } = this;
    if ((head - ready) >>> 0 >= LINE_BYTES - 1) {
      this.echo(Key.Bell);
      return true;
    }
    if (head === ready) ConsoleBlock.lineColumn.set(ram, block, ConsoleBlock.column.get(ram, block));
    if (!this.append(typed)) return false;
    this.show(typed);
    return true;
  }

  private insertRaw(byte: number): boolean {
    if (!this.append(byte)) return false;
    ConsoleBlock.inReady.set(this.ram, this.block, this.head);
    this.show(byte);
    return true;
  }

  private insertLiteral(byte: number): boolean {
    const { ram, block } = this;
    const done = this.termios.localLocked(LocalMode.Canonical) ? this.insert(byte) : this.insertRaw(byte);
    if (done) ConsoleBlock.literal.set(ram, block, 0);
    return done;
  }

  /** Echoes a byte, if the terminal echoes. */
  private show(typed: number): void {
    const { termios, output } = this;
    if (!termios.localLocked(LocalMode.Echo)) {
      if (typed === Key.Newline && termios.localLocked(LocalMode.EchoNewline) && termios.localLocked(LocalMode.Canonical))
        this.echo(typed);
      return;
    }
    output.open(Stream.Echo);
    if (isControl(typed) && typed !== Key.Newline && termios.localLocked(LocalMode.EchoControl)) {
      output.put(CARET);
      output.put(typed ^ 64);
    } else {
      output.put(typed);
    }
    output.close();
  }

  /** The line once more, below. */
  private reprint(byte: number): boolean {
    const { output } = this;
    const length = (this.head - this.ready) >>> 0;
    if (!output.fitsLocked(2 * length + 3)) return false;
    if (!this.termios.localLocked(LocalMode.Echo)) return true;
    this.show(byte);
    output.open(Stream.Echo);
    output.put(Key.Newline);
    for (let at = this.ready; at !== this.head; at = (at + 1) >>> 0) {
      const shown = this.byteAt(at);
      if (isControl(shown)) output.put(CARET);
      output.put(isControl(shown) ? shown ^ 64 : shown);
    }
    output.close();
    ConsoleBlock.lineColumn.set(this.ram, this.block, 0);
    return true;
  }

  /** Whether a byte has stopped output or let it go on. */
  private controlFlow(byte: number): boolean {
    const { ram, block, termios } = this;
    const stopped = ConsoleBlock.stopped.get(ram, block) !== 0;
    if (termios.meansLocked(Character.Start, byte)) ConsoleBlock.stopped.set(ram, block, 0);
    else if (termios.meansLocked(Character.Stop, byte)) ConsoleBlock.stopped.set(ram, block, 1);
    else {
      if (stopped && termios.inputLocked(InputMode.AnyRestarts)) ConsoleBlock.stopped.set(ram, block, 0);
      return false;
    }
    return true;
  }

  private signalOf(byte: number): number {
    const { termios } = this;
    if (termios.meansLocked(Character.Interrupt, byte)) return TerminalSignal.Interrupt;
    if (termios.meansLocked(Character.Quit, byte)) return TerminalSignal.Quit;
    return termios.meansLocked(Character.Suspend, byte) ? TerminalSignal.Suspend : 0;
  }

  private interrupt(typed: number, signal: number): void {
    const { ram, block } = this;
    if (!this.termios.localLocked(LocalMode.NoFlush)) {
      const head = this.head;
      ConsoleBlock.inTail.set(ram, block, head);
      ConsoleBlock.inReady.set(ram, block, head);
    }
    // A signal lets output go on: nobody could see its effect else.
    ConsoleBlock.stopped.set(ram, block, 0);
    ConsoleBlock.typedSignals.set(ram, block, ConsoleBlock.typedSignals.get(ram, block) | signal);
    this.show(typed);
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
    if (columns === 0 || !this.termios.localLocked(LocalMode.Echo)) return true;
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
