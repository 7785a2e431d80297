/*
 * The last name of a file is removed while others look it up: they have found it, or it is not there.
 */

import { ref } from '../src/explore/agent.ts';
import { close, hasRefusal, isOpen, named, O, openat, unlink } from '../src/explore/file-operations.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { E } from '../src/kernel/errno.ts';

const use = [...named('/a'), openat(O.ReadWrite), close(ref.own(1))];

export default {
  program: {
    setup: [...named('/a'), openat(O.Create | O.ReadWrite), close(ref.own(1))],
    processes: [{ threads: [[...named('/a'), unlink]] }, { threads: [use] }, { threads: [use] }],
    // A process that was killed has not removed it.
    final: [...named('/a'), unlink],
  },
  invariant: ({ operations }) => {
    if (hasRefusal(operations.filter((one) => one.list !== 'thread'))) return undefined;
    const odd = operations.find(
      (one) => isOpen(one) && one.list === 'thread' && (one.result ?? 0) < 0 && one.result !== -E.NOENT,
    );
    return odd === undefined ? undefined : `an open ended with ${String(odd.result)}`;
  },
} satisfies Scenario;
