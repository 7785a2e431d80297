/*
 * Two threads that receive from one port: each message goes to one of them, the oldest first.
 */

import { op, ref } from '../src/explore/agent.ts';
import { ports } from '../src/explore/port-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const port = ref.setup(0);
const receive = op.receive({ port });

export default {
  program: {
    processes: [
      {
        setup: [op.createPort(), op.send({ port: ref.own(0), tag: 1 }), op.send({ port: ref.own(0), tag: 2 })],
        threads: [
          [receive, receive],
          [receive, receive],
        ],
      },
      { threads: [[op.send({ port: 0, tag: 3 }), op.send({ port: 0, tag: 4 })]] },
    ],
  },
  linearizable: [ports()],
} satisfies Scenario;
