/*
 * Words that threads load, store, add to and exchange at once: each of these happens at one instant.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { words } from '../src/explore/word-history.ts';

export default {
  program: {
    processes: [
      {
        threads: [
          [op.add(0, 1), op.compareExchange(0, 1, 5), op.load(0)],
          [op.add(0, 1), op.store(0, 1), op.load(0)],
          [op.compareExchange(0, 1, 7), op.add(0, 2)],
        ],
      },
    ],
  },
  linearizable: [words()],
} satisfies Scenario;
