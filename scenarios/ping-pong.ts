/*
 * Threads that wake one another by turns, with pauses in which harts park: whoever is woken runs.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const ROUNDS = 3;
const ping = Array.from({ length: ROUNDS }, (_, n) => [op.store(0, n + 1), op.futexWake(0, 1), op.futexWait(1, n)]).flat();
const pong = Array.from({ length: ROUNDS }, (_, n) => [op.futexWait(0, n), op.store(1, n + 1), op.futexWake(1, 1)]).flat();

export default {
  program: { processes: [{ threads: [ping, pong] }, { threads: [[op.sleep(2000), op.sleep(2000)]] }] },
} satisfies Scenario;
