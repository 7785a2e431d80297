/*
 * Whether the kernel stands all scenarios, under some schedules of each sort. Campaigns by hand are a hundred times as long.
 */

import { describe, expect, it } from 'vitest';

import { listScenarios } from '../../src/explore/target.ts';
import { hunt, type Search, scenarioTarget, withSession } from './hunt.ts';

const SEARCHES: readonly Search[] = [
  { strategy: 'pct', schedules: 150 },
  { strategy: 'random', schedules: 150 },
  { strategy: 'kill', schedules: 60 },
];

describe('the kernel', () => {
  it.each(listScenarios().map(({ name, about }) => [name, about] as const))('stands %s: %s', async (name) => {
    await withSession(scenarioTarget(name), async (session) => {
      for (const search of SEARCHES) {
        const { outcome, plans } = await hunt(session, search);
        expect(
          outcome?.finding,
          `${search.strategy}, after ${plans.length} runs: ${JSON.stringify(plans.at(-1))}`,
        ).toBeUndefined();
      }
    });
  });
});
