/*
 * Is a history linearizable? Splits it into the independent objects it is about and searches each (search.ts).
 *
 * The answer is never wrong: 'ok' comes with an order that explains the history, 'violation' means that all have been tried, and 'unknown' says
 * that the budget was spent. A violation in one part is one of the whole, whatever the others are; so 'unknown' is the answer only
 * without one.
 */

import type { Model, Operation } from './operation.ts';
import { search, type Point, type SearchResult } from './search.ts';

export interface CheckOptions {
  /** Steps of the model, for each part, after which the answer is 'unknown'. Default: 2,000,000, some seconds. */
  readonly budget?: number;
}

/** A part of a history that is not linearizable. */
export interface Violation<State> {
  /** The operations of the part. */
  readonly operations: readonly Operation[];
  /** The partial linearization that came furthest. */
  readonly partial: readonly Point<State>[];
  /** The operation at whose return (or whose waiting) no linearization is left. */
  readonly stuck: Operation;
}

export type Verdict<State> =
  /** One order of all effects, of all parts together, that explains the history. */
  | { readonly kind: 'ok'; readonly order: readonly Point<State>[]; readonly steps: number }
  | { readonly kind: 'violation'; readonly violations: readonly Violation<State>[]; readonly steps: number }
  | { readonly kind: 'unknown'; readonly steps: number };

export const DEFAULT_BUDGET = 2_000_000;

/** Holds a history against a model of the object. */
export function check<State>(
  model: Model<State>,
  operations: readonly Operation[],
  { budget = DEFAULT_BUDGET }: CheckOptions = {},
): Verdict<State> {
  const order: Point<State>[] = [];
  const violations: Violation<State>[] = [];
  let steps = 0;
  let unknown = false;
  for (const part of partsOf(model, operations)) {
    const result = checkPart(model, part, budget);
    steps += result.steps;
    if (result.kind === 'ok') order.push(...result.order);
    else if (result.kind === 'unknown') unknown = true;
    else violations.push({ operations: part, partial: result.partial, stuck: result.stuck.operation });
  }
  if (violations.length > 0) return { kind: 'violation', violations, steps };
  if (unknown) return { kind: 'unknown', steps };
  // Each point lies within its operation, so the order of positions keeps what happened before what (locality).
  return { kind: 'ok', order: order.sort((a, b) => a.at - b.at), steps };
}

/** The independent parts of a history. */
export function partsOf<State>(model: Model<State>, operations: readonly Operation[]): (readonly Operation[])[] {
  return model.partition?.(operations) ?? [operations];
}

/** Searches one part. Without foresight it takes longer, and comes as far as the object itself lets it. */
export function checkPart<State>(
  model: Model<State>,
  part: readonly Operation[],
  budget: number,
  foresight = true,
): SearchResult<State> {
  return search(model.prepared?.(part, foresight) ?? model, part, budget);
}
