/*
 * Ports: does the model accept all that a correct kernel can do, and refuse what a broken one does?
 */

import { describe, expect, it } from 'vitest';

import { check, checkPart, partsOf } from '../../../src/explore/history/checker.ts';
import { portModel } from '../../../src/explore/history/models/port.ts';
import type { Operation } from '../../../src/explore/history/operation.ts';
import { search } from '../../../src/explore/history/search.ts';
import { E } from '../../../src/kernel/errno.ts';
import { bruteForce, Dice, isLinearization, isTimely, op } from './helpers.ts';
import { PortMachine, type Defect, type MachineOptions } from './port-machine.ts';

const model = portModel({ capacity: 2 });
const model1 = portModel({ capacity: 1 });
const kind = (...operations: Operation[]): string => check(model, operations).kind;

const create = (at: number): Operation => op(1, 'create', { process: 1 }, 0, [at, at + 0.5]);
const send = (actor: number, tag: string, result: number | undefined, begin: number, end?: number, waits?: number): Operation =>
  op(
    actor,
    'send',
    { process: 2, port: 0, type: 1, tag, wait: waits === undefined ? 'no' : 'yes' },
    result,
    [begin, end],
    waits,
  );
const sendWaiting = (actor: number, tag: string, result: number, begin: number, end: number): Operation =>
  op(actor, 'send', { process: 2, port: 0, type: 1, tag, wait: 'yes' }, result, [begin, end]);
const receive = (
  actor: number,
  got: string | number,
  [begin, end]: readonly [number, number],
  wait = 'no',
  waits?: number,
): Operation =>
  op(
    actor,
    'receive',
    { process: 1, port: 0, wait },
    typeof got === 'number' ? got : { sender: 2, type: 1, tag: got },
    [begin, end],
    waits,
  );
const destroy = (begin: number, end: number): Operation => op(1, 'destroy', { process: 1, port: 0 }, 0, [begin, end]);

