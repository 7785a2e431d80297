/*
 * Whether the search finds what it is there for: kernels with a deliberate defect each, the schedules that show it, and the sound kernel
 * under the same ones. docs/defects.md has the figures of all defects; those that need too many schedules are not in here.
 */

import { describe, expect, it } from 'vitest';

import { PLAIN } from '../../src/smp/schedule/plan.ts';
import { decodeToken, encodeToken } from '../../src/explore/token.ts';
import { DEFECTS } from './defects.ts';
import { HUNTS } from './found.ts';
import { hunt, scenarioTarget, withSession } from './hunt.ts';

const inCi = DEFECTS.flatMap(({ name }) => {
  const found = HUNTS[name];
  return found?.ci === undefined ? [] : [[name, { ...found, schedules: found.ci }] as const];
});

describe('a kernel with a deliberate defect', () => {
  it('is looked for, whatever the defect', () => {
    expect(Object.keys(HUNTS).sort()).toEqual(DEFECTS.map(({ name }) => name).sort());
    expect(inCi.length).toBeGreaterThanOrEqual(14);
  });

  it.each(inCi)('is found, replays, and is the only one to fail: %s', async (name, { scenario, strategy, schedules }) => {
    const target = scenarioTarget(scenario, name);
    const { plans, outcome } = await withSession(target, (session) => hunt(session, { strategy, schedules }));
    expect(outcome?.finding).toBeDefined();

    const replay = decodeToken(encodeToken({ target, plan: plans.at(-1)! }));
    const again = await withSession(replay.target!, (session) => session.run(replay.plan));
    expect(again.finding).toEqual(outcome?.finding);
    expect(again.interleaving).toBe(outcome?.interleaving);

    await withSession(scenarioTarget(scenario), async (session) => {
      for (const plan of plans) expect((await session.run(plan)).finding).toBeUndefined();
    });
  });

  it('leaves nothing behind for the next run, however it has failed', async () => {
    await withSession(scenarioTarget('tests/explore/unmap-fresh.ts', 'frames-freed-before-shootdown'), async (session) => {
      const before = await session.run(PLAIN);
      for (const seed of [1, 1001, 2001]) {
        const { outcome } = await hunt(session, { strategy: 'pct', seed, schedules: 300 });
        expect(outcome?.finding).toBeDefined();
        expect(await session.run(PLAIN)).toEqual(before);
      }
    });
  });
});
