/*
 * Does shrinking find the smallest schedule there is? The fake machine knows which that is.
 */

import { describe, expect, it } from 'vitest';

import type { Outcome } from '../../src/explore/session.ts';
import { shrink, type ShrinkOptions, type Shrunk } from '../../src/explore/shrink.ts';
import { signatureOf } from '../../src/explore/signature.ts';
import type { Departure, Fault, Plan } from '../../src/smp/schedule/plan.ts';
import { counters, type Model, runModel } from './fake-machine.ts';

type Run = (plan: Plan, choices: boolean) => Outcome;

function shrinkWith(run: Run, plan: Plan, options: Partial<ShrinkOptions> = {}): Promise<Shrunk> {
  const ask: ShrinkOptions['run'] = (candidate, want) => Promise.resolve(run(candidate, want?.choices === true));
  return shrink(plan, run(plan, false), { run: ask, ...options });
}

const modelRun =
  (model: Model): Run =>
  (plan, choices) =>
    runModel(model, plan, { choices });

/** The first random schedule under which the model goes wrong. */
function failing(model: Model, from = 0): Plan {
  for (let seed = from; ; seed++) {
    const plan: Plan = { strategy: { kind: 'random', seed }, faults: [] };
    if (runModel(model, plan).finding !== undefined) return plan;
  }
}

const departuresOf = ({ plan }: Shrunk): readonly Departure[] | undefined =>
  plan.strategy.kind === 'replay' ? plan.strategy.departures : undefined;

