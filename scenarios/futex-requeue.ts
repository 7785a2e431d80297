/*
 * Waiters are moved from one word to another and woken there, while more of them come: each is woken once.
 *
 * Whoever comes too late finds the word changed. The last wake-up takes all that have been moved.
 */

import { E } from '../src/kernel/errno.ts';
import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const waiter = [op.futexWait(0, 0)];

export default {
  program: {
    processes: [
      {
        threads: [
          waiter,
          waiter,
          waiter,
          [op.requeue(0, 1, 0, 9), op.store(0, 1), op.requeue(0, 1, 1, 9), op.futexWake(1, 9), op.futexWake(0, 9)],
        ],
      },
    ],
  },
  invariant: ({ operations }) => {
    const wrong = operations.find(({ op, result }) => op.kind === 'futexWait' && result !== 0 && result !== -E.AGAIN);
    return wrong === undefined ? undefined : `thread ${wrong.thread}'s wait has ended with ${String(wrong.result)}`;
  },
} satisfies Scenario;
