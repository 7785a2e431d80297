/*
 * Processes kill each other while they wait, start to, or end: who dies leaves nothing behind.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  deaths: true,
  program: {
    processes: [
      { threads: [[op.sleep(1000), op.kill(1)], [op.futexWait(0, 0)]] },
      { threads: [[op.kill(0)], [op.futexWait(0, 0, 100_000)]] },
      { threads: [[op.kill(0), op.kill(1)]] },
    ],
  },
} satisfies Scenario;
