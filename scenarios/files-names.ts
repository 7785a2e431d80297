/*
 * One process makes, closes and removes a file, another opens it, a third renames it: whoever has it open goes on with it, and nothing of
 * it stays.
 */

import { op, ref } from '../src/explore/agent.ts';
import { close, named, O, openat, SECOND_NAME, unlink } from '../src/explore/file-operations.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { Linux } from '../src/syscalls/numbers.ts';

const AT_FDCWD = -100;
const rename = op.call(Linux.renameat2, AT_FDCWD, ref.buffer(0), AT_FDCWD, SECOND_NAME, 0);

export default {
  program: {
    processes: [
      { threads: [[...named('/a'), openat(O.Create | O.ReadWrite), close(ref.own(1)), unlink]] },
      {
        threads: [[...named('/a'), openat(O.ReadWrite), op.call(Linux.write, ref.own(1), ref.buffer(0), 4), close(ref.own(1))]],
      },
      { threads: [[...named('/a', '/b'), rename, openat(O.Create | O.ReadWrite), close(ref.own(3))]] },
    ],
    final: [...named('/a'), unlink, ...named('/b'), unlink],
  },
} satisfies Scenario;
