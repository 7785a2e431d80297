/*
 * A mutex made of futexes, and a counter behind it: no update is lost, and nobody sleeps at a mutex that is free.
 */

import { op } from '../src/explore/agent.ts';
import type { Scenario } from '../src/explore/scenario.ts';
import { mutexes } from '../src/explore/word-history.ts';

const MUTEX = 0;
const COUNTER = 1;
const once = [op.lock(MUTEX), op.increment(COUNTER), op.unlock(MUTEX)];

export default {
  program: {
    processes: [{ threads: [[...once, ...once], once, once] }],
  },
  linearizable: [mutexes()],
  invariant: ({ operations }) => {
    const seen = operations.filter(({ op }) => op.kind === 'increment').map(({ result }) => result);
    return new Set(seen).size === seen.length ? undefined : `an update is lost: the counter was ${seen.join(', ')}`;
  },
} satisfies Scenario;
