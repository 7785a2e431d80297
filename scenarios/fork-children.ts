/*
 * Two threads of a process fork at once, and the children fork again: each waits for children of its own process, every one once, and
 * everything is given back.
 */

import { E } from '../src/kernel/errno.ts';
import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const grandchild = op.fork(op.increment(1));
const child = op.fork(op.increment(0), ...grandchild, op.increment(0), op.wait4(), op.wait4());
const parent = [...child, op.increment(2), op.wait4()];

export default {
  program: { processes: [{ threads: [parent, parent] }] },
  invariant: ({ operations }) => {
    const forked = new Set<number>();
    for (const { op, result } of operations) if (op.kind === 'fork' && result !== undefined) forked.add(result);
    if (forked.size !== 4) return `of four children ${String(forked.size)} came into being`;
    const waited: number[] = [];
    for (const { op, result, index } of operations) {
      if (op.kind === 'increment' && op.word === 0 && result !== undefined && result > 1)
        return `a child's word has become ${String(result)}`;
      if (op.kind !== 'call' || result === undefined) continue;
      // The last wait of a child is in vain.
      const last = index === child.length - 1;
      if (last && result !== -E.CHILD) return `a child without children has waited for ${String(result)}`;
      if (!last) waited.push(result);
    }
    const wrong = waited.find((pid) => !forked.has(pid));
    if (wrong !== undefined) return `somebody has waited for ${String(wrong)}, which is no child`;
    return new Set(waited).size === waited.length ? undefined : 'a child has been waited for twice';
  },
} satisfies Scenario;
