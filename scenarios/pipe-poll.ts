/*
 * A thread polls two pipes for ever, others write to them: it wakes whenever there is something, for all that it has to fetch.
 */

import { op, ref } from '../src/explore/agent.ts';
import { close, makePipe, write } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { Linux } from '../src/syscalls/numbers.ts';

/** The pipes have the descriptors 3 and 4, 5 and 6. */
const FIRST = 3;
const SECOND = 5;
const POLLIN = 1;
const POLLFDS = 64;
const poll = op.call(Linux.ppoll, ref.buffer(POLLFDS), 2, 0, 0, 8);
const readBoth = [FIRST, SECOND].map((fd) => op.call(Linux.read, fd, ref.buffer(256), 4));
const NONBLOCK = 0o4000;

export default {
  program: {
    processes: [
      {
        setup: [makePipe(NONBLOCK), makePipe(NONBLOCK)],
        threads: [
          [
            op.poke(ref.buffer(POLLFDS), 0, FIRST),
            op.poke(ref.buffer(POLLFDS), 4, POLLIN),
            op.poke(ref.buffer(POLLFDS), 8, SECOND),
            op.poke(ref.buffer(POLLFDS), 12, POLLIN),
            poll,
            ...readBoth,
            poll,
            ...readBoth,
            poll,
          ],
          [...write(FIRST + 1, 1), close(FIRST + 1)],
          [...write(SECOND + 1, 2), close(SECOND + 1)],
        ],
      },
    ],
  },
  invariant: ({ operations }) => {
    const polls = operations.filter(({ op }) => op.kind === 'call' && op.number === Linux.ppoll);
    return polls.length === 3 && polls.every(({ result }) => result !== undefined && result > 0)
      ? undefined
      : 'a poll has failed';
  },
} satisfies Scenario;
