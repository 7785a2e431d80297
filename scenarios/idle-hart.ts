/*
 * A thread becomes ready while another hart goes idle: the idle hart runs it, and does not leave it to a hart that computes.
 *
 * The first thread spins until the woken one has run. If no other hart takes it, that is at the end of a time slice of 10 ms.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

/** Less than a time slice, and more than a schedule keeps a hart that can go on from doing so: that is no more than 5.3 ms in all. */
const LONG_NS = 9e6;

export default {
  program: {
    processes: [
      {
        threads: [
          [op.futexWait(0, 0), op.store(1, 1)],
          [op.clock(), op.store(0, 1), op.futexWake(0, 1), op.await(1, 1), op.clock()],
          [op.getpid()],
        ],
      },
    ],
  },
  invariant: ({ operations }) => {
    const [from, to] = operations.filter(({ op }) => op.kind === 'clock').map(({ result }) => result ?? NaN);
    return to! - from! < LONG_NS ? undefined : `a ready thread has waited for ${(to! - from!) / 1e6} ms while a hart was idle`;
  },
} satisfies Scenario;
