/*
 * Two processes lock a file, each waiting for the other; one lock is given back, one goes with its descriptor.
 */

import { op, ref } from '../src/explore/agent.ts';
import { close, hasRefusal, named, O, openat, unlink } from '../src/explore/file-operations.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { Linux } from '../src/syscalls/numbers.ts';

const EXCLUSIVE = 2;
const UNLOCK = 8;
const fd = ref.setup(1);
const flock = (how: number): ReturnType<typeof op.call> => op.call(Linux.flock, fd, how);
/** Opened before the start, each by itself: what matters are the locks. */
const setup = [...named('/a'), openat(O.Create | O.ReadWrite)];

export default {
  program: {
    processes: [
      { setup, threads: [[flock(EXCLUSIVE), flock(UNLOCK)]] },
      { setup, threads: [[flock(EXCLUSIVE), close(fd)]] },
    ],
    final: [...named('/a'), unlink],
  },
  invariant: ({ operations }) =>
    hasRefusal(operations) ||
    operations.every(({ op: one, result }) => one.kind !== 'call' || one.number !== Linux.flock || result === 0)
      ? undefined
      : 'a lock has been refused',
} satisfies Scenario;
