/*
 * One fault at every place where it can happen: a thread killed at each of its synchronisation points, each request for memory refused, each
 * sleep ended for no reason, each ring late. First in the plain order, then, if more is asked for, again under one random schedule after the
 * other. A run without the fault goes before each pass and tells how many places there are.
 */

import { UsageError } from '../machine/errors.ts';
import { type Fault, PLAIN, type Strategy } from '../smp/schedule/plan.ts';
import type { Job, PlanSource, Shard } from './plans.ts';
import type { Outcome } from './session.ts';

const SEEDS = 2 ** 32;

/** A kind of fault, and where it can happen. */
export interface FaultSweep {
  readonly name: string;
  /** What a fault is called, in the plural; and all of them. */
  readonly plural: string;
  readonly all: string;
  /** How many places there are for each subject (thread 0, thread 1 …); undefined: the target does not tell. */
  places(outcome: Outcome): readonly number[] | undefined;
  fault(subject: number, place: number): Fault;
}

/** Moments by which a ring is late. */
const LATE = 1000;

export const SWEEPS = {
  kill: {
    name: 'kill',
    plural: 'deaths',
    all: 'every thread at every point',
    places: ({ points }) => points,
    fault: (thread, at) => ({ kind: 'kill', thread, at }),
  },
  'no-memory': {
    name: 'no-memory',
    plural: 'refusals',
    all: 'every request for memory',
    places: ({ occasions }) => (occasions === undefined ? undefined : [occasions.requests]),
    fault: (_, nth) => ({ kind: 'no-memory', nth }),
  },
  spurious: {
    name: 'spurious',
    plural: 'spurious wake-ups',
    all: 'every sleep',
    places: ({ occasions }) => (occasions === undefined ? undefined : [occasions.sleeps]),
    fault: (_, nth) => ({ kind: 'spurious', nth }),
  },
  'late-ipi': {
    name: 'late-ipi',
    plural: 'late rings',
    all: 'every ring',
    places: ({ occasions }) => (occasions === undefined ? undefined : [occasions.rings]),
    fault: (_, nth) => ({ kind: 'late-ipi', nth, moments: LATE }),
  },
} as const satisfies Readonly<Record<string, FaultSweep>>;

export class FaultPlans implements PlanSource {
  private pass = -1;
  private strategy: Strategy = PLAIN.strategy;
  /** Places of each subject; undefined while the run that tells is under way. */
  private places: readonly number[] | undefined = [];
  private subject = 0;
  private place = 0;
  private ordinal = 0;
  private made = 0;
  /** Set when there is no place for a fault. */
  private nowhere = false;

  /** @param passes how many schedules the faults are tried under */
  constructor(
    private readonly sweep: FaultSweep,
    private readonly seed: number,
    private readonly shard: Shard,
    private readonly passes: number,
  ) {}

  get exhausted(): boolean {
    return this.nowhere || this.pass >= this.passes;
  }

  get note(): string | undefined {
    const { pass, passes, sweep } = this;
    if (pass < 0) return undefined;
    const under = pass === 0 || passes === 1 ? 'in the plain order' : `under schedule ${Math.min(pass + 1, passes)}`;
    return `${this.made} ${sweep.plural}, ${this.exhausted ? `${sweep.all} ` : ''}${under}`;
  }

  take(): Job | undefined {
    while (this.places !== undefined && !this.exhausted) {
      const { subject, place } = this;
      if (subject >= this.places.length) {
        if (++this.pass >= this.passes) return undefined;
        return this.probe();
      }
      if (place >= this.places[subject]!) {
        this.subject++;
        this.place = 0;
        continue;
      }
      this.place++;
      if (this.ordinal++ % this.shard.of !== this.shard.index) continue;
      this.made++;
      const faults = [this.sweep.fault(subject, place)];
      return { plan: { strategy: this.strategy, faults }, choices: false, probe: false };
    }
    return undefined;
  }

  report({ probe }: Job, outcome: Outcome): void {
    if (!probe) return;
    // A run that failed may not have come to the end where they are told.
    const places = this.sweep.places(outcome) ?? (outcome.finding === undefined ? undefined : []);
    if (places === undefined) {
      throw new UsageError(`--strategy ${this.sweep.name}: this target has no threads whose points are counted`);
    }
    this.places = places;
    this.nowhere = places.every((count) => count === 0);
  }

  private probe(): Job {
    if (this.pass > 0) this.strategy = { kind: 'random', seed: (this.seed + this.pass - 1) % SEEDS };
    this.places = undefined;
    this.subject = 0;
    this.place = 0;
    return { plan: { strategy: this.strategy, faults: [] }, choices: false, probe: true };
  }
}
