/*
 * Two processes make a file that must not be there yet: one of them has made it, and no other.
 */

import { ref } from '../src/explore/agent.ts';
import { close, hasRefusal, isOpen, named, O, openat, unlink } from '../src/explore/file-operations.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const make = [...named('/a'), openat(O.Create | O.Exclusive | O.ReadWrite), close(ref.own(1))];

export default {
  program: { processes: [{ threads: [make, make] }, { threads: [make] }], final: [...named('/a'), unlink] },
  invariant: ({ operations }) => {
    if (hasRefusal(operations)) return undefined;
    const winners = operations.filter((one) => isOpen(one) && one.result !== undefined && one.result >= 0);
    return winners.length === 1 ? undefined : `${String(winners.length)} have made it`;
  },
} satisfies Scenario;
