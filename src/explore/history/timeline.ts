/*
 * The events of a history in their order: who was called, was seen to wait, returned.
 *
 * At one position calls come first and returns last: operations that touch there count as concurrent, which accuses nobody wrongly.
 */

import type { Operation } from './operation.ts';

export const Moment = { Begin: 0, Waits: 1, End: 2 } as const;
export type Moment = (typeof Moment)[keyof typeof Moment];

export interface TimelineEvent {
  readonly moment: Moment;
  readonly at: number;
  readonly operation: Operation;
  /** Place of the operation in the list that the timeline was made of. */
  readonly index: number;
}

/** All events, ordered. Pending operations have no end. */
export function timeline(operations: readonly Operation[]): TimelineEvent[] {
  const events: TimelineEvent[] = [];
  for (const [index, operation] of operations.entries()) {
    events.push({ moment: Moment.Begin, at: operation.begin, operation, index });
    if (operation.waits !== undefined) events.push({ moment: Moment.Waits, at: operation.waits, operation, index });
    if (operation.end !== Infinity) events.push({ moment: Moment.End, at: operation.end, operation, index });
  }
  return events.sort((a, b) => a.at - b.at || a.moment - b.moment);
}

/** The history as it was known after the first `count` events of its timeline: who had not returned by then is pending. */
export function prefixOf(events: readonly TimelineEvent[], count: number): Operation[] {
  const known = new Map<number, Operation>();
  for (const { moment, operation, index } of events.slice(0, count)) {
    const before = known.get(index) ?? { ...operation, result: undefined, end: Infinity, waits: undefined };
    if (moment === Moment.Begin) known.set(index, before);
    else if (moment === Moment.Waits) known.set(index, { ...before, waits: operation.waits });
    else known.set(index, operation);
  }
  return [...known.values()];
}
