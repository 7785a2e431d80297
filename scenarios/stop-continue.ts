/*
 * A process is stopped and continued by two others at once. Whatever the order, the last signal is CONT, so it goes on: a STOP that has not
 * been acted on by then must be forgotten.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const CONT = 18;
const STOP = 19;

const works = [op.add(0, 1), op.sleep(500), op.add(0, 1)];

export default {
  program: {
    processes: [
      { threads: [works, [op.futexWait(1, 0, 2000), op.add(0, 1)]] },
      { threads: [[op.kill(0, STOP), op.kill(0, CONT)]] },
      { threads: [[op.kill(0, STOP), op.kill(0, CONT)]] },
    ],
  },
} satisfies Scenario;
