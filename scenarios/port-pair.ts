/*
 * Two processes and a port: one sends, the other receives, waits for what has not come yet, and gets everything in order.
 */

import { op, ref } from '../src/explore/agent.ts';
import { ports } from '../src/explore/port-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const MESSAGES = [1, 2, 3];
const port = ref.setup(0);

export default {
  program: {
    processes: [
      { setup: [op.createPort()], threads: [MESSAGES.map(() => op.receive({ port }))] },
      { threads: [MESSAGES.map((tag) => op.send({ port: 0, tag }))] },
    ],
  },
  linearizable: [ports()],
} satisfies Scenario;
