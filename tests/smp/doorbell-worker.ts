/*
 * One hart of doorbell.test.ts. It parks again and again, each time for as long as it takes, and takes what has rung; the other side
 * rings only once it has been answered, so one ring lost means that both wait for ever.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { Ram } from '../../src/core/ram.ts';
import { Doorbells } from '../../src/smp/doorbell.ts';
import { smpMapOf, type SmpPlan } from './bench.ts';

export interface DoorbellTask {
  readonly memory: WebAssembly.Memory;
  readonly plan: SmpPlan;
  readonly hart: number;
  readonly peer: number;
  readonly rounds: number;
  /** This one rings first. */
  readonly serves: boolean;
}

const { memory, plan, hart, peer, rounds, serves } = workerData as DoorbellTask;
const ram = new Ram(memory);
const doorbells = new Doorbells(ram, smpMapOf(plan));
const notYet = (): boolean => false;
let taken = 0;

function awaitRing(): void {
  for (;;) {
    const kinds = doorbells.take(hart);
    if (kinds !== 0) {
      taken |= kinds;
      return;
    }
    // A minute: longer than the test may last.
    doorbells.park(hart, 60e9, notYet);
  }
}

// A few spins more in each round, so that the ring meets every moment of parking.
function dawdle(round: number): void {
  for (let i = 0; i < (round * 37) % 700; i++) ram.u32[(plan.room >>> 2) + 64 * hart] = i;
}

for (let round = 0; round < rounds; round++) {
  if (!serves) awaitRing();
  dawdle(round);
  doorbells.ring(peer, 1 << (round % 3));
  if (serves) awaitRing();
}
parentPort!.postMessage({ hart, taken });
