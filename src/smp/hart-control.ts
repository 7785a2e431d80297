/*
 * The control block of a hart: what other harts need to know of it, and its accounts.
 */

import { cacheLine, f64, struct, u32, u32Array, u64 } from '../core/layout.ts';
import { atomicU32, atomicU32Array } from './atomics.ts';

/** Locks one hart can hold at a time. */
export const MAX_HELD = 16;

/** System calls that a crash report can tell of; a power of two. */
export const RECENT_CALLS = 8;

/** What a hart is doing, in `HartControl.mode`. */
export const Mode = {
  /** In the kernel, or idle: holds no stale translation that it would use before it enters guest code again. */
  Kernel: 0,
  /** Runs guest code: uses its TLB. */
  Guest: 1,
  /** Not started yet, or has left its loop. */
  Off: 2,
} as const;

export const HartControl = struct(
  'HartControl',
  {
    mode: atomicU32(),
    /** 1 while the hart sleeps, or is about to, on its doorbell. */
    parked: atomicU32(),
    /** The address space that the hart has activated, or 0. */
    space: atomicU32(),
    /** TLB generation of that space up to which the hart has flushed. */
    generation: atomicU32(),
    /** The running thread, or 0: for reports. */
    thread: u32('owner'),

    /** A call that this participant has other harts carry out (hart-calls.ts), and the harts that have not yet: a bit each (64, and the host's place). */
    call: cacheLine(),
    callFunction: u32('callPending'),
    callPending: atomicU32Array(3),

    own: cacheLine(),
    heldCount: u32('owner'),
    held: u32Array('owner', MAX_HELD),
    /** The lock that it waits for, or 0. */
    wanted: u32('owner'),

    /** Numbers of the system calls that this hart has taken last, the latest at (syscalls - 1) % RECENT_CALLS: for reports. */
    recentCalls: u32Array('owner', RECENT_CALLS),

    accounts: cacheLine(),
    busyNs: f64('owner'),
    idleNs: f64('owner'),
    switches: u64('owner'),
    syscalls: u64('owner'),
    interrupts: u64('owner'),
    steals: u64('owner'),
    parks: u64('owner'),
    shootdowns: u64('owner'),
    faults: u64('owner'),
  },
  { align: 64 },
);
