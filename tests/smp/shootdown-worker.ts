/*
 * One hart of shootdown.test.ts: "runs guest code" that reads a page through a translation which it keeps, as a TLB does, until it is told
 * to flush. Whenever it finds the page that the translation leads to given to somebody else, it has used a stale translation.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { Ram } from '../../src/core/ram.ts';
import { Doorbells } from '../../src/smp/doorbell.ts';
import { HartControl, Mode } from '../../src/smp/hart-control.ts';
import { Shootdown } from '../../src/smp/shootdown.ts';
import { smpMapOf, type SmpPlan } from './bench.ts';

export interface ShootdownTask {
  readonly memory: WebAssembly.Memory;
  readonly plan: SmpPlan;
  readonly hart: number;
  /** TlbStates of the spaces it goes to and fro between. */
  readonly spaces: readonly number[];
  /** For each space the word that is its page table: which page is mapped. */
  readonly tables: readonly number[];
  /** Pages: a word each that holds the number of the space that owns it + 1, 0 when it is free. */
  readonly pages: number;
  /** Set to 1 when the test is over; the next word counts the harts that have begun. */
  readonly stop: number;
}

const { memory, plan, hart, spaces, tables, pages, stop } = workerData as ShootdownTask;
const ram = new Ram(memory);
const map = smpMapOf(plan);
const doorbells = new Doorbells(ram, map);
/** The TLB: for each space the page, or -1. */
const tlb = spaces.map(() => -1);
const cpu = {
  activate: (): void => undefined,
  flushAsid: (asid: number): void => {
    tlb[asid] = -1;
  },
  flushCodeOf: (): void => undefined,
};
const shootdown = new Shootdown(ram, map, doorbells, cpu, hart, spaces.length);
let stale = 0;
let reads = 0;
let entries = 0;

HartControl.mode.store(ram, map.hartControl(hart), Mode.Kernel);
Atomics.add(ram.i32, (stop >>> 2) + 1, 1);
while (Atomics.load(ram.i32, stop >>> 2) === 0) {
  const space = entries++ % spaces.length;
  shootdown.activate(spaces[space]!, 1000 + space, space);
  // A few rounds in one space, most of them not ended by a ring.
  for (let round = 0; round < 3; round++) {
    shootdown.enterGuest();
    for (let i = 0; i < 400 && !doorbells.pending(hart); i++) {
      if (tlb[space] === -1) tlb[space] = Atomics.load(ram.i32, tables[space]! >>> 2);
      if (Atomics.load(ram.i32, (pages >>> 2) + tlb[space]!) !== space + 1) stale++;
      reads++;
    }
    shootdown.leaveGuest();
    doorbells.take(hart);
  }
}
shootdown.activate(0, 0, 0);
parentPort!.postMessage({ stale, busy: reads > 0 && entries > 0 });
