/*
 * The strategies of a campaign by name.
 */

import { ExhaustivePlans } from './exhaustive-plans.ts';
import { KillPlans } from './kill-plans.ts';
import type { PlanSource, Shard } from './plans.ts';
import { PctPlans, RandomPlans } from './random-plans.ts';

export const STRATEGIES = ['pct', 'random', 'exhaustive', 'kill'] as const;
export type StrategyName = (typeof STRATEGIES)[number];

/** Depth when none is given: PCT's d (a race of two preemptions), and the most departures of an exhaustive search. */
export const DEFAULT_DEPTH = { pct: 3, exhaustive: 2 } as const;

export interface StrategyOptions {
  readonly strategy: StrategyName;
  readonly depth: number | undefined;
  /** The first seed. */
  readonly seed: number;
  readonly shard: Shard;
  /** All schedules of the campaign, its shards together; undefined: no limit. */
  readonly schedules: number | undefined;
}

export function planSource({ strategy, depth, seed, shard, schedules }: StrategyOptions): PlanSource {
  switch (strategy) {
    case 'pct':
      return new PctPlans(seed, depth ?? DEFAULT_DEPTH.pct, shard);
    case 'random':
      return new RandomPlans(seed, shard);
    case 'exhaustive':
      return new ExhaustivePlans(depth ?? DEFAULT_DEPTH.exhaustive, shard);
    case 'kill':
      return new KillPlans(seed, shard, schedules === undefined ? 1 : Infinity);
  }
}
