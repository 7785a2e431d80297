/*
 * A page is protected while a thread on another hart writes to it: no write that begins afterwards succeeds, and none changes what was read.
 */

import { Prot } from '../src/kernel/mman.ts';
import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const page = ref.setup(0);
const writes = Array.from({ length: 6 }, (_, n) => op.poke(page, 0, n + 1));

export default {
  deaths: true,
  program: {
    processes: [
      {
        setup: [op.mmap(4096), op.poke(ref.own(0), 0, 0)],
        threads: [writes, [op.mprotect(page, 4096, Prot.Read), op.peek(page), op.peek(page), op.peek(page)]],
      },
    ],
  },
  invariant: ({ operations }) => {
    const read = operations.filter(({ op }) => op.kind === 'peek').map(({ result }) => result);
    if (new Set(read.filter((value) => value !== undefined)).size > 1) {
      return `a page that cannot be written has changed: it was read as ${read.join(', ')}`;
    }
    const done = operations.find(({ op }) => op.kind === 'mprotect')?.end ?? Infinity;
    const late = operations.find(
      ({ op, begin, end, list }) => list === 'thread' && op.kind === 'poke' && begin > done && end !== undefined,
    );
    return late === undefined ? undefined : `write ${late.index} has succeeded, though the page was protected before it began`;
  },
} satisfies Scenario;
