/* One hart of turns.test.ts: takes the turn, counts without atomics, hands it on; comes back to the start when it is told to. */

import { parentPort, workerData } from 'node:worker_threads';
import { Ram } from '../../../src/core/ram.ts';
import { Abandoned, TurnTaking } from '../../../src/smp/schedule/turns.ts';

export interface TurnsTask {
  readonly memory: WebAssembly.Memory;
  readonly turns: number;
  readonly cpus: number;
  readonly hart: number;
  /** Words: turns taken so far; at how many the host gets its turn; turns of each hart from here on. */
  readonly counts: number;
}

const { memory, turns: base, cpus, hart, counts } = workerData as TurnsTask;
const ram = new Ram(memory);
const turns = new TurnTaking(ram, base, cpus);
const at = counts >>> 2;

function live(): void {
  turns.join();
  turns.await(hart);
  for (;;) {
    // Read, dawdle, write: two harts at once lose counts.
    const before = ram.i32[at]!;
    for (let i = 0; i < 20; i++) ram.i32[at + 2 + hart] = ram.i32[at + 2 + hart]! + (i === 0 ? 1 : 0);
    ram.i32[at] = before + 1;
    if (before + 1 >= ram.i32[at + 1]!) turns.giveHost();
    else turns.give((hart + 1 + (before % (cpus - 1))) % cpus);
    turns.await(hart);
  }
}

let abandoned = 0;
for (let on = true; on;) {
  try {
    live();
  } catch (error) {
    if (!(error instanceof Abandoned)) throw error;
    abandoned++;
    on = !error.off;
  }
}
parentPort!.postMessage({ abandoned });
