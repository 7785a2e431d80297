import { describe, expect, it } from 'vitest';

import { Coverage } from '../../src/explore/coverage.ts';

function covered(interleavings: Iterable<string>, limit?: number): ReturnType<Coverage['report']> {
  const coverage = new Coverage(limit);
  for (const interleaving of interleavings) coverage.add(interleaving);
  return coverage.report();
}

describe('the coverage of interleavings', () => {
  it('counts different ones exactly, many of them', () => {
    const report = covered(Array.from({ length: 300_000 }, (_, i) => ((i % 100_000) * 7919).toString(16)));
    expect(report).toEqual({ runs: 300_000, distinct: 100_000, more: false, fresh: 0, unseen: 0 });
  });

  it('knows nothing of new ones before the first run', () => {
    expect(covered([])).toEqual({ runs: 0, distinct: 0, more: false, fresh: undefined, unseen: undefined });
  });

  it('tells the share of new ones among the last thousand', () => {
    const fresh = Array.from({ length: 5000 }, (_, i) => `a${i}`);
    expect(covered(fresh).fresh).toBe(1);
    expect(covered([...fresh, ...fresh.slice(0, 750)]).fresh).toBe(0.25);
    expect(covered(['a', 'b', 'a', 'a']).fresh).toBe(0.5);
  });

  it('estimates the chance of a new one by those seen once', () => {
    expect(covered(['a', 'b', 'b', 'c']).unseen).toBe(0.5);
    expect(covered(['a', 'a', 'b', 'b', 'b']).unseen).toBe(0);
  });

  it('says that there are more when it cannot keep them all', () => {
    expect(covered(['a', 'b', 'c', 'd', 'a'], 3)).toEqual({
      runs: 5,
      distinct: 3,
      more: true,
      fresh: undefined,
      unseen: undefined,
    });
  });
});
