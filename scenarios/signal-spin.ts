/*
 * A signal for a thread that computes on another hart is handled at once, not when its slice of code is over.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';

const USR1 = 10;
/** Much less than a slice takes under a schedule. */
const AT_ONCE_NS = 200_000;
const LATER_NS = 10_000_000;

export default {
  program: {
    processes: [
      { setup: [op.catch(USR1)], threads: [[op.await(USR1, 1), op.clock()]] },
      { threads: [[op.kill(0, USR1), op.clock()]] },
      // If a plan kills the sender, somebody else ends the spinning.
      { threads: [[op.sleep(LATER_NS), op.kill(0, USR1)]] },
    ],
  },
  invariant: ({ operations }) => {
    const clock = (wanted: number) =>
      operations.find(({ op: { kind }, process }) => kind === 'clock' && process === wanted)?.result;
    const sent = clock(1);
    const handled = clock(0);
    if (sent === undefined || handled === undefined || handled - sent <= AT_ONCE_NS) return undefined;
    return `the handler began ${String(handled - sent)} ns after the signal`;
  },
} satisfies Scenario;
