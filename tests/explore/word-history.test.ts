/*
 * Histories of words and mutexes, from what an agent did to them.
 */

import { describe, expect, it } from 'vitest';

import { op, type Operation } from '../../src/explore/agent.ts';
import type { AgentRecord } from '../../src/explore/agent-marks.ts';
import { check } from '../../src/explore/history/checker.ts';
import type { Linearizable, ScenarioRun } from '../../src/explore/scenario.ts';
import { mutexes, words } from '../../src/explore/word-history.ts';

/** Operations of threads with their begin, end and result. */
function verdict(object: Linearizable, ...list: [Operation, number, number, number?, number?][]): string {
  const records = list.map(([operation, thread, begin, end, result]): AgentRecord => {
    const place = { list: 'thread', thread, process: 0, index: begin, tid: thread + 2 } as const;
    return { ...place, op: operation, begin, end, result, message: undefined };
  });
  const run: ScenarioRun = { operations: records, processes: [], events: [], status: 0 };
  return check(object.model, object.operations(run)).kind;
}

describe('a mutex', () => {
  it('is had by one at a time', () => {
    expect(verdict(mutexes(), [op.lock(0), 0, 0, 1, 0], [op.lock(0), 1, 2, 9, 0], [op.unlock(0), 0, 3, 4, 0])).toBe('ok');
    expect(verdict(mutexes(), [op.lock(0), 0, 0, 1, 0], [op.lock(0), 1, 2, 3, 0], [op.unlock(0), 0, 4, 5, 0])).not.toBe('ok');
  });

  it('is another one at another word', () => {
    expect(verdict(mutexes(), [op.lock(0), 0, 0, 1, 0], [op.lock(1), 1, 2, 3, 0])).toBe('ok');
  });

  it('may be had by a thread whose lock has not returned', () => {
    expect(verdict(mutexes(), [op.lock(0), 0, 0, 1, 0], [op.lock(0), 1, 2])).toBe('ok');
  });
});

describe('a word', () => {
  it('has what was stored, added and exchanged, in some order', () => {
    expect(verdict(words(), [op.add(0, 2), 0, 0, 5, 3], [op.store(0, 3), 1, 1, 4, 0], [op.load(0), 1, 6, 7, 5])).toBe('ok');
    expect(verdict(words(), [op.compareExchange(0, 0, 4), 0, 0, 1, 0], [op.load(0), 0, 2, 3, 4])).toBe('ok');
  });

  it('loses nothing', () => {
    expect(verdict(words(), [op.add(0, 1), 0, 0, 3, 0], [op.add(0, 1), 1, 1, 4, 0])).not.toBe('ok');
    expect(verdict(words(), [op.store(0, 3), 0, 0, 1, 0], [op.load(0), 1, 2, 3, 0])).not.toBe('ok');
  });
});
