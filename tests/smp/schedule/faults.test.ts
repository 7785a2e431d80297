/*
 * Faults that a plan asks for, on simulated harts.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Fault, Plan } from '../../../src/smp/schedule/plan.ts';
import { anyFaults, anyPrograms, anyStrategy } from './arbitraries.ts';
import {
  answer,
  compute,
  memory,
  order,
  type Outcome,
  points,
  post,
  ring,
  simulate,
  Simulation,
  spin,
  wait,
} from './simulation.ts';

const withFaults = (...faults: Fault[]): Plan => ({ strategy: { kind: 'replay', departures: [] }, faults });
const whatOf = (run: Outcome, hart: number): string[] => run.deeds.filter((deed) => deed.hart === hart).map(({ what }) => what);

describe('a stall', () => {
  const stall = (hart: number, at: number, moments: number): Plan => withFaults({ kind: 'stall', hart, at, moments });

  it('stops a hart at its moment, for so many moments of the others', () => {
    const run = simulate([[points(10)], [points(30)]], stall(0, 4, 20));
    expect(run.switches[0]).toEqual({ from: 0, at: 4, to: 1, preempted: false });
    expect(order(run)).toBe('aba');
    // The others go on in the plain order: that the time is over is no reason to interrupt one.
    expect(run.report.departures).toEqual([]);
  });

  it('ends when its time is over: from then on the hart can go on', () => {
    const run = simulate([[points(10)], [points(30)]], {
      strategy: { kind: 'round-robin', quantum: 1 },
      faults: [{ kind: 'stall', hart: 0, at: 4, moments: 20 }],
    });
    const stalled = run.deeds.findIndex(({ hart, moments }) => hart === 0 && moments === 4);
    const before = run.deeds.slice(0, stalled).filter(({ hart }) => hart === 1).length;
    // When its time is over hart 1 has come to a point that it has not passed.
    expect(before).toBe(3 + 20 - 1);
  });

  it('ends early when nobody else can go on', () => {
    const run = simulate([[points(5)], [wait(0)]], stall(0, 3, 1e12));
    expect(whatOf(run, 0)).toHaveLength(5);
    expect(run.end).toBe('rest');
  });

  it('is no lack of progress, however long others wait for the hart and spin', () => {
    const run = simulate([[points(10), post(0)], [spin(0)]], stall(0, 3, 200_000));
    expect(run.end).toBe('done');
    expect(run.report.moments).toBeGreaterThan(200_000);
  });

  it('of a hart that is not there concerns nobody', () => {
    const programs = [[points(10)], [points(10)]];
    for (const hart of [2, 63, 64, 1000, 2 ** 32]) {
      expect(simulate(programs, stall(hart, 3, 5)).text).toBe(simulate(programs, withFaults()).text);
    }
  });
});

describe('a late ring', () => {
  const late = (nth: number, moments: number): Plan => withFaults({ kind: 'late-ipi', nth, moments });

  it('arrives so many moments later', () => {
    const run = simulate([[answer()], [ring(0), points(40)]], late(0, 25));
    expect(whatOf(run, 1)[0]).toBe('held back');
    expect(whatOf(run, 0)).toEqual(['woken']);
    // In the plain order the hart goes on when hart 1 is through.
    expect(order(run)).toBe('ba');
    const interrupted = simulate([[answer()], [ring(0), points(40)]], {
      strategy: { kind: 'round-robin', quantum: 1 },
      faults: [{ kind: 'late-ipi', nth: 0, moments: 25 }],
    });
    const pointsBefore = interrupted.deeds.findIndex(({ hart }) => hart === 0) - 1;
    expect(pointsBefore).toBe(25 - 1);
  });

  it('concerns the nth ring of the run, and no other', () => {
    const programs = [
      [answer(), points(1)],
      [points(1), ring(0, 1), ring(0, 2), ring(0, 4)],
    ];
    const held = [0, 1, 2, 3].map((nth) => whatOf(simulate(programs, late(nth, 5)), 1).indexOf('held back') - 1);
    expect(held).toEqual([0, 1, 2, -2]);
  });

  it('arrives when everybody sleeps, whatever its time', () => {
    const run = simulate(
      [
        [answer(), points(1)],
        [ring(0), wait(0)],
      ],
      late(0, 1e12),
    );
    expect(whatOf(run, 0)).toEqual(['woken', 'point']);
    expect(run.report.ns).toBeLessThan(1000);
  });

  it('arrives when the others only spin until somebody answers', () => {
    const run = simulate(
      [
        [answer(), post(0)],
        [ring(0), spin(0)],
      ],
      late(0, 1e12),
    );
    expect(run.end).toBe('done');
    expect(run.report.moments).toBeLessThan(1000);
  });

  it('keeps what was rung for, also if several are late', () => {
    const simulation = new Simulation([[answer()], [ring(0, 4), ring(0, 2), ring(0, 1), points(100)]]);
    const run = simulation.run(
      withFaults(
        { kind: 'late-ipi', nth: 0, moments: 60 },
        { kind: 'late-ipi', nth: 1, moments: 40 },
        { kind: 'late-ipi', nth: 2, moments: 20 },
      ),
    );
    // Hart 0 answers when hart 1 is through, and all three have come by then: none is left.
    expect(whatOf(run, 0)).toEqual(['woken']);
    expect(run.end).toBe('done');
    expect(simulation.schedule.faults.nextDue()).toBe(Infinity);
  });

  it('is at most 16 of them', () => {
    const many = Array.from({ length: 17 }, (_, nth): Fault => ({ kind: 'late-ipi', nth, moments: 1 }));
    expect(() => simulate([[points(1)]], withFaults(...many))).toThrow(/at most 16 faults/);
    expect(simulate([[points(1)]], withFaults(...many.slice(1))).end).toBe('done');
  });
});

describe('memory', () => {
  it('is refused the nth time it is asked for', () => {
    const programs = [[memory(), memory(), points(1), memory()], [memory()]];
    const refusals = (...nths: number[]): number[] =>
      simulate(programs, withFaults(...nths.map((nth): Fault => ({ kind: 'no-memory', nth }))))
        .deeds.filter(({ what }) => what !== 'point')
        .flatMap(({ what }, i) => (what === 'refused' ? [i] : []));
    expect(refusals()).toEqual([]);
    expect(refusals(0)).toEqual([0]);
    expect(refusals(3, 1)).toEqual([1, 3]);
    expect(refusals(4, 2 ** 32)).toEqual([]);
  });
});

describe('a sleep that ends for no reason', () => {
  it('is the nth one', () => {
    const programs = [[wait(0), wait(0)], [wait(1)], [post(0), post(0), post(1)]];
    const woken = (nth: number): string[] => {
      const run = simulate(programs, withFaults({ kind: 'spurious', nth }));
      expect(run.end).toBe('done');
      return run.deeds.filter(({ what }) => what === 'woken for no reason').map(({ hart }) => `${hart}`);
    };
    expect([0, 1, 2, 9].map(woken)).toEqual([['0'], ['1'], [], []]);
  });
});

describe('a death', () => {
  const KILL = 32;

  /** A victim thread on hart 0 passes its points; who is told to kill, and after how many. */
  function kill(
    cpus: number,
    fault: Fault & { kind: 'kill' },
    threads: readonly number[],
    starts: readonly number[],
  ): string[] {
    const simulation = new Simulation(Array.from({ length: cpus }, () => []));
    const { faults } = simulation.schedule;
    simulation.host.begin(withFaults(fault), { threads });
    const told: string[] = [];
    for (const thread of starts) faults.threadStarts(thread);
    for (let passed = 1; passed <= 10; passed++) {
      if (faults.victim === 100 && faults.victimPasses(0, KILL)) told.push(`after ${passed}`);
    }
    return [`victim ${faults.victim}`, ...told, `passed ${faults.victimPassed}`];
  }

  it('comes when the thread has passed so many points', () => {
    expect(kill(2, { kind: 'kill', thread: 0, at: 0 }, [100], [])).toEqual(['victim 100', 'after 1', 'passed 1']);
    expect(kill(2, { kind: 'kill', thread: 0, at: 4 }, [100], [])).toEqual(['victim 100', 'after 5', 'passed 5']);
    expect(kill(2, { kind: 'kill', thread: 0, at: 10 }, [100], [])).toEqual(['victim 100', 'passed 10']);
    expect(kill(1, { kind: 'kill', thread: 0, at: 3 }, [100], [])).toEqual(['victim 100', 'after 4', 'passed 4']);
  });

  it('may be one of a later millenium: then the points are counted, and nobody dies', () => {
    for (const at of [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 3, 2 ** 53 - 1]) {
      expect(kill(2, { kind: 'kill', thread: 0, at }, [100], [])).toEqual(['victim 100', 'passed 10']);
    }
  });

  it('counts threads in the order of their start, those first that are there already', () => {
    const at = 0;
    expect(kill(2, { kind: 'kill', thread: 1, at }, [7, 100, 8], [])[0]).toBe('victim 100');
    expect(kill(2, { kind: 'kill', thread: 3, at }, [7, 8, 9], [100])[0]).toBe('victim 100');
    expect(kill(2, { kind: 'kill', thread: 1, at }, [], [7, 100])[0]).toBe('victim 100');
    expect(kill(2, { kind: 'kill', thread: 2, at }, [], [7, 100])[0]).toBe('victim 0');
  });

  it('is the next hart’s to carry out, which goes before all others until it has', () => {
    const simulation = new Simulation([[compute(10)], [compute(10)], [compute(10)]]);
    const { schedule, host } = simulation;
    host.begin(withFaults({ kind: 'kill', thread: 0, at: 0 }), { threads: [100] });
    expect(host.resume()).toBe(true);
    expect(schedule.faults.victimPasses(2, KILL)).toBe(true);
    expect(schedule.faults.executioner).toBe(0);
    schedule.pass(2, 1);
    expect(schedule.look(2, true)).toBe(0);
    schedule.pass(0, 1);
    expect(schedule.look(0, true)).toBe(0);
    // Unless it has to wait for another one.
    schedule.faults.letOthersGo(0);
    schedule.sleep(0, 0, 0, Infinity);
    expect(schedule.choose(0)).toBe(1);
    schedule.faults.executed();
    expect(schedule.faults.victim).toBe(0);
  });
});

describe('any run with faults', () => {
  it('is repeated by the departures that it noted and the same faults', () => {
    fc.assert(
      fc.property(anyPrograms(), anyStrategy(), anyFaults(4), (programs, strategy, faults) => {
        const run = simulate(programs, { strategy, faults }, { limit: 5_000 });
        const { departures } = run.report;
        fc.pre(departures !== undefined);
        const again = simulate(programs, { strategy: { kind: 'replay', departures }, faults }, { limit: 5_000 });
        expect(again.text).toBe(run.text);
      }),
      { numRuns: 100 },
    );
  });
});
