/*
 * Do the strategies hand out exactly the plans that they promise? Each is held against a machine that can be enumerated by brute force.
 */

import { describe, expect, it } from 'vitest';

import { type Job, type PlanSource, type Shard, shareOf, WHOLE } from '../../src/explore/plans.ts';
import type { Outcome } from '../../src/explore/session.ts';
import { planSource, type StrategyOptions } from '../../src/explore/strategies.ts';
import { bruteForce, counters, type Model, runModel } from './fake-machine.ts';

const THREE: Model = {
  threads: [
    ['load', 'store'],
    ['load', 'store'],
    ['nop', 'load', 'store'],
  ],
  expected: 3,
};

interface Done {
  readonly job: Job;
  readonly outcome: Outcome;
}

/**
 * Runs what a source has, up to so many counted jobs, as so many workers would that answer in a random order.
 */
function drain(source: PlanSource, model: Model, { workers = 1, limit = Infinity, salt = 1 } = {}): Done[] {
  const counted: Done[] = [];
  const waiting: Job[] = [];
  let random = salt;
  for (;;) {
    while (waiting.length < workers && counted.length + waiting.filter(({ probe }) => !probe).length < limit) {
      const job = source.take();
      if (job === undefined) break;
      waiting.push(job);
    }
    if (waiting.length === 0) return counted;
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const [job] = waiting.splice(random % waiting.length, 1) as [Job];
    const outcome = runModel(model, job.plan, { choices: job.choices });
    source.report(job, outcome);
    if (!job.probe) counted.push({ job, outcome });
  }
}

function make(options: Partial<StrategyOptions>): PlanSource {
  return planSource({ strategy: 'random', depth: undefined, seed: 1, shard: WHOLE, schedules: undefined, ...options });
}

const keys = (done: readonly Done[]): string[] => done.map(({ job }) => JSON.stringify(job.plan));
const shards = (of: number): Shard[] => Array.from({ length: of }, (_, index) => ({ index, of }));

