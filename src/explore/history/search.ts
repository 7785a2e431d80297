/*
 * Is one part of a history linearizable? The search of Wing and Gong (1993) with Lowe's improvements (2017).
 *
 * It walks along the timeline and gives an operation its effect only when it must (just in time): at the end of one that has had none yet,
 * at the moment one is seen to wait, or for one that must be served before it can return. There it tries each operation that is open, and
 * goes on with the next, until the event has become true. A configuration (event, who is open and has had its effect, state) that has been
 * tried is not tried again; operations that only observe do so as soon as they can; one that another leads (Model.leads) waits for it. Frames
 * are kept in a list, so the length of a history is no matter; steps are counted, and when the budget is spent the answer is 'unknown'.
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

/** What can be tried at an event. */
interface Branch<State> {
  /** The operation that has its effect, or gives up; NO_EFFECT: the one of the event is taken to have none. */
  readonly chosen: number;
  readonly state: State;
}

/** What has been decided on the way to an event that is not yet true. Operations are indices into the list. */
interface Frame<State> {
  readonly parent: Frame<State> | undefined;
  /** The effects since the parent. */
  readonly points: readonly Point<State>[];
  /** Effects so far. */
  readonly depth: number;
  readonly event: number;
  /** Open operations that have had their effect, ascending. */
  readonly ahead: readonly number[];
  readonly state: State;
  readonly branches: readonly Branch<State>[];
  /** Branches that have been tried. */
  turn: number;
}

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
  private readonly observes: readonly boolean[];
  /** For each pair whether the first leads the second: 0 unknown, 1 no, 2 yes. */
  private readonly leading: Uint8Array;
  private readonly tried = new Set<string>();
  private steps = 0;

  constructor(
    private readonly model: Model<State>,
    private readonly operations: readonly Operation[],
    private readonly budget: number,
  ) {
    this.events = timeline(operations);
    this.observes = operations.map((operation) => model.observes?.(operation) ?? false);
    this.leading = new Uint8Array(operations.length ** 2);
    let open: readonly number[] = NONE;
    for (const { moment, index } of this.events) {
      if (moment === Moment.Begin) open = [...open, index].sort((a, b) => endOf(operations[a]!) - endOf(operations[b]!));
      this.open.push(open);
      if (moment === Moment.End) open = open.filter((other) => other !== index);
    }
  }

  run(): SearchResult<State> {
    let frame = this.arrive(undefined, NONE, 0, NONE, this.model.initial);
    let best = frame;
    while (frame !== undefined) {
      if (frame.event === this.events.length) return { kind: 'ok', order: pathTo(frame), steps: this.steps };
      if (this.steps > this.budget) return { kind: 'unknown', steps: this.steps };
      if (best === undefined || frame.event > best.event || (frame.event === best.event && frame.depth > best.depth))
        best = frame;
      frame = this.descend(frame) ?? frame.parent;
    }
    return { kind: 'violation', partial: pathTo(best), stuck: this.events[best!.event]!, steps: this.steps };
  }

  /** The next configuration under this one that has not been tried. */
  private descend(frame: Frame<State>): Frame<State> | undefined {
    const { at, index } = this.events[frame.event]!;
    while (frame.turn < frame.branches.length) {
      const { chosen, state } = frame.branches[frame.turn++]!;
      let next: Frame<State> | undefined;
      if (chosen === NO_EFFECT) {
        const ahead = frame.ahead.filter((other) => other !== index);
        next = this.arrive(frame, NONE, frame.event + 1, ahead, state);
      } else {
        const gaveUp = frame.ahead.includes(chosen);
        const point = { operation: this.operations[chosen]!, at, state, gaveUp };
        next = this.arrive(frame, [point], frame.event, gaveUp ? frame.ahead : inserted(frame.ahead, chosen), state);
      }
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /** Goes on to the first event that is not true yet and lists what can be tried there; undefined: that has been tried. */
  private arrive(
    parent: Frame<State> | undefined,
    effects: readonly Point<State>[],
    from: number,
    done: readonly number[],
    state: State,
  ): Frame<State> | undefined {
    let event = from;
    let ahead = done;
    const points = [...effects];
    for (;;) {
      for (; event < this.events.length && this.isTrue(event, ahead, state); event++) {
        const { moment, index } = this.events[event]!;
        if (moment === Moment.End) ahead = ahead.filter((other) => other !== index);
      }
      if (!this.isNew(event, ahead, state)) return undefined;
      if (event === this.events.length) break;
      // What only observes can do so at once: nothing is lost by it.
      const { at, index } = this.events[event]!;
      for (const open of this.open[event]!) {
        const operation = this.operations[open]!;
        if (!this.observes[open]! || isOptional(operation) || ahead.includes(open)) continue;
        if (this.step(state, open).length === 0) continue;
        points.push({ operation, at, state, gaveUp: false });
        ahead = inserted(ahead, open);
      }
      if (!ahead.includes(index) || !this.isTrue(event, ahead, state)) break;
    }
    const depth = (parent?.depth ?? 0) + points.length;
    const branches = event < this.events.length ? this.branches(event, ahead, state) : NONE;
    return { parent, points, depth, event, ahead, state, branches, turn: 0 };
  }

  private isTrue(event: number, ahead: readonly number[], state: State): boolean {
    const { moment, index } = this.events[event]!;
    if (moment === Moment.Begin) return true;
    return ahead.includes(index) && this.waits(state, index) === (moment === Moment.Waits);
  }

  /** The operation of the event first, then those that return first. */
  private branches(event: number, ahead: readonly number[], state: State): readonly Branch<State>[] {
    const { moment, index, operation } = this.events[event]!;
    const started = ahead.includes(index);
    // Seen to wait, but it has been served or refused already: nothing that follows can change that.
    if (moment === Moment.Waits && started) return NONE;
    const waiting = this.open[event]!.filter((other) => !ahead.includes(other));
    const isLed = (second: number): boolean => waiting.some((first) => this.leads(first, second));
    const branches: Branch<State>[] = [];
    const branch = (chosen: number): void => {
      for (const next of this.step(state, chosen)) branches.push({ chosen, state: next });
    };
    if (started || !isLed(index)) branch(index);
    if (isOptional(operation) && !started) branches.push({ chosen: NO_EFFECT, state });
    for (const other of this.open[event]!) {
      if (other === index || this.observes[other]!) continue;
      if (ahead.includes(other) ? this.waits(state, other) : !isLed(other)) branch(other);
    }
    return branches;
  }

  private leads(first: number, second: number): boolean {
    if (first === second || this.model.leads === undefined) return false;
    const pair = first * this.operations.length + second;
    if (this.leading[pair] === 0) {
      this.leading[pair] = this.model.leads(this.operations[first]!, this.operations[second]!) ? 2 : 1;
    }
    return this.leading[pair] === 2;
  }

  private step(state: State, index: number): readonly State[] {
    this.steps++;
    return this.model.step(state, this.operations[index]!);
  }

  private waits(state: State, index: number): boolean {
    return this.model.waiting?.(state, this.operations[index]!) ?? false;
  }

  private isNew(event: number, ahead: readonly number[], state: State): boolean {
    const key = `${event};${ahead.join()};${this.model.key(state)}`;
    if (this.tried.has(key)) return false;
    this.tried.add(key);
    return true;
  }
}

/** Infinity minus Infinity is no number: pending operations sort behind all others. */
const endOf = ({ end }: Operation): number => Math.min(end, Number.MAX_VALUE);

function inserted(list: readonly number[], item: number): number[] {
  const at = list.findIndex((other) => other > item);
  return at === -1 ? [...list, item] : [...list.slice(0, at), item, ...list.slice(at)];
}

function pathTo<State>(frame: Frame<State> | undefined): Point<State>[] {
  const frames: Frame<State>[] = [];
  for (let at = frame; at !== undefined; at = at.parent) frames.push(at);
  return frames.reverse().flatMap(({ points }) => points);
}
