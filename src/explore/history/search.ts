/*
 * Is one part of a history linearizable? The search of Wing and Gong (1993) with Lowe's improvements (2017).
 *
 * It walks along the timeline and gives an operation its effect only when it must (just in time): at the end of one that has had none yet,
 * at the moment one is seen to wait, or for one that must be served before it can return. There it tries each operation that is open, and
 * goes on with the next, until the event has become true. A configuration (event, who is open and has had its effect, state) that has been
 * tried is not tried again. The stack is an array, so the length of a history is no matter; steps are counted, and when the budget is
 * spent the answer is 'unknown'.
 *
 * That delaying loses nothing: if some order explains the history, then at each event the beginning of this order up to the operation that the
 * event is about is enough, and the rest can follow. An operation with unknown result may have had no effect, or one that shows only
 * later; so at its end both are tried.
 */

import { isOptional, type Model, type Operation } from './operation.ts';
import { Moment, timeline, type TimelineEvent } from './timeline.ts';

/** An effect in a linearization. */
export interface Point<State> {
  readonly operation: Operation;
  /** Position in the trace by which it was needed: between begin and end. Never decreases along a linearization. */
  readonly at: number;
  /** The state after it. */
  readonly state: State;
  /** The operation had taken its place in line before, and gave up here. */
  readonly gaveUp: boolean;
}

export type SearchResult<State> =
  | { readonly kind: 'ok'; readonly order: readonly Point<State>[]; readonly steps: number }
  | {
      readonly kind: 'violation';
      /** The linearization that came furthest, and of those the longest. */
      readonly partial: readonly Point<State>[];
      /** What could not become true after it. */
      readonly stuck: TimelineEvent;
      readonly steps: number;
    }
  | { readonly kind: 'unknown'; readonly steps: number };

/** What has been decided on the way to an event that is not yet true. Operations are indices into the list. */
interface Frame<State> {
  readonly parent: Frame<State> | undefined;
  /** The effect that led here; undefined: an operation was taken to have none. */
  readonly point: Point<State> | undefined;
  /** Effects so far. */
  readonly depth: number;
  readonly event: number;
  /** Open operations that have had their effect, ascending. */
  readonly ahead: readonly number[];
  readonly state: State;
  /** What to try here, and how much of it has been tried. */
  readonly candidates: readonly number[];
  turn: number;
  /** States that the candidate of this turn can lead to and that have not been tried. */
  branches: readonly State[];
  branch: number;
}

/** Candidate that says: the operation of this event had no effect. */
const NO_EFFECT = -1;
const NONE: readonly never[] = [];

/** @param budget steps of the model after which to give up */
export function search<State>(model: Model<State>, operations: readonly Operation[], budget: number): SearchResult<State> {
  return new Search(model, operations, budget).run();
}

class Search<State> {
  private readonly events: readonly TimelineEvent[];
  /** For each event the operations that have begun and not ended, those that end first in front. */
  private readonly open: (readonly number[])[] = [];
  private readonly tried = new Set<string>();
  private steps = 0;

  constructor(
    private readonly model: Model<State>,
    private readonly operations: readonly Operation[],
    private readonly budget: number,
  ) {
    this.events = timeline(operations);
    let open: readonly number[] = NONE;
    for (const { moment, index } of this.events) {
      if (moment === Moment.Begin) open = [...open, index].sort((a, b) => operations[a]!.end - operations[b]!.end);
      this.open.push(open);
      if (moment === Moment.End) open = open.filter((other) => other !== index);
    }
  }

  run(): SearchResult<State> {
    const first = this.frame(undefined, undefined, 0, NONE, this.model.initial);
    let frame: Frame<State> | undefined = first;
    let best = first;
    while (frame !== undefined) {
      if (frame.event === this.events.length) return { kind: 'ok', order: pathTo(frame), steps: this.steps };
      if (this.steps > this.budget) return { kind: 'unknown', steps: this.steps };
      const next: Frame<State> | undefined = this.descend(frame);
      if (next === undefined) {
        frame = frame.parent;
        continue;
      }
      if (next.event > best.event || (next.event === best.event && next.depth > best.depth)) best = next;
      frame = next;
    }
    return { kind: 'violation', partial: pathTo(best), stuck: this.events[best.event]!, steps: this.steps };
  }

