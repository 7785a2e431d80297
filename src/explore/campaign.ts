/*
 * A campaign: plan after plan from a source (plans.ts) to the workers of a pool (pool.ts), until something is found, or the schedules or
 * the time are used up, or there are no more plans. Then each finding is shrunk, run once more to see that it replays, and reported.
 *
 * Each worker has a loop of its own: take a batch, run it, report. Batches last about a tenth of a second, so that a stop is heard
 * soon and messages cost nothing. A worker that dies is a machine check of the plan it was at; the rest of its batch is done again.
 */

import { Coverage, type CoverageReport } from './coverage.ts';
import { type Job, type PlanSource, type Shard, shareOf, WHOLE } from './plans.ts';
import { ExplorerPool, type ExplorerWorker, WorkerDied } from './pool.ts';
import type { Finding, Outcome, Wanted } from './session.ts';
import { type ShrinkBudget, shrink, type ShrinkProgress, type Shrunk } from './shrink.ts';
import { signatureOf } from './signature.ts';
import { planSource, type StrategyName } from './strategies.ts';
import type { SessionTarget } from './target.ts';
import type { Fault, Plan } from '../smp/schedule/plan.ts';

/** How long a batch is meant to take, and what it may grow to. */
const BATCH_MS = 100;
const MAX_BATCH = 1000;
/** So many deaths in a row, and nothing run between them, end a campaign that was to go on after findings. */
const MAX_DEATHS = 3;
/** Different findings that are kept when the campaign goes on after the first. */
const MAX_FOUND = 100;

export interface CampaignOptions {
  readonly target: SessionTarget;
  readonly strategy: StrategyName;
  /** See {@link planSource}. */
  readonly depth?: number | undefined;
  /** The first seed. Default: 1. */
  readonly seed?: number | undefined;
  /** Default: all of it. */
  readonly shard?: Shard | undefined;
  /** Happen in every run. */
  readonly faults?: readonly Fault[] | undefined;
  /** How many schedules the campaign has, its shards together. Default: as many as the strategy has. */
  readonly schedules?: number | undefined;
  /** How long to look for findings, seconds. Default: no limit. */
  readonly seconds?: number | undefined;
  /** Workers. */
  readonly jobs: number;
  /** Collect different findings instead of stopping at the first. */
  readonly keepGoing?: boolean | undefined;
  /** How much to spend on shrinking each finding; false: nothing. */
  readonly shrink?: ShrinkBudget | false | undefined;
  /** Path of the TypeScript module that exports `openSession`. */
  readonly factory: string;
  readonly silenceMs?: number | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Stops the campaign; what was found is still reported. */
  readonly signal?: AbortSignal | undefined;
}

/** How a campaign stands. */
export interface Progress {
  readonly phase: 'exploring' | 'shrinking';
  /** Schedules done, and how many there are to be; undefined: nobody knows. */
  readonly schedules: number;
  readonly of: number | undefined;
  /** Seconds since the first one began. */
  readonly seconds: number;
  readonly coverage: CoverageReport;
  /** Different findings. */
  readonly findings: number;
  readonly shrinking: ShrinkProgress | undefined;
}

/** A finding, and how to see it again. */
export interface Found {
  readonly finding: Finding;
  /** The plan to replay: shrunk if that was wanted and possible. */
  readonly plan: Plan;
  /** How its run went. */
  readonly outcome: Outcome;
  /** The plan that the strategy came up with, and how many schedules were done when it was found, it included. */
  readonly firstPlan: Plan;
  readonly schedule: number;
  /** How many schedules have failed in this way. */
  readonly times: number;
  readonly shrinkRuns: number;
  /** Whether the plan, run once more, has failed in the same way. */
  readonly replays: boolean;
  /** Why it was not shrunk further, if so. */
  readonly note: string | undefined;
}

export type Ending = 'finding' | 'schedules' | 'time' | 'exhausted' | 'interrupted';

export interface CampaignResult {
  readonly ending: Ending;
  readonly schedules: number;
  /** Spent exploring; shrinking not included. */
  readonly seconds: number;
  readonly coverage: CoverageReport;
  readonly found: readonly Found[];
  /** What the strategy has to say of how much it covered. */
  readonly note: string | undefined;
}

