/*
 * Shrinking: from a schedule that fails to one with as few departures from the plain order as can be found that fails the same way. Two
 * or three preemptions are something a person can follow; the hundreds of a random schedule are not.
 *
 *   1. The run is repeated as a list of its departures. If that fails differently, or they are not known, the seed stays as it is.
 *   2. Faults that are not needed go.
 *   3. Delta debugging (ddmin, Zeller and Hildebrandt 2002) over the departures: what is left fails no more if any one is taken away.
 *   4. Two departures are replaced by one at another choice, of the run or of the plain order, nearest first, as long as that works.
 *
 * Departures of a candidate that had no effect are dropped with it, since a run reports those that had. No plan is run twice. When the
 * budget is used up, the best so far is the answer.
 */

import { createHash } from 'node:crypto';

import { type Choice, type Departure, type Fault, PLAIN, type Plan } from '../smp/schedule/plan.ts';
import type { Outcome, Wanted } from './session.ts';
import { signatureOf } from './signature.ts';

export interface ShrinkBudget {
  /** At most so many runs. */
  readonly runs: number;
  readonly seconds: number;
}

export const DEFAULT_BUDGET: ShrinkBudget = { runs: 2000, seconds: 60 };

/** How a shrinking stands. */
export interface ShrinkProgress {
  readonly runs: number;
  /** Departures of the best schedule so far. */
  readonly departures: number;
}

export interface Shrunk {
  /** The smallest plan that fails the same way, and how it went. */
  readonly plan: Plan;
  readonly outcome: Outcome;
  readonly runs: number;
  /** Why it may be larger than need be, if so. */
  readonly note: string | undefined;
}

export interface ShrinkOptions {
  readonly run: (plan: Plan, want?: Wanted) => Promise<Outcome>;
  readonly budget?: ShrinkBudget;
  readonly onProgress?: (progress: ShrinkProgress) => void;
  /** Says that enough is enough. */
  readonly signal?: AbortSignal | undefined;
}

/** Shrinks a plan whose run had a finding. */
export async function shrink(plan: Plan, outcome: Outcome, options: ShrinkOptions): Promise<Shrunk> {
  const shrinker = new Shrinker(plan, outcome, options);
  const note = await shrinker.shrink();
  const { best, bestOutcome, runs } = shrinker;
  return { plan: best, outcome: bestOutcome, runs, note };
}

class Shrinker {
  runs = 0;
  best: Plan;
  bestOutcome: Outcome;
  private readonly signature: string;
  private readonly tried = new Set<string>();
  private readonly budget: ShrinkBudget;
  private readonly deadlineMs: number;

  constructor(
    plan: Plan,
    outcome: Outcome,
    private readonly options: ShrinkOptions,
  ) {
    if (outcome.finding === undefined) throw new Error('a run without a finding cannot be shrunk');
    this.best = plan;
    this.bestOutcome = outcome;
    this.signature = signatureOf(outcome.finding);
    this.budget = options.budget ?? DEFAULT_BUDGET;
    this.deadlineMs = performance.now() + 1000 * this.budget.seconds;
  }

  /** @returns what is to be said of the result, if it may not be the smallest */
  async shrink(): Promise<string | undefined> {
    const note = await this.toDepartures();
    await this.dropFaults();
    if (note === undefined) {
      await this.dropDepartures();
      await this.mergeDepartures();
    }
    return note ?? (this.spent() ? 'there was no time to look for a smaller one' : undefined);
  }

  private async toDepartures(): Promise<string | undefined> {
    const { departures } = this.bestOutcome;
    const { strategy, faults } = this.best;
    if (strategy.kind === 'replay') {
      if (departures !== undefined && departures.length < strategy.departures.length) await this.fails(departures, faults);
      return undefined;
    }
    if (departures === undefined) return 'not shrunk: its departures from the plain order are not known, or more than are kept';
    if (await this.fails(departures, faults)) return undefined;
    return 'not shrunk: its departures from the plain order alone do not fail the same way';
  }

  private async dropFaults(): Promise<void> {
    await minimise(this.best.faults, async (faults) => {
      const { strategy } = this.best;
      if (strategy.kind === 'replay') return (await this.fails(strategy.departures, faults)) ? faults : undefined;
      return (await this.attempt({ strategy, faults })) ? faults : undefined;
    });
  }

  private async dropDepartures(): Promise<void> {
    await minimise(departuresOf(this.best), async (departures) =>
      (await this.fails(departures, this.best.faults)) ? departuresOf(this.best) : undefined,
    );
  }

  /** Two become one, somewhere. With one left there is nothing to merge: that none fails has been tried. */
  private async mergeDepartures(): Promise<void> {
    // Where one departure less leads is not known; the plain order is where they all lead.
    let plain: readonly Choice[] | undefined;
    while (departuresOf(this.best).length > 1 && !this.spent()) {
      const here = (await this.run(this.best, { choices: true })).choices ?? [];
      plain ??= (await this.run({ strategy: PLAIN.strategy, faults: this.best.faults }, { choices: true })).choices ?? [];
      if (!(await this.mergeOnce(departuresOf(this.best), [...here, ...plain]))) return;
      await this.dropDepartures();
    }
  }

