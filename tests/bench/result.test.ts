/*
 * What the benchmark makes of its samples: medians, ratios, means and verdicts, as table and as chart.
 */

import { describe, expect, it } from 'vitest';

import { drawPrograms } from '../../bench/programs/chart.ts';
import { PROGRAMS, type ProgramRow } from '../../bench/programs/list.ts';
import { geometricMean, keyOf, type Measure, programResults, verdicts } from '../../bench/programs/result.ts';
import { formatPrograms } from '../../bench/programs/table.ts';

const row = (name: string): ProgramRow => PROGRAMS.find((program) => program.name === name)!;

function samplesOf(
  rows: Readonly<Record<string, Partial<Record<Measure, readonly number[]>>>>,
): Map<string, readonly number[]> {
  const samples = new Map<string, readonly number[]>();
  for (const [name, measures] of Object.entries(rows)) {
    for (const [measure, list] of Object.entries(measures)) samples.set(keyOf(row(name), measure as Measure), list);
  }
  return samples;
}

const results = programResults(
  samplesOf({
    sieve: {
      ours: [90, 100, 500],
      qemu: [300, 310, 320],
      native: [40, 50, 60],
      xQemu: [0.6, 3.1, 4],
      xNative: [0.1, 0.5, 0.6],
    },
    crc32: { ours: [100], qemu: [90], native: [40], xQemu: [0.9], xNative: [0.4] },
    'sieve-2t': { ours: [100], qemu: [400], native: [30], xQemu: [4], xNative: [0.3], xOne: [1.95], nativeXOne: [1.99] },
  }),
);

describe('the results of the programs', () => {
  it('are medians of times and of ratios made within a round, not ratios of medians', () => {
    expect(results.map(({ row: { name } }) => name)).toEqual(['sieve', 'crc32', 'sieve-2t']);
    expect(results[0]!.measures).toMatchObject({
      ours: { median: 100 },
      xQemu: { median: 3.1, min: 0.6 },
      xNative: { median: 0.5 },
    });
  });

  it('are brought together by geometric means, and each target is judged', () => {
    const found = Object.fromEntries(verdicts(results).map(({ title, value, met }) => [title, { value, met }]));
    expect(found['× qemu, geometric mean']).toEqual({ value: geometricMean([3.1, 0.9, 4]), met: true });
    expect(found['× qemu, least: crc32']).toEqual({ value: 0.9, met: false });
    expect(found['× native, geometric mean']).toEqual({ value: geometricMean([0.5, 0.4, 0.3]), met: true });
    expect(found['2 harts / 1 hart, geometric mean']).toMatchObject({ met: true });
    expect(geometricMean([1, 100])).toBeCloseTo(10, 12);
  });

  it('have no verdict on what was not measured', () => {
    const alone = programResults(samplesOf({ sieve: { ours: [100] } }));
    expect(verdicts(alone)).toEqual([]);
    expect(formatPrograms(alone, [], new Map())).toMatch(/^sieve +100 ms$/m);
  });

  it('stand in a table, with the programs that failed', () => {
    const table = formatPrograms(results, verdicts(results), new Map([['vm', 'wrong result']]));
    expect(table).toMatch(/^program +Hartbeat +qemu +native +× qemu +× native +× 1 hart$/m);
    expect(table).toMatch(/^sieve +100 ms +310 ms +50.0 ms +3.10 +0.500$/m);
    expect(table).toMatch(/^sieve-2t +100 ms .* 1.95$/m);
    expect(table).toMatch(/^vm +failed$/m);
    expect(table).toMatch(/^× qemu, least: crc32 +0.900 +≥ 1 +missed$/m);
  });
});

describe('the chart', () => {
  it('is an SVG document with a dot for each ratio and the means', () => {
    const svg = drawPrograms(results, 'a host');
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg".*<\/svg>\n$/s);
    expect(svg.match(/<circle/g)).toHaveLength(6);
    for (const text of ['crc32', 'sieve-2t', '3.10', 'a host', 'geometric mean 2.23', 'geometric mean 0.391']) {
      expect(svg).toContain(text);
    }
  });

  it('shows one side where the other was not measured', () => {
    const svg = drawPrograms(programResults(samplesOf({ sieve: { ours: [100], qemu: [200], xQemu: [2] } })), 'a host');
    expect(svg.match(/<circle/g)).toHaveLength(1);
  });
});
