/*
 * Runs a TypeScript module on several worker threads at once, over one shared memory.
 *
 * The module is bundled once per entry; each worker gets its data as `workerData` and posts one message, its result. A worker that
 * never does so is ended by `endAll`, so that a test that hangs leaves nothing behind.
 */

import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';

const bundles = new Map<string, string>();
const running = new Set<Worker>();

function codeOf(entry: URL): string {
  const path = fileURLToPath(entry);
  const known = bundles.get(path);
  if (known !== undefined) return known;
  const { outputFiles } = buildSync({ entryPoints: [path], bundle: true, write: false, platform: 'node', format: 'cjs' });
  const code = outputFiles[0]!.text;
  bundles.set(path, code);
  return code;
}

/** Starts one worker; resolves with what it posts, rejects with what it throws. */
export function runWorker<Result>(entry: URL, workerData: unknown): Promise<Result> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(codeOf(entry), { eval: true, workerData });
    running.add(worker);
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => {
      running.delete(worker);
      reject(new Error(`a worker has ended with ${String(code)} and without a result`));
    });
  });
}

/** Ends what still runs; for `afterEach`. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((worker) => worker.terminate()));
}
