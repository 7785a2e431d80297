/*
 * The console: two output streams and an input, in RAM (console-layout.ts), edited by lines at a terminal, plain bytes otherwise.
 *
 * Who uses it: the kernel's file operations on the harts, and the host (console-host.ts) as one more participant that takes the
 * same lock. Everything named …Locked needs `lock`, of rank console. Nothing here waits: the kernel puts threads to sleep on
 * `readers` and `writers`, whose wait queues lie in the block, and rings the host (HostCall.Output after a write, HostCall.Input when
 * `consumeLocked` says so).
 *
 * Reading, without a copy in between:
 *
 *   const count = console.takeLocked(max);                     // -1: nothing yet, wait; 0: end of file
 *   for (; console.spanLength > 0; console.nextSpanLocked()) copyOut(console.spanAddress, console.spanLength);
 *   if (console.consumeLocked(count)) bell.ring(HostCall.Input);
 *
 * A fault in the middle of a copy consumes what was copied and nothing else. At a terminal a read returns at most one line, and an end
 * of file counts for one read; of a pipe it returns what is there, and an end of file stays.
 */

import type { Ram } from '../core/ram.ts';
import { Rank } from '../smp/ranks.ts';
import { ConsoleBlock, ConsoleFlag, INPUT_BYTES, TerminalSignal } from './console-layout.ts';
import { ConsoleOutput } from './console-output.ts';
import { LineEditor } from './line-editor.ts';
import { Character, LocalMode, Termios } from './termios.ts';

/** `writeLocked`: nobody reads the stream any more (EPIPE). */
export const STREAM_CLOSED = -1;
/** `takeLocked`: nothing to read yet. */
export const NO_INPUT = -1;

const MASK = INPUT_BYTES - 1;

/** Bytes of RAM that the console takes, to be aligned to 64. */
export const CONSOLE_BYTES = ConsoleBlock.SIZE;

export class Console {
  /** Addresses: the lock; two wait queues of 16 bytes, zero at first, that the kernel uses. */
  readonly lock: number;
  readonly readers: number;
  readonly writers: number;
  /** Address of the list of those who poll it. */
  readonly polls: number;
  readonly output: ConsoleOutput;
  readonly termios: Termios;

  /** The piece of input that `takeLocked` or `nextSpanLocked` found: physical address and bytes. */
  spanAddress = 0;
  spanLength = 0;
  private spanRest = 0;

  private readonly editor: LineEditor;
  private readonly inputRing: number;

  constructor(
    private readonly ram: Ram,
    private readonly block: number,
  ) {
    this.lock = ConsoleBlock.lock.addr(block);
    this.readers = ConsoleBlock.readers.addr(block);
    this.writers = ConsoleBlock.writers.addr(block);
    this.polls = ConsoleBlock.polls.addr(block);
    this.output = new ConsoleOutput(ram, block);
    this.termios = new Termios(ram, block);
    this.editor = new LineEditor(ram, block, this.output, this.termios);
    this.inputRing = ConsoleBlock.input.addr(block);
  }

  /** Writes an empty console of pipes, 24 × 80; before the machine starts. */
  static init(ram: Ram, block: number): void {
    ram.fill(block, ConsoleBlock.SIZE);
    ConsoleBlock.lock.init(ram, block, Rank.console);
    ConsoleBlock.rows.set(ram, block, 24);
    ConsoleBlock.columns.set(ram, block, 80);
  }

  // ---- what the kernel calls ----

  /** Bytes that one write accepts now. */
  roomLocked(): number {
    return this.isStoppedLocked() ? 0 : this.output.roomLocked();
  }

  /**
   * Writes bytes at a physical address to Stream.Out or Stream.Error.
   *
   * @returns bytes accepted, from 0 (full or stopped: wait) to `length`; STREAM_CLOSED when nobody reads it
   */
  writeLocked(stream: number, address: number, length: number): number {
    if (this.isClosedLocked(stream)) return STREAM_CLOSED;
    if (this.isStoppedLocked()) return 0;
    return this.output.writeLocked(stream, address, length);
  }

