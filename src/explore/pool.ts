/*
 * The workers of a campaign: threads of a Piscina pool, each with a session of its own (worker.ts).
 *
 * An explorer asks one worker at a time for a batch. Whatever happens to the worker, the answer comes: outcomes, or that it died, or that
 * it has been silent for too long (it is ended then). A worker that died is replaced by `revive`. Nothing here waits without a limit.
 */

import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';

import { Piscina } from 'piscina';

import { asError } from '../machine/async.ts';
import { UsageError } from '../machine/errors.ts';
import { bundle, projectRoot } from '../smp/bundle.ts';
import type { Outcome } from './session.ts';
import type { SessionTarget } from './target.ts';
import { type FromWorker, Hint, type Order, type ToWorker, type WorkerTask } from './worker.ts';

/** A worker that has not answered for this long hangs: the watchdogs of a session stop a run much sooner. */
const SILENCE_MS = 120_000;
/** How long workers may take to close their sessions at the end. */
const GRACE_MS = 2000;

export interface PoolOptions {
  readonly workers: number;
  readonly target: SessionTarget;
  /** Path of the TypeScript module that exports `openSession`. */
  readonly factory: string;
  readonly silenceMs?: number | undefined;
}

/** A worker ended, or had to be ended, while it ran a batch. */
export class WorkerDied extends Error {
  override readonly name = 'WorkerDied';
  /** @param place of the plan in the batch that it was at */
  constructor(
    message: string,
    readonly place: number,
  ) {
    super(message);
  }
}

export class ExplorerPool {
  readonly workers: readonly ExplorerWorker[];

  private constructor(
    private readonly pool: Piscina<WorkerTask, void>,
    workers: readonly ExplorerWorker[],
  ) {
    this.workers = workers;
  }

  /**
   * Starts the workers and waits until each has its session.
   *
   * @throws UsageError when the target cannot be opened, because of how it was asked for
   */
  static async start({ workers, target, factory, silenceMs = SILENCE_MS }: PoolOptions): Promise<ExplorerPool> {
    const name = `explore-${factory.replace(/^.*\/|\.ts$/g, '')}`;
    const [file, sessions] = await Promise.all([
      bundle({ name: 'explore-worker', entry: join(projectRoot, 'src/explore/worker.ts') }),
      bundle({ name, entry: factory, externalPackages: true }),
    ]);
    const piscina = new Piscina<WorkerTask, void>({
      filename: file,
      name: 'explore',
      minThreads: workers,
      maxThreads: workers,
      idleTimeout: Infinity,
      // A worker that waits for a batch has to hear of it.
      atomics: 'disabled',
      recordTiming: false,
      execArgv: [],
    });
    const all = Array.from({ length: workers }, () => new ExplorerWorker(piscina, sessions, target, silenceMs));
    // Deaths reach the batches; what is left over concerns workers that had none.
    piscina.on('error', (error: Error) => all.forEach((worker) => worker.startFailed(error)));
    const pool = new ExplorerPool(piscina, all);
    try {
      await Promise.all(all.map((worker) => worker.revive()));
      return pool;
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Asks all workers to come back before their next run. */
  stop(): void {
    for (const worker of this.workers) worker.stop();
  }

  /** Closes the sessions and ends the workers. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, GRACE_MS);
    });
    await Promise.race([Promise.all(this.workers.map((worker) => worker.end())), limit]);
    clearTimeout(timer);
    await this.pool.destroy();
  }
}

/** One worker, seen from the campaign. */
export class ExplorerWorker {
  private hints: Int32Array = new Int32Array(0);
  private port: MessagePort | undefined;
  private ending = new AbortController();
  private task: Promise<unknown> = Promise.resolve();
  private waiting: { readonly resolve: (message: FromWorker) => void; readonly reject: (error: Error) => void } | undefined;

  constructor(
    private readonly pool: Piscina<WorkerTask, void>,
    private readonly factory: string,
    private readonly target: SessionTarget,
    private readonly silenceMs: number,
  ) {}

  /** Whether it has a session; if not, `revive` it. */
  get alive(): boolean {
    return this.port !== undefined;
  }

  /** Gives the worker its task, anew if it died, and waits for its session. */
  async revive(): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const { factory, target } = this;
    const hints = new Int32Array(new SharedArrayBuffer(4 * Hint.WORDS));
    this.hints = hints;
    this.port = port1;
    this.ending = new AbortController();
    const answer = this.answer();
    port1.on('message', (message: FromWorker) => this.waiting?.resolve(message));
    const died = (error: Error | undefined): void => {
      if (this.port !== port1) return;
      this.port = undefined;
      port1.close();
      this.waiting?.reject(new WorkerDied(describeDeath(error), hints[Hint.Place]!));
    };
    const options = { transferList: [port2], signal: this.ending.signal };
    const task = this.pool.run({ port: port2, hints, factory, target }, options).then(() => undefined, asError);
    this.task = task;
    // What a worker that returned has said last may still be on its way: it is at its end when the port is closed.
    void task.then((error) => error === undefined || died(error));
    port1.on('close', () => void task.then(died));
    const message = await answer;
    if (message.type === 'refused') throw message.usage ? new UsageError(message.message) : new Error(message.message);
  }

  /**
   * Runs a batch, in order.
   *
   * @param all a finding does not end it
   * @returns the outcomes of its first orders: fewer than there are if `stop` was called, or something was found
   * @throws WorkerDied
   */
  async run(orders: readonly Order[], all: boolean): Promise<readonly Outcome[]> {
    if (this.port === undefined) throw new WorkerDied('the worker has died before', 0);
    this.hints[Hint.Stop] = 0;
    this.hints[Hint.Place] = 0;
    const answer = this.answer();
    this.send({ type: 'batch', orders, all });
    const message = await answer;
    return message.type === 'outcomes' ? message.outcomes : [];
  }

  stop(): void {
    this.hints[Hint.Stop] = 1;
  }

  /** Lets the worker return, and waits for that. */
  async end(): Promise<void> {
    this.stop();
    if (this.port !== undefined) this.send({ type: 'end' });
    await this.task;
  }

  /** A worker could not be started: whoever waits for one hears of it. */
  startFailed(error: Error): void {
    this.waiting?.reject(error);
  }

  private send(message: ToWorker): void {
    this.port!.postMessage(message);
  }

  /** The next message, or the reason why there is none. */
  private answer(): Promise<FromWorker> {
    return new Promise<FromWorker>((resolve, reject) => {
      const timer = setTimeout(() => {
        const place = this.hints[Hint.Place]!;
        this.port = undefined;
        // Ends the thread: Piscina cannot take a task away from it otherwise.
        this.ending.abort();
        settle(() => reject(new WorkerDied(`a run has not ended within ${this.silenceMs / 1000} s`, place)));
      }, this.silenceMs);
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.waiting = undefined;
        how();
      };
      this.waiting = {
        resolve: (message) => settle(() => resolve(message)),
        reject: (error) => settle(() => reject(error)),
      };
    });
  }
}

function describeDeath(error: Error | undefined): string {
  return error === undefined
    ? 'the worker of the session returned too soon'
    : `the worker of the session died: ${error.message}`;
}
