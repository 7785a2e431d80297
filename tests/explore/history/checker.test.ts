/*
 * The checker on registers: does it tell histories that can be explained from those that cannot?
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { check, DEFAULT_BUDGET } from '../../../src/explore/history/checker.ts';
import { portModel } from '../../../src/explore/history/models/port.ts';
import { registerModel } from '../../../src/explore/history/models/register.ts';
import type { Operation } from '../../../src/explore/history/operation.ts';
import { bruteForce, Dice, isLinearization, op } from './helpers.ts';
import { PortMachine } from './port-machine.ts';

const model = registerModel();
const read = (actor: number, value: number | undefined, begin: number, end?: number): Operation =>
  op(actor, 'read', {}, value, [begin, end]);
const write = (actor: number, value: number, begin: number, end?: number): Operation =>
  op(actor, 'write', { value }, end === undefined ? undefined : 0, [begin, end]);
const cas = (actor: number, from: number, to: number, result: number, begin: number, end: number): Operation =>
  op(actor, 'cas', { from, to }, result, [begin, end]);
const kind = (...operations: Operation[]): string => check(model, operations).kind;

/** A real run, one operation after the other, each of which is then stretched: to both sides, as far as those of its actor let it. */
function stretched(dice: Dice, count: number, actors: number, reach: number): Operation[] {
  let value = 0;
  const operations: Operation[] = [];
  const free = new Array<number>(actors).fill(0);
  for (let n = 0; n < count; n++) {
    const actor = dice.below(actors);
    const at = (n + 1) * 100;
    const begin = Math.max(free[actor]! + 1, at - dice.below(reach * 100));
    if (begin > at) continue;
    // The next one of the same actor begins after it: at the earliest at its own instant.
    const end = at + dice.below(reach * 100);
    free[actor] = end;
    const next = dice.below(4);
    const choice = dice.below(3);
    if (choice === 0) operations.push(read(actor, value, begin, end));
    else if (choice === 1) operations.push(write(actor, next, begin, end));
    else operations.push(cas(actor, dice.below(4), next, 0, begin, end));
    const last = operations.at(-1)!;
    if (last.name === 'write') value = next;
    if (last.name === 'cas' && last.args.from === value) {
      operations[operations.length - 1] = { ...last, result: 1 };
      value = next;
    }
  }
  return operations;
}

/** The history with the result of one operation changed. */
function mutated(dice: Dice, history: readonly Operation[]): Operation[] {
  const victim = dice.of(history.filter(({ name }) => name !== 'write'));
  const result = victim.name === 'cas' ? 1 - Number(victim.result) : (Number(victim.result) + 1 + dice.below(3)) % 4;
  return history.map((operation) => (operation === victim ? { ...operation, result } : operation));
}

describe('histories of the literature', () => {
  it('Herlihy and Wing: a read that overlaps a write may see either value', () => {
    expect(kind(write(1, 1, 0, 10), read(2, 0, 1, 2), read(2, 1, 3, 4))).toBe('ok');
  });

  it('Herlihy and Wing: a value that has been seen does not go away again', () => {
    expect(kind(write(1, 1, 0, 10), read(2, 1, 1, 2), read(3, 0, 3, 4))).toBe('violation');
  });

  it('a stale read after a write has returned (sequentially consistent, not linearizable)', () => {
    expect(kind(write(1, 1, 0, 1), read(2, 0, 2, 3))).toBe('violation');
  });

  it('two readers must not see two writes in different orders', () => {
    const writes = [write(1, 1, 0, 1), write(2, 2, 0.5, 20)];
    expect(kind(...writes, read(3, 1, 2, 3), read(3, 2, 4, 5), read(4, 2, 6, 7))).toBe('ok');
    expect(kind(...writes, read(3, 2, 2, 3), read(4, 1, 4, 5), read(3, 2, 6, 7))).toBe('violation');
  });

  it('of two compare-and-swaps from the same value one succeeds', () => {
    expect(kind(cas(1, 0, 1, 1, 0, 5), cas(2, 0, 2, 1, 1, 6))).toBe('violation');
    expect(kind(cas(1, 0, 1, 1, 0, 5), cas(2, 0, 2, 0, 1, 6))).toBe('ok');
  });

  it('an operation that never returned may have happened late, early, or not', () => {
    expect(kind(write(1, 1, 0), read(2, 0, 1, 2), read(2, 1, 3, 4))).toBe('ok');
    expect(kind(write(1, 1, 0), read(2, 0, 1, 2))).toBe('ok');
    expect(kind(write(1, 1, 0), read(2, 1, 1, 2), read(2, 0, 3, 4))).toBe('violation');
    expect(kind(read(2, 1, 1, 2), write(1, 1, 3))).toBe('violation');
  });

  it('an operation whose result was lost happened in its time or not', () => {
    const lost = { ...write(1, 1, 1, 4), result: undefined };
    expect(kind(lost, read(2, 1, 6, 7))).toBe('ok');
    expect(kind(lost, read(2, 0, 6, 7))).toBe('ok');
    expect(kind(lost, read(2, 0, 6, 7), read(2, 1, 8, 9))).toBe('violation');
  });

  it('operations that touch count as overlapping', () => {
    expect(kind(write(1, 1, 0, 5), read(2, 0, 5, 6))).toBe('ok');
  });

  it('the empty history is explained by nothing', () => {
    expect(check(model, [])).toMatchObject({ kind: 'ok', order: [] });
  });
});

