/*
 * Histories by hand and at random, and a checker that tries everything.
 */

import { isOptional, type Model, type Operation, type Scalar, type Value } from '../../../src/explore/history/operation.ts';
import type { Point } from '../../../src/explore/history/search.ts';
import { Moment, timeline } from '../../../src/explore/history/timeline.ts';

/** Numbers from 0 to below 1 (mulberry32), the same for the same seed. */
export class Dice {
  constructor(private seed: number) {}

  next(): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), this.seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

let nextId = 0;

/** An operation by hand; `span` is begin and end, or begin alone for one that did not return. */
export function op(
  actor: number,
  name: string,
  args: Readonly<Record<string, Scalar>>,
  result: Value | undefined,
  span: readonly [number, (number | undefined)?],
  waits?: number,
): Operation {
  return { id: nextId++, actor, name, args, result, begin: span[0], end: span[1] ?? Infinity, waits };
}

/**
 * Whether some order explains the history, by trying all: at each event, and before it, any open operation may have its effect. No memory, no
 * just-in-time, no knowledge of what comes.
 */
export function bruteForce<State>(model: Model<State>, operations: readonly Operation[]): boolean {
  const parts = model.partition?.(operations) ?? [operations];
  return parts.every((part) => tryAll(model, part, timeline(part), 0, new Set(), new Set(), model.initial));
}

function tryAll<State>(
  model: Model<State>,
  operations: readonly Operation[],
  events: ReturnType<typeof timeline>,
  at: number,
  open: ReadonlySet<Operation>,
  done: ReadonlySet<Operation>,
  state: State,
): boolean {
  const waits = (operation: Operation): boolean => model.waiting?.(state, operation) ?? false;
  for (const operation of open) {
    if (done.has(operation) && !waits(operation)) continue;
    for (const next of model.step(state, operation)) {
      if (tryAll(model, operations, events, at, open, new Set([...done, operation]), next)) return true;
    }
  }
  const event = events[at];
  if (event === undefined) return true;
  const { moment, operation } = event;
  const others = new Set(open);
  if (moment === Moment.Begin) others.add(operation);
  if (moment === Moment.End) {
    if (done.has(operation) ? waits(operation) : !isOptional(operation)) return false;
    others.delete(operation);
  }
  if (moment === Moment.Waits && (done.has(operation) ? !waits(operation) : !isOptional(operation))) return false;
  return tryAll(model, operations, events, at + 1, others, done, state);
}

/** Whether an order is a linearization of a history of one object: possible for the model, complete, and true to the order in time. */
export function isLinearization<State>(
  model: Model<State>,
  operations: readonly Operation[],
  order: readonly Point<State>[],
): boolean {
  const firsts = order.filter(({ gaveUp }) => !gaveUp).map(({ operation }) => operation);
  const unique = new Set(firsts).size === firsts.length;
  const complete = operations.every((operation) => isOptional(operation) || firsts.includes(operation));
  let states: readonly State[] = [model.initial];
  for (const { operation } of order) states = states.flatMap((state) => model.step(state, operation));
  return unique && complete && isTimely(order) && states.length > 0;
}

/** Whether an order has nothing after what was called after it had returned. */
export function isTimely(order: readonly Point<unknown>[]): boolean {
  const firsts = order.filter(({ gaveUp }) => !gaveUp).map(({ operation }) => operation);
  return firsts.every((operation, i) => firsts.slice(i + 1).every((later) => later.end >= operation.begin));
}
