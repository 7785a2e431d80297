/*
 * Two processes start children at once and wait for them: each child is waited for once, and frames of the program they share stay counted.
 */

import { E } from '../src/kernel/errno.ts';
import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const parent = [op.spawn(), op.wait4(), op.wait4()];

export default {
  program: { processes: [{ threads: [parent] }, { threads: [parent] }] },
  invariant: ({ operations }) => {
    for (const { thread, index, result } of operations) {
      if (index === 2 && result !== -E.CHILD)
        return `thread ${thread} has waited for a child that it does not have: ${String(result)}`;
      const child = operations.find((other) => other.thread === thread && other.index === 0)?.result;
      if (index === 1 && result !== child)
        return `thread ${thread} has waited for ${String(result)}, its child is ${String(child)}`;
    }
    return undefined;
  },
} satisfies Scenario;
