/*
 * What a system call handler returns: a value ≥ 0, a negative errno (-1 … -4095), or one of the outcomes below, which lie outside of
 * both. The dispatcher stores values in a0; after an outcome it does not touch the thread, which may run elsewhere by then or be gone.
 */

/** The thread sleeps; whoever wakes it provides the result (wait-queue.ts). */
export const BLOCKED = -0x10000;
/** The thread has given up its hart and is ready; the result is stored already. */
export const YIELDED = -0x10001;
/** The thread has ended. */
export const ENDED = -0x10002;
/** The thread goes on, with registers that the handler has set (execve). */
export const REPLACED = -0x10003;
/** The least number that is an errno; anything below is an outcome. */
export const LEAST_ERRNO = -4095;
