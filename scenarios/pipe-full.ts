/*
 * Writers that wait at a pipe of one page, in which two values find room at most: whoever makes room wakes one, and that one the next.
 */

import { op, ref } from '../src/explore/agent.ts';
import { makePipe, onePage, pipe, read, READ_END, write, WRITE_END } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const BYTES = 2048;
/** Each thread has a page of its own. */
const page = (thread: number): ReturnType<typeof ref.setup> => ref.setup(2 + thread);

export default {
  program: {
    processes: [
      {
        setup: [makePipe(), onePage(WRITE_END), op.mmap(4096), op.mmap(4096), op.mmap(4096), op.mmap(4096)],
        threads: [
          [1, 2].flatMap((value) => write(WRITE_END, value, BYTES, page(0))),
          [3, 4].flatMap((value) => write(WRITE_END, value, BYTES, page(1))),
          write(WRITE_END, 5, BYTES, page(2)),
          [1, 2, 3, 4, 5].flatMap(() => read(READ_END, BYTES, page(3))),
        ],
      },
    ],
  },
  linearizable: [pipe({ readopen: 1, writeopen: 1, reading: [READ_END], writing: [WRITE_END], pages: 1 })],
} satisfies Scenario;