/**
 * Runs a campaign.
 *
 * @throws UsageError when the target cannot be explored as asked; any other error is the explorer's own failure
 */
export async function explore(options: CampaignOptions): Promise<CampaignResult> {
  const { target, jobs, factory, silenceMs } = options;
  const pool = await ExplorerPool.start({ workers: jobs, target, factory, silenceMs });
  try {
    const campaign = new Campaign(pool, options);
    await campaign.run();
    return await campaign.result();
  } finally {
    await pool.close();
  }
}

interface Raw {
  readonly plan: Plan;
  readonly outcome: Outcome;
  readonly finding: Finding;
  readonly schedule: number;
  times: number;
}

class Campaign {
  private readonly source: PlanSource;
  private readonly coverage = new Coverage();
  private readonly raw = new Map<string, Raw>();
  private readonly limit: number;
  private readonly startedMs = performance.now();
  private schedules = 0;
  private taken = 0;
  private seconds = 0;
  private ending: Ending | undefined;
  /** Jobs that were handed out but have not been run. */
  private readonly again: Job[] = [];
  /** Loops that wait until another one has reported. */
  private readonly idle = new Set<() => void>();
  private busy = 0;

  constructor(
    private readonly pool: ExplorerPool,
    private readonly options: CampaignOptions,
  ) {
    const { strategy, depth, seed = 1, shard = WHOLE, schedules } = options;
    this.source = planSource({ strategy, depth, seed, shard, schedules, faults: options.faults });
    this.limit = schedules === undefined ? Infinity : shareOf(schedules, shard);
  }

  /** Explores until there is a reason to end. */
  async run(): Promise<void> {
    const { seconds, signal } = this.options;
    const timer = seconds === undefined ? undefined : setTimeout(() => this.end('time'), 1000 * seconds);
    const interrupt = (): void => this.end('interrupted');
    signal?.addEventListener('abort', interrupt);
    try {
      if (signal?.aborted === true) this.end('interrupted');
      await Promise.all(this.pool.workers.map((worker) => this.serve(worker)));
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', interrupt);
      this.seconds = (performance.now() - this.startedMs) / 1000;
    }
    this.ending ??= this.source.exhausted ? 'exhausted' : 'schedules';
  }

  /** Shrinks what was found, and says how it all went. */
  async result(): Promise<CampaignResult> {
    const found: Found[] = [];
    for (const raw of this.raw.values()) found.push(await this.conclude(raw));
    const { schedules, seconds, source } = this;
    return { ending: this.ending!, schedules, seconds, coverage: this.coverage.report(), found, note: source.note };
  }

  private async serve(worker: ExplorerWorker): Promise<void> {
    let size = 1;
    let deaths = 0;
    try {
      for (;;) {
        const jobs = await this.takeBatch(size);
        if (jobs.length === 0) return;
        this.busy++;
        const startedMs = performance.now();
        let done = 0;
        try {
          const outcomes = await worker.run(jobs.map(orderOf), this.options.keepGoing === true);
          done = outcomes.length;
          outcomes.forEach((outcome, i) => this.report(jobs[i]!, outcome));
          deaths = 0;
          const each = (performance.now() - startedMs) / Math.max(done, 1);
          size = Math.max(1, Math.min(MAX_BATCH, 2 * size, Math.round(BATCH_MS / each)));
        } catch (error) {
          if (!(error instanceof WorkerDied)) throw error;
          // Those before it were run, and their outcomes died with the worker.
          const [culprit] = jobs.splice(error.place, 1);
          if (culprit !== undefined) this.report(culprit, deathOf(error));
          size = 1;
          if (++deaths === MAX_DEATHS) this.end('finding');
          if (this.ending === undefined) await worker.revive();
        } finally {
          this.again.push(...jobs.slice(done));
          this.busy--;
          this.wake();
        }
      }
    } catch (error) {
      // One loop's failure is the campaign's: the others come to their end.
      this.end('interrupted');
      throw error;
    }
  }

