/*
 * A receiver and two senders at one port: messages neither get lost, nor doubled, nor out of order.
 *
 * The receiver waits sometimes and finds messages at other times, so both ways of a message are met: through the queue, and from hand to hand.
 */

import { op, ref } from '../src/explore/agent.ts';
import { ports } from '../src/explore/port-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const port = ref.setup(0);

export default {
  program: {
    processes: [
      { setup: [op.createPort()], threads: [Array.from({ length: 4 }, () => op.receive({ port }))] },
      { threads: [[op.send({ port: 0, tag: 1 }), op.send({ port: 0, tag: 2 })]] },
      { threads: [[op.send({ port: 0, tag: 3, size: 40 }), op.send({ port: 0, tag: 4 })]] },
    ],
  },
  linearizable: [ports()],
} satisfies Scenario;
