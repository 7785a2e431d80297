/*
 * More threads than harts, some of them bound to a hart, all of which give way to each other: every one comes to its end.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const free = [op.yield(), op.yield(), op.yield()];
const bound = (harts: number, word: number) => [...op.affinity(harts, word), op.yield(), op.yield()];

export default {
  program: { processes: [{ threads: [bound(1, 0), free, bound(1, 1), free, bound(2, 2)] }] },
} satisfies Scenario;
