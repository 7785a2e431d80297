/*
 * The console's output ring (console-layout.ts): frames in order over all streams.
 *
 * Producers hold the console's lock. The host alone takes frames out, without the lock: `outWritten` moves after the bytes are
 * stored, `outRead` after they are copied. Ordinary writers leave ECHO_RESERVE bytes free, so that typed characters can be echoed
 * while programs flood the console.
 */

import type { Ram } from '../core/ram.ts';
import { ConsoleBlock, ConsoleFlag, OUTPUT_BYTES, Stream } from './console-layout.ts';

const MASK = OUTPUT_BYTES - 1;
const HEADER_BYTES = 4;
const LENGTH_BITS = 24;
const ECHO_RESERVE = 256;
const TAB_STOP = 8;

const NEWLINE = 10;
const TAB = 9;
const BACKSPACE = 8;
const CARRIAGE_RETURN = 13;

export class ConsoleOutput {
  private readonly ring: number;
  /** The open frame: its stream, the position of its header, the next byte. */
  private stream = 0;
  private frame = 0;
  private next = 0;

  constructor(
    private readonly ram: Ram,
    private readonly block: number,
  ) {
    this.ring = ConsoleBlock.output.addr(block);
  }

  /** Bytes that one `writeLocked` accepts now. */
  roomLocked(): number {
    return Math.max(0, this.freeLocked() - ECHO_RESERVE);
  }

  /** Whether an echo of `length` bytes fits. */
  fitsLocked(length: number): boolean {
    return length <= this.freeLocked();
  }

  /** Appends up to `length` bytes at a physical address; returns how many. */
  writeLocked(stream: number, address: number, length: number): number {
    const count = Math.min(length, this.roomLocked());
    if (count === 0) return 0;
    const { ram } = this;
    this.open(stream);
    const at = this.next & MASK;
    const first = Math.min(count, OUTPUT_BYTES - at);
    ram.copy(this.ring + at, address, first);
    if (first < count) ram.copy(this.ring, address + first, count - first);
    this.next = (this.next + count) >>> 0;
    if (this.isTerminal(stream)) this.advanceColumn(address, count);
    this.close();
    return count;
  }

  /** Begins an echo; `put` its bytes and `close` it. The caller has asked `fitsLocked`. */
  open(stream: number): void {
    this.stream = stream;
    this.frame = ConsoleBlock.outWritten.load(this.ram, this.block);
    this.next = (this.frame + HEADER_BYTES) >>> 0;
  }

  put(byte: number): void {
    this.ram.u8[this.ring + (this.next & MASK)] = byte;
    this.next = (this.next + 1) >>> 0;
    this.stepColumn(byte);
  }

  close(): void {
    const { ram, block } = this;
    const length = (this.next - this.frame - HEADER_BYTES) >>> 0;
    ram.u32[(this.ring + (this.frame & MASK)) >>> 2] = (this.stream << LENGTH_BITS) | length;
    ConsoleBlock.outWritten.store(ram, block, ((this.next + 3) & ~3) >>> 0);
  }

  /**
   * Takes out all frames that were there when the call began. For the host alone; needs no lock.
   *
   * @param visit gets each piece (a frame is one or two), valid during the call
   * @returns whether there was any
   */
  drain(visit: (stream: number, address: number, length: number) => void): boolean {
    const { ram, block, ring } = this;
    const written = ConsoleBlock.outWritten.load(ram, block);
    let read = ConsoleBlock.outRead.load(ram, block);
    if (read === written) return false;
    while (read !== written) {
      const header = ram.u32[(ring + (read & MASK)) >>> 2]!;
      const length = header & ((1 << LENGTH_BITS) - 1);
      const at = (read + HEADER_BYTES) & MASK;
      const first = Math.min(length, OUTPUT_BYTES - at);
      visit(header >>> LENGTH_BITS, ring + at, first);
      if (first < length) visit(header >>> LENGTH_BITS, ring, length - first);
      read = ((read + HEADER_BYTES + length + 3) & ~3) >>> 0;
      ConsoleBlock.outRead.store(ram, block, read);
    }
    return true;
  }

  /** Whether the host has something to take. */
  get pending(): boolean {
    return ConsoleBlock.outWritten.load(this.ram, this.block) !== ConsoleBlock.outRead.load(this.ram, this.block);
  }

  /** Payload of the largest frame that fits. */
  private freeLocked(): number {
    const used = (ConsoleBlock.outWritten.load(this.ram, this.block) - ConsoleBlock.outRead.load(this.ram, this.block)) >>> 0;
    return Math.max(0, OUTPUT_BYTES - used - HEADER_BYTES);
  }

  private isTerminal(stream: number): boolean {
    const bit = stream === Stream.Out ? ConsoleFlag.OutputTerminal : ConsoleFlag.ErrorTerminal;
    return (ConsoleBlock.flags.get(this.ram, this.block) & bit) !== 0;
  }

  /** The cursor after these bytes: only what follows the last newline matters. */
  private advanceColumn(address: number, length: number): void {
    const { u8 } = this.ram;
    let from = address + length;
    while (from > address && u8[from - 1] !== NEWLINE) from--;
    if (from > address) ConsoleBlock.column.set(this.ram, this.block, 0);
    for (let at = from; at < address + length; at++) this.stepColumn(u8[at]!);
  }

  /** As the terminal would, but for escape sequences and wide characters. */
  private stepColumn(byte: number): void {
    const { ram, block } = this;
    const column = ConsoleBlock.column.get(ram, block);
    let after = column;
    if (byte === NEWLINE || byte === CARRIAGE_RETURN) after = 0;
    else if (byte === BACKSPACE) after = Math.max(0, column - 1);
    else if (byte === TAB) after = column + TAB_STOP - (column % TAB_STOP);
    else if (byte >= 32 && byte !== 127 && (byte & 0xc0) !== 0x80) after = column + 1;
    if (after !== column) ConsoleBlock.column.set(ram, block, after);
  }
}
