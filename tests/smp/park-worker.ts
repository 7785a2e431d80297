/* A hart of doorbell.test.ts that parks once, and tells what it saw on the way. */

import { parentPort, workerData } from 'node:worker_threads';
import { Ram } from '../../src/core/ram.ts';
import { Doorbells } from '../../src/smp/doorbell.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { smpMapOf, type SmpPlan } from './bench.ts';

export interface ParkTask {
  readonly memory: WebAssembly.Memory;
  readonly plan: SmpPlan;
  readonly hart: number;
  readonly timeoutNs: number;
  /** What the last look finds. */
  readonly work: boolean;
}

const { memory, plan, hart, timeoutNs, work } = workerData as ParkTask;
const ram = new Ram(memory);
const map = smpMapOf(plan);
const control = map.hartControl(hart);
let looks = 0;
let parkedAtLook = -1;
new Doorbells(ram, map).park(hart, timeoutNs, () => {
  looks++;
  parkedAtLook = HartControl.parked.load(ram, control);
  return work;
});
parentPort!.postMessage({ looks, parkedAtLook, parkedAfter: HartControl.parked.load(ram, control) });
