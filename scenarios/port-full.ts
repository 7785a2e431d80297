/*
 * Senders that wait at a full queue: whoever makes room lets the first of them in.
 *
 * The queue has two places, and senders that wait compete with one that does not, so the queue is full, has one place and is empty in turn.
 */

import { op, ref } from '../src/explore/agent.ts';
import { ports } from '../src/explore/port-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const port = ref.setup(0);
const QUEUE = 2;

export default {
  machine: { portMessages: QUEUE },
  program: {
    processes: [
      {
        setup: [op.createPort(), op.send({ port: ref.own(0), tag: 1 })],
        threads: [Array.from({ length: 5 }, () => op.receive({ port }))],
      },
      { threads: [[op.send({ port: 0, tag: 2, wait: true }), op.send({ port: 0, tag: 3, wait: true })]] },
      { threads: [[op.send({ port: 0, tag: 4, wait: true }), op.send({ port: 0, tag: 5, wait: true })]] },
    ],
  },
  linearizable: [ports({ capacity: QUEUE })],
} satisfies Scenario;
