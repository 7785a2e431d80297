/*
 * One thread waits for a word to change, another changes it and wakes: the wake-up is not lost, wherever it falls.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const there = [op.store(0, 1), op.futexWake(0, 1), op.futexWait(1, 0)];
const back = [op.futexWait(0, 0), op.store(1, 1), op.futexWake(1, 1)];

export default {
  program: { processes: [{ threads: [there, back] }] },
} satisfies Scenario;
