/*
 * An alarm's block in RAM: a timer that sends a signal, set by setitimer(2) (ITIMER_REAL) or made by timer_create(2).
 *
 * Guard: the tree lock. `sequence` counts its settings and is never reset, so that a deadline in a heap (timers.ts) is told from later ones,
 * also by a later owner of the slot.
 */

import { bytes, f64, i32, outliving, struct, u32 } from '../core/layout.ts';
import { atomicU32 } from '../smp/atomics.ts';

export const Alarm = struct(
  'Alarm',
  {
    process: u32('tree'),
    /** Next POSIX timer of the process. */
    next: u32('tree'),
    id: i32('tree'),
    /** CLOCK_*. */
    clock: u32('tree'),
    signal: u32('tree'),
    /** 1: sends nothing (SIGEV_NONE). */
    silent: u32('tree'),
    /** The thread that gets the signal (SIGEV_THREAD_ID), 0: any; the thread whose time is measured. */
    tid: u32('tree'),
    measuredTid: u32('tree'),
    /** Its SigInfo; 0: of setitimer. */
    info: u32('tree'),
    /** Expirations beside the one that its signal tells of: since then, and for timer_getoverrun. */
    missed: f64('tree'),
    overrun: i32('tree'),
    /** When it expires, nanoseconds since power-on (or of CPU time, by its clock); 0: it is not set. */
    deadline: f64('tree'),
    /** Nanoseconds; 0: once. */
    interval: f64('tree'),
    /** 1: has expired, and goes on when its signal is taken. */
    resting: u32('tree'),
    value: bytes('tree', 8, 8),
    sequence: outliving(atomicU32()),
    /** Hart + 1 in whose heap it is; 0: none. */
    timerHart: atomicU32(),
    timerIndex: u32('timer'),
  },
  { align: 64 },
);