describe('random histories', () => {
  it('are explained when they come from a real run', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 12 }), (seed, actors, reach) => {
        const history = stretched(new Dice(seed), 60, actors, reach);
        const verdict = check(model, history);
        expect(verdict.kind).toBe('ok');
        expect(verdict.kind === 'ok' && isLinearization(model, history, verdict.order)).toBe(true);
      }),
    );
  });

  it('are judged as by trying everything when a result is changed', () => {
    const verdicts = { ok: 0, violation: 0 };
    for (let seed = 0; seed < 600; seed++) {
      const dice = new Dice(seed);
      const run = stretched(dice, 8, 3, 3);
      if (run.every(({ name }) => name === 'write')) continue;
      const history = mutated(dice, run);
      const expected = bruteForce(model, history) ? 'ok' : 'violation';
      expect(kind(...history), `seed ${seed}`).toBe(expected);
      verdicts[expected]++;
    }
    expect(Math.min(verdicts.ok, verdicts.violation)).toBeGreaterThan(100);
  });

  it('are judged by their parts: a violation of one register is one of all', () => {
    const other = stretched(new Dice(1), 30, 3, 4).map((operation) => ({
      ...operation,
      args: { ...operation.args, register: 1 },
    }));
    expect(kind(...other, read(9, 0, 0, 1))).toBe('ok');
    expect(kind(...other, read(9, 3, 0, 1))).toBe('violation');
  });
});

describe('long histories', () => {
  // Steps stand for time: some hundred thousand take a second.
  const STEPS = 300_000;

  it('of eight actors that overlap widely are decided in few steps', () => {
    for (let seed = 0; seed < 10; seed++) {
      const dice = new Dice(seed);
      const history = stretched(dice, 1200, 8, 10);
      expect(history.length).toBeGreaterThan(300);
      const verdict = check(model, history);
      expect(verdict.kind, `seed ${seed}`).toBe('ok');
      const end = Math.max(...history.map((operation) => operation.end));
      const broken = check(model, [...history, read(9, 7, end + 1, end + 2)]);
      expect(broken.kind).toBe('violation');
      expect(Math.max(verdict.steps, broken.steps)).toBeLessThan(STEPS);
    }
  });

  it.each([true, false])('of a port, too (waiting seen: %s)', (waitsSeen) => {
    const verdicts = new Set<string>();
    for (let seed = 0; seed < 8; seed++) {
      // Deep queues are the hard case: every order that overlapping sends allow has to be tried before a violation is one.
      for (const capacity of seed === 1 || seed === 2 ? [2, 16] : [2]) {
        const history = new PortMachine({
          dice: new Dice(seed),
          threads: 8,
          operations: 400,
          capacity,
          ports: 1,
          waitsSeen,
          linger: capacity === 2 ? 0.9 : 0.5,
          ...(seed % 2 === 1 ? { defect: 'newest first', rarely: true } : {}),
        }).run();
        const verdict = check(portModel({ capacity }), history);
        verdicts.add(verdict.kind);
        expect(verdict.kind).not.toBe('unknown');
        expect(verdict.steps, `seed ${seed}`).toBeLessThan(capacity === 2 || verdict.kind === 'ok' ? STEPS : DEFAULT_BUDGET);
      }
    }
    expect([...verdicts].sort()).toEqual(['ok', 'violation']);
  });

  it('are never called right when the budget was spent', () => {
    const history = stretched(new Dice(5), 200, 8, 10);
    expect(check(model, history, { budget: 20 }).kind).toBe('unknown');
    // A violation that is found counts, whatever is unknown of other parts.
    const elsewhere = op(9, 'read', { register: 1 }, 5, [0, 1]);
    expect(check(model, [...history, elsewhere], { budget: 20 }).kind).toBe('violation');
  });
});
