/*
 * Opens the session of a target (session.ts): what a campaign's workers load.
 */

import type { Plan } from '../smp/schedule/plan.ts';
import { findProgram, readProgram } from '../machine/programs.ts';
import { placesOf } from './departure-places.ts';
import { Production } from './production.ts';
import type { Outcome, Session, Wanted } from './session.ts';
import type { SessionTarget } from './target.ts';

/** More points than any run has. */
const NEVER = 2 ** 31;

/**
 * @throws UsageError when the target cannot be had as it is described
 */
export async function openSession(target: SessionTarget): Promise<Session> {
  const production = await Production.open(target);
  const { run: what } = target;
  let placesIn: ReturnType<typeof placesOf> | undefined;
  return {
    run: async (plan, want) => {
      const outcome = await run(production, plan, want);
      if (outcome.finding === undefined || what.kind !== 'program') return outcome;
      placesIn ??= placesOf(readProgram(findProgram(what.word)));
      return { ...outcome, places: placesIn(outcome.pcs ?? []) };
    },
    close: () => production.close(),
  };
}

async function run(production: Production, plan: Plan, { choices, points, history }: Wanted = {}): Promise<Outcome> {
  const judged = await production.run(plan, { choices });
  return {
    ...judged.schedule,
    finding: judged.finding,
    history: history === true ? judged.history() : undefined,
    picture: history === true ? judged.picture() : undefined,
    points: points === true ? await pointsOf(production, plan) : undefined,
  };
}

/** How many synchronisation points each thread passes under a plan: by runs in each of which one is waited for that never comes. */
async function pointsOf(production: Production, { strategy }: Plan): Promise<number[]> {
  const points: number[] = [];
  for (let thread = 0; thread < production.threads; thread++) {
    const { schedule } = await production.run({ strategy, faults: [{ kind: 'kill', thread, at: NEVER }] });
    points.push(schedule.victimPoints ?? 0);
  }
  return points;
}
