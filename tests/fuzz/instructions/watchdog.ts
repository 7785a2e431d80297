/*
 * Ends this process when a sequence does not end: a subject that never comes back can be told by nobody on its own thread.
 *
 * A thread of its own looks at a word in shared memory that says which sequence is running. Everything it needs is in its text, for
 * threads cannot be started from TypeScript.
 */

import { Worker } from 'node:worker_threads';

const PATIENCE_MS = 30_000;

const TEXT = `
  const { workerData: { word, patience } } = require('node:worker_threads');
  let last = -1;
  setInterval(() => {
    const now = Atomics.load(word, 0);
    if (now === last && now >= 0) {
      require('node:fs').writeSync(1, 'sequence ' + now + ' does not end: replay it with --seed ' + now + ' --count 1, or some before it\\n');
      process.kill(process.pid, 'SIGKILL');
    }
    last = now;
  }, patience);
`;

/** A word to note the running sequence in; −1 when none is. */
export function watch(): Int32Array {
  const word = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  new Worker(TEXT, { eval: true, workerData: { word, patience: PATIENCE_MS } }).unref();
  return word;
}
