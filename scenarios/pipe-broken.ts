/*
 * The last read end is closed while writers write to a full pipe or wait: what was written counts, the rest is EPIPE, and none waits for ever.
 */

import { op, ref } from '../src/explore/agent.ts';
import {
  close,
  ignoreSigpipe,
  makePipe,
  onePage,
  pipe,
  read,
  READ_END,
  write,
  WRITE_END,
} from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const BYTES = 4096;
const page = (thread: number): ReturnType<typeof ref.setup> => ref.setup(2 + thread);

export default {
  program: {
    processes: [
      {
        setup: [makePipe(), onePage(WRITE_END), op.mmap(4096), op.mmap(4096), op.mmap(4096), ...ignoreSigpipe()],
        threads: [
          [1, 2].flatMap((value) => write(WRITE_END, value, BYTES, page(0))),
          [3, 4].flatMap((value) => write(WRITE_END, value, BYTES, page(1))),
          [...read(READ_END, BYTES, page(2)), close(READ_END)],
        ],
      },
    ],
  },
  linearizable: [pipe({ readopen: 1, writeopen: 1, reading: [READ_END], writing: [WRITE_END], pages: 1 })],
} satisfies Scenario;
