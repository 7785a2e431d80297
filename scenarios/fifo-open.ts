/*
 * A FIFO's two ends are opened, each waiting for the other, and closed at once: whoever comes and goes first has let the other in.
 */

import { op, ref } from '../src/explore/agent.ts';
import type { AgentRecord } from '../src/explore/agent-marks.ts';
import { close } from '../src/explore/pipe-history.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { Linux } from '../src/syscalls/numbers.ts';

const AT_FDCWD = -100;
const FIFO = 0o010666;
const READ_ONLY = 0;
const WRITE_ONLY = 1;
/** "/p" and "/q" */
const NAMES = [0x702f, 0x712f];
const name = (word: number): ReturnType<typeof op.poke> => op.poke(ref.buffer(0), 0, word);
const open = (flags: number): ReturnType<typeof op.call> => op.call(Linux.openat, AT_FDCWD, ref.buffer(0), flags, 0);
const isOpen = ({ op }: AgentRecord): boolean => op.kind === 'call' && op.number === Linux.openat;

export default {
  program: {
    setup: NAMES.flatMap((word) => [name(word), op.call(Linux.mknodat, AT_FDCWD, ref.buffer(0), FIFO, 0)]),
    processes: NAMES.flatMap((word) => [
      { threads: [[name(word), open(WRITE_ONLY), close(ref.own(1))]] },
      { threads: [[name(word), open(READ_ONLY), close(ref.own(1))]] },
    ]),
    final: NAMES.flatMap((word) => [name(word), op.call(Linux.unlinkat, AT_FDCWD, ref.buffer(0), 0)]),
  },
  invariant: ({ operations }) => {
    const opens = operations.filter(isOpen);
    return opens.every(({ result }) => result !== undefined && result >= 3) ? undefined : 'an open has failed';
  },
} satisfies Scenario;