  /** The next configuration under this one that has not been tried. */
  private descend(frame: Frame<State>): Frame<State> | undefined {
    const { at, index } = this.events[frame.event]!;
    for (;;) {
      if (frame.branch < frame.branches.length) {
        const state = frame.branches[frame.branch++]!;
        const chosen = frame.candidates[frame.turn - 1]!;
        const gaveUp = frame.ahead.includes(chosen);
        const point = { operation: this.operations[chosen]!, at, state, gaveUp };
        const next = this.frame(frame, point, frame.event, gaveUp ? frame.ahead : inserted(frame.ahead, chosen), state);
        if (this.isNew(next)) return next;
        continue;
      }
      if (frame.turn === frame.candidates.length) return undefined;
      const chosen = frame.candidates[frame.turn++]!;
      this.steps++;
      frame.branch = 0;
      frame.branches = NONE;
      if (chosen !== NO_EFFECT) {
        frame.branches = this.model.step(frame.state, this.operations[chosen]!);
        continue;
      }
      const ahead = frame.ahead.filter((other) => other !== index);
      const next = this.frame(frame, undefined, frame.event + 1, ahead, frame.state);
      if (this.isNew(next)) return next;
    }
  }

  /** Goes on to the first event that is not true yet and lists what can be tried there. */
  private frame(
    parent: Frame<State> | undefined,
    point: Point<State> | undefined,
    from: number,
    done: readonly number[],
    state: State,
  ): Frame<State> {
    let event = from;
    let ahead = done;
    for (; event < this.events.length && this.isTrue(this.events[event]!, ahead, state); event++) {
      const { moment, index } = this.events[event]!;
      if (moment === Moment.End) ahead = ahead.filter((other) => other !== index);
    }
    const depth = (parent?.depth ?? 0) + (point === undefined ? 0 : 1);
    const candidates = event < this.events.length ? this.candidates(event, ahead, state) : NONE;
    return { parent, point, depth, event, ahead, state, candidates, turn: 0, branches: NONE, branch: 0 };
  }

  private isTrue({ moment, index }: TimelineEvent, ahead: readonly number[], state: State): boolean {
    if (moment === Moment.Begin) return true;
    return ahead.includes(index) && this.waits(state, index) === (moment === Moment.Waits);
  }

  private candidates(event: number, ahead: readonly number[], state: State): readonly number[] {
    const { moment, index, operation } = this.events[event]!;
    const started = ahead.includes(index);
    // Seen to wait, but it has been served or refused already: nothing that follows can change that.
    if (moment === Moment.Waits && started) return NONE;
    const candidates = [index];
    if (isOptional(operation) && !started) candidates.push(NO_EFFECT);
    for (const other of this.open[event]!) {
      if (other !== index && (!ahead.includes(other) || this.waits(state, other))) candidates.push(other);
    }
    return candidates;
  }

  private waits(state: State, index: number): boolean {
    return this.model.waiting?.(state, this.operations[index]!) ?? false;
  }

  private isNew({ event, ahead, state }: Frame<State>): boolean {
    const key = `${event};${ahead.join()};${this.model.key(state)}`;
    if (this.tried.has(key)) return false;
    this.tried.add(key);
    return true;
  }
}

function inserted(list: readonly number[], item: number): number[] {
  const at = list.findIndex((other) => other > item);
  return at === -1 ? [...list, item] : [...list.slice(0, at), item, ...list.slice(at)];
}

function pathTo<State>(frame: Frame<State>): Point<State>[] {
  const points: Point<State>[] = [];
  for (let at: Frame<State> | undefined = frame; at !== undefined; at = at.parent) {
    if (at.point !== undefined) points.push(at.point);
  }
  return points.reverse();
}
