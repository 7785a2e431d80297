/*
 * Why a history is not linearizable, as briefly as can be said: how far it could be explained, what was then impossible, and which
 * operations cannot all be true.
 */

import { DEFAULT_BUDGET, partsOf } from './checker.ts';
import { contradictionIn } from './contradiction.ts';
import { isOptional, type Model, type Operation } from './operation.ts';
import { shortestFailure, type FailedPrefix } from './prefix.ts';
import type { Point } from './search.ts';
import { Moment } from './timeline.ts';

export interface ExplainOptions {
  /** Steps of the model for one check. Default: that of `check`. */
  readonly budget?: number;
  /** Steps for finding the fewest operations. Default: 1,000,000, a second or some. */
  readonly effort?: number;
}

/** An operation that could not follow. */
export interface Stuck {
  readonly operation: Operation;
  /** Why the model refuses it after the partial linearization. */
  readonly reason: string;
}

export interface Explanation<State> {
  /** The shortest prefix of the part that is a violation, with operations pending that had not returned by then. */
  readonly prefix: readonly Operation[];
  /** Operations of the whole history. */
  readonly total: number;
  /** The operation at which it shows, and whether by its return or by its waiting. */
  readonly last: Operation;
  readonly lastMoment: Moment;
  /** Operations whose results cannot all be true, whatever the others returned. */
  readonly contradiction: readonly Operation[];
  /** Others that are about the same: they give the contradiction its sense. */
  readonly related: readonly Operation[];
  /** The linearization that comes furthest, of those the longest. */
  readonly partial: readonly Point<State>[];
  /** The state after it. */
  readonly state: State;
  readonly stuck: readonly Stuck[];
  /** The prefix is the shortest, and no operation of the contradiction can be spared; false: not decided within the budget. */
  readonly minimal: boolean;
}

/** Explains the violation that shows first; undefined: the history is linearizable, or that is not decided within the budget. */
export function explain<State>(
  model: Model<State>,
  operations: readonly Operation[],
  { budget = DEFAULT_BUDGET, effort = 1_000_000 }: ExplainOptions = {},
): Explanation<State> | undefined {
  let first: FailedPrefix<State> | undefined;
  for (const part of partsOf(model, operations)) {
    const failure = shortestFailure(model, part, budget);
    if (failure !== undefined && (first === undefined || failure.last.at < first.last.at)) first = failure;
  }
  if (first === undefined) return undefined;
  const { operations: prefix, partial, last } = first;
  const contradiction = contradictionIn(model, prefix, effort);
  const object = model.prepared?.(prefix, false) ?? model;
  const state = partial.at(-1)?.state ?? object.initial;
  return {
    prefix,
    total: operations.length,
    last: last.operation,
    lastMoment: last.moment,
    contradiction: contradiction.operations,
    related: relatedTo(model, contradiction.operations, prefix),
    partial,
    state,
    stuck: stuckIn(object, first, state),
    minimal: first.shortest && contradiction.minimal,
  };
}

function relatedTo<State>(model: Model<State>, core: readonly Operation[], all: readonly Operation[]): Operation[] {
  const subjects = new Set(core.flatMap((operation) => model.subjects?.(operation) ?? []));
  return all.filter((operation) => !core.includes(operation) && model.subjects?.(operation).some((one) => subjects.has(one)));
}

/** What is open at the event and cannot follow, that of the event first. */
function stuckIn<State>(
  model: Model<State>,
  { operations, stuck: event, partial }: FailedPrefix<State>,
  state: State,
): Stuck[] {
  const explained = new Set(partial.map((point) => point.operation));
  const open = operations.filter(
    (operation) => operation !== event.operation && operation.end >= event.at && !explained.has(operation),
  );
  const stuck: Stuck[] = [];
  for (const operation of [event.operation, ...open]) {
    const isLast = operation === event.operation;
    if (isLast && event.moment === Moment.Waits && explained.has(operation)) {
      stuck.push({ operation, reason: 'it was seen to wait, but its wait has ended' });
    } else if (model.step(state, operation).length === 0) {
      stuck.push({ operation, reason: model.refusal?.(state, operation) ?? `not possible when ${model.show(state)}` });
    } else if (isLast && !isOptional(operation)) {
      stuck.push({ operation, reason: 'it could happen here, but not take the course that was seen' });
    }
  }
  return stuck;
}
