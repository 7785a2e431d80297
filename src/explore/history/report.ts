/*
 * An explanation in words.
 */

import type { Explanation } from './explain.ts';
import { actorText, type Model, type Operation } from './operation.ts';
import type { Point } from './search.ts';
import { Moment } from './timeline.ts';

/** States and points of a long explanation that are told; the ones before are counted. */
const LAST_POINTS = 12;

/** The explanation as lines of text, without a line end after the last one. */
export function explanationText<State>(model: Model<State>, explanation: Explanation<State>): string {
  const { prefix, total, last, lastMoment, contradiction, related, partial, state, stuck, minimal } = explanation;
  const line = (operation: Operation): string => `  #${operation.id} ${actorText(operation)}: ${model.describe(operation)}`;
  const others = prefix.length - contradiction.length;
  const told = partial.slice(-LAST_POINTS);
  const skipped = partial.length - told.length;
  return [
    `Not linearizable (${model.name}): ${prefix.length} of ${total} operations are enough, it shows when #${last.id} ${
      lastMoment === Moment.Waits ? 'waits' : 'returns'
    }.`,
    ...(minimal ? [] : ['(There may be a shorter explanation: the search for it was cut off.)']),
    contradiction.length === 1
      ? `This cannot be, whatever the ${others} others returned:`
      : `These ${contradiction.length} cannot all be, whatever the ${others} others returned:`,
    ...contradiction.map(line),
    ...(related.length === 0 ? [] : ['They are about the same as:', ...related.map(line)]),
    partial.length === 0 ? 'Nothing can come first:' : 'The order that comes furthest:',
    ...(skipped === 0 ? [] : [`  … ${skipped} before`]),
    ...told.map((point) => `${line(point.operation)}${point.gaveUp ? ' (gives up)' : ''}`),
    `After it ${model.show(state)}. Then nothing can follow:`,
    ...stuck.map(({ operation, reason }) => `${line(operation)}\n    ${reason}`),
  ].join('\n');
}

/** The order of a linearization, an operation a line. */
export function orderText<State>(model: Model<State>, order: readonly Point<State>[]): string {
  return order
    .map(({ operation, gaveUp }) => `#${operation.id} ${model.describe(operation)}${gaveUp ? ' (gives up)' : ''}`)
    .join('\n');
}
