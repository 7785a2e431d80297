/*
 * Waits with a deadline that are woken at about that time: each ends once, and the wait behind it is not ended by a deadline that comes late.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { E } from '../src/kernel/errno.ts';

/** The second wait is for ever: only the last wake-up, before which the word changes, can end it. */
const waiter = [op.futexWait(0, 0, 400), op.futexWait(1, 0), op.load(1)];
const waker = [op.futexWake(0, 1), op.sleep(6000), op.store(1, 1), op.futexWake(1, 9)];

export default {
  program: { processes: [{ threads: [waiter, waker] }] },
  invariant: ({ operations }) => {
    for (const { op, result } of operations) {
      if (op.kind === 'load' && result !== 1) return 'a wait without a deadline has ended before the wake-up';
      if (op.kind !== 'futexWait' || result === 0) continue;
      if (result !== (op.ns === undefined ? -E.AGAIN : -E.TIMEDOUT)) return `a wait has ended with ${String(result)}`;
    }
    return undefined;
  },
} satisfies Scenario;
