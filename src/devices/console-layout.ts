/*
 * The console as it lies in RAM: one lock, an output ring, an input ring with the line that is being edited at its end.
 *
 *   output   frames, each a header word (stream in bits 31:24, bytes below) and its bytes, padded to words. Producers hold the lock; the
 *            host takes frames out without it. `outWritten` and `outRead` count bytes since power-on, modulo 2^32.
 *   input    bytes.  inTail ≤ inReady ≤ inHead, counted likewise: readers take from the tail, what lies between ready and head is
 *            the line under edit (in raw mode: nothing). `ends` has a bit per byte of the ring: set on the newline or end-of-file mark that ends a line.
 */

import { bytes, cacheLine, struct, u16, u32, u32Array } from '../core/layout.ts';
import { atomicU32 } from '../smp/atomics.ts';
import { spinlock } from '../smp/spinlock.ts';

/** Bytes of the rings, powers of two. */
export const OUTPUT_BYTES = 65536;
export const INPUT_BYTES = 16384;

/** Where output goes. Echo is what the line editor shows: it belongs to the terminal, wherever stdout leads. */
export const Stream = { Out: 1, Error: 2, Echo: 3 } as const;

/** Bits of `flags`: which of the three standard streams is a terminal. */
export const ConsoleFlag = { InputTerminal: 1, OutputTerminal: 2, ErrorTerminal: 4 } as const;

/** What can be typed at a terminal, or happen to it, that sends its foreground group a signal: bits. */
export const TerminalSignal = { Interrupt: 1, Quit: 2, Suspend: 4, Resized: 8 } as const;

export const ConsoleBlock = struct(
  'Console',
  {
    lock: spinlock(),
    /** Bits of ConsoleFlag. */
    flags: u32('lock'),
    rows: u16('lock'),
    columns: u16('lock'),
    /** Bit per stream (1 << Stream.…) whose reader has gone. */
    closed: u32('lock'),
    inTail: u32('lock'),
    inReady: u32('lock'),
    inHead: u32('lock'),
    /** 1: no more input will come. */
    hungUp: u32('lock'),
    /** 1: the host holds input that found no room. */
    starved: u32('lock'),
    /** Signals that were typed and not yet taken: bits of TerminalSignal. */
    typedSignals: u32('lock'),
    /** 1: output waits (Ctrl-S). */
    stopped: u32('lock'),
    /** 1: the next byte typed has no meaning of its own (Ctrl-V). */
    literal: u32('lock'),
    /** Settings: c_iflag, c_oflag, c_cflag, c_lflag, and c_cc (termios.ts). */
    modes: u32Array('lock', 4),
    characters: bytes('lock', 20, 4),
    /** Session whose controlling terminal it is, and the process group that has it to itself; 0: none. */
    session: u32('lock'),
    foreground: u32('lock'),
    /** Column of the terminal's cursor, and where the line under edit began: for erasing tabs. */
    column: u32('lock'),
    lineColumn: u32('lock'),
    /** Wait queues of the kernel. */
    readers: bytes('lock', 16, 8),
    writers: bytes('lock', 16, 8),
    /** Those who poll it (kernel/files/polls.ts). */
    polls: u32('lock'),
    outWritten: atomicU32(),

    host: cacheLine(),
    outRead: atomicU32(),

    data: cacheLine(),
    ends: u32Array('lock', INPUT_BYTES / 32),
    input: bytes('lock', INPUT_BYTES, 64),
    output: bytes('lock', OUTPUT_BYTES, 64),
  },
  { align: 64 },
);
