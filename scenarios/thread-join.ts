/*
 * Threads end while others join them: the word that the kernel clears at the end of a thread wakes who waits for it.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const ending = (word: number) => [op.clearAtExit(word), op.exit()];

export default {
  program: {
    processes: [
      { setup: [op.store(0, 1), op.store(1, 1)], threads: [[op.futexWait(0, 1), op.futexWait(1, 1)], ending(0), ending(1)] },
    ],
  },
} satisfies Scenario;
