import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { PLAIN } from '../../src/smp/schedule/plan.ts';
import { ExplorerPool } from '../../src/explore/pool.ts';
import type { Order } from '../../src/explore/worker.ts';

let pool: ExplorerPool | undefined;

afterEach(() => pool?.close());

async function start(word: string, ...args: readonly string[]): Promise<ExplorerPool> {
  pool = await ExplorerPool.start({
    workers: 2,
    target: { run: { kind: 'scenario', word, args }, machine: { cpus: 2, memory: 2 ** 24, jit: 'hot' } },
    factory: join(import.meta.dirname, 'fake-session.ts'),
  });
  return pool;
}

function orders(count: number): Order[] {
  return Array.from({ length: count }, () => ({ plan: PLAIN, want: {} }));
}

describe('the workers of a campaign', () => {
  it('come back before the next run when they are told to stop, and can go on', async () => {
    const { workers } = await start('slow');
    const results = workers.map((worker) => worker.run(orders(2000), true));
    pool!.stop();
    for (const result of results) expect((await result).length).toBeLessThan(2000);
    expect(await workers[0]!.run(orders(3), true)).toHaveLength(3);
  });

  it('leave the rest of a batch after a finding, unless they are to do it all', async () => {
    const { workers } = await start('throws');
    expect(await workers[0]!.run(orders(3), false)).toHaveLength(1);
    expect(await workers[1]!.run(orders(3), true)).toHaveLength(3);
  });

  it('send choices and histories only if they are wanted', async () => {
    const [worker] = (await start('counters', '1', '1')).workers;
    const wanted = await worker!.run([{ plan: PLAIN, want: { choices: true, history: true } }], true);
    expect(wanted[0]).toMatchObject({
      choices: [{ hart: 0, at: 0, others: 2 }, expect.anything()],
      history: expect.any(String),
    });
    const plain = await worker!.run(orders(1), true);
    expect(plain[0]).toMatchObject({ choices: undefined, history: undefined });
  });
});
