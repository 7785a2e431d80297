/*
 * The pace of slices: does a look at the clock come as often whatever the speed of the guest, and never too late?
 */

import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/kernel/pace.ts';

/** Instructions per nanosecond: the interpreter's, and translated code's. */
const SLOW = 0.2;
const FAST = 3;

describe('the pace of slices', () => {
  it('gives faster code longer slices, of about the same time', () => {
    const pace = new Pace(1000, 1_000_000);
    const times = [SLOW, FAST].map((speed) => {
      pace.look(1000, 1000 / speed);
      return pace.credit / speed;
    });
    expect(times[0]! / times[1]!).toBeCloseTo(1, 2);
  });

  it('begins a thread carefully, whatever ran before it', () => {
    const pace = new Pace(1000, 1_000_000);
    pace.look(1000, 1000 / FAST);
    expect(pace.credit).toBeGreaterThan(1000);
    pace.begin();
    expect(pace.credit).toBe(1000);
  });

  it.each([
    ['no time has passed', 5000, 0],
    ['the host was away', 5000, 1e12],
    ['nothing was executed', 0, 1e6],
    ['it was fast beyond measure', 2 ** 31, 1],
  ])('stays within its bounds when %s', (_, instructions, ns) => {
    const pace = new Pace(1000, 50_000);
    pace.look(instructions, ns);
    expect(pace.credit).toBeGreaterThanOrEqual(1000);
    expect(pace.credit).toBeLessThanOrEqual(50_000);
  });

  it('allows the same number of traps in slices of any length', () => {
    const pace = new Pace(1000, 1_000_000);
    const traps = (): number => pace.credit / pace.trapCredit;
    const before = traps();
    pace.look(1000, 1000 / FAST);
    expect(traps()).toBeCloseTo(before, 0);
  });

  it('depends on no clock when its bounds are one', () => {
    const pace = new Pace(7000, 7000);
    for (const ns of [1, 1e3, 1e9]) {
      pace.look(7000, ns);
      expect(pace.credit).toBe(7000);
    }
  });
});
