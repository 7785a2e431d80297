/*
 * How many objects of every kind are in use, and what has come or gone between two counts: a leak, if nothing should have. Exact while
 * nothing runs.
 */

import type { Inspection } from './inspection.ts';

export type Census = ReadonlyMap<string, number>;

/** Counts everything that is in use. */
export function takeCensus(inspection: Inspection): Census {
  return new Map(Array.from(inspection.counts, ([plural, inUse]) => [plural, inUse()]));
}

/** In words what there is more and less of than before: `3 areas and 2 frames more, 1 port less`; '' when nothing. */
export function censusDifference(before: Census, after: Census): string {
  const more: string[] = [];
  const less: string[] = [];
  for (const [plural, count] of after) {
    const change = count - (before.get(plural) ?? 0);
    if (change !== 0)
      (change > 0 ? more : less).push(`${String(Math.abs(change))} ${Math.abs(change) === 1 ? singular(plural) : plural}`);
  }
  const parts: string[] = [];
  if (more.length > 0) parts.push(`${list(more)} more`);
  if (less.length > 0) parts.push(`${list(less)} less`);
  return parts.join(', ');
}

function singular(plural: string): string {
  return plural.endsWith('sses') ? plural.slice(0, -2) : plural.replace(/s$/, '');
}

function list(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)!}`;
}
