/* One of two harts that pass a word to and fro, each with its clock's reading; counts readings that contradict the order. */

import { parentPort, workerData } from 'node:worker_threads';
import { Ram } from '../../src/core/ram.ts';
import { Clock } from '../../src/devices/clock.ts';
import { loadWord, storeWord } from '../../src/smp/atomics.ts';
import { nap, wakeAll } from '../../src/smp/sleep.ts';

export interface ClockHart {
  readonly module: string;
  readonly memory: WebAssembly.Memory;
  readonly bootPage: number;
  /** Address of the word that says whose turn it is, and of the last reading. */
  readonly turn: number;
  readonly reading: number;
  readonly me: number;
  readonly rounds: number;
  /** Nanoseconds by which two harts may differ. */
  readonly tolerance: number;
}

const { memory, bootPage, turn, reading, me, rounds, tolerance } = workerData as ClockHart;
const ram = new Ram(memory);
const clock = new Clock(ram, bootPage);
let backwards = 0;
let own = 0;
for (let round = 0; round < rounds; round++) {
  while (loadWord(ram, turn) !== me) nap(ram, turn, 1 - me, 10);
  const now = clock.nowNs();
  if (now < own || now < ram.f64[reading >>> 3]! - tolerance) backwards++;
  own = now;
  ram.f64[reading >>> 3] = now;
  storeWord(ram, turn, 1 - me);
  wakeAll(ram, turn);
}
parentPort?.postMessage(backwards);