  /** Whether nobody reads an output stream any more. */
  isClosedLocked(stream: number): boolean {
    return (ConsoleBlock.closed.get(this.ram, this.block) & (1 << stream)) !== 0;
  }

  /** Whether a read would not wait: a line, bytes of a pipe, enough in raw mode, or the end of file. */
  readableLocked(): boolean {
    if (this.isHungUpLocked()) return true;
    const least = this.patienceLocked() === 0 ? Math.max(1, this.minimumLocked()) : 1;
    return this.availableLocked() >= least;
  }

  /** `readableLocked` of some moment: for a look at a machine at rest, without the lock. */
  readableNow(): boolean {
    const { ram, block } = this;
    return (
      ConsoleBlock.hungUp.peek(ram, block) !== 0 ||
      ConsoleBlock.inTail.peek(ram, block) !== ConsoleBlock.inReady.peek(ram, block)
    );
  }

  /** Finds what a read of `max` bytes gets. Consumes nothing but an end-of-file mark. See the head of this file. */
  takeLocked(max: number): number {
    this.spanLength = 0;
    this.spanRest = 0;
    if (max === 0) return 0;
    const { tail } = this;
    const available = (this.readyEnd - tail) >>> 0;
    if (available === 0) return ConsoleBlock.hungUp.get(this.ram, this.block) !== 0 ? 0 : NO_INPUT;
    let count = Math.min(max, available);
    if (this.isCanonical) {
      count = this.lineLength(tail, count);
      if (count === 0) ConsoleBlock.inTail.set(this.ram, this.block, (tail + 1) >>> 0);
    }
    const at = tail & MASK;
    this.spanAddress = this.inputRing + at;
    this.spanLength = Math.min(count, INPUT_BYTES - at);
    this.spanRest = count - this.spanLength;
    return count;
  }

  /** Goes on to the second piece; `spanLength` is 0 after the last. */
  nextSpanLocked(): void {
    this.spanAddress = this.inputRing;
    this.spanLength = this.spanRest;
    this.spanRest = 0;
  }

  /** Takes `count` bytes, at most what `takeLocked` found, out of the input. True: ring HostCall.Input, the host has more. */
  consumeLocked(count: number): boolean {
    const { ram, block } = this;
    const tail = (this.tail + count) >>> 0;
    // The mark after "abc^D" ended that read already; the mark on a line of its own is an end of file to come.
    const spent = count > 0 && this.isCanonical && this.isMark(tail) && !this.editor.isEnd((tail - 1) >>> 0);
    ConsoleBlock.inTail.set(ram, block, spent ? (tail + 1) >>> 0 : tail);
    const starved = ConsoleBlock.starved.get(ram, block) !== 0;
    ConsoleBlock.starved.set(ram, block, 0);
    return starved;
  }

  /** Bytes that a read can get now (FIONREAD), the marks counted in. */
  availableLocked(): number {
    return (this.readyEnd - this.tail) >>> 0;
  }

  /** Bits of ConsoleFlag. */
  flagsLocked(): number {
    return ConsoleBlock.flags.get(this.ram, this.block);
  }

  rowsLocked(): number {
    return ConsoleBlock.rows.get(this.ram, this.block);
  }

  columnsLocked(): number {
    return ConsoleBlock.columns.get(this.ram, this.block);
  }

  isHungUpLocked(): boolean {
    return ConsoleBlock.hungUp.get(this.ram, this.block) !== 0;
  }

  /** The least that a read waits for in raw mode; at canonical mode and of a pipe 1. */
  minimumLocked(): number {
    return this.isTerminal && !this.isCanonical ? this.termios.characterLocked(Character.Minimum) : 1;
  }

  /** In raw mode: for how long a read waits, in tenths of a second; 0: for ever. */
  patienceLocked(): number {
    return this.isTerminal && !this.isCanonical ? this.termios.characterLocked(Character.Time) : 0;
  }

