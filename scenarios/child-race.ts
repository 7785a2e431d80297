/*
 * Two threads of a process wait for one child: one of them gets it, the other learns that there is none.
 */

import { E } from '../src/kernel/errno.ts';
import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

export default {
  program: {
    processes: [{ threads: [[op.spawn(), op.wait4()], [op.wait4()]] }],
  },
  invariant: ({ operations }) => {
    const child = operations.find(({ op }) => op.kind === 'spawn')?.result;
    const waits = operations.filter(({ op }) => op.kind === 'call').map(({ result }) => result);
    const good = waits.filter((result) => result === child).length === 1 && waits.includes(-E.CHILD);
    return good ? undefined : `child ${String(child)}, and the waits have ended with ${waits.join(' and ')}`;
  },
} satisfies Scenario;
