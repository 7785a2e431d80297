/*
 * The strategies of a campaign by name.
 */

import type { Fault } from '../smp/schedule/plan.ts';
import { ExhaustivePlans } from './exhaustive-plans.ts';
import { FaultPlans, SWEEPS } from './fault-plans.ts';
import { type PlanSource, type Shard, withFaults } from './plans.ts';
import { PctPlans, RandomPlans } from './random-plans.ts';

export const STRATEGIES = ['pct', 'random', 'exhaustive', 'kill', 'no-memory', 'spurious', 'late-ipi'] as const;
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
  /** Happen in every run, beside those of the strategy. */
  readonly faults?: readonly Fault[] | undefined;
}

export function planSource(options: StrategyOptions): PlanSource {
  return withFaults(strategySource(options), options.faults ?? []);
}

function strategySource({ strategy, depth, seed, shard, schedules }: StrategyOptions): PlanSource {
  switch (strategy) {
    case 'pct':
      return new PctPlans(seed, depth ?? DEFAULT_DEPTH.pct, shard);
    case 'random':
      return new RandomPlans(seed, shard);
    case 'exhaustive':
      return new ExhaustivePlans(depth ?? DEFAULT_DEPTH.exhaustive, shard);
    default:
      return new FaultPlans(SWEEPS[strategy], seed, shard, schedules === undefined ? 1 : Infinity);
  }
}