describe('a port', () => {
  it('gives messages out in their order', () => {
    expect(
      kind(create(0), send(2, 'a', 0, 1, 2), send(2, 'b', 0, 3, 4), receive(1, 'a', [5, 6]), receive(1, 'b', [7, 8])),
    ).toBe('ok');
    expect(
      kind(create(0), send(2, 'a', 0, 1, 2), send(2, 'b', 0, 3, 4), receive(1, 'b', [5, 6]), receive(1, 'a', [7, 8])),
    ).toBe('violation');
  });

  it('may take messages of overlapping sends in either order', () => {
    expect(
      kind(create(0), send(2, 'a', 0, 1, 4), send(3, 'b', 0, 2, 3), receive(1, 'a', [5, 6]), receive(1, 'b', [7, 8])),
    ).toBe('ok');
    expect(
      kind(create(0), send(2, 'a', 0, 1, 4), send(3, 'b', 0, 2, 3), receive(1, 'b', [5, 6]), receive(1, 'a', [7, 8])),
    ).toBe('ok');
  });

  it('loses no message, invents none, and gives each to one receiver', () => {
    const sent = [create(0), send(2, 'a', 0, 1, 2)];
    expect(kind(...sent, receive(1, -E.AGAIN, [3, 4]))).toBe('violation');
    expect(kind(...sent, receive(1, 'x', [3, 4]))).toBe('violation');
    expect(kind(...sent, receive(1, 'a', [3, 6]), receive(4, 'a', [4, 5]))).toBe('violation');
    expect(kind(...sent, receive(1, 'a', [3, 6]), receive(4, -E.AGAIN, [4, 5]))).toBe('ok');
  });

  it('gives out no message before it is sent', () => {
    expect(kind(create(0), receive(1, 'a', [1, 2]), send(2, 'a', 0, 3, 4))).toBe('violation');
    expect(kind(create(0), receive(1, 'a', [1, 4]), send(2, 'a', 0, 2, 5))).toBe('ok');
  });

  it('stamps the sender and keeps type and content', () => {
    const got = (message: { sender: number; type: number; tag: string }): string =>
      kind(create(0), send(2, 'a', 0, 1, 2), op(1, 'receive', { process: 1, port: 0, wait: 'no' }, message, [3, 4]));
    expect(got({ sender: 2, type: 1, tag: 'a' })).toBe('ok');
    expect(got({ sender: 3, type: 1, tag: 'a' })).toBe('violation');
    expect(got({ sender: 2, type: 2, tag: 'a' })).toBe('violation');
    expect(got({ sender: 2, type: 1, tag: 'b' })).toBe('violation');
  });

  it('holds as many messages as it has places', () => {
    const full = [create(0), send(2, 'a', 0, 1, 2), send(2, 'b', 0, 3, 4)];
    expect(kind(...full, send(2, 'c', -E.AGAIN, 5, 6))).toBe('ok');
    expect(kind(...full, send(2, 'c', 0, 5, 6))).toBe('violation');
    expect(kind(...full, send(2, 'c', 0, 5, 8), receive(1, 'a', [6, 7]))).toBe('ok');
    expect(kind(...full.slice(0, 2), send(2, 'c', -E.AGAIN, 5, 6))).toBe('violation');
  });

  it('lets waiting senders in, in the order in which they began to wait', () => {
    const full = [
      create(0),
      send(2, 'a', 0, 1, 2),
      send(2, 'b', 0, 3, 4),
      send(2, 'c', 0, 5, 30, 6),
      send(3, 'd', 0, 7, 31, 8),
    ];
    const out = (...tags: string[]): Operation[] => tags.map((tag, i) => receive(1, tag, [10 + 2 * i, 11 + 2 * i]));
    expect(kind(...full, ...out('a', 'b', 'c', 'd'))).toBe('ok');
    expect(kind(...full, ...out('a', 'b', 'd', 'c'))).toBe('violation');
    // Who came first is not known without the moment at which they were seen to wait.
    const unseen = full.map((operation) => ({ ...operation, waits: undefined }));
    expect(kind(...unseen, ...out('a', 'b', 'd', 'c'))).toBe('ok');
  });

  it('lets nobody past a sender that waits', () => {
    const full = [create(0), send(2, 'a', 0, 1, 2), send(2, 'b', 0, 3, 4), send(2, 'c', 0, 5, 30, 6)];
    expect(kind(...full, receive(1, 'a', [10, 11]), send(3, 'd', -E.AGAIN, 12, 13))).toBe('ok');
    expect(kind(...full, receive(1, 'a', [10, 11]), send(3, 'd', 0, 12, 13))).toBe('violation');
  });

  it('serves waiting receivers in their order', () => {
    const waiting = (first: string, second: string): string =>
      kind(
        create(0),
        receive(1, first, [1, 20], 'yes', 2),
        receive(4, second, [3, 21], 'yes', 4),
        send(2, 'a', 0, 5, 6),
        send(2, 'b', 0, 7, 8),
      );
    expect(waiting('a', 'b')).toBe('ok');
    expect(waiting('b', 'a')).toBe('violation');
  });

  it('lets nobody wait at a queue that holds a message', () => {
    expect(kind(create(0), send(2, 'a', 0, 1, 2), receive(1, 'a', [3, 8], 'yes', 5))).toBe('violation');
    expect(kind(create(0), send(2, 'a', 0, 1, 6), receive(1, 'a', [3, 8], 'yes', 5))).toBe('ok');
  });

  it('lets a deadline pass only while the queue is empty', () => {
    const sent = [create(0), send(2, 'a', 0, 1, 4)];
    expect(kind(...sent, receive(1, -E.TIMEDOUT, [3, 9], 'deadline'))).toBe('ok');
    expect(kind(...sent, receive(1, -E.TIMEDOUT, [5, 9], 'deadline'))).toBe('violation');
    expect(kind(...sent, receive(1, -E.TIMEDOUT, [3, 9], 'yes'))).toBe('violation');
    expect(kind(create(0), receive(1, -E.TIMEDOUT, [1, 9], 'deadline', 2))).toBe('ok');
  });

  it('holds the place of a receiver until its deadline', () => {
    // The second receiver gets the message although the first waits before it; unless the deadline of the first may have passed by then.
    const second = [receive(4, 'a', [3, 12], 'yes', 4), send(2, 'a', 0, 5, 6)];
    expect(kind(create(0), receive(1, -E.TIMEDOUT, [1, 10], 'deadline', 2), ...second)).toBe('ok');
    expect(kind(create(0), receive(1, 'b', [1, 10], 'deadline', 2), send(3, 'b', 0, 7, 8), ...second)).toBe('violation');
  });

  it('ends waiting with EIDRM when it is destroyed, and only then', () => {
    expect(kind(create(0), receive(4, -E.IDRM, [1, 6], 'yes'), destroy(3, 4))).toBe('ok');
    expect(kind(create(0), receive(4, -E.IDRM, [1, 2], 'yes'), destroy(3, 4))).toBe('violation');
    expect(kind(create(0), receive(4, -E.IDRM, [5, 6], 'yes'), destroy(3, 4))).toBe('violation');
    expect(kind(create(0), receive(4, -E.IDRM, [1, 6], 'yes'))).toBe('violation');
    expect(kind(create(0), receive(4, -E.IDRM, [1, 6], 'no'), destroy(3, 4))).toBe('violation');
    // It would not have waited: there is a message all the time.
    expect(kind(create(0), send(2, 'a', 0, 1, 2), receive(4, -E.IDRM, [3, 8], 'yes'), destroy(5, 6))).toBe('violation');
    expect(kind(create(0), send(2, 'a', 0, 1, 2), sendWaiting(2, 'b', -E.IDRM, 3, 8), destroy(5, 6))).toBe('violation');
    const full = [create(0), send(2, 'a', 0, 1, 2), send(2, 'b', 0, 3, 4)];
    expect(kind(...full, sendWaiting(2, 'c', -E.IDRM, 5, 9), destroy(6, 7))).toBe('ok');
  });

  it('leaves nobody waiting when it is destroyed', () => {
    const waiting = (result: string | number): string =>
      kind(create(0), receive(4, result, [1, 20], 'yes', 2), destroy(3, 4), create(5), send(2, 'a', 0, 6, 7));
    expect(waiting(-E.IDRM)).toBe('ok');
    expect(waiting('a')).toBe('violation');
  });

  it('is gone after that, with its messages', () => {
    const gone = [create(0), send(2, 'a', 0, 1, 2), destroy(3, 4)];
    expect(kind(...gone, send(2, 'b', -E.NOENT, 5, 6))).toBe('ok');
    expect(kind(...gone, send(2, 'b', 0, 5, 6))).toBe('violation');
    expect(kind(create(0), send(2, 'b', -E.NOENT, 5, 6))).toBe('violation');
    expect(kind(...gone, create(5), receive(1, -E.AGAIN, [7, 8]))).toBe('ok');
    expect(kind(...gone, create(5), receive(1, 'a', [7, 8]))).toBe('violation');
  });

  it('is given to one owner at a time, who alone receives and destroys', () => {
    const theirs = (result: number): Operation => op(9, 'receive', { process: 2, port: 0, wait: 'no' }, result, [3, 4]);
    expect(kind(create(0), op(2, 'create', { process: 2 }, 0, [1, 2]))).toBe('violation');
    expect(kind(create(0), theirs(-E.PERM))).toBe('ok');
    expect(kind(create(0), theirs(-E.AGAIN))).toBe('violation');
    expect(kind(create(0), receive(1, -E.PERM, [3, 4]))).toBe('violation');
    expect(kind(create(0), op(2, 'destroy', { process: 2, port: 0 }, 0, [1, 2]))).toBe('violation');
    expect(kind(create(0), op(2, 'destroy', { process: 2, port: 0 }, -E.PERM, [1, 2]))).toBe('ok');
  });

  it('is found by the tagged name of its generation', () => {
    const name = (port: number, result: number, at: number): Operation => op(2, 'name', { port }, result, [at, at + 0.5]);
    const twice = [create(0), name(0, 32, 1), destroy(2, 3), create(4)];
    expect(kind(...twice, name(0, 64, 5), name(64, 64, 6), name(32, -E.NOENT, 7))).toBe('ok');
    expect(kind(...twice, name(32, 64, 5))).toBe('violation');
    expect(kind(...twice, name(0, 32, 5))).toBe('violation');
  });

  it('tells how many messages it holds', () => {
    const stat = (queued: number): Operation => op(2, 'stat', { port: 0 }, { owner: 1, queued }, [3, 4]);
    expect(kind(create(0), send(2, 'a', 0, 1, 2), stat(1))).toBe('ok');
    expect(kind(create(0), send(2, 'a', 0, 1, 2), stat(0))).toBe('violation');
    expect(kind(create(0), send(2, 'a', 0, 1, 5), stat(0))).toBe('ok');
  });

  it('refuses messages that are too large, and only those', () => {
    const sized = (size: number, result: number): string =>
      kind(create(0), op(2, 'send', { process: 2, port: 0, type: 1, tag: 'a', size, wait: 'no' }, result, [1, 2]));
    expect(sized(256, 0)).toBe('ok');
    expect(sized(257, -E.MSGSIZE)).toBe('ok');
    expect(sized(256, -E.MSGSIZE)).toBe('violation');
    expect(sized(257, 0)).toBe('violation');
  });

  it('keeps the message when a buffer is bad', () => {
    const sent = [create(0), send(2, 'a', 0, 1, 2), receive(1, -E.FAULT, [3, 4])];
    expect(kind(...sent, receive(1, 'a', [5, 6]))).toBe('ok');
    expect(kind(...sent, receive(1, -E.AGAIN, [5, 6]))).toBe('violation');
    // A waiting receiver with a bad buffer leaves it to the next one.
    const two = [create(0), receive(1, -E.FAULT, [1, 20], 'yes', 2), receive(4, 'a', [3, 21], 'yes', 4), send(2, 'a', 0, 5, 6)];
    expect(kind(...two)).toBe('ok');
  });

  it('may or may not have the message of a sender that was killed', () => {
    const killed = [create(0), send(2, 'a', undefined, 1)];
    expect(kind(...killed, receive(1, 'a', [3, 4]))).toBe('ok');
    expect(kind(...killed, receive(1, -E.AGAIN, [3, 4]))).toBe('ok');
    expect(kind(...killed, receive(1, 'a', [3, 4]), receive(1, 'a', [5, 6]))).toBe('violation');
  });

  it('may be there at the begin of the history', () => {
    const there = portModel({ capacity: 2, slots: [{ id: 5, owner: 7, generation: 3 }] });
    const named = (port: number, result: number): string => check(there, [op(1, 'name', { port }, result, [0, 1])]).kind;
    expect(named(5, 5 + 32 * 3)).toBe('ok');
    expect(named(4, 4 + 32)).toBe('violation');
  });

  it('has nothing to do with other ports', () => {
    const other = op(3, 'send', { process: 2, port: 1, type: 1, tag: 'b', wait: 'no' }, 0, [2, 3]);
    const result = check(model, [create(0), op(3, 'create', { process: 1 }, 1, [0, 1]), other, receive(1, 'b', [4, 5])]);
    expect(result).toMatchObject({ kind: 'violation' });
    expect(result.kind === 'violation' && result.violations.map(({ operations }) => operations.length)).toEqual([2]);
  });
});

