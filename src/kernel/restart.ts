/*
 * How a system call goes on that a signal has broken off: the table of signal(7), by what the call was waiting for.
 *
 *   ERESTARTSYS            again if the handler has SA_RESTART, or if there is none
 *   ERESTARTNOHAND         again only if no handler runs
 *   ERESTART_RESTARTBLOCK  likewise, and it keeps its deadline: no sleep gets longer
 *   0                      not at all: only death ends the wait
 *
 * Waits with a deadline are never begun anew after a handler, as on Linux. A call that wants something else (sigtimedwait, ppoll) returns what
 * it wants when `sleepLocked` gives it one of these.
 */

import { ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTSYS } from './result.ts';
import { WaitReason } from './wait.ts';

/**
 * What a system call is broken off with.
 *
 * @param reason WaitReason
 * @param timed whether it has a deadline
 */
export function brokenOff(reason: number, timed: boolean): number {
  switch (reason) {
    case WaitReason.vfork:
    case WaitReason.alone:
    case WaitReason.stopped:
      return 0;
    case WaitReason.sleep:
      return ERESTART_RESTARTBLOCK;
    case WaitReason.signal:
    case WaitReason.poll:
      return ERESTARTNOHAND;
    default:
      return timed ? ERESTART_RESTARTBLOCK : ERESTARTSYS;
  }
}

/** Whether a call that was broken off with `code` is made again after a handler has run. */
export function restartsAfterHandler(code: number, saRestart: boolean): boolean {
  switch (code) {
    case ERESTARTSYS:
      return saRestart;
    case ERESTARTNOHAND:
    case ERESTART_RESTARTBLOCK:
      return false;
    default:
      return true;
  }
}
