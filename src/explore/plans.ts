/*
 * Where the plans of a campaign come from. A source hands out jobs one by one and hears how each went; it never waits, so that the order
 * in which workers answer is all that it does not decide itself. Which plan the i-th counted job of a source has follows from its options
 * and the target alone, however many workers there are and however they answer.
 *
 * A campaign can be split: of N shards each has every N-th part of the plans, and together they have each plan once.
 */

import type { Fault, Plan } from '../smp/schedule/plan.ts';
import type { Outcome } from './session.ts';

/** A plan to run. */
export interface Job {
  readonly plan: Plan;
  /** The outcome has to have the choices of the run. */
  readonly choices: boolean;
  /** Run to learn something of the target, not counted as one of the campaign's schedules. */
  readonly probe: boolean;
}

export interface PlanSource {
  /** The next job; undefined when there is none, or none until the outcome of another job is reported. */
  take(): Job | undefined;
  /** A job has been done. Every job is to be reported, in any order. */
  report(job: Job, outcome: Outcome): void;
  /** Whether `take` has handed out all there is. */
  readonly exhausted: boolean;
  /** What is to be said of how much the plans cover, if there is something to say. */
  readonly note: string | undefined;
}

/** One of `of` parts of a campaign; `index` counts from 0. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Shard = { index: 0, of: 1 };

/** How many of the first `total` of a campaign are in a shard. */
export function shareOf(total: number, { index, of }: Shard): number {
  return Math.max(0, Math.ceil((total - index) / of));
}

/** A source whose plans have these faults as well. */
export function withFaults(source: PlanSource, faults: readonly Fault[]): PlanSource {
  if (faults.length === 0) return source;
  /** Of each job that is handed out, the one that the source knows. */
  const known = new Map<Job, Job>();
  return {
    take() {
      const job = source.take();
      if (job === undefined) return undefined;
      const more = { ...job, plan: { ...job.plan, faults: [...faults, ...job.plan.faults] } };
      known.set(more, job);
      return more;
    },
    report(job, outcome) {
      source.report(known.get(job)!, outcome);
      known.delete(job);
    },
    get exhausted() {
      return source.exhausted;
    },
    get note() {
      return source.note;
    },
  };
}
