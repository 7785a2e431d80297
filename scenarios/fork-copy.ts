/*
 * A process forks, and parent and child write to the same page at once, so that each needs a copy or is left alone with it, while another
 * thread of the parent reads the page all the time: it never finds anything but what is there.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const page = ref.setup(0);
const WRITTEN = 5;
const ASIDE = 2048;

export default {
  // The child has to run while its parent copies and the reader reads.
  machine: { cpus: 3 },
  program: {
    processes: [
      {
        setup: [op.mmap(4096), op.poke(ref.own(0), 0, WRITTEN)],
        threads: [
          [...op.fork(op.poke(page, ASIDE, 1)), op.poke(page, ASIDE, 2), op.wait4(), op.peek(page, ASIDE)],
          Array.from({ length: 12 }, () => op.peek(page)),
        ],
      },
    ],
  },
  invariant: ({ operations }) => {
    for (const { list, op, thread, result } of operations) {
      if (list !== 'thread' || op.kind !== 'peek' || result === undefined) continue;
      const wanted = thread === 1 ? WRITTEN : 2;
      if (result !== wanted) return `a thread finds ${String(result)} where there is ${String(wanted)}`;
    }
    return undefined;
  },
} satisfies Scenario;
