/*
 * Stale names: a port is destroyed and its slot given out again, while others send to the names of the old one and the new one.
 *
 * The machine has two ports, so the slot comes back at once.
 */

import { op, ref } from '../src/explore/agent.ts';
import { ports } from '../src/explore/port-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const PORTS = 2;
/** Tagged name of the first owner of slot 0. */
const FIRST = PORTS;

export default {
  machine: { ports: PORTS },
  program: {
    processes: [
      {
        setup: [op.createPort()],
        threads: [
          [
            op.destroyPort(ref.setup(0)),
            op.createPort(),
            op.createPort(),
            op.receive({ port: 0, wait: false }),
            op.portName(0),
            op.receive({ port: FIRST, wait: false }),
          ],
        ],
      },
      {
        threads: [
          [op.send({ port: FIRST, tag: 1 }), op.send({ port: FIRST, tag: 2 })],
          [op.send({ port: 0, tag: 3 }), op.send({ port: FIRST, tag: 4 })],
        ],
      },
    ],
  },
  linearizable: [ports({ ports: PORTS })],
} satisfies Scenario;
