/*
 * What each strategy promises: the same run for the same seed, everybody's turn, and for PCT its bound on the chance of a bug.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Plan } from '../../../src/smp/schedule/plan.ts';
import { draw, seedDraws } from '../../../src/smp/schedule/draw.ts';
import { compute, order, type Outcome, points, post, type Program, Simulation, simulate, wait } from './simulation.ts';

const random = (seed: number): Plan => ({ strategy: { kind: 'random', seed }, faults: [] });
const roundRobin = (quantum: number): Plan => ({ strategy: { kind: 'round-robin', quantum }, faults: [] });
const pct = (seed: number, depth: number, steps: number): Plan => ({
  strategy: { kind: 'pct', seed, depth, steps },
  faults: [],
});

const alike = (cpus: number, program: Program): Program[] => Array.from({ length: cpus }, () => program);
const seeds = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);
const preemptions = ({ switches }: Outcome): number => switches.filter(({ preempted }) => preempted).length;

describe('round robin', () => {
  it.each([1, 7, 100])('gives the turn on after every %i moments', (quantum) => {
    const run = simulate(alike(3, [compute(1000)]), roundRobin(quantum));
    const whole = run.switches.slice(0, 6);
    expect(whole.map(({ to }) => to)).toEqual([1, 2, 0, 1, 2, 0]);
    expect(whole.map(({ at }) => at)).toEqual([1, 1, 1, 2, 2, 2].map((round) => round * quantum));
  });

  it('does not count moments in which nobody else could go on', () => {
    // Hart 1 can go on from moment 102 of hart 0 on.
    const run = simulate(
      [
        [points(100), post(0), compute(50)],
        [wait(0), compute(5)],
      ],
      roundRobin(10),
    );
    const [first, second, third] = run.switches;
    expect(first).toMatchObject({ from: 0, at: 10, to: 1 });
    expect(second).toMatchObject({ from: 1, at: 3, to: 0 });
    // The 3 moments of hart 1 were contended, too: hart 0 could go on.
    expect(third).toMatchObject({ from: 0, at: 109, to: 1 });
  });
});

describe('a random schedule', () => {
  it.each([2, 4, 16, 64])('is the same for the same seed, and another for another: %i harts', (cpus) => {
    const programs = alike(cpus, [compute(400), points(20)]);
    const texts = seeds(10).map((seed) => simulate(programs, random(seed)).text);
    expect(seeds(10).map((seed) => simulate(programs, random(seed)).text)).toEqual(texts);
    expect(new Set(texts).size).toBeGreaterThan(5);
  });

  it('differs between seeds that are far apart, as tokens may have them', () => {
    const programs = alike(4, [compute(4000)]);
    const texts = [0, 1, 2 ** 31, 3 * 2 ** 32, 2 ** 40 + 1, 2 ** 53 - 1].map((seed) => simulate(programs, random(seed)).text);
    expect(new Set(texts).size).toBe(texts.length);
  });

  it.each([2, 4, 16])('lets each of %i harts begin now and then, and go on after each of the others', (cpus) => {
    const first = new Set<number>();
    const after = new Set<string>();
    const programs = alike(cpus, [compute(40)]);
    for (let seed = 0; first.size < cpus - 1 || after.size < cpus * (cpus - 1); seed++) {
      expect(seed).toBeLessThan(2000);
      const { switches } = simulate(programs, random(seed));
      for (const { from, to } of switches) after.add(`${from} ${to}`);
      first.add(switches[0]!.to);
    }
  });

  it('preempts at a distance that its seed decides, from a few moments to thousands', () => {
    const counts = seeds(60).map((seed) => preemptions(simulate(alike(2, [compute(20_000)]), random(seed))));
    expect(Math.max(...counts)).toBeGreaterThan(5_000);
    expect(Math.min(...counts)).toBeLessThan(15);
  });

  it('never preempts a hart when there is no other', () => {
    expect(simulate([[compute(10_000)]], random(1)).switches).toEqual([]);
  });

  it('draws evenly, also for seeds that are neighbours', () => {
    const { ram } = new Simulation([[]]);
    const drawn = (draws: number): number[] => {
      const counts = Array.from({ length: 16 }, () => 0);
      for (let seed = 0; seed < 4096; seed++) {
        seedDraws(ram, 0, seed);
        for (let i = 1; i < draws; i++) draw(ram, 0, 16);
        counts[draw(ram, 0, 16)]!++;
      }
      return counts;
    };
    // 256 of each are expected, with a deviation of 15.5.
    for (const draws of [1, 2, 3, 5]) for (const count of drawn(draws)) expect(Math.abs(count - 256)).toBeLessThan(4.5 * 15.5);
    // Neighbours' first draws are independent of each other: all 256 pairs are there.
    const pairs = new Set<number>();
    let before = 0;
    for (let seed = 0; seed < 4096; seed++) {
      seedDraws(ram, 0, seed);
      const now = draw(ram, 0, 16);
      pairs.add(before * 16 + now);
      before = now;
    }
    expect(pairs.size).toBe(256);
  });
});

describe('PCT', () => {
  it('preempts at most depth - 1 times when nobody waits', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 32 - 1),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(2, 3, 5, 16, 64),
        (seed, depth, cpus) => {
          const run = simulate(alike(cpus, [compute(50)]), pct(seed, depth, 50 * cpus));
          // The plain order begins with hart 0: that another one is more urgent is no preemption of PCT's.
          const begins = run.switches[0]?.preempted === true && run.switches[0].at === 1 ? 1 : 0;
          expect(preemptions(run)).toBeLessThanOrEqual(depth - 1 + begins);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('makes use of all its preemptions', () => {
    const most = Math.max(...seeds(50).map((seed) => preemptions(simulate(alike(2, [compute(1000)]), pct(seed, 4, 1000)))));
    expect(most).toBeGreaterThanOrEqual(3);
  });

  it('takes the turn from a less urgent hart as soon as a more urgent one is woken, and only then', () => {
    const programs = [
      [points(5), post(0), points(20)],
      [wait(0), points(3)],
    ];
    const orders = new Set(seeds(40).map((seed) => order(simulate(programs, pct(seed, 1, 100)))));
    // Either hart 1 interrupts the other when it is woken, or it waits until that one is through.
    expect(orders).toEqual(new Set(['aba', 'ab']));
  });

  it('has hart n begin in one of n runs', () => {
    const cpus = 8;
    const counts = Array.from({ length: cpus }, () => 0);
    for (const seed of seeds(400)) {
      const { switches } = simulate(alike(cpus, [points(3)]), pct(seed, 1, 24));
      // Its first point is where hart 0 finds out that another one goes first.
      counts[switches[0]!.at === 1 && switches[0]!.preempted ? switches[0]!.to : 0]!++;
    }
    for (const count of counts) expect(Math.abs(count - 50)).toBeLessThan(30);
  });

  it('finds an order that needs one preemption with a chance of 1/(n k) at least, wherever it has to be', () => {
    const [cpus, length, runs] = [2, 10, 3000];
    const programs = [[points(length)], [points(1)]];
    const steps = simulate(programs, pct(0, 1, 1)).report.contended;
    const found = Array.from({ length: length + 1 }, () => 0);
    for (const seed of seeds(runs)) {
      const run = simulate(programs, pct(seed, 2, steps));
      found[run.deeds.findIndex(({ hart }) => hart === 1)]!++;
    }
    const bound = runs / (cpus * steps);
    for (const count of found) expect(count).toBeGreaterThan(bound - 4 * Math.sqrt(bound));
  });

  it('finds every order that needs two preemptions with a chance of 1/(n k²) at least', () => {
    const length = 4;
    const programs = [[points(length)], [points(length)]];
    const runs = 4000;
    // As the explorer learns it: the most contended moments of any run.
    const steps = Math.max(...seeds(50).map((seed) => simulate(programs, pct(seed, 3, 8)).report.contended));
    const found = new Map<string, number>();
    for (const seed of seeds(runs)) {
      const { deeds } = simulate(programs, pct(seed, 3, steps));
      const text = deeds.map(({ hart }) => hart).join('');
      found.set(text, (found.get(text) ?? 0) + 1);
    }
    // One hart is interrupted after a of its points, the other one after b of its own.
    const bound = runs / (2 * steps ** 2);
    for (const [one, other] of ['01', '10'] as const) {
      for (let a = 1; a < length; a++) {
        for (let b = 1; b < length; b++) {
          const wanted = one!.repeat(a) + other!.repeat(b) + one!.repeat(length - a) + other!.repeat(length - b);
          expect([wanted, found.get(wanted) ?? 0]).toEqual([wanted, expect.toSatisfy(atLeast(bound))]);
        }
      }
    }
  });
});

const atLeast =
  (bound: number) =>
  (count: number): boolean =>
    count > bound - 4 * Math.sqrt(bound);
