import { describe, expect, it } from 'vitest';

import { formatStats } from '../../src/cli/stats.ts';
import type { HartStats } from '../../src/machine/stats.ts';

const idle: HartStats = {
  hart: 0,
  busyNs: 0,
  idleNs: 0,
  instructions: 0,
  switches: 0,
  syscalls: 0,
  faults: 0,
  interrupts: 0,
  steals: 0,
  parks: 0,
  shootdowns: 0,
  tlbMisses: 0,
  accesses: 0,
  translated: 0,
  regions: 0,
  regionInstructions: 0,
  translateNs: 0,
};

/** The cell of a column in the row of a hart. */
function cell(title: string, ...harts: readonly Partial<HartStats>[]): string[] {
  const rows = formatStats({
    harts: harts.map((counters, hart) => ({ ...idle, hart, ...counters })),
    framesTotal: 100,
    framesFree: 90,
  })
    .split('\n\n')
    .map((table) => table.split('\n').map((line) => line.trim().split(/ {2,}/)))
    .find(([titles]) => titles!.includes(title))!;
  return rows.slice(1).map((row) => row[rows[0]!.indexOf(title)]!);
}

describe('the tables of --stats', () => {
  it('have a row for each hart, and every counter of it', () => {
    const counters = Object.fromEntries(Object.keys(idle).map((name, n) => [name, 1000 + n])) as unknown as HartStats;
    const text = formatStats({ harts: [{ ...idle }, { ...counters, hart: 1 }], framesTotal: 100, framesFree: 90 });
    for (const name of [
      'instructions',
      'switches',
      'syscalls',
      'faults',
      'interrupts',
      'steals',
      'parks',
      'shootdowns',
    ] as const) {
      expect(cell(name, idle, counters)).toEqual(['0', String(counters[name])]);
    }
    expect(text.endsWith('\nframes: 10 of 100 in use\n')).toBe(true);
  });

  it('show times in milliseconds', () => {
    expect(cell('busy ms', { busyNs: 1_234_567 })).toEqual(['1.2']);
    expect(cell('compile ms', { translateNs: 12_000_000_000 })).toEqual(['12000.0']);
  });

  it('show what share of the instructions each tier executed', () => {
    const harts = [
      { instructions: 1000, translated: 999 },
      { instructions: 100_000, translated: 99_999 },
      { instructions: 7, translated: 7 },
      { instructions: 0 },
    ];
    expect(cell('translated', ...harts)).toEqual(['99.9%', '99.9%', '100.0%', '-']);
  });

  it('show the rate of TLB hits where accesses were counted', () => {
    const harts = [{ accesses: 1_000_000, tlbMisses: 12 }, { tlbMisses: 12 }, { accesses: 3, tlbMisses: 4 }];
    expect(cell('TLB hit rate', ...harts)).toEqual(['99.998%', '-', '0.000%']);
  });
});
