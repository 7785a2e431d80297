/*
 * Sessions over fake machines, for the workers of a campaign. The word of the target says which; what else it may do:
 *
 *   counters 2 2   threads that count without a lock, so many times each (fake-machine.ts)
 *   locked         threads that share nothing
 *   slow           the same, and a run takes its time
 *   dies N         the worker's thread ends in the Nth run of its session
 *   hangs          a run never ends
 *   throws         a run is an exception
 *   refuses        the target cannot be opened, because of the user
 *   broken         the session cannot be opened, for another reason
 */

import type { Session } from '../../src/explore/session.ts';
import type { SessionTarget } from '../../src/explore/target.ts';
import { UsageError } from '../../src/machine/errors.ts';
import { counters, type Model, modelSession } from './fake-machine.ts';

const LOCKED: Model = { threads: [Array(6).fill('nop'), Array(6).fill('nop')], expected: 0 };

export function openSession({ run: { word, args } }: SessionTarget): Promise<Session> {
  switch (word.replace(/^.*\/|\.ts$/g, '')) {
    case 'counters':
      return Promise.resolve(modelSession(counters(...args.map(Number))));
    case 'locked':
      return Promise.resolve(modelSession(LOCKED));
    case 'slow':
      return Promise.resolve(slow());
    case 'dies':
      return Promise.resolve(dying(Number(args[0])));
    case 'hangs':
      return Promise.resolve({ ...modelSession(LOCKED), run: () => new Promise(() => undefined) });
    case 'throws':
      return Promise.resolve({ ...modelSession(LOCKED), run: () => Promise.reject(new Error('no such frame')) });
    case 'refuses':
      return Promise.reject(new UsageError('this target has no threads'));
    default:
      return Promise.reject(new Error(`nothing can open ${word}`));
  }
}

function slow(): Session {
  const session = modelSession(LOCKED);
  return {
    ...session,
    run: async (plan, want) => {
      await new Promise((later) => setTimeout(later, 5));
      return session.run(plan, want);
    },
  };
}

function dying(after: number): Session {
  const session = modelSession(LOCKED);
  let runs = 0;
  return {
    ...session,
    run: (plan, want) => {
      if (++runs === after) process.exit(3);
      return session.run(plan, want);
    },
  };
}
