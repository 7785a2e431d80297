/*
 * Time, choices, and runs that go nowhere.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Choice, Departure, Plan } from '../../../src/smp/schedule/plan.ts';
import { PLAIN } from '../../../src/smp/schedule/plan.ts';
import { anyPrograms } from './arbitraries.ts';
import { compute, order, type Outcome, points, post, type Program, Simulation, simulate, spin, wait } from './simulation.ts';

const replay = (departures: readonly Departure[]): Plan => ({ strategy: { kind: 'replay', departures }, faults: [] });

describe('time', () => {
  it('passes with each moment, and jumps to the first deadline when nobody can go on', () => {
    const run = simulate([[wait(0, 5_000_000)], [wait(1, 3_000_000), points(1)]], PLAIN);
    expect(order(run)).toBe('ba');
    const [first, , last] = run.deeds;
    expect(first).toMatchObject({ hart: 1, what: 'late' });
    expect(first!.ns).toBe(3_000_000 + 50);
    expect(last).toMatchObject({ hart: 0, what: 'late', ns: 5_000_000 + 20 });
    expect(run.report.moments).toBeLessThan(20);
  });

  it('does not jump while somebody computes: a deadline comes at its moment', () => {
    // Under some seeds hart 0 is the more urgent one; it falls asleep after 20 ns.
    const runs = Array.from({ length: 10 }, (_, seed) =>
      simulate([[wait(0, 1000)], [compute(1000)]], { strategy: { kind: 'pct', seed, depth: 1, steps: 1 }, faults: [] }),
    );
    const woken = new Set(
      runs
        .map(({ deeds }) => deeds[0]!)
        .filter(({ hart }) => hart === 0)
        .map(({ what, ns }) => `${what} ${ns}`),
    );
    expect(woken).toEqual(new Set(['late 1020']));
  });

  it('is told in whole nanoseconds', () => {
    // What a deadline in milliseconds makes of them.
    for (const ns of [4_999_999, 12_345, 1_234_567, 333_333_333]) {
      const run = simulate([[wait(0, (ns / 1e6) * 1e6 + 1e-7)], [points(3)]], PLAIN);
      expect(Number.isInteger(run.report.ns)).toBe(true);
      expect(run.deeds.find(({ what }) => what === 'late')!.ns).toBe(20 + ns);
    }
  });

  it('may jump by centuries, where it is not exact any more', () => {
    for (const ns of [1e16, 2 ** 60 - 1280, 2 ** 60 - 1408, 2 ** 61 + 2 ** 10, 1.7e19]) {
      for (let offset = 0; offset < 64; offset++) {
        const run = simulate([[points(offset), wait(0, ns)]], PLAIN);
        expect(run.end).toBe('done');
        expect(run.report.moments).toBeLessThan(100);
      }
    }
  });

  it('does not end a sleep that another hart ends before', () => {
    const run = simulate([[wait(0, 100_000)], [points(5), post(0)]], PLAIN);
    expect(run.deeds.at(-1)).toMatchObject({ hart: 0, what: 'woken' });
    expect(run.report.ns).toBeLessThan(1000);
  });

  it('goes on over plans, moments begin anew', () => {
    const simulation = new Simulation([[compute(100)], [compute(100)]]);
    const first = simulation.run(PLAIN);
    expect(first.report.contended).toBeGreaterThan(0);
    simulation.host.begin(PLAIN);
    expect(simulation.host.report()).toMatchObject({ moments: 0, contended: 0, ns: first.report.ns, departures: [] });
  });

  it('counts beyond 2^32 moments', () => {
    const { schedule, host } = new Simulation([[], []]);
    host.begin(replay([{ hart: 0, at: 2 ** 40 + 10, to: 1 }]));
    host.resume();
    schedule.pass(0, 1);
    expect(schedule.look(0, true)).toBe(0);
    // Fairness: give and take until hart 0 is nearly there.
    let [hart, own] = [0, 1];
    while (own < 2 ** 40 + 10) {
      const step = hart === 0 ? Math.min(schedule.leisure, 2 ** 40 + 10 - own) : schedule.leisure;
      schedule.pass(hart, step);
      if (hart === 0) own += step;
      // Nobody else: one long stretch.
      if (hart === 0 && own < 2 ** 40) {
        schedule.harts.off(1);
        schedule.look(0, true);
        schedule.pass(0, 2 ** 40 - own);
        own = 2 ** 40;
        schedule.harts.wake(1);
        schedule.pass(0, 1);
        own++;
      }
      hart = schedule.look(hart, true);
    }
    expect(hart).toBe(1);
    expect(host.report().departures).toContainEqual({ hart: 0, at: 2 ** 40 + 10, to: 1 });
  });
});

describe('a run that goes nowhere', () => {
  it('ends at the limit of moments', () => {
    const run = simulate([[compute(1_000_000)], [points(1)]], PLAIN, { limit: 5_000 });
    expect(run.end).toBe('no-progress');
    expect(run.report.moments).toBe(5_000);
    expect(simulate([[compute(4_990)], [points(1)]], PLAIN, { limit: 5_000 }).end).toBe('done');
  });

  it('ends when all that can go on only spin', () => {
    for (const cpus of [1, 2, 3]) {
      const run = simulate(
        Array.from({ length: cpus }, () => [spin(0)]),
        PLAIN,
      );
      expect(run.end).toBe('no-progress');
      expect(run.report.moments).toBeLessThan(cpus * 100_000);
    }
  });

  it('is not one in which harts spin for somebody who is busy', () => {
    const run = simulate([[compute(400_000), post(0)], [spin(0)], [spin(0)]], PLAIN);
    expect(run.end).toBe('done');
  });

  it('is not one in which all have come to rest in time', () => {
    expect(simulate([[wait(0)], [wait(0)]], PLAIN, { limit: 1_000 }).end).toBe('rest');
  });

  it('is not resumed, until all are called back to the start', () => {
    const simulation = new Simulation([[compute(100)], [compute(100)]]);
    simulation.run(PLAIN, { limit: 50 });
    simulation.schedule.reason = 3;
    expect(simulation.host.resume()).toBe(false);
  });
});

describe('choices', () => {
  const choicesOf = (
    programs: readonly Program[],
    departures: readonly Departure[] = [],
  ): Outcome & { choices: readonly Choice[] } => {
    const run = simulate(programs, replay(departures), { limit: 3_000, choices: true });
    return { ...run, choices: run.report.choices! };
  };

  it('are not noted unless they are asked for', () => {
    expect(simulate([[points(3)], [points(3)]], PLAIN).report.choices).toBeUndefined();
  });

  it('are the points of a hart at which others can go on, with those', () => {
    const { choices } = choicesOf([[points(2)], [points(1)], [wait(0)]]);
    expect(choices).toEqual([
      { hart: 0, at: 1, others: 0b110 },
      { hart: 0, at: 2, others: 0b110 },
      // Hart 0 is through: 1 goes on, 2 could.
      { hart: 0, at: 3, others: 0b100 },
      { hart: 1, at: 1, others: 0b100 },
    ]);
  });

  it('have bits for harts 0 … 31, without sign', () => {
    const { choices } = choicesOf(Array.from({ length: 64 }, () => [points(1)]));
    expect(choices[0]).toEqual({ hart: 0, at: 1, others: 0xffff_fffe });
    expect(choices.find(({ hart }) => hart === 40)).toMatchObject({ others: 0 });
  });

  it('do not change the run', () => {
    fc.assert(
      fc.property(anyPrograms(), (programs) => {
        expect(choicesOf(programs).text).toBe(simulate(programs, PLAIN, { limit: 3_000 }).text);
      }),
      { numRuns: 100 },
    );
  });

  it('are complete: a departure is had if and only if it is among them', () => {
    const anyDepartures = fc.array(fc.record({ hart: fc.nat(3), at: fc.nat(25), to: fc.nat(3) }), { maxLength: 12 });
    // A hart that spins is left out: where it leaves the others alone is no place for a search to branch.
    const withoutSpin = anyPrograms().map((programs) =>
      programs.map((program) => program.filter(({ kind }) => kind !== 'spin')),
    );
    let had = 0;
    fc.assert(
      fc.property(withoutSpin, anyDepartures, (programs, departures) => {
        const wanted = departures.filter(
          ({ hart, at }, i) => !departures.some((other, j) => j > i && other.hart === hart && other.at === at),
        );
        const { choices, report } = choicesOf(programs, wanted);
        const isChoice = ({ hart, at, to }: Departure): boolean =>
          choices.some((choice) => choice.hart === hart && choice.at === at && (choice.others & (1 << to)) !== 0);
        const expected = wanted.filter(isChoice);
        had += expected.length;
        expect(new Set(report.departures)).toEqual(new Set(expected));
        expect(report.departures).toHaveLength(expected.length);
      }),
      { numRuns: 200 },
    );
    expect(had).toBeGreaterThan(40);
  });
});
