import { describe, expect, it } from 'vitest';

import { parseSchedule, printStrategy } from '../../src/explore/schedule-option.ts';
import { encodeToken } from '../../src/explore/token.ts';
import type { Strategy } from '../../src/smp/schedule/plan.ts';

describe('--schedule', () => {
  it.each<[string, Strategy]>([
    ['round-robin', { kind: 'round-robin', quantum: 1000 }],
    ['round-robin:7', { kind: 'round-robin', quantum: 7 }],
    ['random:0', { kind: 'random', seed: 0 }],
    ['random:4294967295', { kind: 'random', seed: 2 ** 32 - 1 }],
    ['pct:5,depth=3', { kind: 'pct', seed: 5, depth: 3, steps: 10_000 }],
    ['pct:5,steps=20,depth=1', { kind: 'pct', seed: 5, depth: 1, steps: 20 }],
  ])('understands %s', (text, strategy) => {
    expect(parseSchedule(text)).toEqual({ target: undefined, plan: { strategy, faults: [] } });
  });

  it('takes a token with all that is in it', () => {
    const replay = {
      target: {
        run: { kind: 'scenario', word: 'ports', args: [] },
        machine: { cpus: 4, memory: 2 ** 24, jit: 'off', defect: 'no-recheck' },
      },
      plan: { strategy: { kind: 'pct', seed: 1, depth: 2, steps: 3 }, faults: [{ kind: 'kill', thread: 1, at: 2 }] },
    } as const;
    expect(parseSchedule(`replay:${encodeToken(replay)}`)).toEqual(replay);
  });

  it.each<Strategy>([
    { kind: 'round-robin', quantum: 9 },
    { kind: 'random', seed: 12 },
    { kind: 'pct', seed: 1, depth: 2, steps: 3 },
    { kind: 'replay', departures: [{ hart: 1, at: 2, to: 0 }] },
  ])('prints a strategy so that it is understood again: %j', (strategy) => {
    expect(parseSchedule(printStrategy(strategy)).plan.strategy).toEqual(strategy);
  });

  it.each([
    ['random', '--schedule random: the seed is missing'],
    ['random:x', '--schedule random:x: the seed has to be a whole number from 0 to 4294967295, not "x"'],
    ['random:4294967296', /from 0 to 4294967295/],
    ['pct:1', '--schedule pct:1: needs its depth, as in pct:1,depth=3'],
    ['pct:,depth=2', /the seed is missing/],
    ['pct:1,depth=0', /depth has to be a whole number from 1 to 64/],
    ['pct:1,depth=2,depth=3', /depth is given twice/],
    ['pct:1,depth=2,width=3', /"width=3" is neither depth=D nor steps=N/],
    ['round-robin:0', /the quantum has to be a whole number from 1/],
    ['replay', /needs a token or a file/],
    ['replay:', /needs a token or a file/],
    ['fair', /--schedule fair: a schedule is round-robin\[:QUANTUM\], random:SEED, pct:SEED,depth=D\[,steps=N\], or replay/],
    ['', /a schedule is round-robin/],
  ])('refuses %j and says why', (text, why) => {
    expect(() => parseSchedule(text)).toThrow(why);
  });
});
