/*
 * A machine small enough to be understood: threads, one a hart, that count in shared words without a lock. It obeys plans, reports
 * departures and choices, and can be enumerated by brute force; so everything of the explorer can be tried on it.
 *
 * A thread is a list of steps; each is a moment of its hart. The plain order runs a hart to its end, then the next one in a circle.
 */

import type { Choice, Departure, Plan, Strategy } from '../../src/smp/schedule/plan.ts';
import type { Finding, Outcome, Session, Wanted } from '../../src/explore/session.ts';

export type Step =
  /** The register becomes the word; the word becomes the register plus one. */
  | 'load'
  | 'store'
  /** Nothing that others see. */
  | 'nop';

export interface Model {
  readonly threads: readonly (readonly Step[])[];
  /** What the word is to be in the end; anything else is a finding. */
  readonly expected: number;
  /** At most so many choices are reported. */
  readonly choiceLimit?: number;
  /** At most so many departures are kept. */
  readonly departureLimit?: number;
}

/** Each thread adds one so many times, without a lock. */
export function counters(...times: readonly number[]): Model {
  return {
    threads: times.map((n) => Array.from({ length: n }, () => ['load', 'store'] as const).flat()),
    expected: times.reduce((a, b) => a + b, 0),
  };
}

/** Runs a model under a plan. */
export function runModel(model: Model, plan: Plan, want: Wanted = {}): Outcome {
  const { threads, expected, choiceLimit = Infinity, departureLimit = Infinity } = model;
  const done = threads.map(() => 0);
  const registers = threads.map(() => 0);
  const dead = threads.map(() => false);
  const choose = chooser(plan.strategy, threads.length);
  const order: number[] = [];
  const departures: Departure[] = [];
  const choices: Choice[] = [];
  let word = 0;
  let contended = 0;
  let hart = 0;
  for (;;) {
    plan.faults.forEach((fault) => {
      if (fault.kind === 'kill' && done[fault.thread]! >= fault.at) dead[fault.thread] = true;
    });
    const ready = threads.map((steps, i) => !dead[i] && done[i]! < steps.length);
    if (!ready.includes(true)) break;
    const at = done[hart]!;
    const plain = ready[hart] === true ? hart : circle(ready, hart);
    let to = plain;
    if (ready.filter(Boolean).length > 1) {
      to = choose({ hart, at, ready, plain, nth: contended });
      contended++;
      const others = ready.reduce((mask, can, i) => (can && i !== to ? mask | (1 << i) : mask), 0);
      if (choices.length < choiceLimit) choices.push({ hart, at, others });
      if (to !== plain) departures.push({ hart, at, to });
    }
    hart = to;
    const step = threads[hart]![done[hart]!]!;
    done[hart]!++;
    order.push(hart);
    if (step === 'load') registers[hart] = word;
    else if (step === 'store') word = registers[hart]! + 1;
  }
  const killed = dead.includes(true);
  const finding: Finding | undefined =
    word === expected || killed ? undefined : { kind: 'output', text: `the word is ${word}, not ${expected}` };
  return {
    finding,
    moments: order.length,
    contended,
    departures: departures.length <= departureLimit ? departures : undefined,
    choices: want.choices === true ? choices : undefined,
    interleaving: order.join(''),
    ns: order.length,
    points: threads.map((steps) => steps.length),
    history: want.history === true ? JSON.stringify({ order }) : undefined,
  };
}

/** How many schedules of a model have how many departures: index = departures. Tries all there are. */
export function bruteForce({ threads }: Model): number[] {
  const counts: number[] = [];
  const walk = (done: readonly number[], hart: number, departures: number): void => {
    const ready = threads.map((steps, i) => done[i]! < steps.length);
    if (!ready.includes(true)) {
      counts[departures] = (counts[departures] ?? 0) + 1;
      return;
    }
    const plain = ready[hart] === true ? hart : circle(ready, hart);
    ready.forEach((can, to) => {
      if (!can) return;
      const next = done.map((n, i) => (i === to ? n + 1 : n));
      walk(next, to, departures + (to === plain ? 0 : 1));
    });
  };
  walk(
    threads.map(() => 0),
    0,
    0,
  );
  return counts;
}

/** A session over a model. */
export function modelSession(model: Model): Session {
  return { run: (plan, want) => Promise.resolve(runModel(model, plan, want)), close: () => Promise.resolve() };
}

interface Moment {
  readonly hart: number;
  readonly at: number;
  readonly ready: readonly boolean[];
  readonly plain: number;
  readonly nth: number;
}

function chooser(strategy: Strategy, harts: number): (moment: Moment) => number {
  switch (strategy.kind) {
    case 'round-robin':
      return ({ hart, at, ready, plain }) => (at > 0 && at % strategy.quantum === 0 ? circle(ready, hart) : plain);
    case 'random': {
      const random = generator(strategy.seed);
      return ({ ready }) => {
        const able = ready.flatMap((can, i) => (can ? [i] : []));
        return able[Math.floor(random() * able.length)]!;
      };
    }
    case 'pct': {
      const random = generator(strategy.seed);
      const priorities = Array.from({ length: harts }, () => random() + 1);
      const changes = new Set(Array.from({ length: strategy.depth - 1 }, () => Math.floor(random() * strategy.steps)));
      let lowest = 0;
      return ({ hart, ready, nth }) => {
        if (changes.has(nth)) priorities[hart] = --lowest;
        return ready.reduce((best, can, i) => (can && (best < 0 || priorities[i]! > priorities[best]!) ? i : best), -1);
      };
    }
    case 'replay': {
      const departures = new Map(strategy.departures.map(({ hart, at, to }) => [`${hart} ${at}`, to]));
      return ({ hart, at, ready, plain }) => {
        const to = departures.get(`${hart} ${at}`);
        return to !== undefined && ready[to] === true ? to : plain;
      };
    }
  }
}

function circle(ready: readonly boolean[], hart: number): number {
  for (let i = 1; i <= ready.length; i++) {
    const next = (hart + i) % ready.length;
    if (ready[next] === true) return next;
  }
  return hart;
}

/** xorshift32. */
function generator(seed: number): () => number {
  let state = (Math.imul(seed + 1, 0x9e3779b9) ^ 0x5bd1e995) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
