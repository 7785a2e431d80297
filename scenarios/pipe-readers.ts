/*
 * Three readers, for whom there is one value at first and then two more in a row: the one that is woken wakes the next.
 */

import { makePipe, pipe, read, READ_END, write, WRITE_END } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  program: {
    processes: [
      {
        setup: [makePipe()],
        threads: [
          read(READ_END),
          read(READ_END),
          read(READ_END),
          [...write(WRITE_END, 1), ...write(WRITE_END, 2), ...write(WRITE_END, 3)],
        ],
      },
    ],
  },
  linearizable: [pipe({ readopen: 1, writeopen: 1, reading: [READ_END], writing: [WRITE_END] })],
} satisfies Scenario;
