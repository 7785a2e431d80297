/*
 * A thread polls a pipe for ever, another writes to it once: the one change there is is not missed.
 */

import { op, ref } from '../src/explore/agent.ts';
import { makePipe, READ_END, write, WRITE_END } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { Linux } from '../src/syscalls/numbers.ts';

const POLLIN = 1;
const POLLFD = 64;

export default {
  program: {
    processes: [
      {
        setup: [makePipe()],
        threads: [
          [
            op.poke(ref.buffer(POLLFD), 0, READ_END),
            op.poke(ref.buffer(POLLFD), 4, POLLIN),
            op.call(Linux.ppoll, ref.buffer(POLLFD), 1, 0, 0, 8),
          ],
          write(WRITE_END, 1),
        ],
      },
    ],
  },
  invariant: ({ operations }) => {
    const poll = operations.find(({ op }) => op.kind === 'call' && op.number === Linux.ppoll);
    return poll?.result === 1 ? undefined : 'the poll has failed';
  },
} satisfies Scenario;
