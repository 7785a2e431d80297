/*
 * Two writers and two readers at one pipe: values neither get lost, nor doubled, nor out of order, and no reader sleeps beside one.
 */

import { makePipe, pipe, read, READ_END, write, WRITE_END } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  program: {
    processes: [
      {
        setup: [makePipe()],
        threads: [
          [...write(WRITE_END, 1), ...write(WRITE_END, 2)],
          [...write(WRITE_END, 3), ...write(WRITE_END, 4)],
          [...read(READ_END), ...read(READ_END)],
          [...read(READ_END), ...read(READ_END)],
        ],
      },
    ],
  },
  linearizable: [pipe({ readopen: 1, writeopen: 1, reading: [READ_END], writing: [WRITE_END] })],
} satisfies Scenario;