  /** Takes settings from a physical address (termios.ts); what was typed already is handed over if canonical mode comes or goes. */
  setTermiosLocked(from: number): void {
    const before = this.termios.localLocked(LocalMode.Canonical);
    this.termios.loadLocked(from);
    if (before !== this.termios.localLocked(LocalMode.Canonical)) this.editor.modeChangedLocked();
  }

  /** Drops all input (TCIFLUSH). True: ring HostCall.Input, the host has more. */
  flushInputLocked(): boolean {
    const { ram, block } = this;
    const head = ConsoleBlock.inHead.get(ram, block);
    ConsoleBlock.inReady.set(ram, block, head);
    ConsoleBlock.inTail.set(ram, block, head);
    const starved = ConsoleBlock.starved.get(ram, block) !== 0;
    ConsoleBlock.starved.set(ram, block, 0);
    return starved;
  }

  /** Stops output, or lets it go on (TCXONC). */
  stopLocked(stopped: boolean): void {
    ConsoleBlock.stopped.set(this.ram, this.block, stopped ? 1 : 0);
  }

  isStoppedLocked(): boolean {
    return ConsoleBlock.stopped.get(this.ram, this.block) !== 0;
  }

  /** Session and foreground process group of the terminal; 0: none. */
  sessionLocked(): number {
    return ConsoleBlock.session.get(this.ram, this.block);
  }

  foregroundLocked(): number {
    return ConsoleBlock.foreground.get(this.ram, this.block);
  }

  /** The same of some moment: for whoever only wants to tell. */
  sessionNow(): number {
    return ConsoleBlock.session.peek(this.ram, this.block);
  }

  foregroundNow(): number {
    return ConsoleBlock.foreground.peek(this.ram, this.block);
  }

  setSessionLocked(session: number): void {
    ConsoleBlock.session.set(this.ram, this.block, session);
  }

  setForegroundLocked(group: number): void {
    ConsoleBlock.foreground.set(this.ram, this.block, group);
  }

  // ---- what the host calls ----

  /** Offers input; returns how many of the bytes were taken. The rest is to be offered again on HostCall.Input. */
  inputLocked(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    if (this.isTerminal) while (at < to && this.editor.typeLocked(bytes[at]!)) at++;
    else at += this.appendLocked(bytes, from, to);
    if (at < to) ConsoleBlock.starved.set(this.ram, this.block, 1);
    return at - from;
  }

  /** No more input will come: readers get what there is and then the end of file, for good. */
  hangUpLocked(): void {
    ConsoleBlock.inReady.set(this.ram, this.block, ConsoleBlock.inHead.get(this.ram, this.block));
    ConsoleBlock.hungUp.set(this.ram, this.block, 1);
  }

  /** What was typed since the last call that sends a signal, or has happened: bits of TerminalSignal. */
  takeSignalsLocked(): number {
    const signals = ConsoleBlock.typedSignals.get(this.ram, this.block);
    ConsoleBlock.typedSignals.set(this.ram, this.block, 0);
    return signals;
  }

  /** Nobody reads this output stream any more. */
  closeStreamLocked(stream: number): void {
    ConsoleBlock.closed.set(this.ram, this.block, ConsoleBlock.closed.get(this.ram, this.block) | (1 << stream));
  }

  /** The terminal has another size now: notes a signal if it really has. */
  resizeLocked(rows: number, columns: number): void {
    if (rows === this.rowsLocked() && columns === this.columnsLocked()) return;
    const signals = ConsoleBlock.typedSignals.get(this.ram, this.block);
    ConsoleBlock.typedSignals.set(this.ram, this.block, signals | TerminalSignal.Resized);
    ConsoleBlock.rows.set(this.ram, this.block, rows);
    ConsoleBlock.columns.set(this.ram, this.block, columns);
  }

