/*
 * A process is killed while it receives, waits, or is about to: its port goes with it, and nobody waits for ever.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  deaths: true,
  program: {
    processes: [
      { setup: [op.createPort()], threads: [[op.receive({ port: ref.setup(0) }), op.receive({ port: ref.setup(0) })]] },
      { threads: [[op.send({ port: 0, tag: 1 }), op.kill(0)], [op.send({ port: 0, tag: 2 })]] },
    ],
  },
} satisfies Scenario;
