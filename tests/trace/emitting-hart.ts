/* A hart that does nothing but emit: `count` marks numbered from 0, into the ring of its number. */

import { workerData } from 'node:worker_threads';
import { Ram } from '../../src/core/ram.ts';
import { EventId } from '../../src/trace/events.ts';
import { Tracer } from '../../src/trace/ring.ts';
import { HostBell } from '../../src/smp/host-bell.ts';

export interface EmittingHart {
  readonly module: string;
  readonly memory: WebAssembly.Memory;
  readonly ring: number;
  readonly bootPage: number;
  readonly hart: number;
  readonly count: number;
}

const { memory, ring, bootPage, hart, count } = workerData as EmittingHart;
const ram = new Ram(memory);
const clock = { nowNs: () => performance.now() * 1e6 };
const tracer = new Tracer(ram, ring, hart, clock, new HostBell(ram, bootPage), { held: 0 });
for (let i = 0; i < count; i++) tracer.emit(EventId.mark, hart, i, 0, 0, 0);
