/*
 * A process ends by one of its threads, while others wait, compute, or end it as well: the first status counts, nothing is left.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  deaths: true,
  program: {
    processes: [
      {
        setup: [op.createPort()],
        threads: [[op.receive({ port: ref.setup(0) })], [op.futexWait(0, 0)], [op.yield(), op.exitGroup(3)], [op.exitGroup(4)]],
      },
    ],
  },
  invariant: ({ processes: [process] }) => {
    const status = (process?.status ?? 0) / 256;
    return status === 3 || status === 4 ? undefined : `the process has ended with status ${status}`;
  },
} satisfies Scenario;
