/*
 * Signals that a process accepts one by one (sigtimedwait without waiting): standard ones merge, real-time ones queue, the lowest goes first.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { acceptedSignals } from '../src/explore/signal-history.ts';
import { Linux } from '../src/syscalls/numbers.ts';

const USR1 = 10;
const REALTIME = 40;
const BLOCK = 0;
const SET_BYTES = 8;

/** The set of both signals is in word 0, no time in word 1. */
const accept = op.call(Linux.rt_sigtimedwait, ref.word(0), 0, ref.word(1), SET_BYTES);

export default {
  program: {
    processes: [
      {
        setup: [
          op.store(0, 1 << (USR1 - 1)),
          op.poke(ref.word(0), 4, 1 << (REALTIME - 33)),
          op.call(Linux.rt_sigprocmask, BLOCK, ref.word(0), 0, SET_BYTES),
        ],
        threads: [
          [accept, accept, accept],
          [accept, accept, accept],
        ],
      },
      {
        threads: [
          [op.kill(0, USR1), op.kill(0, REALTIME)],
          [op.kill(0, REALTIME), op.kill(0, USR1)],
        ],
      },
    ],
  },
  linearizable: [acceptedSignals()],
} satisfies Scenario;