  private async mergeOnce(departures: readonly Departure[], choices: readonly Choice[]): Promise<boolean> {
    for (const [i, moved] of departures.entries()) {
      for (const candidate of nearest(choices, moved)) {
        for (const dropped of departures) {
          if (dropped === moved) continue;
          if (this.spent()) return false;
          const rest = departures.filter((departure, j) => j !== i && departure !== dropped);
          if (rest.some(({ hart, at }) => hart === candidate.hart && at === candidate.at)) continue;
          if (await this.fails([...rest, candidate], this.best.faults)) return true;
        }
      }
    }
    return false;
  }

  private fails(departures: readonly Departure[], faults: readonly Fault[]): Promise<boolean> {
    return this.attempt({ strategy: { kind: 'replay', departures }, faults });
  }

  /** Runs a smaller plan; if it fails the same way, it becomes the best. */
  private async attempt(plan: Plan): Promise<boolean> {
    const key = keyOf(plan);
    if (this.tried.has(key) || this.spent()) return false;
    this.tried.add(key);
    const outcome = await this.run(plan);
    if (outcome.finding === undefined || signatureOf(outcome.finding) !== this.signature) return false;
    this.best = plan;
    this.bestOutcome = outcome;
    const { departures } = outcome;
    // What a run reports as its departures repeats it, in their order: others had no effect.
    if (plan.strategy.kind === 'replay' && departures !== undefined && departures.length <= plan.strategy.departures.length) {
      this.best = { strategy: { kind: 'replay', departures }, faults: plan.faults };
      this.tried.add(keyOf(this.best));
    }
    this.progress();
    return true;
  }

  private async run(plan: Plan, want?: Wanted): Promise<Outcome> {
    this.runs++;
    const outcome = await this.options.run(plan, want);
    this.progress();
    return outcome;
  }

  private progress(): void {
    const departures = this.best.strategy.kind === 'replay' ? this.best.strategy.departures : this.bestOutcome.departures;
    this.options.onProgress?.({ runs: this.runs, departures: departures?.length ?? 0 });
  }

  private spent(): boolean {
    return this.runs >= this.budget.runs || performance.now() >= this.deadlineMs || this.options.signal?.aborted === true;
  }
}

/**
 * ddmin: a subset that passes the test, none of whose elements can be left out alone.
 *
 * @param test answers what the subset has become (itself, or less) if it passes
 */
async function minimise<T>(
  all: readonly T[],
  test: (subset: readonly T[]) => Promise<readonly T[] | undefined>,
): Promise<readonly T[]> {
  if (all.length === 0) return all;
  let current = (await test([])) ?? all;
  let parts = 2;
  while (current.length > 1) {
    const size = Math.ceil(current.length / parts);
    const chunks = Array.from({ length: Math.ceil(current.length / size) }, (_, i) => i * size);
    const subsets = chunks.map((start) => () => current.slice(start, start + size));
    const complements = chunks.map((start) => () => [...current.slice(0, start), ...current.slice(start + size)]);
    let smaller: readonly T[] | undefined;
    let wasSubset = false;
    // With two parts the complements are the subsets.
    for (const [i, candidate] of [...subsets, ...(chunks.length > 2 ? complements : [])].entries()) {
      smaller = await test(candidate());
      wasSubset = i < subsets.length;
      if (smaller !== undefined) break;
    }
    if (smaller !== undefined) {
      current = smaller;
      parts = wasSubset ? 2 : Math.max(parts - 1, 2);
    } else if (parts >= current.length) break;
    else parts = Math.min(2 * parts, current.length);
    // What is tested is always smaller than what is: so this ends.
  }
  return current;
}

/** Every departure that the choices allow, those nearest to `from` in the run first. */
function nearest(choices: readonly Choice[], from: Departure): Departure[] {
  const place = choices.findIndex(({ hart, at }) => hart === from.hart && at === from.at);
  const centre = place < 0 ? 0 : place;
  return choices
    .map((choice, index) => ({ choice, distance: Math.abs(index - centre) }))
    .sort((a, b) => a.distance - b.distance)
    .flatMap(({ choice: { hart, at, others } }) =>
      Array.from({ length: 32 }, (_, to) => ({ hart, at, to })).filter(({ to }) => ((others >>> to) & 1) !== 0),
    );
}

function departuresOf({ strategy }: Plan): readonly Departure[] {
  return strategy.kind === 'replay' ? strategy.departures : [];
}

/** Plans with thousands of departures are compared by hash: all that were tried are remembered. */
function keyOf(plan: Plan): string {
  return createHash('sha256').update(JSON.stringify(plan)).digest('base64');
}
