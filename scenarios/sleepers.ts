/*
 * Threads that sleep, more of them than harts: each wakes when its time has come, not before and not never.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const nap = (ns: number) => [op.clock(), op.sleep(ns), op.clock()];

export default {
  program: { processes: [{ threads: [nap(1500), nap(1000), nap(1500)] }, { threads: [nap(0), nap(3000)] }] },
  invariant: ({ operations }) => {
    const results = (thread: number) => operations.filter((record) => record.list === 'thread' && record.thread === thread);
    for (const { op, thread } of operations) {
      if (op.kind !== 'sleep') continue;
      const [from, , to] = results(thread).map(({ result }) => result);
      if (from === undefined || to === undefined) continue;
      if (to - from < op.ns) return `thread ${thread} has slept for ${to - from} ns instead of ${op.ns}`;
    }
    return undefined;
  },
} satisfies Scenario;
