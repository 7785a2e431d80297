/*
 * The workers of a machine: one for each hart, each with a single task that lasts from power-on to halt.
 *
 * A hart's task is a synchronous function of a bundle (bundle.ts); it sleeps in Atomics.wait like any hart and never returns to its
 * event loop before the machine halts. Whatever ends a task early (an exception, a worker that dies or cannot be started) is reported
 * once, through `onFailure`: the machine then stops with a machine check. Nothing here waits without a limit.
 *
 * The host's start-up flags (loaders of tsx or vitest) are not passed on: a bundle needs none of them.
 */

import { Piscina } from 'piscina';

import { MAX_HARTS } from './smp-map.ts';

/** After this long, harts that have not returned from their task are ended by force; sooner when one has failed already. */
const GRACE_MS = 2000;
const GRACE_AFTER_FAILURE_MS = 250;

export interface HartPoolOptions {
  /** Path of the bundle. */
  readonly file: string;
  /** The function in it to call with a task; synchronous. */
  readonly name: string;
  readonly harts: number;
  /** A hart ended before its time; called at most once. `hart` is -1 when a worker died before it had a task. */
  readonly onFailure: (hart: number, error: Error) => void;
}

export class HartPool<Task> {
  private readonly pool: Piscina<Task, void>;
  private readonly onFailure: HartPoolOptions['onFailure'];
  private returned: Promise<unknown> = Promise.resolve();
  private failed = false;
  private stopping: Promise<void> | undefined;

  /** Starts the workers, so that they come up while the caller prepares their tasks. */
  constructor({ file, name, harts, onFailure }: HartPoolOptions) {
    this.onFailure = onFailure;
    // Each worker's output is piped into the process's, and every pipe listens to it: that many are no leak.
    for (const stream of [process.stdout, process.stderr]) {
      stream.setMaxListeners(Math.max(stream.getMaxListeners(), 2 * MAX_HARTS));
    }
    this.pool = new Piscina({
      filename: file,
      name,
      // The first worker comes up now; the others with their tasks, so that they do not compete with it for the way to the prompt.
      minThreads: 1,
      maxThreads: harts,
      idleTimeout: Infinity,
      // A hart waits in its task, not for the next one.
      atomics: 'disabled',
      recordTiming: false,
      execArgv: [],
      // What a hart allocates, it allocates while it translates, and most of it is garbage at once: a small nursery stays in the caches.
      resourceLimits: { maxYoungGenerationSizeMb: 6 },
    });
    this.pool.on('error', (error) => this.fail(-1, error));
  }

  /**
   * Gives each hart its task, once; they begin as soon as they are up, in no particular order.
   *
   * @param tasks as many as there are harts: cloned, shared memory stays shared
   */
  start(tasks: readonly Task[]): void {
    const results = tasks.map((task, hart) => this.pool.run(task).catch((error: unknown) => this.fail(hart, error)));
    this.returned = Promise.all(results);
  }

  /**
   * Waits until every hart has returned, and ends the workers. Tell the harts to halt before.
   *
   * @param graceMs how long to wait for harts that do not return
   */
  stop(graceMs = this.failed ? GRACE_AFTER_FAILURE_MS : GRACE_MS): Promise<void> {
    this.stopping ??= this.end(graceMs);
    return this.stopping;
  }

  private async end(graceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    // After a failure some task will never settle: its worker is gone, or never came.
    await Promise.race([this.returned, limit]);
    clearTimeout(timer);
    await this.pool.destroy();
  }

  private fail(hart: number, error: unknown): void {
    if (this.failed || this.stopping !== undefined) return;
    this.failed = true;
    this.onFailure(hart, error instanceof Error ? error : new Error(String(error)));
  }
}
