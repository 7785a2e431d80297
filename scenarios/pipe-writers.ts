/*
 * Two writers wait at a full pipe of two pages, which is emptied at once: the one that is woken wakes the other.
 */

import { op, ref } from '../src/explore/agent.ts';
import { makePipe, READ_END, WRITE_END } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { Linux } from '../src/syscalls/numbers.ts';

const PAGE = 4096;
const F_SETPIPE_SZ = 1031;
const memory = ref.setup(2);
const write = (bytes: number, from = memory): ReturnType<typeof op.call> => op.call(Linux.write, WRITE_END, from, bytes);

export default {
  program: {
    processes: [
      {
        setup: [
          makePipe(),
          op.call(Linux.fcntl, WRITE_END, F_SETPIPE_SZ, 2 * PAGE),
          op.mmap(2 * PAGE),
          write(2 * PAGE, ref.own(2)),
        ],
        threads: [[write(PAGE)], [write(PAGE)], [op.call(Linux.read, READ_END, memory, 2 * PAGE)]],
      },
    ],
  },
  invariant: ({ operations }) => {
    const wrong = operations.find(({ op, result }) => op.kind === 'call' && (result === undefined || result < 0));
    return wrong === undefined ? undefined : `a call returned ${wrong.result}`;
  },
} satisfies Scenario;