describe('the exhaustive strategy', () => {
  it.each([
    ['two threads', counters(2, 2)],
    ['two unequal ones', counters(1, 3)],
    ['three', THREE],
    ['one', counters(3)],
  ])('runs every schedule of %s once, those with fewer departures first', (_name, model) => {
    const counts = bruteForce(model);
    const source = make({ strategy: 'exhaustive', depth: 64 });
    const done = drain(source, model);
    const found = counts.map((_, d) => done.filter(({ outcome }) => outcome.departures!.length === d).length);
    expect(found).toEqual(counts);
    expect(new Set(done.map(({ outcome }) => outcome.interleaving)).size).toBe(done.length);
    const lengths = done.map(({ outcome }) => outcome.departures!.length);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    expect(source.exhausted).toBe(true);
    expect(source.note).toBe(`every schedule there is, none needs more than ${counts.length - 1} departures`);
  });

  it.each([0, 1, 2, 3])('keeps to a bound of %i departures', (depth) => {
    const source = make({ strategy: 'exhaustive', depth });
    const done = drain(source, THREE);
    const counts = bruteForce(THREE).slice(0, depth + 1);
    expect(done.length).toBe(counts.reduce((a, b) => a + b, 0));
    expect(Math.max(...done.map(({ outcome }) => outcome.departures!.length))).toBe(depth);
    expect(source.note).toBe(`every schedule with at most ${depth} departures from the plain order`);
  });

  it('every plan is followed to the letter', () => {
    for (const { job, outcome } of drain(make({ strategy: 'exhaustive', depth: 3 }), THREE)) {
      expect(job.plan.strategy).toEqual({ kind: 'replay', departures: outcome.departures });
    }
  });

  it('hands out the same plans in the same order, however many workers there are and whoever is first', () => {
    const order = (workers: number, salt: number): string[] => {
      const taken: string[] = [];
      const source = make({ strategy: 'exhaustive', depth: 3 });
      const spy: PlanSource = {
        take: () => {
          const job = source.take();
          if (job?.probe === false) taken.push(JSON.stringify(job.plan));
          return job;
        },
        report: (job, outcome) => source.report(job, outcome),
        exhausted: false,
        note: undefined,
      };
      drain(spy, THREE, { workers, salt });
      return taken;
    };
    const alone = order(1, 1);
    expect(alone.length).toBeGreaterThan(50);
    for (const [workers, salt] of [
      [2, 5],
      [7, 9],
      [50, 3],
    ] as const)
      expect(order(workers, salt)).toEqual(alone);
  });

  it('is split into shards that have every schedule once', () => {
    const whole = keys(drain(make({ strategy: 'exhaustive', depth: 3 }), THREE));
    for (const of of [2, 3, 8]) {
      const parts = shards(of).map((shard) =>
        keys(drain(make({ strategy: 'exhaustive', depth: 3, shard }), THREE, { workers: 3 })),
      );
      expect(parts.flat().sort()).toEqual(whole.toSorted());
    }
  });

  it('says when runs had more choices than were reported', () => {
    const source = make({ strategy: 'exhaustive', depth: 2 });
    drain(source, { ...THREE, choiceLimit: 3 });
    expect(source.note).toMatch(/more choices than are reported/);
  });

  it('runs few probes: one for each schedule with fewer departures than the bound', () => {
    const source = make({ strategy: 'exhaustive', depth: 3 });
    let probes = 0;
    const spy: PlanSource = {
      take: () => {
        const job = source.take();
        if (job?.probe === true) probes++;
        return job;
      },
      report: (job, outcome) => source.report(job, outcome),
      exhausted: false,
      note: undefined,
    };
    drain(spy, THREE);
    const [, ones, twos] = bruteForce(THREE);
    // At bound 2 those with one; at bound 3 those with one, and with two.
    expect(probes).toBe(2 * ones! + twos!);
  });
});

describe('the seeded strategies', () => {
  it('random counts seeds up from the first, round the end', () => {
    const seeds = drain(make({ seed: 2 ** 32 - 2 }), counters(1, 1), { limit: 4 }).map(({ job }) => job.plan.strategy);
    expect(seeds).toEqual([2 ** 32 - 2, 2 ** 32 - 1, 0, 1].map((seed) => ({ kind: 'random', seed })));
  });

  it.each(['random', 'pct'] as const)('%s is split into shards that have every seed once', (strategy) => {
    const seedsOf = (done: readonly Done[]): number[] =>
      done.map(({ job }) => (job.plan.strategy as { readonly seed: number }).seed).sort((a, b) => a - b);
    for (const of of [1, 2, 3, 7]) {
      const parts = shards(of).map((shard) => {
        const limit = shareOf(100, shard);
        return seedsOf(drain(make({ strategy, seed: 10, shard }), counters(2, 2), { limit }));
      });
      expect(parts.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => 10 + i));
    }
  });

  it('PCT takes the most choices of a run, and every other time the median where that is far less', () => {
    const source = make({ strategy: 'pct' });
    const steps: number[] = [];
    for (let i = 0; i < 21; i++) {
      const job = source.take()!;
      const { strategy } = job.plan;
      if (strategy.kind === 'pct') steps.push(strategy.steps);
      // One run in which somebody is late has a hundred times the choices.
      source.report(job, { ...runModel(counters(1), job.plan), contended: i === 7 ? 5000 : 50 });
    }
    expect(steps.slice(16)).toEqual([5000, 50, 5000, 50]);
  });

  it('PCT learns the length of runs from a probe, then from the last epoch', () => {
    let length = 40;
    const source = make({ strategy: 'pct', depth: 4 });
    const steps: number[] = [];
    for (let i = 0; i < 70; i++) {
      const job = source.take()!;
      const { strategy } = job.plan;
      if (strategy.kind === 'pct') steps.push(strategy.steps);
      expect(strategy.kind === 'pct' ? strategy.depth : 0).toBe(job.probe ? 0 : 4);
      source.report(job, { ...runModel(counters(1), job.plan), contended: length });
      if (steps.length === 10) length = 90;
      if (steps.length === 20) length = 30;
    }
    expect(steps.slice(0, 16)).toEqual(Array(16).fill(40));
    const odd = steps.filter((_, i) => i % 2 === 1);
    const even = steps.filter((_, i) => i % 2 === 0);
    expect(even.slice(8, 16)).toEqual(Array(8).fill(90));
    expect(even.slice(16, 32)).toEqual(Array(16).fill(90));
    expect(odd.slice(16, 32)).toEqual(Array(16).fill(90));
    expect(steps.slice(64)).toEqual(Array(steps.length - 64).fill(30));
  });

  it('PCT does not learn from runs that went wrong', () => {
    const source = make({ strategy: 'pct', depth: 2 });
    for (let i = 0; i < 17; i++) {
      const job = source.take()!;
      const outcome = { ...runModel(counters(1), job.plan), contended: i === 5 ? 1e9 : 20 };
      source.report(job, i === 5 ? { ...outcome, finding: { kind: 'no-progress', text: 'it turns in a circle' } } : outcome);
    }
    expect(source.take()!.plan.strategy).toMatchObject({ steps: 20 });
  });

  it.each(['random', 'pct'] as const)('%s gives the i-th schedule the same plan, whatever the workers do', (strategy) => {
    const plans = (workers: number, salt: number): string[] =>
      keys(drain(make({ strategy }), THREE, { workers, salt, limit: 100 })).sort();
    expect(plans(5, 3)).toEqual(plans(1, 1));
  });
});