  /** Empties the input and opens all streams, for a new run. Output that the host has not taken stays. */
  resetLocked(flags: number): void {
    const { ram, block } = this;
    ConsoleBlock.flags.set(ram, block, flags);
    ConsoleBlock.closed.set(ram, block, 0);
    ConsoleBlock.inTail.set(ram, block, 0);
    ConsoleBlock.inReady.set(ram, block, 0);
    ConsoleBlock.inHead.set(ram, block, 0);
    ConsoleBlock.hungUp.set(ram, block, 0);
    ConsoleBlock.starved.set(ram, block, 0);
    ConsoleBlock.typedSignals.set(ram, block, 0);
    ConsoleBlock.stopped.set(ram, block, 0);
    ConsoleBlock.literal.set(ram, block, 0);
    ConsoleBlock.session.set(ram, block, 0);
    ConsoleBlock.foreground.set(ram, block, 0);
    this.termios.resetLocked();
    ConsoleBlock.column.set(ram, block, 0);
  }

  /**
   * Other streams of the host take over: opens all of them, with the input that there is. When input changes between terminal and pipe, the
   * line under edit becomes part of it, and ends of file that were typed and not yet read are lost.
   *
   * @param moreInput whether input may come, even if it had ended
   */
  takeOverLocked(flags: number, moreInput: boolean): void {
    const { ram, block } = this;
    const changed = ((ConsoleBlock.flags.get(ram, block) ^ flags) & ConsoleFlag.InputTerminal) !== 0;
    if (changed) {
      const head = ConsoleBlock.inHead.get(ram, block);
      const kept: number[] = [];
      for (let at = this.tail; at !== head; at = (at + 1) >>> 0) {
        if (!this.isTerminal || !this.isMark(at)) kept.push(ram.u8[this.inputRing + (at & MASK)]!);
      }
      ConsoleBlock.inHead.set(ram, block, this.tail);
      for (const byte of kept) this.editor.enterLocked(byte);
    }
    ConsoleBlock.flags.set(ram, block, flags);
    ConsoleBlock.closed.set(ram, block, 0);
    if (moreInput) ConsoleBlock.hungUp.set(ram, block, 0);
  }

  private get isTerminal(): boolean {
    return (ConsoleBlock.flags.get(this.ram, this.block) & ConsoleFlag.InputTerminal) !== 0;
  }

  /** By lines: at a terminal, unless a program has asked for raw input. */
  private get isCanonical(): boolean {
    return this.isTerminal && this.termios.localLocked(LocalMode.Canonical);
  }

  private get tail(): number {
    return ConsoleBlock.inTail.get(this.ram, this.block);
  }

  /** Up to where readers may take. */
  private get readyEnd(): number {
    return ConsoleBlock.inReady.get(this.ram, this.block);
  }

  /** Bytes from `tail` up to the end of the line, at most `limit`; a newline is one of them, an end-of-file mark not. */
  private lineLength(tail: number, limit: number): number {
    for (let count = 0; count < limit; count++) {
      const at = (tail + count) >>> 0;
      if (this.editor.isEnd(at)) return this.isMark(at) ? count : count + 1;
    }
    return limit;
  }

  private isMark(position: number): boolean {
    return position !== this.readyEnd && this.editor.isEnd(position) && this.ram.u8[this.inputRing + (position & MASK)] === 0;
  }

  private appendLocked(bytes: Uint8Array, from: number, to: number): number {
    const { ram, block } = this;
    const head = ConsoleBlock.inHead.get(ram, block);
    const count = Math.min(to - from, INPUT_BYTES - ((head - this.tail) >>> 0));
    const at = head & MASK;
    const first = Math.min(count, INPUT_BYTES - at);
    ram.u8.set(bytes.subarray(from, from + first), this.inputRing + at);
    if (first < count) ram.u8.set(bytes.subarray(from + first, from + count), this.inputRing);
    const end = (head + count) >>> 0;
    ConsoleBlock.inHead.set(ram, block, end);
    ConsoleBlock.inReady.set(ram, block, end);
    return count;
  }
}
