/*
 * Processes lock a file one after the other, each waiting for those before it; the last lock goes with its descriptor.
 */

import { op, ref } from '../src/explore/agent.ts';
import { close, hasRefusal, named, O, openat, unlink } from '../src/explore/file-operations.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { Linux } from '../src/syscalls/numbers.ts';

const EXCLUSIVE = 2;
const UNLOCK = 8;
const flock = (how: number): ReturnType<typeof op.call> => op.call(Linux.flock, ref.own(1), how);
const open = [...named('/a'), openat(O.Create | O.ReadWrite)];
const once = [...open, flock(EXCLUSIVE), flock(UNLOCK), close(ref.own(1))];
const byClosing = [...open, flock(EXCLUSIVE), close(ref.own(1))];

export default {
  program: {
    processes: [{ threads: [once] }, { threads: [byClosing] }, { threads: [once] }],
    final: [...named('/a'), unlink],
  },
  invariant: ({ operations }) =>
    hasRefusal(operations) ||
    operations.every(({ op: one, result }) => one.kind !== 'call' || one.number !== Linux.flock || result === 0)
      ? undefined
      : 'a lock has been refused',
} satisfies Scenario;
