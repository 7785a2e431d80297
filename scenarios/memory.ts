/*
 * Processes and threads map, touch and unmap memory at once: each finds zeros first and then what it wrote.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const own = ref.own(0);
const PAGES = [0, 4096, 8192];
const round = (value: number) => [
  op.mmap(12_288),
  ...PAGES.map((offset) => op.peek(own, offset)),
  ...PAGES.map((offset) => op.poke(own, offset, value)),
  ...PAGES.map((offset) => op.peek(own, offset)),
  op.munmap(own, 12_288),
];

export default {
  program: { processes: [{ threads: [round(1), round(2)] }, { threads: [round(3)] }] },
  invariant: ({ operations }) => {
    for (const { op, thread, index, result } of operations) {
      if (op.kind !== 'peek') continue;
      const expected = index <= PAGES.length ? 0 : thread + 1;
      if (result !== expected) return `thread ${thread} has read ${String(result)} where ${expected} was to be`;
    }
    return undefined;
  },
} satisfies Scenario;
