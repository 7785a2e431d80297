/*
 * A signal comes while a thread goes to sleep: it ends the sleep, or has been handled before. It never gets lost.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const USR1 = 10;
const USR2 = 12;
const SA_RESTART = 0x1000_0000;
const EINTR = -4;
const EAGAIN = -11;

/** Sleeps until the handler has counted: it changes the word that is waited for. */
const sleeps = (signal: number) => [op.futexWait(signal, 0), op.load(signal)];

export default {
  program: {
    processes: [
      { setup: [op.catch(USR1)], threads: [sleeps(USR1)] },
      { setup: [op.catch(USR2, SA_RESTART)], threads: [sleeps(USR2)] },
      { threads: [[op.kill(0, USR1), op.kill(1, USR2)]] },
    ],
  },
  invariant: ({ operations }) => {
    for (const {
      op: { kind },
      process,
      result,
    } of operations) {
      if (kind === 'load' && result !== 1) return `process ${String(process)} has handled ${String(result)} signals`;
      if (kind !== 'futexWait' || result === EAGAIN) continue;
      if (process === 1) return `a wait that is made again has returned ${String(result)}`;
      if (result !== EINTR) return `a wait has returned ${String(result)}`;
    }
    return undefined;
  },
} satisfies Scenario;
