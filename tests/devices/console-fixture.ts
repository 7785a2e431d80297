/* A console in a RAM of its own, with the locks of one participant, and a reader that behaves as the kernel's. */

import { Ram } from '../../src/core/ram.ts';
import { Console, CONSOLE_BYTES } from '../../src/devices/console.ts';
import { ConsoleFlag } from '../../src/devices/console-layout.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { Locks } from '../../src/smp/spinlock.ts';

const CONTROL = 0x1000;
const BLOCK = 0x10000;
const SCRATCH = 0x80000;
const SCRATCH_BYTES = 0x40000;

export const TERMINAL = ConsoleFlag.InputTerminal | ConsoleFlag.OutputTerminal | ConsoleFlag.ErrorTerminal;
export const PIPES = 0;

export class Fixture {
  readonly ram = Ram.allocate(SCRATCH + SCRATCH_BYTES);
  readonly console: Console;
  /** Locks of the host and of another participant. */
  readonly hostLocks = new Locks(this.ram, CONTROL, 0);
  readonly hartLocks = new Locks(this.ram, CONTROL + HartControl.SIZE, 1);

  constructor(flags: number) {
    if (BLOCK + CONSOLE_BYTES > SCRATCH) throw new Error('the fixture is too small');
    Console.init(this.ram, BLOCK);
    this.console = new Console(this.ram, BLOCK);
    this.console.resetLocked(flags);
  }

  /** Types text (or bytes); returns how many bytes were taken. */
  type(text: string | Uint8Array): number {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    return this.console.inputLocked(bytes, 0, bytes.length);
  }

  /** One read(2) of `max` bytes: its bytes as text; 'EOF'; null when it would wait. */
  read(max = 4096): string | null {
    const bytes = this.readBytes(max);
    if (bytes === null) return null;
    return bytes.length === 0 ? 'EOF' : new TextDecoder().decode(bytes);
  }

  readBytes(max: number): Uint8Array | null {
    const { console } = this;
    const count = console.takeLocked(max);
    if (count < 0) return null;
    const out = new Uint8Array(count);
    let at = 0;
    while (console.spanLength > 0) {
      out.set(this.ram.bytes(console.spanAddress, console.spanLength), at);
      at += console.spanLength;
      console.nextSpanLocked();
    }
    console.consumeLocked(count);
    return out;
  }

  /** Writes bytes as a program does; returns how many were accepted. */
  write(stream: number, bytes: Uint8Array): number {
    this.ram.u8.set(bytes, SCRATCH);
    return this.console.writeLocked(stream, SCRATCH, bytes.length);
  }

  /** Takes all output, in order: [stream, bytes] by piece. */
  drain(): { stream: number; bytes: Uint8Array }[] {
    const pieces: { stream: number; bytes: Uint8Array }[] = [];
    this.console.output.drain((stream, address, length) => {
      pieces.push({ stream, bytes: this.ram.bytes(address, length) });
    });
    return pieces;
  }

  /** Takes all output as one text. */
  shown(): string {
    const decoder = new TextDecoder();
    return this.drain()
      .map(({ bytes }) => decoder.decode(bytes, { stream: true }))
      .join('');
  }
}

/** What a terminal row shows after this output: backspaces move, newlines clear. */
export function screen(output: string): string {
  const cells: string[] = [];
  let column = 0;
  for (const char of output) {
    if (char === '\b') column = Math.max(0, column - 1);
    else if (char === '\n') {
      cells.length = 0;
      column = 0;
    } else if (char === '\t') column += 8 - (column % 8);
    else {
      while (cells.length < column) cells.push(' ');
      cells[column++] = char;
      if (isWide(char)) cells[column++] = '';
    }
  }
  return cells.join('').trimEnd();
}

function isWide(char: string): boolean {
  return /\p{Script=Han}|\p{Extended_Pictographic}/u.test(char);
}
