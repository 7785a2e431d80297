/*
 * Plans with seeds: random, and PCT.
 *
 * PCT draws its priority changes from the first `steps` moments with a choice, and is good only if that is about how many a run has. So
 * it is learned: from a probe in the plain order at first, then from the runs of the last epoch. Epochs end after the 16th, 32nd, 64th …
 * schedule, and none begins before all runs of the one before are in: that keeps the i-th schedule independent of how fast workers are.
 *
 * A single run in which one hart is late while another one computes can have a hundred times the choices of the others. Where it is so,
 * every other schedule takes the most that a run had, which misses no place, and every other the median, which wastes no changes on
 * moments that hardly a run has. The guarantee of PCT holds for the first half, and costs twice the schedules at worst.
 */

import type { Outcome } from './session.ts';
import { PLAIN } from '../smp/schedule/plan.ts';
import type { Job, PlanSource, Shard } from './plans.ts';

const SEEDS = 2 ** 32;
const FIRST_EPOCH = 16;
/** From how many times the median on the most choices of a run are taken for an exception. */
const FAR = 4;

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
  private probed = false;
  /** Moments with a choice in the runs of this epoch. */
  private contended: number[] = [];
  /** The most of the last epoch, and the usual number: the same, unless that is far more than the median. */
  private most = 0;
  private usual = 0;

  constructor(
    private readonly seed: number,
    private readonly depth: number,
    private readonly shard: Shard,
  ) {}

  get note(): string | undefined {
    const { depth, most, usual } = this;
    if (most === 0) return undefined;
    return `depth ${depth}, priorities change within the first ${usual === most ? most : `${usual} or ${most}`} choices`;
  }

  take(): Job | undefined {
    if (this.taken === this.epochEnd) {
      if (this.outstanding > 0) return undefined;
      if (!this.probed) {
        this.probed = true;
        this.outstanding++;
        return { plan: PLAIN, choices: false, probe: true };
      }
      this.epochEnd = this.epochEnd === 0 ? FIRST_EPOCH : 2 * this.epochEnd;
      this.learn();
    }
    const steps = this.taken % 2 === 0 ? this.most : this.usual;
    const seed = seedOf(this.seed, this.taken++, this.shard);
    this.outstanding++;
    const strategy = { kind: 'pct', seed, depth: this.depth, steps } as const;
    return { plan: { strategy, faults: [] }, choices: false, probe: false };
  }

  report(_job: Job, { contended, finding }: Outcome): void {
    this.outstanding--;
    // A run that went wrong may have gone round and round until somebody stopped it.
    if (finding === undefined) this.contended.push(contended);
  }

  private learn(): void {
    const sorted = this.contended.sort((a, b) => a - b);
    const median = Math.max(1, sorted[sorted.length >> 1] ?? 1);
    this.most = Math.max(1, sorted.at(-1) ?? 1);
    this.usual = this.most > FAR * median ? median : this.most;
    this.contended = [];
  }
}

function seedOf(first: number, taken: number, { index, of }: Shard): number {
  return (first + taken * of + index) % SEEDS;
}
