/*
 * Scratch: RAM for one participant alone, where arguments of the running system call lie on their way in or out. Nothing survives in it
 * from one call to the next.
 */

/** A path, the longest thing that is copied whole (PATH_MAX). */
export const PATH_BYTES = 4096;
/** One page for a path, one for structures. */
export const SCRATCH_BYTES = 2 * PATH_BYTES;
/** Where structures are built. */
export const STRUCT_SCRATCH = PATH_BYTES;