describe('the kill strategy', () => {
  const deaths = (done: readonly Done[]): string[] =>
    done.map(({ job }) => {
      const [fault] = job.plan.faults;
      return fault?.kind === 'kill' ? `${fault.thread}.${fault.at}` : 'none';
    });

  it('kills each thread at each of its points, once', () => {
    const source = make({ strategy: 'kill' });
    const done = drain(source, THREE, { workers: 3 });
    expect(deaths(done).sort()).toEqual(['0.0', '0.1', '1.0', '1.1', '2.0', '2.1', '2.2']);
    expect(source.exhausted).toBe(true);
    expect(source.note).toBe('7 deaths, every thread at every point in the plain order');
  });

  it('goes on under random schedules if more is asked for', () => {
    const done = drain(make({ strategy: 'kill', schedules: 16, seed: 9 }), THREE, { limit: 16 });
    const strategies = done.map(({ job }) => job.plan.strategy);
    expect(strategies.slice(7, 14)).toEqual(Array(7).fill({ kind: 'random', seed: 9 }));
    expect(strategies.slice(14)).toEqual(Array(2).fill({ kind: 'random', seed: 10 }));
  });

  it('is split into shards that have every death once', () => {
    const parts = shards(3).map((shard) => deaths(drain(make({ strategy: 'kill', shard }), THREE)));
    expect(parts.flat().sort()).toEqual(deaths(drain(make({ strategy: 'kill' }), THREE)).sort());
    expect(parts.map(({ length }) => length)).toEqual([3, 2, 2]);
  });

  it('ends where there is nobody to kill, and refuses a target that counts no points', () => {
    const empty = make({ strategy: 'kill', schedules: 5 });
    expect(drain(empty, { threads: [], expected: 0 })).toEqual([]);
    expect(empty.exhausted).toBe(true);
    const source = make({ strategy: 'kill' });
    const probe = source.take()!;
    const outcome = { ...runModel(THREE, probe.plan), points: undefined };
    expect(() => source.report(probe, outcome)).toThrow('--strategy kill: this target has no threads');
  });
});
