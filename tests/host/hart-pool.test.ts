import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { bundle, sourcePositions } from '../../src/smp/bundle.ts';
import { HartPool } from '../../src/smp/hart-pool.ts';
import type { StubTask } from './stub-hart.ts';

interface Failure {
  readonly hart: number;
  readonly error: Error;
}

let pool: HartPool<StubTask> | undefined;

afterEach(async () => {
  await pool?.stop(0);
  pool = undefined;
});

/** Starts stub harts that act as told; `failure` resolves when the pool reports one. */
async function start(
  ...acts: StubTask['act'][]
): Promise<{ words: Int32Array; failure: Promise<Failure>; failures: Failure[] }> {
  return startFrom('stub-hart', acts);
}

async function startFrom(
  stub: string,
  acts: StubTask['act'][],
): Promise<{ words: Int32Array; failure: Promise<Failure>; failures: Failure[] }> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const file = await bundle({ name: `test-${stub}`, entry: join(import.meta.dirname, `${stub}.ts`) });
  const failures: Failure[] = [];
  const failure = new Promise<Failure>((report) => {
    pool = new HartPool<StubTask>({
      file,
      name: 'runStub',
      harts: acts.length,
      onFailure: (hart, error) => {
        failures.push({ hart, error });
        report({ hart, error });
      },
    });
    pool.start(acts.map((act, hart) => ({ memory, hart, act })));
  });
  return { words: new Int32Array(memory.buffer as SharedArrayBuffer), failure, failures };
}

/** Resolves once the word is no longer zero. */
async function nonZero(words: Int32Array, index: number): Promise<number> {
  const wait = Atomics.waitAsync(words, index, 0);
  if (wait.async) await wait.value;
  return Atomics.load(words, index);
}

describe('the hart pool', () => {
  it('runs every hart at the same time, over one memory', async () => {
    const { words, failures } = await start('wait', 'wait', 'wait', 'wait');
    // None returns before all have begun: word 0 ends them.
    for (let hart = 0; hart < 4; hart++) expect(await nonZero(words, 1 + hart)).toBe(42);
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    await pool!.stop();
    expect(failures).toEqual([]);
  });

  it('reports an exception, with the hart and its place in the source', async () => {
    const { failure } = await start('wait', 'throw');
    const { hart, error } = await failure;
    expect(hart).toBe(1);
    expect(error.message).toBe('the hart has a bug');
    expect(sourcePositions(error.stack!)).toMatch(/runStub \(tests\/host\/stub-hart\.ts:\d+:\d+\)/);
  });

  it('reports a worker that ends itself', async () => {
    const { failure } = await start('exit', 'wait');
    const { hart, error } = await failure;
    expect(hart).toBe(0);
    expect(error.message).toMatch(/code: 3/);
  });

  it('reports workers that cannot load the bundle', async () => {
    const { failure } = await startFrom('stub-hart-broken', ['wait', 'wait']);
    expect((await failure).error.message).toBe('cannot be loaded');
    await pool!.stop();
  });

  it('reports the first failure only', async () => {
    const { words, failure, failures } = await start('throw', 'throw', 'wait');
    await failure;
    await nonZero(words, 3);
    await pool!.stop(0);
    expect(failures).toHaveLength(1);
  });

  it('ends harts that do not return when told to, and reports nothing then', async () => {
    const { words, failures } = await start('spin', 'wait');
    await nonZero(words, 1);
    await pool!.stop(1);
    expect(failures).toEqual([]);
  });

  it('stops once when asked to twice', async () => {
    await start('return');
    const first = pool!.stop();
    expect(pool!.stop()).toBe(first);
    await first;
  });
});
