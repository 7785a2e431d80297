/*
 * Memory is unmapped while a thread on another hart writes to it, and all doorbells ring late: who unmaps waits for the shootdown.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const page = ref.setup(0);

export default {
  deaths: true,
  faults: Array.from({ length: 16 }, (_, nth) => ({ kind: 'late-ipi' as const, nth, moments: 200 })),
  program: {
    processes: [
      {
        setup: [op.mmap(4096), op.poke(ref.own(0), 0, 1)],
        threads: [Array.from({ length: 6 }, (_, n) => op.poke(page, 4 * n, 1)), [op.munmap(page, 4096), op.getpid()]],
      },
    ],
  },
  invariant: ({ operations }) => {
    const unmapped = operations.find(({ op }) => op.kind === 'munmap')?.end ?? Infinity;
    const late = operations.some(
      ({ list, op, begin, end }) => list === 'thread' && op.kind === 'poke' && begin > unmapped && end !== undefined,
    );
    return late ? 'a write to memory that has been unmapped has succeeded' : undefined;
  },
} satisfies Scenario;
