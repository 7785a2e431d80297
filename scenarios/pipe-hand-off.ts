/*
 * Readers and writers with a process each, so that what is written goes straight into the buffer of a reader that waits, when one does.
 */

import { makePipe, pipe, read, READ_END, write, WRITE_END } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  program: {
    setup: [makePipe()],
    processes: [
      { threads: [[...read(READ_END), ...read(READ_END)]] },
      { threads: [[...read(READ_END), ...read(READ_END)]] },
      { threads: [[...write(WRITE_END, 1), ...write(WRITE_END, 2)]] },
      { threads: [[...write(WRITE_END, 3), ...write(WRITE_END, 4)]] },
    ],
  },
  linearizable: [pipe({ readopen: 4, writeopen: 4, reading: [READ_END], writing: [WRITE_END] })],
} satisfies Scenario;
