/*
 * The shortest beginning of a history that is not linearizable.
 *
 * Every beginning of a linearizable history is linearizable, so beginnings can be bisected. In a beginning, operations that had not
 * returned are pending and their results unknown: whatever they came to return is no reason for the violation.
 */

import { checkPart } from './checker.ts';
import type { Model, Operation } from './operation.ts';
import type { Point } from './search.ts';
import { prefixOf, timeline, type TimelineEvent } from './timeline.ts';

export interface FailedPrefix<State> {
  readonly operations: readonly Operation[];
  /** The event that no linearization reaches beyond: the last one of the prefix, if this is the shortest. */
  readonly event: TimelineEvent;
  /** The linearization that came furthest, and of those the longest. */
  readonly partial: readonly Point<State>[];
  /** No shorter one is a violation; false: for some that was not decided within the budget. */
  readonly shortest: boolean;
}

/** The shortest prefix of a part that is a violation; undefined: the part is none, or that is not decided within the budget. */
export function shortestFailure<State>(
  model: Model<State>,
  part: readonly Operation[],
  budget: number,
): FailedPrefix<State> | undefined {
  const events = timeline(part);
  const whole = checkPart(model, part, budget);
  if (whole.kind !== 'violation') return undefined;
  let best: Omit<FailedPrefix<State>, 'shortest'> = { operations: part, event: whole.stuck, partial: whole.partial };
  let shortest = true;
  // What had happened before the event at which the search was stuck is explained by the order that led there.
  let low = events.findIndex(({ index, moment }) => index === whole.stuck.index && moment === whole.stuck.moment);
  let high = events.length;
  // Most often it is this very event: a look there first.
  for (let middle = low + 1; low + 1 < high; middle = (low + high) >> 1) {
    const operations = prefixOf(events, middle);
    const result = checkPart(model, operations, budget);
    if (result.kind === 'violation') {
      best = { operations, event: result.stuck, partial: result.partial };
      high = middle;
    } else {
      if (result.kind === 'unknown') shortest = false;
      low = middle;
    }
  }
  return { ...best, shortest };
}
