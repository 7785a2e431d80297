/*
 * A port is destroyed while others wait at it, or are about to: all of them come back.
 *
 * One port is full and has senders, the other is empty and has a receiver.
 */

import { op, ref } from '../src/explore/agent.ts';
import { ports } from '../src/explore/port-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const full = ref.setup(0);
const empty = ref.setup(1);
const QUEUE = 1;

export default {
  machine: { portMessages: QUEUE },
  program: {
    processes: [
      {
        setup: [op.createPort(), op.createPort(), op.send({ port: ref.own(0), tag: 1 })],
        threads: [[op.destroyPort(full), op.destroyPort(empty)], [op.receive({ port: empty })]],
      },
      { threads: [[op.send({ port: 0, tag: 2, wait: true })], [op.send({ port: 0, tag: 3, wait: true })]] },
    ],
  },
  linearizable: [ports({ capacity: QUEUE })],
} satisfies Scenario;
