/*
 * A reader is killed, maybe after it has been woken for a value and before it has looked: the other reader gets one all the same.
 */

import { op } from '../src/explore/agent.ts';
import { makePipe, read, READ_END, write, WRITE_END } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  deaths: true,
  program: {
    setup: [makePipe()],
    processes: [
      { threads: [read(READ_END)] },
      { threads: [read(READ_END)] },
      { threads: [[...write(WRITE_END, 1), op.kill(0), ...write(WRITE_END, 2)]] },
    ],
  },
} satisfies Scenario;
