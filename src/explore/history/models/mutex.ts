/*
 * Mutexes: nobody has one that another one has.
 *
 *   lock {mutex}     → any number: by then the actor has it
 *   unlock {mutex}   → any number: from then on it has not
 */

import { groupsOf } from '../groups.ts';
import type { Model, Operation } from '../operation.ts';

/** Who has the mutex: an actor; undefined: nobody. */
export function mutexModel(): Model<number | undefined> {
  return {
    name: 'mutex',
    initial: undefined,
    step: (holder, { name, actor }) => {
      if (name === 'lock') return holder === undefined ? [actor] : [];
      return holder === actor ? [undefined] : [];
    },
    key: (holder) => String(holder),
    partition: (operations) => [...groupsOf(operations, ({ args }) => args.mutex ?? 0).values()],
    describe: ({ name, args, actor, end }: Operation) =>
      `${name}(${args.mutex ?? 0}) by ${actor}${end === Infinity ? ', did not return' : ''}`,
    show: (holder) => (holder === undefined ? 'it is free' : `thread ${holder} has it`),
    refusal: (holder, { actor }) => (holder === undefined ? `thread ${actor} does not have it` : `thread ${holder} has it`),
  };
}