describe('a machine with ports', () => {
  const base: Omit<MachineOptions, 'dice'> = {
    threads: 5,
    operations: 40,
    capacity: 2,
    ports: 2,
    waitsSeen: true,
    rough: true,
  };

  it.each([true, false])('makes only histories that the model explains (waiting seen: %s)', (waitsSeen) => {
    const seen = new Set<unknown>();
    for (let seed = 0; seed < 300; seed++) {
      const history = new PortMachine({ ...base, dice: new Dice(seed), waitsSeen, linger: (seed % 9) / 10 }).run();
      const verdict = check(model, history);
      expect(verdict, `seed ${seed}`).toMatchObject({ kind: 'ok' });
      if (verdict.kind === 'ok') expect(isTimely(verdict.order), `seed ${seed}`).toBe(true);
      for (const part of partsOf(model, history)) {
        const alone = checkPart(model, part, 100_000);
        expect(alone.kind === 'ok' && isLinearization(model, part, alone.order), `seed ${seed}`).toBe(true);
      }
      for (const { result } of history) seen.add(typeof result === 'object' ? 'message' : result);
    }
    // All results were met.
    for (const result of ['message', 0, -E.AGAIN, -E.IDRM, -E.NOENT, -E.PERM, -E.TIMEDOUT, undefined])
      expect(seen).toContain(result);
  });

  it.each<[Defect, number]>([
    ['lost message', 0.7],
    ['duplicate', 0.7],
    ['wrong sender', 0.7],
    ['newest first', 0.3],
    ['one place too many', 0.3],
    ['waiting senders overtaken', 0.3],
    ['receivers served backwards', 0.1],
    ['lost wake-up of a receiver', 0.3],
    ['queue survives destroy', 0.1],
    ['stranger receives', 0.7],
  ])('is caught with a defect: %s', (defect, share) => {
    let met = 0;
    let caught = 0;
    for (let seed = 0; seed < 100; seed++) {
      const machine = new PortMachine({ ...base, dice: new Dice(seed), defect, linger: 0.1 });
      const { kind: verdict } = check(model, machine.run());
      expect(verdict).not.toBe('unknown');
      if (machine.met === 0) expect(verdict, `seed ${seed}`).toBe('ok');
      else met++;
      if (verdict === 'violation') caught++;
    }
    expect(caught).toBeGreaterThan(share * met);
  });

  it('is judged the same with foresight and without', () => {
    const plain = (operations: readonly Operation[]): string => {
      const slow = { ...model.prepared!(operations, false), leads: () => false, observes: () => false };
      return search(slow, operations, 300_000).kind;
    };
    const defects: (Defect | undefined)[] = [
      undefined,
      'lost message',
      'newest first',
      'duplicate',
      'waiting senders overtaken',
    ];
    const verdicts = { ok: 0, violation: 0, unknown: 0 };
    for (let seed = 0; seed < 200; seed++) {
      const defect = defects[seed % defects.length];
      const history = new PortMachine({
        dice: new Dice(seed),
        threads: 6,
        operations: 24,
        capacity: 2,
        ports: 1,
        waitsSeen: seed % 3 !== 0,
        linger: 0.5,
        rough: seed % 2 === 0,
        rarely: seed % 4 === 0,
        ...(defect === undefined ? {} : { defect }),
      }).run();
      for (const part of partsOf(model, history)) {
        const expected = plain(part) as keyof typeof verdicts;
        if (expected !== 'unknown') expect(checkPart(model, part, 300_000).kind, `seed ${seed}`).toBe(expected);
        verdicts[expected]++;
      }
    }
    expect(verdicts.ok).toBeGreaterThan(50);
    expect(verdicts.violation).toBeGreaterThan(20);
  });

  it('is judged as by trying everything', () => {
    const defects: (Defect | undefined)[] = [
      undefined,
      'lost message',
      'newest first',
      'receivers served backwards',
      'one place too many',
    ];
    const verdicts = { ok: 0, violation: 0 };
    for (let seed = 0; seed < 400; seed++) {
      const defect = defects[seed % defects.length];
      const history = new PortMachine({
        dice: new Dice(seed),
        threads: 3,
        operations: 7,
        capacity: 1,
        ports: 1,
        waitsSeen: seed % 2 === 0,
        rough: true,
        ...(defect === undefined ? {} : { defect }),
      }).run();
      const expected = bruteForce(model1, history) ? 'ok' : 'violation';
      expect(check(model1, history).kind, `seed ${seed}`).toBe(expected);
      verdicts[expected]++;
    }
    expect(Math.min(verdicts.ok, verdicts.violation)).toBeGreaterThan(50);
  });
});
