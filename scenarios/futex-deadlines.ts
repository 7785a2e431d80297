/*
 * Waits with a deadline that are woken at about that time: each ends once, and the wait behind it is one of its own.
 */

import { E } from '../src/kernel/errno.ts';
import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

/** The second wait is for ever: only the last wake-up, which changes the word first, can end it. */
const waiter = [op.futexWait(0, 0, 3000), op.futexWait(1, 0)];

export default {
  program: {
    processes: [
      { threads: [waiter, [op.sleep(2500), op.futexWake(0, 1), op.sleep(3000), op.store(1, 1), op.futexWake(1, 9)]] },
    ],
  },
  invariant: ({ operations }) => {
    for (const { op, result, thread } of operations) {
      if (op.kind !== 'futexWait' || result === 0) continue;
      if (op.ns === undefined && result !== -E.AGAIN)
        return `thread ${thread}: a wait without deadline has ended with ${String(result)}`;
      if (op.ns !== undefined && result !== -E.TIMEDOUT) return `thread ${thread}: a wait has ended with ${String(result)}`;
    }
    return undefined;
  },
} satisfies Scenario;
