/*
 * A process of two readers is killed, maybe after one has been woken for a value and before it has looked: the others get theirs all the same.
 *
 * Two threads share their descriptors, so a value is not handed to a reader that waits (src/ipc/pipe-hand-off.ts): it is woken and looks.
 */

import { op } from '../src/explore/agent.ts';
import { makePipe, read, READ_END, write, WRITE_END } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  deaths: true,
  program: {
    setup: [makePipe()],
    processes: [
      { threads: [read(READ_END), read(READ_END)] },
      { threads: [read(READ_END), read(READ_END)] },
      { threads: [[...write(WRITE_END, 1), op.kill(0), ...[2, 3, 4].flatMap((value) => write(WRITE_END, value))]] },
    ],
  },
} satisfies Scenario;