describe('shrinking', () => {
  it.each([0, 100, 200, 300, 400])(
    'takes a random schedule down to the fewest departures that still fail (from seed %i)',
    async (seed) => {
      const model = counters(20, 20);
      const plan = failing(model, seed);
      expect(runModel(model, plan).departures!.length).toBeGreaterThan(10);
      const shrunk = await shrinkWith(modelRun(model), plan);
      // One preemption between a load and its store loses an update: the other thread runs to its end meanwhile.
      expect(departuresOf(shrunk)).toHaveLength(1);
      expect(shrunk.outcome.finding!.kind).toBe('output');
      expect(runModel(model, shrunk.plan).finding).toEqual(shrunk.outcome.finding);
      expect(shrunk.note).toBeUndefined();
    },
  );

  it('finds two when two are needed', async () => {
    // The second thread's update has to be lost by the first one after that: there and back.
    const run: Run = (plan, choices) => {
      const outcome = runModel(counters(6, 6), plan, { choices });
      const back = outcome.departures!.some(({ hart, at }) => hart === 1 && at % 2 === 1);
      return back ? outcome : { ...outcome, finding: undefined };
    };
    for (let seed = 0, done = 0; done < 5; seed++) {
      const plan: Plan = { strategy: { kind: 'random', seed }, faults: [] };
      if (run(plan, false).finding === undefined) continue;
      done++;
      expect(departuresOf(await shrinkWith(run, plan))).toHaveLength(2);
    }
  });

  it('merges two departures that neither can go into one elsewhere', async () => {
    // Fails with any two of hart 0, or with the one at moment 7.
    const run: Run = ({ strategy, faults }, choices) => {
      const outcome = runModel(counters(5, 5), { strategy, faults }, { choices });
      const [first, second] = outcome.departures!.filter(({ hart }) => hart === 0);
      const fails = second !== undefined || first?.at === 7;
      return { ...outcome, finding: fails ? { kind: 'invariant', text: 'it broke' } : undefined };
    };
    const departures = [
      { hart: 0, at: 2, to: 1 },
      { hart: 1, at: 3, to: 0 },
      { hart: 0, at: 4, to: 1 },
    ];
    const shrunk = await shrinkWith(run, { strategy: { kind: 'replay', departures }, faults: [] });
    expect(departuresOf(shrunk)).toEqual([{ hart: 0, at: 7, to: 1 }]);
  });

  it('drops faults that are not needed, and keeps those that are', async () => {
    const needed: Fault = { kind: 'no-memory', nth: 3 };
    const faults: Fault[] = [{ kind: 'spurious', nth: 1 }, needed, { kind: 'late-ipi', nth: 0, moments: 5 }];
    const run: Run = (plan) => {
      const fails = plan.faults.some((fault) => fault === needed);
      return { ...runModel(counters(2, 2), plan), finding: fails ? { kind: 'leak', text: '3 frames' } : undefined };
    };
    const shrunk = await shrinkWith(run, { strategy: { kind: 'random', seed: 4 }, faults });
    expect(shrunk.plan).toEqual({ strategy: { kind: 'replay', departures: [] }, faults: [needed] });
  });

  it('does not take another failure for the same', async () => {
    const model = counters(4, 4);
    const run: Run = (plan, choices) => {
      const outcome = runModel(model, plan, { choices });
      if (outcome.finding !== undefined && outcome.departures!.length < 3) {
        return { ...outcome, finding: { kind: 'deadlock', text: 'nothing can run' } };
      }
      return outcome;
    };
    const shrunk = await shrinkWith(run, failing(model));
    expect(shrunk.outcome.finding!.kind).toBe('output');
    expect(departuresOf(shrunk)!.length).toBeGreaterThanOrEqual(3);
  });

  it('keeps the seed, and says so, when the departures were too many to be kept', async () => {
    const model = { ...counters(20, 20), departureLimit: 3 };
    const plan = failing(model);
    const shrunk = await shrinkWith(modelRun(model), plan);
    expect(shrunk.plan).toEqual(plan);
    expect(shrunk.note).toMatch(/^not shrunk: its departures from the plain order are not known, or more than are kept/);
  });

  it('keeps the seed when the departures alone do not fail', async () => {
    const model = counters(5, 5);
    const run: Run = (plan) => {
      const outcome = runModel(model, plan);
      return plan.strategy.kind === 'replay' ? { ...outcome, finding: undefined } : outcome;
    };
    const plan = failing(model);
    const shrunk = await shrinkWith(run, plan);
    expect(shrunk.plan).toEqual(plan);
    expect(shrunk.note).toMatch(/alone do not fail the same way/);
  });

  it('keeps to its budget, answers with the best so far, and reports on the way', async () => {
    const model = counters(20, 20);
    const plan = failing(model);
    const seen: number[] = [];
    const shrunk = await shrinkWith(modelRun(model), plan, {
      budget: { runs: 5, seconds: 60 },
      onProgress: ({ departures }) => seen.push(departures),
    });
    expect(shrunk.runs).toBe(5);
    expect(shrunk.note).toBe('there was no time to look for a smaller one');
    expect(runModel(model, shrunk.plan).finding).toBeDefined();
    expect(seen.length).toBeGreaterThanOrEqual(5);
    expect(seen.at(-1)).toBe(departuresOf(shrunk)!.length);
  });

  it('runs no plan twice', async () => {
    const model = counters(8, 8);
    const plans: string[] = [];
    const run: Run = (plan, choices) => {
      if (!choices) plans.push(JSON.stringify(plan));
      return runModel(model, plan, { choices });
    };
    await shrinkWith(run, failing(model));
    expect(new Set(plans).size).toBe(plans.length);
  });
});

describe('the signature of a finding', () => {
  const sign = (kind: 'exit' | 'signal' | 'output', text: string): string => signatureOf({ kind, text });

  it('does not depend on addresses, pids and counts, nor on what follows the first line', () => {
    expect(sign('signal', 'pid 3: SIGSEGV at 0x10a0\nframe 1')).toBe(sign('signal', 'pid 14: SIGSEGV at 0x20'));
    expect(sign('output', 'the word is 39, not 40')).toBe(sign('output', 'the word is 22, not 40'));
  });

  it('depends on the kind, the words, and the exit status', () => {
    expect(sign('exit', 'exit status 1')).not.toBe(sign('exit', 'exit status 2'));
    expect(sign('exit', 'it')).not.toBe(sign('signal', 'it'));
    expect(sign('signal', 'SIGSEGV')).not.toBe(sign('signal', 'SIGBUS'));
  });
});
