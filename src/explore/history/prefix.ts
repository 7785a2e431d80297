/*
 * The shortest beginning of a history that is not linearizable.
 *
 * Every beginning of a linearizable history is linearizable, so beginnings can be bisected. In a beginning, operations that had not
 * returned are pending and their results unknown: whatever they came to return is no reason for the violation.
 */

import { checkPart } from './checker.ts';
import type { Model, Operation } from './operation.ts';
import type { Point, SearchResult } from './search.ts';
import { prefixOf, timeline, type TimelineEvent } from './timeline.ts';

type FailedSearch<State> = Extract<SearchResult<State>, { kind: 'violation' }>;

export interface FailedPrefix<State> {
  readonly operations: readonly Operation[];
  /** Its last event: without it there is an explanation. */
  readonly last: TimelineEvent;
  /** The linearization that comes furthest, and of those the longest. */
  readonly partial: readonly Point<State>[];
  /** The event that could not become true after it: the last one, or one before if the operation of the last had to do its part earlier. */
  readonly stuck: TimelineEvent;
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
  let failed: readonly Operation[] = part;
  let result: FailedSearch<State> = whole;
  let shortest = true;
  // What had happened before the event at which the search was stuck is explained by the order that led there.
  let low = events.findIndex(({ index, moment }) => index === whole.stuck.index && moment === whole.stuck.moment);
  let high = events.length;
  // Most often it is this very event: a look there first.
  for (let middle = low + 1; low + 1 < high; middle = (low + high) >> 1) {
    const operations = prefixOf(events, middle);
    const shorter = checkPart(model, operations, budget);
    if (shorter.kind === 'violation') {
      failed = operations;
      result = shorter;
      high = middle;
    } else {
      if (shorter.kind === 'unknown') shortest = false;
      low = middle;
    }
  }
  // Foresight finds a violation early; people are to see how far the object itself goes.
  const seen = checkPart(model, failed, budget, false);
  const { partial, stuck } = seen.kind === 'violation' ? seen : result;
  return { operations: failed, last: timeline(failed).at(-1)!, partial, stuck, shortest };
}
