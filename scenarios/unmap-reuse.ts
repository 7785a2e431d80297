/*
 * Memory is unmapped while a thread on another hart writes to it, and a process takes the frames: what it writes there stays as it is.
 *
 * The writer dies at the first write after the unmapping.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const page = ref.setup(0);
const PAGES = 4;
const BYTES = PAGES * 4096;
const touch = Array.from({ length: PAGES }, (_, n) => op.poke(page, n * 4096, 1));
const own = ref.own(0);
const fresh = [
  op.mmap(BYTES),
  ...Array.from({ length: PAGES }, (_, n) => op.poke(own, n * 4096, 7)),
  ...Array.from({ length: PAGES }, (_, n) => op.peek(own, n * 4096)),
];

export default {
  deaths: true,
  program: {
    processes: [
      {
        setup: [op.mmap(BYTES), ...touch.map((poke) => ({ ...poke, address: ref.own(0) }))],
        threads: [[...touch, ...touch], [op.munmap(page, BYTES)]],
      },
      { threads: [fresh] },
    ],
  },
  invariant: ({ operations }) => {
    const unmapped = operations.find(({ op }) => op.kind === 'munmap')?.end ?? Infinity;
    for (const { list, op, begin, end, result } of operations) {
      if (list !== 'thread') continue;
      if (op.kind === 'peek' && result !== 7) return `a word that was written as 7 has become ${String(result)}`;
      if (op.kind === 'poke' && op.address === page && begin > unmapped && end !== undefined) {
        return 'a write to memory that has been unmapped has succeeded';
      }
    }
    return undefined;
  },
} satisfies Scenario;
