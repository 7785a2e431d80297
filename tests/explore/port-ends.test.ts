/*
 * Ports that end with their owner, as the trace tells it.
 */

import { expect, it } from 'vitest';

import { portEnds } from '../../src/explore/port-ends.ts';
import type { DecodedEvent } from '../../src/trace/drain.ts';

const events = (...list: readonly (readonly [string, Record<string, number>])[]): DecodedEvent[] =>
  list.map(([event, args], ns) => ({ level: 20, ns, hart: 0, thread: 0, event, args }));

const created = (port: number, owner: number): [string, Record<string, number>] => [
  'portCreate',
  { port, generation: 1, owner },
];
const gone = (port: number): [string, Record<string, number>] => ['portDestroy', { port, generation: 1 }];

it('puts the end of a port between the end of the last thread and its event, one port after the other', () => {
  const run = events(
    created(0, 7),
    created(1, 7),
    ['threadExit', { pid: 7, tid: 8 }],
    ['threadExit', { pid: 7, tid: 7 }],
    gone(1),
    gone(0),
  );
  expect(portEnds(run)).toEqual([
    { port: 1, generation: 1, owner: 7, begin: 3, end: 4 },
    { port: 0, generation: 1, owner: 7, begin: 4, end: 5 },
  ]);
});

it('leaves out ports that were destroyed by a call, and those of others', () => {
  const run = events(created(0, 7), gone(0), created(1, 9), ['threadExit', { pid: 7, tid: 7 }]);
  expect(portEnds(run)).toEqual([]);
});
