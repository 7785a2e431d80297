/*
 * Campaigns with real worker threads, on sessions over fake machines.
 */

import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type CampaignOptions, type CampaignResult, explore, type Progress } from '../../src/explore/campaign.ts';
import type { SessionTarget } from '../../src/explore/target.ts';
import { UsageError } from '../../src/machine/errors.ts';
import { bruteForce, counters, runModel } from './fake-machine.ts';

const factory = join(import.meta.dirname, 'fake-session.ts');

function target(word: string, ...args: readonly (string | number)[]): SessionTarget {
  return { run: { kind: 'scenario', word, args: args.map(String) }, machine: { cpus: 2, memory: 2 ** 24, jit: 'hot' } };
}

function campaign(what: SessionTarget, options: Partial<CampaignOptions> = {}): Promise<CampaignResult> {
  return explore({ target: what, strategy: 'random', jobs: 2, factory, schedules: 10_000, ...options });
}

describe('a campaign', () => {
  it('finds the lost update, stops soon, shrinks it to one preemption, and replays it', async () => {
    const { ending, schedules, found } = await campaign(target('counters', 9, 9));
    expect(ending).toBe('finding');
    expect(schedules).toBeLessThan(5000);
    expect(found).toHaveLength(1);
    const { finding, plan, firstPlan, outcome, replays, schedule, note } = found[0]!;
    expect(finding.kind).toBe('output');
    expect(finding.text).toMatch(/^the word is \d+, not 18$/);
    expect(firstPlan.strategy.kind).toBe('random');
    expect(plan.strategy.kind === 'replay' && plan.strategy.departures.length).toBe(1);
    expect(runModel(counters(9, 9), plan).finding).toEqual(finding);
    expect(replays).toBe(true);
    expect(note).toBeUndefined();
    expect(schedule).toBeGreaterThan(0);
    expect(JSON.parse(outcome.history!)).toHaveProperty('order');
  });

  it.each(['pct', 'exhaustive'] as const)('finds it with the strategy %s as well', async (strategy) => {
    const { found } = await campaign(target('counters', 5, 5), { strategy, depth: 2 });
    expect(found[0]!.replays).toBe(true);
    expect(found[0]!.plan.strategy).toMatchObject({ kind: 'replay', departures: [{ hart: 0 }] });
  });

  it('goes on after findings if told to, and counts those that are the same as one', async () => {
    const { ending, schedules, found, coverage } = await campaign(target('counters', 3, 3), {
      keepGoing: true,
      schedules: 3000,
      shrink: false,
    });
    expect(ending).toBe('schedules');
    expect(schedules).toBe(3000);
    expect(found).toHaveLength(1);
    expect(found[0]!.times).toBeGreaterThan(1000);
    expect(found[0]!.plan).toEqual(found[0]!.firstPlan);
    expect(coverage.runs).toBe(3000);
    expect(coverage.distinct).toBeGreaterThan(200);
    expect(coverage.distinct).toBeLessThanOrEqual(bruteForce(counters(3, 3)).reduce((a, b) => a + b));
  });

  it('ends when there is no schedule left, each having been run once', async () => {
    const result = await campaign(target('locked'), { strategy: 'exhaustive', depth: 64, schedules: undefined });
    expect(result.ending).toBe('exhausted');
    expect(result.found).toEqual([]);
    // Interleavings of two threads of six steps each.
    expect(result.schedules).toBe(924);
    expect(result.coverage.distinct).toBe(924);
    expect(result.note).toMatch(/^every schedule there is/);
  });

  it('kills at every point', async () => {
    const result = await campaign(target('locked'), { strategy: 'kill', schedules: undefined });
    expect(result).toMatchObject({ ending: 'exhausted', schedules: 12, found: [] });
  });

  it('does no more than its shard', async () => {
    const parts = await Promise.all(
      [0, 1, 2].map((index) => campaign(target('locked'), { schedules: 100, shard: { index, of: 3 }, jobs: 1 })),
    );
    expect(parts.map(({ schedules }) => schedules)).toEqual([34, 33, 33]);
  });

  it('ends when its time is up, or when it is interrupted', async () => {
    const timed = await campaign(target('locked'), { schedules: undefined, seconds: 0.2 });
    expect(timed.ending).toBe('time');
    expect(timed.schedules).toBeGreaterThan(0);
    const abort = new AbortController();
    const seen: Progress[] = [];
    const interrupted = await campaign(target('locked'), {
      schedules: undefined,
      signal: abort.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (progress.schedules === 500) abort.abort();
      },
    });
    expect(interrupted.ending).toBe('interrupted');
    expect(interrupted.schedules).toBe(seen.at(-1)!.schedules);
  });
});

describe('a worker that dies', () => {
  it('is a finding, with the plan that it was at', async () => {
    const { ending, found } = await campaign(target('dies', 7), { jobs: 1 });
    expect(ending).toBe('finding');
    expect(found[0]!.finding).toMatchObject({
      kind: 'machine-check',
      text: expect.stringMatching(/^the worker of the session died: .*3/),
    });
    // Seeds are 1 and up: the seventh run had the seventh.
    expect(found[0]!.firstPlan.strategy).toEqual({ kind: 'random', seed: 7 });
    // A fresh session does not die in its first run.
    expect(found[0]!.replays).toBe(false);
  });

  it('that dies whenever it is asked is found to replay', async () => {
    const { found } = await campaign(target('dies', 1));
    expect(found[0]!.replays).toBe(true);
  });

  it('does not take its batch with it', async () => {
    const { schedules, found, coverage } = await campaign(target('dies', 150), {
      keepGoing: true,
      schedules: 500,
      shrink: false,
    });
    expect(schedules).toBe(500);
    expect(coverage.runs).toBe(500);
    expect(found).toHaveLength(1);
    expect(found[0]!.times).toBeGreaterThan(1);
  });

  it('in every run ends a campaign that was to go on', async () => {
    const { ending, found } = await campaign(target('dies', 1), { keepGoing: true, shrink: false, jobs: 1 });
    expect(ending).toBe('finding');
    expect(found[0]!.times).toBe(3);
  });

  it('because it hangs is ended, and found', async () => {
    const { found } = await campaign(target('hangs'), { silenceMs: 2000, shrink: { runs: 2, seconds: 0 } });
    expect(found[0]!.finding).toMatchObject({ kind: 'machine-check', text: 'a run has not ended within 2 s' });
    expect(found[0]!.replays).toBe(true);
  });
});

describe('a session that fails', () => {
  it('in a run is a finding with its stack', async () => {
    const { found } = await campaign(target('throws'));
    const { finding } = found[0]!;
    expect(finding).toMatchObject({ kind: 'machine-check', text: 'the session failed: no such frame' });
    expect(finding.report).toMatch(/Error: no such frame\n\s+at /);
  });

  it('to open because of the user is a usage error', async () => {
    const failure = campaign(target('refuses'));
    await expect(failure).rejects.toThrow('this target has no threads');
    await expect(failure).rejects.toBeInstanceOf(UsageError);
  });

  it('to open for another reason is the failure of the campaign', async () => {
    const failure = campaign(target('nonsense'));
    await expect(failure).rejects.toThrow('nothing can open nonsense');
    await expect(failure).rejects.not.toBeInstanceOf(UsageError);
  });
});
