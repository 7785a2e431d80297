/*
 * A signal that is blocked comes about when its process lets it through and waits for it (sigsuspend): the wait ends, whenever it came, and the
 * mask is back then.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { Linux } from '../src/syscalls/numbers.ts';

const USR1 = 10;
const BLOCK = 0;
const SET_BYTES = 8;
const EINTR = -4;
const MASK = 1 << (USR1 - 1);

export default {
  program: {
    processes: [
      {
        setup: [op.catch(USR1), op.store(0, MASK), op.call(Linux.rt_sigprocmask, BLOCK, ref.word(0), 0, SET_BYTES)],
        threads: [
          [
            op.call(Linux.rt_sigsuspend, ref.word(1), SET_BYTES),
            op.load(USR1),
            op.call(Linux.rt_sigprocmask, BLOCK, 0, ref.word(2), SET_BYTES),
            op.load(2),
          ],
        ],
      },
      { threads: [[op.kill(0, USR1)], [op.kill(0, USR1)]] },
    ],
  },
  invariant: ({ operations }) => {
    const results = operations.filter(({ list, process }) => list === 'thread' && process === 0).map(({ result }) => result);
    const [suspended, handled, , mask] = results;
    if (suspended !== EINTR) return `sigsuspend has returned ${String(suspended)}`;
    if (handled === undefined || handled < 1) return 'sigsuspend has returned before the handler';
    return mask === MASK ? undefined : `the mask is ${String(mask)} afterwards`;
  },
} satisfies Scenario;