  /** Up to so many jobs; none when the campaign ends. */
  private async takeBatch(size: number): Promise<Job[]> {
    for (;;) {
      const jobs: Job[] = [];
      while (jobs.length < size && this.ending === undefined) {
        const job = this.again.shift() ?? this.takeNew();
        if (job === undefined) break;
        jobs.push(job);
      }
      // Whoever still runs may report what makes new plans, or die and leave some.
      if (jobs.length > 0 || this.ending !== undefined || this.busy === 0) {
        if (jobs.length === 0) this.wake();
        return jobs;
      }
      await new Promise<void>((wake) => this.idle.add(wake));
    }
  }

  private takeNew(): Job | undefined {
    if (this.taken >= this.limit) return undefined;
    const job = this.source.take();
    if (job?.probe === false) this.taken++;
    return job;
  }

  private report(job: Job, outcome: Outcome): void {
    if (!job.probe) {
      this.schedules++;
      this.coverage.add(outcome.interleaving);
    }
    if (outcome.finding !== undefined) this.find(job.plan, outcome, outcome.finding);
    // A run that failed may not have come to where its choices and points are told.
    this.source.report(job, outcome);
    this.progress('exploring');
  }

  private find(plan: Plan, outcome: Outcome, finding: Finding): void {
    const signature = signatureOf(finding);
    const known = this.raw.get(signature);
    if (known !== undefined) known.times++;
    else if (this.raw.size < MAX_FOUND) {
      this.raw.set(signature, { plan, outcome, finding, schedule: this.schedules, times: 1 });
    }
    if (this.options.keepGoing !== true) this.end('finding');
  }

  private end(ending: Ending): void {
    if (this.ending !== undefined) return;
    this.ending = ending;
    this.pool.stop();
    this.wake();
  }

  private wake(): void {
    const waiting = [...this.idle];
    this.idle.clear();
    for (const wake of waiting) wake();
  }

  private async conclude({ plan: firstPlan, outcome, finding, schedule, times }: Raw): Promise<Found> {
    let shrunk: Shrunk = { plan: firstPlan, outcome, runs: 0, note: undefined };
    const { shrink: budget, signal } = this.options;
    if (budget !== false) {
      shrunk = await shrink(firstPlan, outcome, {
        run: (plan, want) => this.runOne(plan, want),
        ...(budget === undefined ? {} : { budget }),
        onProgress: (progress) => this.progress('shrinking', progress),
        signal,
      });
    }
    const { plan, runs: shrinkRuns, note } = shrunk;
    const last = await this.runOne(plan, { history: true });
    const replays = last.finding !== undefined && signatureOf(last.finding) === signatureOf(finding);
    const shown = replays ? last : shrunk.outcome;
    return {
      finding: shown.finding ?? finding,
      plan,
      outcome: shown,
      firstPlan,
      schedule,
      times,
      shrinkRuns,
      replays,
      note,
    };
  }

  /** Runs a plan outside of the search. */
  private async runOne(plan: Plan, want: Wanted = {}): Promise<Outcome> {
    const worker = this.pool.workers[0]!;
    if (!worker.alive) await worker.revive();
    try {
      return (await worker.run([{ plan, want }], true))[0]!;
    } catch (error) {
      if (error instanceof WorkerDied) return deathOf(error);
      throw error;
    }
  }

  private progress(phase: Progress['phase'], shrinking?: ShrinkProgress): void {
    const { schedules, limit } = this;
    this.options.onProgress?.({
      phase,
      schedules,
      of: Number.isFinite(limit) ? limit : undefined,
      seconds: (performance.now() - this.startedMs) / 1000,
      coverage: this.coverage.report(),
      findings: this.raw.size,
      shrinking,
    });
  }
}

function orderOf({ plan, choices, probe }: Job): { plan: Plan; want: Wanted } {
  return { plan, want: { choices, points: probe } };
}

function deathOf({ message }: WorkerDied): Outcome {
  return {
    finding: { kind: 'machine-check', text: message },
    moments: 0,
    contended: 0,
    departures: undefined,
    choices: [],
    interleaving: '',
    ns: 0,
  };
}
