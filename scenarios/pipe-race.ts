/*
 * Two readers race for what a pipe holds, and a third value comes: each gets another one.
 */

import { makePipe, read, READ_END, write, WRITE_END } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const values = ({ operations }: Parameters<NonNullable<Scenario['invariant']>>[0]): string =>
  operations
    .flatMap(({ list, op, result }) => (list === 'thread' && op.kind === 'peek' ? [result] : []))
    .sort()
    .join();

export default {
  program: {
    processes: [
      {
        setup: [makePipe(), ...write(WRITE_END, 1)],
        threads: [read(READ_END), read(READ_END), write(WRITE_END, 2)],
      },
    ],
  },
  invariant: (run) => (values(run) === '1,2' ? undefined : `the readers got ${values(run)}`),
} satisfies Scenario;
