/*
 * Plans with seeds: random, and PCT.
 *
 * PCT draws its priority changes from the first `steps` moments with a choice, and is good only if that is about how many a run has. So
 * it is learned: from a probe in the plain order at first, then from the runs of the last epoch. Epochs end after the 16th, 32nd, 64th …
 * schedule, and none begins before all runs of the one before are in: that keeps the i-th schedule independent of how fast workers are.
 */

import type { Outcome } from './session.ts';
import { type Job, PLAIN, type PlanSource, type Shard } from './plans.ts';

const SEEDS = 2 ** 32;
const FIRST_EPOCH = 16;

/** Seeds from `seed` on, preemption at random. */
export class RandomPlans implements PlanSource {
  readonly exhausted = false;
  readonly note = undefined;
  private taken = 0;

  constructor(
    private readonly seed: number,
    private readonly shard: Shard,
  ) {}

  take(): Job {
    const seed = seedOf(this.seed, this.taken++, this.shard);
    return { plan: { strategy: { kind: 'random', seed }, faults: [] }, choices: false, probe: false };
  }

  report(): void {
    // Nothing is learned from a run.
  }
}

/** Seeds from `seed` on, PCT of one depth. */
export class PctPlans implements PlanSource {
  readonly exhausted = false;
  private taken = 0;
  private outstanding = 0;
  private epochEnd = 0;
  /** The most moments with a choice in a run of this epoch. */
  private contended = 0;
  private steps = 0;

  constructor(
    private readonly seed: number,
    private readonly depth: number,
    private readonly shard: Shard,
  ) {}

  get note(): string | undefined {
    return this.steps === 0 ? undefined : `depth ${this.depth}, priorities change within the first ${this.steps} choices`;
  }

  take(): Job | undefined {
    if (this.taken === this.epochEnd) {
      if (this.outstanding > 0) return undefined;
      if (this.epochEnd === 0 && this.contended === 0) {
        this.contended = 1;
        this.outstanding++;
        return { plan: PLAIN, choices: false, probe: true };
      }
      this.epochEnd = this.epochEnd === 0 ? FIRST_EPOCH : 2 * this.epochEnd;
      this.steps = this.contended;
      this.contended = 1;
    }
    const seed = seedOf(this.seed, this.taken++, this.shard);
    this.outstanding++;
    const strategy = { kind: 'pct', seed, depth: this.depth, steps: this.steps } as const;
    return { plan: { strategy, faults: [] }, choices: false, probe: false };
  }

  report(_job: Job, { contended, finding }: Outcome): void {
    this.outstanding--;
    // A run that went wrong may have gone round and round until somebody stopped it.
    if (finding === undefined) this.contended = Math.max(this.contended, contended);
  }
}

function seedOf(first: number, taken: number, { index, of }: Shard): number {
  return (first + taken * of + index) % SEEDS;
}
