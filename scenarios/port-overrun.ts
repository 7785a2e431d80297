/*
 * Senders that do not wait at a queue that is nearly full: each message is either refused or received.
 */

import { op, ref } from '../src/explore/agent.ts';
import { ports } from '../src/explore/port-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const port = ref.setup(0);
const QUEUE = 2;
const look = op.receive({ port, wait: false });

export default {
  machine: { portMessages: QUEUE },
  program: {
    processes: [
      { setup: [op.createPort(), op.send({ port: ref.own(0), tag: 1 })], threads: [[look, look, look, look]] },
      { threads: [[op.send({ port: 0, tag: 2 }), op.send({ port: 0, tag: 3 })]] },
      { threads: [[op.send({ port: 0, tag: 4 }), op.send({ port: 0, tag: 5 })]] },
    ],
  },
  linearizable: [ports({ capacity: QUEUE })],
} satisfies Scenario;
