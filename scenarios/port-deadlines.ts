/*
 * Receivers with deadlines, and messages that come at about that time: whoever gives up has received nothing, and nothing is lost.
 *
 * Behind the wait with a deadline is one without, which must not be ended by a deadline that comes late.
 */

import { op, ref } from '../src/explore/agent.ts';
import { ports } from '../src/explore/port-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const port = ref.setup(0);

export default {
  program: {
    processes: [
      {
        setup: [op.createPort()],
        threads: [
          [op.receive({ port, wait: 6000 }), op.receive({ port })],
          [op.receive({ port, wait: 4000 }), op.receive({ port, wait: 6000 })],
        ],
      },
      { threads: [[op.sleep(5000), op.send({ port: 0, tag: 1 }), op.send({ port: 0, tag: 2 }), op.send({ port: 0, tag: 3 })]] },
    ],
  },
  linearizable: [ports()],
} satisfies Scenario;
