/*
 * A process of two threads forks twice while the other thread writes: what a child has is what its parent had at one moment, whatever the
 * others write afterwards, and what it writes nobody else sees.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Operation } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const PAGE = 4096;
const page = ref.setup(0);
/** The writer counts in a word of the first page, and then in one of the second. */
const FIRST = 0;
const SECOND = PAGE + 1024;
/** A word that children write. */
const CHILDS = PAGE;
const UNTOUCHED = 77;
const ROUNDS = 4;

const child = (own: number): Operation[] => [
  op.peek(page, SECOND),
  op.peek(page, FIRST),
  op.poke(page, CHILDS, own),
  op.peek(page, CHILDS),
  op.peek(page, FIRST),
  op.peek(page, SECOND),
];
const forker = [...op.fork(...child(1000)), op.poke(page, 512, 7), ...op.fork(...child(1001)), op.wait4(), op.wait4()];
const writer = Array.from({ length: ROUNDS }, (_, n) => [
  op.poke(page, FIRST, n + 1),
  op.poke(page, SECOND, n + 1),
  op.peek(page, FIRST),
]).flat();

export default {
  program: {
    processes: [
      {
        setup: [op.mmap(2 * PAGE), op.poke(ref.own(0), FIRST, 0), op.poke(ref.own(0), CHILDS, UNTOUCHED)],
        threads: [forker, [...writer, op.peek(page, CHILDS)]],
      },
    ],
  },
  invariant: ({ operations }) => {
    /** What each child has found, by its thread. */
    const seen = new Map<string, number[]>();
    for (const { list, op, index, thread, tid, result } of operations) {
      if (list !== 'thread' || op.kind !== 'peek' || result === undefined) continue;
      if (thread === 1) {
        const wanted = op.offset === CHILDS ? UNTOUCHED : (index + 1) / 3;
        if (result !== wanted) return `a thread finds ${String(result)} where it has ${String(wanted)}`;
      } else if (op.offset === CHILDS) {
        if (result < 1000) return `a child has lost what it has written: it finds ${String(result)}`;
      } else {
        const key = String(tid);
        seen.set(key, [...(seen.get(key) ?? []), result]);
      }
    }
    for (const [second, first, firstAgain, secondAgain] of seen.values()) {
      if (first === undefined || second === undefined) continue;
      if (second < 0 || first < second || first > second + 1)
        return `a child finds ${String(first)} and ${String(second)}: never did its parent have both at once`;
      if ((firstAgain ?? first) !== first || (secondAgain ?? second) !== second)
        return `the memory of a child changes by itself`;
    }
    return undefined;
  },
} satisfies Scenario;
