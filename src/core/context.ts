/*
 * The architectural state of one thread, as it lies at the start of its block in RAM.
 *
 * The CPU works on it in place, so that switching threads is a change of one pointer. Registers are 8-byte slots in one file:
 * x0…x31 are slots 0…31, f0…f31 slots 32…63, and slot 64 is the sink that instructions with rd = x0 write to (slot 0 stays zero).
 * Guard: whoever runs the thread owns its context; while the thread waits, whoever holds the lock of what it waits for.
 */

import { bytes, struct, u32, u64 } from './layout.ts';

export const X_SLOT = 0;
export const F_SLOT = 32;
export const SINK_SLOT = 64;

export const Context = struct('Context', {
  registers: bytes('owner', 65 * 8, 64),
  pc: u64('owner'),
  /** frm in bits 7:5, fflags in 4:0. */
  fcsr: u32('owner'),
  /** Physical address of the reservation, or NO_RESERVATION. */
  reservation: u32('owner'),
  /** What LR read, to be compared and exchanged by SC. */
  reserved: u64('owner'),
  /** Instructions retired. */
  instret: u64('owner'),
});

/** The value of `reservation` when there is none; the kernel stores it at each context switch. */
export const NO_RESERVATION = 0xffff_ffff;

/** Offset of integer register `n` in a context. */
export function xOffset(n: number): number {
  return Context.registers.offset + 8 * (X_SLOT + n);
}

/** Offset of floating-point register `n` in a context. */
export function fOffset(n: number): number {
  return Context.registers.offset + 8 * (F_SLOT + n);
}
