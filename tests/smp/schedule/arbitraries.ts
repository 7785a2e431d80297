/*
 * Any programs and strategies, for properties of schedules.
 */

import fc from 'fast-check';

import type { Fault, Strategy } from '../../../src/smp/schedule/plan.ts';
import { answer, compute, memory, points, post, type Program, ring, spin, type Step, wait } from './simulation.ts';

/**
 * Harts that mostly come to an end: waits of some have a deadline, and there are more posts than waits.
 *
 * @param long whether some compute for so long that they have to give way
 */
export function anyPrograms(long = false, cpus: readonly number[] = [1, 2, 3, 4, 7]): fc.Arbitrary<Program[]> {
  return fc.constantFrom(...cpus).chain((harts) =>
    fc.array(fc.array(anyStep(harts, long), { minLength: 1, maxLength: 8 }), {
      minLength: harts,
      maxLength: harts,
    }),
  );
}

function anyStep(harts: number, long: boolean): fc.Arbitrary<Step> {
  const word = fc.nat(2);
  return fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 6 }).map(points) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 60 }).map(compute) },
    {
      weight: 2,
      arbitrary: fc.tuple(word, fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined })).map(([w, ns]) => wait(w, ns)),
    },
    { weight: 4, arbitrary: word.map(post) },
    { weight: 1, arbitrary: word.map(spin) },
    { weight: 2, arbitrary: fc.nat(harts - 1).map((hart) => ring(hart)) },
    { weight: 1, arbitrary: fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined }).map(answer) },
    { weight: 1, arbitrary: fc.constant(memory()) },
    ...(long ? [{ weight: 1, arbitrary: fc.constant(compute(60_000)) }] : []),
  );
}

export function anyStrategy(): fc.Arbitrary<Strategy> {
  const seed = fc.nat(2 ** 32 - 1);
  return fc.oneof(
    seed.map((seed): Strategy => ({ kind: 'random', seed })),
    fc
      .record({ seed, depth: fc.integer({ min: 1, max: 6 }), steps: fc.integer({ min: 1, max: 300 }) })
      .map((pct): Strategy => ({ kind: 'pct', ...pct })),
    fc.integer({ min: 2, max: 50 }).map((quantum): Strategy => ({ kind: 'round-robin', quantum })),
  );
}

export function anyFaults(harts: number): fc.Arbitrary<Fault[]> {
  const small = fc.nat(40);
  const moments = fc.oneof(fc.nat(60), fc.constant(70_000));
  return fc.array(
    fc.oneof(
      fc.tuple(fc.nat(harts), small, moments).map(([hart, at, moments]): Fault => ({ kind: 'stall', hart, at, moments })),
      fc.tuple(fc.nat(5), moments).map(([nth, moments]): Fault => ({ kind: 'late-ipi', nth, moments })),
      fc.nat(5).map((nth): Fault => ({ kind: 'no-memory', nth })),
      fc.nat(8).map((nth): Fault => ({ kind: 'spurious', nth })),
    ),
    { maxLength: 4 },
  );
}
