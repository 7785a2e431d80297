/*
 * Turns among real threads: none is lost, nobody has one at the same time as another, and all come back when they are called.
 */

import { afterEach, describe, expect, it } from 'vitest';

import { Ram } from '../../../src/core/ram.ts';
import { turnBytes } from '../../../src/smp/schedule/state.ts';
import { TurnTaking } from '../../../src/smp/schedule/turns.ts';
import { endAll, runWorker } from '../workers.ts';
import type { TurnsTask } from './turns-worker.ts';

const worker = new URL('./turns-worker.ts', import.meta.url);

afterEach(endAll);

/** Harts that wait at the start, on threads of their own. */
function start(cpus: number) {
  const turns = 0;
  const counts = Math.ceil(turnBytes(cpus) / 64) * 64;
  const ram = Ram.allocate(counts + 4 * (2 + cpus));
  const host = new TurnTaking(ram, turns, cpus);
  host.initialise();
  const harts = Array.from({ length: cpus }, (_, hart) =>
    runWorker<{ abandoned: number }>(worker, { memory: ram.memory, turns, cpus, hart, counts } satisfies TurnsTask),
  );
  const count = (): number => ram.i32[counts >>> 2]!;
  const each = (): number[] => Array.from(ram.i32.subarray((counts >>> 2) + 2, (counts >>> 2) + 2 + cpus));
  /** Lets harts take turns until so many have been taken in all. */
  const until = async (total: number): Promise<void> => {
    ram.i32[(counts >>> 2) + 1] = total;
    host.give(total % cpus);
    await host.awaitHost();
  };
  return { ram, host, harts, count, each, until };
}

describe('turns', () => {
  it('are handed over 10000 times among 4 threads, and none is lost', async () => {
    const { host, harts, count, each, until } = start(4);
    await host.awaitHost();
    expect(count()).toBe(0);
    await until(10_000);
    expect(count()).toBe(10_000);
    expect(each().reduce((sum, own) => sum + own)).toBe(10_000);
    expect(Math.min(...each())).toBeGreaterThan(1_000);
    host.abandon(true);
    expect(await Promise.all(harts)).toEqual(Array.from({ length: 4 }, () => ({ abandoned: 1 })));
  });

  it('are the host’s again when all have come back to the start, as often as it calls them', async () => {
    const { host, harts, count, until } = start(3);
    await host.awaitHost();
    for (let round = 1; round <= 50; round++) {
      await until(round * 10);
      host.abandon();
      await host.awaitHost();
      expect(count()).toBe(round * 10);
    }
    // At once again: they are at the start already.
    host.abandon();
    await host.awaitHost();
    await until(600);
    expect(count()).toBe(600);
    host.abandon(true);
    expect(await Promise.all(harts)).toEqual(Array.from({ length: 3 }, () => ({ abandoned: 52 })));
  });

  it('end in the middle of the run, whoever has the turn, when the machine is turned off', async () => {
    for (let round = 0; round < 5; round++) {
      const { ram, host, harts } = start(3);
      await host.awaitHost();
      ram.i32[(Math.ceil(turnBytes(3) / 64) * 64 + 4) >>> 2] = 2 ** 30;
      host.give(0);
      await new Promise((resolve) => setTimeout(resolve, 3 * round));
      host.abandon(true);
      expect(await Promise.all(harts)).toEqual(Array.from({ length: 3 }, () => ({ abandoned: 1 })));
    }
  });

  it('do not come back to one that is wanted elsewhere', () => {
    const ram = Ram.allocate(turnBytes(2));
    const turns = new TurnTaking(ram, 0, 2);
    turns.abandon(true);
    turns.give(1);
    expect(() => {
      turns.await(1);
    }).toThrow(expect.objectContaining({ name: 'Abandoned', off: true }));
    turns.give(0);
    expect(() => {
      turns.await(0);
    }).toThrow(/abandoned/);
  });

  it('are given to the host by the last one to join', async () => {
    const ram = Ram.allocate(turnBytes(3));
    const turns = new TurnTaking(ram, 0, 3);
    turns.initialise();
    let has = false;
    const host = turns.awaitHost().then(() => (has = true));
    turns.join();
    turns.join();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(has).toBe(false);
    turns.join();
    await host;
  });
});
