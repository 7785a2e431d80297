/*
 * The last write end is closed while readers read or wait: they get what there is first, then the end, and none waits for ever.
 */

import { close, makePipe, pipe, read, READ_END, write, WRITE_END } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  program: {
    processes: [
      {
        setup: [makePipe()],
        threads: [
          [...write(WRITE_END, 1), ...write(WRITE_END, 2), close(WRITE_END)],
          [...read(READ_END), ...read(READ_END)],
          [...read(READ_END), ...read(READ_END)],
        ],
      },
    ],
  },
  linearizable: [pipe({ readopen: 1, writeopen: 1, reading: [READ_END], writing: [WRITE_END] })],
} satisfies Scenario;
