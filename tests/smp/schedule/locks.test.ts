/*
 * Locks under a schedule: at each of their points the host may get its turn, unless a lock is held.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { expect, it } from 'vitest';

import { bundle } from '../../../src/smp/bundle.ts';
import { HartControl } from '../../../src/smp/hart-control.ts';
import type { ScheduledHart } from '../../../src/smp/schedule/point.ts';
import { Spinlock } from '../../../src/smp/spinlock.ts';
import { allocate, planSmp, smpMapOf } from '../bench.ts';
import type * as Seeded from './seeded-locks.ts';

it('are held as long as their words are taken, at every point', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'hartbeat-locks-'));
  try {
    const entry = fileURLToPath(new URL('./seeded-locks.ts', import.meta.url));
    const file = await bundle({ name: 'test-seeded-locks', entry, seeded: true, cache });
    const { Locks, setScheduledHart } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as typeof Seeded;

    const plan = planSmp(1);
    const ram = allocate(plan);
    const control = smpMapOf(plan).hartControl(0);
    const [first, second] = [plan.room, plan.room + Spinlock.SIZE];
    const seen: string[] = [];
    const point = (): void => {
      const taken = [first, second].filter((lock) => ram.u32[lock >>> 2] !== 0).length;
      seen.push(`${HartControl.heldCount.get(ram, control)} held, ${taken} taken`);
    };
    setScheduledHart({ point } as unknown as ScheduledHart);
    const locks = new Locks(ram, control, 0);
    locks.acquire(first);
    locks.acquire(second);
    locks.release(first);
    locks.release(second);
    setScheduledHart(undefined);
    expect(seen).toEqual(['0 held, 0 taken', '1 held, 1 taken', '2 held, 2 taken', '1 held, 1 taken']);
  } finally {
    await rm(cache, { recursive: true });
  }
});
