/*
 * The owner of a port ends while a sender waits there and another one comes: nobody waits for ever, nothing is left.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  machine: { portMessages: 1 },
  program: {
    processes: [
      {
        setup: [op.createPort(), op.send({ port: ref.own(0), tag: 1 })],
        threads: [[op.receive({ port: ref.setup(0) })], [op.exitGroup(0)]],
      },
      { threads: [[op.send({ port: 0, tag: 2, wait: true }), op.send({ port: 0, tag: 3, wait: true })]] },
      { threads: [[op.send({ port: 0, tag: 4, wait: true })]] },
    ],
  },
} satisfies Scenario;
