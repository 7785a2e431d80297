/*
 * The fewest operations of a violation that contradict each other: delta debugging (Zeller 1999) in a form that cannot invent a violation.
 *
 * To take an operation out is not sound: without its send, a receive is a violation of its own. So none is taken out; its result is
 * forgotten. Such an operation had some effect in its time or none, so that all that could explain the history before explains it still:
 * a violation that is left was there from the start. What remains are operations whose results cannot all be true, whatever all the others
 * returned; forget any one of these too, and there is an explanation.
 */

import { checkPart } from './checker.ts';
import type { Model, Operation } from './operation.ts';

/** Checks that may use up their share. */
const SHARES = 40;

export interface Contradiction {
  readonly operations: readonly Operation[];
  /** None of them can be spared; false: that was not decided within the effort. */
  readonly minimal: boolean;
}

/** A history of which only the results of some operations are known. */
export function knowingOnly(operations: readonly Operation[], known: ReadonlySet<Operation>): Operation[] {
  return operations.map((operation) => (known.has(operation) ? operation : { ...operation, result: undefined }));
}

/**
 * Reduces a part that is a violation.
 *
 * @param effort steps of the model for all checks together, after which what has been found so far is the answer. One check gets a small
 *   share: forgetting too much makes too many orders possible, and is better not gone into.
 */
export function contradictionIn<State>(model: Model<State>, part: readonly Operation[], effort: number): Contradiction {
  let known = part.filter((operation) => operation.result !== undefined);
  let left = effort;
  let minimal = true;
  // The chunks of one size are tried in their order, so that what stays is rather what came late: near to where it shows.
  for (let size = Math.ceil(known.length / 2); size > 0;) {
    let spared = false;
    minimal = true;
    for (let start = 0; start < known.length && left > 0;) {
      const fewer = [...known.slice(0, start), ...known.slice(start + size)];
      const result = checkPart(model, knowingOnly(part, new Set(fewer)), Math.min(effort / SHARES, left));
      left -= result.steps;
      if (result.kind === 'violation') {
        known = fewer;
        spared = true;
      } else {
        if (result.kind === 'unknown') minimal = false;
        start += size;
      }
    }
    if (left <= 0) return { operations: known, minimal: false };
    // With single operations until a round spares none.
    if (size > 1) size = Math.min(Math.ceil(size / 2), Math.max(1, Math.ceil(known.length / 2)));
    else if (!spared) size = 0;
  }
  return { operations: known, minimal };
}
