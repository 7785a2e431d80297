/*
 * Ports that go with the process that owned them: for a history they are destroyed, though nobody called destroy.
 *
 * The process's last thread is gone by then and its ports go one by one; the event of each comes after its waiters were woken. So a port
 * ends between the event before (the end of the last thread, or the port before it) and its own event.
 */

import type { DecodedEvent } from '../trace/drain.ts';

/** A port that has ended with its owner. */
export interface PortEnd {
  readonly port: number;
  readonly generation: number;
  /** Pid. */
  readonly owner: number;
  /** Positions in the list of events between which it ended. */
  readonly begin: number;
  readonly end: number;
}

/** All of them, in the order of their ends. */
export function portEnds(events: readonly DecodedEvent[]): PortEnd[] {
  const owners = new Map<string, number>();
  /** Where the last thread of each process ended. */
  const threadless = new Map<number, number>();
  const destroyed: Omit<PortEnd, 'begin'>[] = [];
  events.forEach(({ event, args }, position) => {
    const { port = 0, generation = 0, owner = 0, pid = 0 } = args as Record<string, number>;
    if (event === 'portCreate') owners.set(`${port}.${generation}`, owner);
    if (event === 'threadExit') threadless.set(pid, position);
    if (event === 'portDestroy') {
      destroyed.push({ port, generation, owner: owners.get(`${port}.${generation}`) ?? 0, end: position });
    }
  });
  return destroyed.flatMap((one) => {
    const begin = threadless.get(one.owner);
    if (begin === undefined || one.end < begin) return [];
    threadless.set(one.owner, one.end);
    return [{ ...one, begin }];
  });
}
