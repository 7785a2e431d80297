/* One hart of spinlock.test.ts: takes locks, counts without atomics while it holds them, and says how often. */

import { parentPort, workerData } from 'node:worker_threads';
import { Ram } from '../../src/core/ram.ts';
import { Locks } from '../../src/smp/spinlock.ts';
import { smpMapOf, type SmpPlan } from './bench.ts';

export interface SpinlockTask {
  readonly memory: WebAssembly.Memory;
  readonly plan: SmpPlan;
  readonly hart: number;
  readonly rounds: number;
  /** Locks, and for each a word that it guards. */
  readonly locks: readonly number[];
  readonly words: readonly number[];
  /** Every n-th time this hart sleeps while it holds the lock, so that others go to sleep on it; 0: never. */
  readonly napEvery: number;
  /** Word that counts the workers that are up: they start together. */
  readonly gate: number;
}

const { memory, plan, hart, rounds, locks: addresses, words, napEvery, gate } = workerData as SpinlockTask;
const ram = new Ram(memory);
const locks = new Locks(ram, smpMapOf(plan).hartControl(hart), hart);

function meet(): void {
  const index = gate >>> 2;
  if (Atomics.add(ram.i32, index, 1) + 1 === plan.cpus) {
    Atomics.notify(ram.i32, index);
    return;
  }
  for (let up = Atomics.load(ram.i32, index); up < plan.cpus; up = Atomics.load(ram.i32, index))
    Atomics.wait(ram.i32, index, up, 50);
}

meet();
let counted = 0;
for (let round = 0; round < rounds; round++) {
  const which = round % addresses.length;
  const lock = addresses[which]!;
  const index = words[which]! >>> 2;
  locks.acquire(lock);
  // Read, dawdle, write: two harts inside at once lose counts.
  const before = ram.u32[index]!;
  if (napEvery !== 0 && round % napEvery === 0) Atomics.wait(ram.i32, (gate >>> 2) + 1, 0, 1);
  for (let i = 0; i < 5; i++) ram.u32[index + 1] = i;
  ram.u32[index] = before + 1;
  locks.release(lock);
  counted++;
}
parentPort!.postMessage({ counted, held: locks.held });
