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
/** The thread goes on with the registers that it has (rt_sigreturn). */
export const RESUMED = -0x10004;
/** The least number that is an errno; anything below is an outcome. */
export const LEAST_ERRNO = -4095;

/*
 * Restart codes: negative errnos that no guest ever sees. A handler that gives up because a signal is pending returns one, and a0 keeps the
 * first argument; the delivery of signals decides between -EINTR and making the call again (restart.ts).
 */
/** Again unless a handler without SA_RESTART runs. */
export const ERESTARTSYS = -512;
/** Again in any case. */
export const ERESTARTNOINTR = -513;
/** Again unless a handler runs. */
export const ERESTARTNOHAND = -514;
/** Like ERESTARTNOHAND; made again, the call keeps its deadline (Thread.callDeadline). */
export const ERESTART_RESTARTBLOCK = -516;
/** Values above are for the guest; from here down to LEAST_RESTART they are restart codes. */
export const FIRST_RESTART = ERESTARTSYS;
export const LEAST_RESTART = ERESTART_RESTARTBLOCK;
