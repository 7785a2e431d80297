/*
 * How a pipe lies in RAM. Who does what with it: pipe.ts; the ring: pipe-ring.ts.
 *
 * The names are those of the course document's model: `nread`, `nwrite`, `readopen`, `writeopen`. There the ring is an array of bytes and
 * `nwrite − nread` tells how full it is. Here, as in Linux, it is a ring of pages: a write of at most PIPE_BUF bytes finds room in one
 * page or waits, and a page that nobody needs is no pipe's.
 */

import { cacheLine, f64, struct, u32, u32Array } from '../core/layout.ts';
import { waitQueue } from '../kernel/wait.ts';
import { spinlock } from '../smp/spinlock.ts';

/** Pages of a new pipe: 64 KiB. */
export const DEFAULT_SLOTS = 16;
/** Pages of the largest: 1 MiB (/proc/sys/fs/pipe-max-size). */
export const MAX_SLOTS = 256;
/** Words of a slot: page and flags; where the bytes are in it. */
export const SLOT_WORDS = 2;

export const Pipe = struct(
  'Pipe',
  {
    lock: spinlock(),
    /** Bytes that have been read and written since it was made, modulo 2^32. */
    nread: u32('lock'),
    nwrite: u32('lock'),
    /** Open files that can read from it and write to it. */
    readopen: u32('lock'),
    writeopen: u32('lock'),
    /** How often one has been opened for reading and for writing: an open FIFO waits for the other count to change. */
    readsOpened: u32('lock'),
    writesOpened: u32('lock'),
    /** Slots taken from and put in since it was made, modulo 2^32; slot n lies at n modulo `slots`. */
    tail: u32('lock'),
    head: u32('lock'),
    /** Slots of the ring, a power of two, and where they lie: `few`, or a frame. */
    slots: u32('lock'),
    ring: u32('lock'),
    /** A page that has become empty, for the next write; 0: none. */
    spare: u32('lock'),
    /** Tells it from other pipes (st_ino). */
    number: u32('immutable'),

    waits: cacheLine(),
    /** Threads that wait for bytes, for room, and for the other end of a FIFO to be opened. */
    readers: waitQueue('lock'),
    writers: waitQueue('lock'),
    openers: waitQueue('lock'),
    /** Those who poll it (kernel/files/polls.ts). */
    polls: u32('lock'),
    /** Times of the last read and write, nanoseconds since power-on. */
    readNs: f64('lock'),
    writeNs: f64('lock'),

    few: u32Array('lock', DEFAULT_SLOTS * SLOT_WORDS),
  },
  { align: 64 },
);
