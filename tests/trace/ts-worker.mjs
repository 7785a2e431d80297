/* Runs a TypeScript module in a worker: `new Worker(thisFile, { workerData: { module: URL, … } })`. */

import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
await import(workerData.module);
