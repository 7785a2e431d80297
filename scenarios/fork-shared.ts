/*
 * Parent and child share a page that neither has touched before: both count in it, and the child wakes its parent. The number of each
 * addition is given once, and the parent, which waits for the child's word, finds all of them.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { MapFlag } from '../src/kernel/mman.ts';

const page = ref.setup(0);
const word = ref.setup(1);
const add = op.addAt(page, 1);

export default {
  program: {
    processes: [
      {
        // Two mappings of a page each: the second one's address is the word that says that the child is done.
        setup: [
          op.mmap(4096, { flags: MapFlag.Shared | MapFlag.Anonymous }),
          op.mmap(4096, { flags: MapFlag.Shared | MapFlag.Anonymous }),
        ],
        threads: [
          [
            ...op.fork(add, add, op.poke(word, 0, 1), op.futexWakeAt(word, 1)),
            add,
            add,
            op.futexWaitAt(word, 0),
            op.wait4(),
            op.peek(page),
            op.peek(word),
          ],
        ],
      },
    ],
  },
  invariant: ({ operations }) => {
    const given = operations.filter(({ op }) => op.kind === 'addAt').map(({ result }) => result);
    if (given.some((number) => number === undefined) || new Set(given).size !== given.length)
      return `the additions found ${given.map(String).join(', ')}`;
    for (const { op, result } of operations) {
      if (op.kind === 'peek' && op.address === page && result !== given.length)
        return `of ${String(given.length)} additions ${String(result)} are left`;
      if (op.kind === 'peek' && op.address === word && result !== 1) return `the child's word is ${String(result)}`;
    }
    return undefined;
  },
} satisfies Scenario;
