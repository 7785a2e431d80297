/*
 * The plain order, and departures from it: what every schedule can be said in.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Departure, Plan, Strategy } from '../../../src/smp/schedule/plan.ts';
import { anyPrograms, anyStrategy } from './arbitraries.ts';
import { answer, compute, order, type Outcome, points, post, ring, simulate, wait } from './simulation.ts';

const replay = (...departures: Departure[]): Plan => ({ strategy: { kind: 'replay', departures }, faults: [] });
const strategy = (how: Strategy): Plan => ({ strategy: how, faults: [] });

/** The departures of a run, all of which must have been kept. */
function departuresOf({ report }: Outcome): readonly Departure[] {
  expect(report.departures).toBeDefined();
  return report.departures!;
}

describe('the plain order', () => {
  it.each([1, 2, 4, 16, 64])(
    'lets each of %i harts go on until it is through, and the next one in the circle after it',
    (cpus) => {
      const run = simulate(
        Array.from({ length: cpus }, () => [points(3), compute(1000)]),
        replay(),
      );
      expect(run.end).toBe('done');
      expect(run.switches.map(({ to }) => to)).toEqual(Array.from({ length: cpus - 1 }, (_, i) => i + 1));
      expect(run.switches.every(({ preempted }) => !preempted)).toBe(true);
      expect(departuresOf(run)).toEqual([]);
    },
  );

  it('goes on with the next one in the circle that can, not with the one that has waited longest', () => {
    // Hart 0 waits for 3; then 1 is next and waits, 2 goes on to its end; 3 posts 0 and goes on until it waits for 2.
    const run = simulate([[wait(0), points(1)], [wait(1), points(1)], [points(1)], [post(1), post(0), points(1)]], replay());
    expect(order(run)).toBe('cdab');
    expect(run.end).toBe('done');
  });

  it('does not end with a hart that waits for ever', () => {
    const run = simulate([[wait(0)], [points(2)]], replay());
    expect(run.end).toBe('rest');
    expect(order(run)).toBe('b');
  });

  it('lets a hart that never waits give way, if another one can go on, with half as much patience each time', () => {
    const run = simulate([[compute(300_000)], [compute(140_000)]], replay());
    expect(run.switches.map(({ from, at, to }) => [from, at, to])).toEqual([
      [0, 2 ** 18, 1],
      [1, 2 ** 17, 0],
      [0, 300_001, 1],
    ]);
    expect(departuresOf(run)).toEqual([]);
  });

  it('wakes the one who has slept on a word for longest', () => {
    const programs = [[wait(0)], [wait(0)], [wait(0)], [post(0)]];
    // In the order 2, 0, 1 they fall asleep: hart 2 goes first, and 0 after it has fallen asleep.
    const run = simulate(programs, replay({ hart: 0, at: 1, to: 2 }, { hart: 2, at: 3, to: 0 }));
    expect(run.switches.map(({ to }) => to).slice(0, 4)).toEqual([2, 0, 1, 3]);
    expect(run.deeds.filter(({ what }) => what === 'woken').map(({ hart }) => hart)).toEqual([2]);
    expect(run.end).toBe('rest');
  });

  it('wakes all who sleep on a doorbell', () => {
    const run = simulate([[answer()], [points(1), ring(0, 2), points(1)]], replay());
    expect(run.end).toBe('done');
    expect(run.deeds.map(({ what }) => what)).toEqual(['point', 'rung', 'point', 'woken']);
  });
});

