/*
 * Several processes append to one file: none writes over what another has written.
 */

import { op, ref } from '../src/explore/agent.ts';
import { close, hasRefusal, named, O, openat, unlink } from '../src/explore/file-operations.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { Linux } from '../src/syscalls/numbers.ts';

const SEEK_END = 2;
const append = (bytes: number): ReturnType<typeof op.call>[] => [
  op.call(Linux.write, ref.own(1), ref.buffer(0), bytes),
  op.call(Linux.write, ref.own(1), ref.buffer(0), bytes),
];
const open = [...named('/a'), openat(O.Create | O.ReadWrite | O.Append)];
const SIZES = [3, 5, 7];

export default {
  program: {
    processes: SIZES.map((bytes) => ({ threads: [[...open, ...append(bytes), close(ref.own(1))]] })),
    final: [...open, op.call(Linux.lseek, ref.own(1), 0, SEEK_END), close(ref.own(1)), unlink],
  },
  invariant: ({ operations }) => {
    if (hasRefusal(operations)) return undefined;
    const size = operations.find(({ op: one }) => one.kind === 'call' && one.number === Linux.lseek)?.result;
    const all = 2 * SIZES.reduce((sum, bytes) => sum + bytes, 0);
    return size === all ? undefined : `the file has ${String(size)} bytes of ${String(all)}`;
  },
} satisfies Scenario;
