/*
 * Scratch: RAM for one participant alone, where arguments of the running system call lie on their way in or out. Nothing survives in it
 * from one call to the next.
 */

/** A path as it comes from the user, or a link's target: the longest things that are copied whole (PATH_MAX). */
export const PATH_BYTES = 4096;
/** Bytes for the signal that is being sent or delivered, which must not disturb a system call that is under way. */
const SIGNAL_BYTES = 256;
/** Where structures are built. */
export const STRUCT_SCRATCH = PATH_BYTES;
/** Last names of paths (paths.ts), and names on their way to a listing. */
export const NAME_SCRATCH = 2 * PATH_BYTES;
/** What is left of a path, right-aligned: links put their targets before it. */
export const WALK_SCRATCH = 3 * PATH_BYTES;
export const WALK_BYTES = 2 * PATH_BYTES;
/** Where a siginfo is built (signal-info.ts). */
export const SIGNAL_SCRATCH = WALK_SCRATCH + WALK_BYTES;
export const SCRATCH_BYTES = SIGNAL_SCRATCH + SIGNAL_BYTES;