describe('a departure', () => {
  const two = [[points(10)], [points(10)]];

  it('is taken at its moment and nowhere else', () => {
    for (let at = 1; at <= 10; at++) {
      const run = simulate(two, replay({ hart: 0, at, to: 1 }));
      expect(run.switches[0]).toEqual({ from: 0, at, to: 1, preempted: true });
      expect(run.deeds.filter(({ hart }) => hart === 0).findIndex((_, i) => run.deeds[i]!.hart !== 0)).toBe(at - 1);
      expect(run.switches).toHaveLength(2);
      expect(departuresOf(run)).toEqual([{ hart: 0, at, to: 1 }]);
    }
  });

  it('falls between two instructions of guest code', () => {
    const run = simulate([[compute(1_000_000)], [points(1)]], replay({ hart: 0, at: 31_415, to: 1 }));
    expect(run.switches[0]).toEqual({ from: 0, at: 31_415, to: 1, preempted: true });
  });

  it('decides who goes on when a hart waits', () => {
    const programs = [[wait(0), points(1)], [points(1)], [points(1), post(0)]];
    const plain = simulate(programs, replay());
    expect(order(plain)).toBe('bca');
    const at = plain.switches[0]!.at;
    const run = simulate(programs, replay({ hart: 0, at, to: 2 }));
    expect(order(run)).toBe('cab');
    expect(departuresOf(run)).toEqual([{ hart: 0, at, to: 2 }]);
  });

  it('is ignored when its moment never comes, or the other one cannot go on, or there is no such hart', () => {
    const ignored: Departure[] = [
      { hart: 0, at: 0, to: 1 },
      { hart: 0, at: 100, to: 1 },
      { hart: 0, at: 2 ** 40, to: 1 },
      { hart: 0, at: 3, to: 0 },
      { hart: 0, at: 4, to: 2 },
      { hart: 0, at: 5, to: 2 ** 32 + 1 },
      { hart: 7, at: 3, to: 1 },
      { hart: 2 ** 32, at: 3, to: 1 },
    ];
    for (const departure of ignored) expect(simulate(two, replay(departure)).text).toBe(simulate(two, replay()).text);
    // Hart 1 is through when hart 0 wants to hand over to it.
    const late = [[wait(0), points(5)], [post(0)]];
    const { at } = simulate(late, replay()).switches[0]!;
    expect(departuresOf(simulate(late, replay({ hart: 0, at: at + 3, to: 1 })))).toEqual([]);
  });

  it('may be given in any order', () => {
    const three = [[points(10)], [points(10)], [points(10)]];
    const list = [
      { hart: 2, at: 3, to: 0 },
      { hart: 0, at: 7, to: 2 },
      { hart: 0, at: 2, to: 1 },
      { hart: 1, at: 5, to: 2 },
    ];
    const run = simulate(three, replay(...list));
    expect(run.text).toBe(simulate(three, replay(...[...list].reverse())).text);
    expect(new Set(departuresOf(run))).toEqual(new Set(list));
  });

  it('is refused when there are more than there is room for', () => {
    const many = Array.from({ length: 8193 }, (_, at) => ({ hart: 0, at, to: 1 }));
    expect(() => simulate(two, replay(...many))).toThrow(/at most 8192/);
    expect(simulate(two, replay(...many.slice(1))).end).toBe('done');
  });
});

describe('any run', () => {
  it.each([
    ['short', 100, false],
    ['long', 10, true],
  ] as const)('is the same again under the same plan, and from the departures that it noted: %s', (_, numRuns, long) => {
    fc.assert(
      fc.property(anyPrograms(long), anyStrategy(), (programs, how) => {
        const run = simulate(programs, strategy(how), { limit: long ? 200_000 : 5_000 });
        fc.pre(run.report.departures !== undefined);
        expect(simulate(programs, strategy(how), { limit: long ? 200_000 : 5_000 }).text).toBe(run.text);
        const again = simulate(programs, replay(...departuresOf(run)), { limit: long ? 200_000 : 5_000 });
        expect(again.text).toBe(run.text);
        expect(again.switches).toEqual(run.switches);
        expect(departuresOf(again)).toEqual(departuresOf(run));
        expect(again.report.contended).toBe(run.report.contended);
      }),
      { numRuns },
    );
  });

  it('says when it has noted too few departures to repeat it', () => {
    const long = [[compute(20_000)], [compute(20_000)]];
    expect(simulate(long, strategy({ kind: 'round-robin', quantum: 1 })).report.departures).toBeUndefined();
    expect(simulate(long, strategy({ kind: 'round-robin', quantum: 8 })).report.departures).toHaveLength(5_000);
  });

  it('counts the moments in which another hart could have gone on', () => {
    fc.assert(
      fc.property(anyPrograms(), anyStrategy(), (programs, how) => {
        const run = simulate(programs, strategy(how), { limit: 5_000 });
        expect(run.report.contended).toBe(run.contended);
        expect(run.report.contended).toBeLessThanOrEqual(run.report.moments);
      }),
      { numRuns: 100 },
    );
  });

  it('has as many moments as its harts together', () => {
    const run = simulate([[points(5), compute(7)], [points(3)]], replay());
    // One more for each hart: to leave is a moment.
    expect(run.report.moments).toBe(5 + 7 + 1 + 3 + 1);
    expect(run.report.ns).toBe(10 * run.report.moments);
  });
});
