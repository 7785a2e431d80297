/*
 * A thread's block in RAM: its context (core/context.ts) comes first, so that the address of the block is the address of the context.
 *
 * Life: a slot is taken (Ready) → runs on a hart (Running) → waits (Blocked) and is made Ready again … → Dead, slot free.
 * Who may change `state`, and the links that belong to it:
 *   Ready    the thread is in the run queue of hart `hart`: the lock of that queue
 *   Running  hart `hart` alone
 *   Blocked  the lock at `waitGuard`, which is the lock of the object it waits for
 * A hart that makes its own thread Ready or Blocked does not touch the thread's block from then on: another hart may run it already.
 *
 * Staleness: a thread is named by its tid (ids.ts). Inside the kernel, `waitSequence` tells one wait from the next (timers.ts), and
 * is never reset, so that it also tells a slot's owners apart.
 */

import { Context } from '../core/context.ts';
import { cacheLine, f64, i32, outliving, struct, u32, u64 } from '../core/layout.ts';
import { atomicU32 } from '../smp/atomics.ts';

/** The numbers are part of the ABI (syscalls/abi.ts: hb_process.state). */
export const ThreadState = { Free: 0, Ready: 1, Running: 2, Blocked: 3, Dead: 4 } as const;

/** Bits of `Thread.flags`. */
export const ThreadFlag = {
  /** Ends before it executes another guest instruction. */
  Killed: 1,
  /** There may be a signal for it that it does not block. Set by senders, corrected by its own hart, under the process's lock. */
  Signal: 2,
  /** Its process stops: it is to park (job-control.ts). */
  Stop: 4,
  /** Makes its system call again before it goes on: a wait of the Rerun form has ended. */
  Rerun: 8,
  /** A system call was broken off; `restart` says how it goes on when signals have been dealt with. */
  Restart: 16,
  /** `savedLow`, `savedHigh` are to be its mask again (sigsuspend, ppoll). */
  RestoreMask: 32,
  /** Has taken a stopping signal from its queue, and none has continued it since. */
  StopTaken: 64,
} as const;

/** Levels of priority; 0 is the most urgent. A level is a nice value plus 20. */
export const PRIORITIES = 40;
export const DEFAULT_PRIORITY = 20;

export const Thread = struct(
  'Thread',
  {
    identity: cacheLine(),
    /** Changes once at most: execve of a thread that is not the first gives it that one's. */
    tid: u32('alone'),
    process: u32('immutable'),
    /** Bucket chain of the id table. */
    idNext: u32('tree'),
    /** Ring of the process's threads. */
    siblingNext: u32('process.lock'),
    siblingPrev: u32('process.lock'),
    /** Where to store 0 and wake a futex when the thread ends; 0: nowhere. User address. */
    clearChildTid: u64('owner'),
    /** Head of the list of robust futexes; user address. */
    robustList: u64('owner'),
    /** Open file that the running call works on (files/descriptors.ts); 0: none. */
    heldFile: u32('owner'),
    /** Bytes that a write which waits for room has written already: where it goes on when it is made again. */
    progress: u32('owner'),
    /** When the system call that is being made again runs out of time, nanoseconds since power-on; 0: none is (syscalls/deadline.ts). */
    callDeadline: f64('owner'),
    /** Mask to come back with RestoreMask. */
    savedLow: u32('owner'),
    savedHigh: u32('owner'),
    /** 1: its mask is that of a sigtimedwait, `realLow`, `realHigh` its own. */
    awaits: u32('owner'),
    /** Alternate signal stack: user address and bytes (0: none), SS_AUTODISARM. */
    altStack: u64('owner'),
    altBytes: u64('owner'),
    altFlags: u32('owner'),
    /** What the running poll(2) or select(2) has put on lists of objects (files/polls.ts): the first entry; 0: nothing. */
    polls: u32('owner'),
    /** CPU time used, until the thread was last put on a hart. */
    cpuNs: f64('owner'),

    shared: cacheLine(),
    state: atomicU32(),
    flags: atomicU32(),
    /** The hart it runs on, is queued on, or ran on last. */
    hart: atomicU32(),
    /** 0 … PRIORITIES-1. */
    priority: atomicU32(),
    /** Harts it may run on: a bit each. */
    affinityLow: atomicU32(),
    affinityHigh: atomicU32(),
    /** Blocked signals, 1 … 32 and 33 … 64. */
    blockedLow: atomicU32(),
    blockedHigh: atomicU32(),
    /** Signals that are blocked but for a sigtimedwait: they must not be fatal. */
    realLow: atomicU32(),
    realHigh: atomicU32(),
    /** Signals for this thread, and what is known of them; changed under the process's lock. */
    pendingLow: atomicU32(),
    pendingHigh: atomicU32(),
    infoHead: u32('process.lock'),
    infoTail: u32('process.lock'),

    /** 1: a file that it polls has changed; under the lock of its bucket (files/polls.ts). */
    poked: atomicU32(),

    runNext: u32('run'),
    runPrev: u32('run'),

    wait: cacheLine(),
    /** Address of the lock under which it waits; 0: it does not. */
    waitGuard: outliving(atomicU32()),
    waitQueue: u32('waitGuard'),
    waitNext: u32('waitGuard'),
    waitPrev: u32('waitGuard'),
    waitForm: u32('waitGuard'),
    /** WaitReason. */
    waitReason: u32('waitGuard'),
    waitSequence: outliving(atomicU32()),
    /** What the system call returns when its deadline passes; 0 when it has none. */
    timeoutResult: i32('waitGuard'),
    /** With ThreadFlag.Restart: the code that a system call was broken off with (restart.ts). */
    restart: i32('waitGuard'),
    /** Operands that the waker needs: what they mean is the waiting call's affair. */
    waitA: f64('waitGuard'),
    waitB: f64('waitGuard'),
    waitC: f64('waitGuard'),

    /** Hart + 1 in whose timer queue it is; 0: none. */
    timerHart: atomicU32(),
    timerIndex: u32('timer'),
  },
  { align: 64, start: Context.SIZE },
);
