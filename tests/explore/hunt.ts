/*
 * A search within this process: one session, one strategy, until something is found. What the tests of the search share, and the script
 * that writes docs/defects.md.
 */

import { openSession } from '../../src/explore/open-session.ts';
import { WHOLE } from '../../src/explore/plans.ts';
import type { Outcome, Session } from '../../src/explore/session.ts';
import { planSource, type StrategyName } from '../../src/explore/strategies.ts';
import type { SessionTarget } from '../../src/explore/target.ts';
import type { Plan } from '../../src/smp/schedule/plan.ts';

export interface Search {
  readonly strategy: StrategyName;
  readonly depth?: number;
  readonly seed?: number;
  /** How many schedules at most; Infinity: as many as the strategy has. */
  readonly schedules: number;
}

export interface Hunted {
  /** Schedules that were run, that of the finding included; 0: it was found by the run in the plain order that goes before. */
  readonly schedules: number;
  /** Plans that were run, in order. */
  readonly plans: readonly Plan[];
  /** The last of them, if it had a finding. */
  readonly outcome: Outcome | undefined;
}

/** A scenario of the project on the machine that the explorer has by default, its kernel with one of DEFECTS if one is named. */
export function scenarioTarget(scenario: string, defect?: string): SessionTarget {
  const machine = { cpus: 2, memory: 32 * 2 ** 20, jit: 'hot' } as const;
  return {
    run: { kind: 'scenario', word: scenario, args: [] },
    machine: defect === undefined ? machine : { ...machine, defect: `tests/explore/defects.ts#${defect}` },
  };
}

/** Opens a session for as long as `use` takes. */
export async function withSession<T>(target: SessionTarget, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(target);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** Runs plan after plan of a strategy until there is a finding, or no more of them. */
export async function hunt(session: Session, { strategy, depth, seed = 1, schedules: most }: Search): Promise<Hunted> {
  const source = planSource({ strategy, depth, seed, shard: WHOLE, schedules: undefined });
  const plans: Plan[] = [];
  let schedules = 0;
  while (schedules < most) {
    const job = source.take();
    if (job === undefined) break;
    plans.push(job.plan);
    const outcome = await session.run(job.plan, { choices: job.choices, points: job.probe });
    if (!job.probe) schedules++;
    if (outcome.finding !== undefined) return { schedules, plans, outcome };
    source.report(job, outcome);
  }
  return { schedules, plans, outcome: undefined };
}
