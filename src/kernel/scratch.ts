/*
 * Scratch: RAM for one participant alone, where arguments of the running system call lie on their way in or out. Nothing survives in it
 * from one call to the next.
 */

/** A path, the longest thing that is copied whole (PATH_MAX). */
export const PATH_BYTES = 4096;
/** Bytes for the signal that is being sent or delivered, which must not disturb a system call that is under way. */
const SIGNAL_BYTES = 256;
/** One page for a path, one for structures, and room for a signal. */
export const SCRATCH_BYTES = 2 * PATH_BYTES + SIGNAL_BYTES;
/** Where a siginfo is built (signal-info.ts). */
export const SIGNAL_SCRATCH = 2 * PATH_BYTES;
/** Where structures are built. */
export const STRUCT_SCRATCH = PATH_BYTES;
