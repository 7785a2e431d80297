/*
 * Each thread killed at each of its synchronisation points: first in the plain order, then, if more is asked for, again under one random
 * schedule after the other. A run without a death goes before each pass and tells how many points every thread has.
 */

import { UsageError } from '../machine/errors.ts';
import type { Strategy } from '../smp/schedule/plan.ts';
import { type Job, PLAIN, type PlanSource, type Shard } from './plans.ts';
import type { Outcome } from './session.ts';

const SEEDS = 2 ** 32;

export class KillPlans implements PlanSource {
  private pass = -1;
  private strategy: Strategy = PLAIN.strategy;
  /** Points of each thread; undefined while the run that tells is under way. */
  private points: readonly number[] | undefined = [];
  private thread = 0;
  private at = 0;
  private ordinal = 0;
  private killed = 0;
  /** Set when there is nobody to be killed. */
  private nobody = false;

  /** @param passes how many schedules the deaths are tried under */
  constructor(
    private readonly seed: number,
    private readonly shard: Shard,
    private readonly passes: number,
  ) {}

  get exhausted(): boolean {
    return this.nobody || this.pass >= this.passes;
  }

  get note(): string | undefined {
    const { pass, passes } = this;
    if (pass < 0) return undefined;
    const under = pass === 0 || passes === 1 ? 'in the plain order' : `under schedule ${Math.min(pass + 1, passes)}`;
    return `${this.killed} deaths, ${this.exhausted ? 'every thread at every point ' : ''}${under}`;
  }

  take(): Job | undefined {
    while (this.points !== undefined && !this.exhausted) {
      const { thread, at } = this;
      if (thread >= this.points.length) {
        if (++this.pass >= this.passes) return undefined;
        return this.probe();
      }
      if (at >= this.points[thread]!) {
        this.thread++;
        this.at = 0;
        continue;
      }
      this.at++;
      if (this.ordinal++ % this.shard.of !== this.shard.index) continue;
      this.killed++;
      return { plan: { strategy: this.strategy, faults: [{ kind: 'kill', thread, at }] }, choices: false, probe: false };
    }
    return undefined;
  }

  report({ probe }: Job, { points: counted, finding }: Outcome): void {
    if (!probe) return;
    // A run that failed may not have come to the end where they are told.
    const points = counted ?? (finding === undefined ? undefined : []);
    if (points === undefined) throw new UsageError('--strategy kill: this target has no threads whose points are counted');
    this.points = points;
    this.nobody = points.every((count) => count === 0);
  }

  private probe(): Job {
    if (this.pass > 0) this.strategy = { kind: 'random', seed: (this.seed + this.pass - 1) % SEEDS };
    this.points = undefined;
    this.thread = 0;
    this.at = 0;
    return { plan: { strategy: this.strategy, faults: [] }, choices: false, probe: true };
  }
}
