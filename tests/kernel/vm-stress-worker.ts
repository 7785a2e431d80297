/*
 * One participant of vm-stress.test.ts, on a thread of its own: calls on one address space at random, together with the others.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { Access } from '../../src/core/mmu.ts';
import { PAGE_SIZE, Ram } from '../../src/core/ram.ts';
import { Advice, MapFlag, Prot } from '../../src/kernel/mman.ts';
import { Bench, type BenchMap } from './vm-bench.ts';

const { memory, map, me, space, steps } = workerData as {
  memory: WebAssembly.Memory;
  map: BenchMap;
  me: number;
  space: number;
  steps: number;
};

const bench = new Bench(new Ram(memory), map, me);
const arena = 2 ** 30 - 32 * PAGE_SIZE;
/** Where this participant alone maps: what it writes there must stay. */
const own = 2 ** 32 * (me + 1);
const RW = Prot.Read | Prot.Write;
const flags = MapFlag.Private | MapFlag.Anonymous | MapFlag.Fixed;
let seed = me * 7919 + 1;
let wrong = 0;

function random(below: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}

for (let step = 0; step < steps; step++) {
  const va = arena + random(64) * PAGE_SIZE;
  const length = (1 + random(16)) * PAGE_SIZE;
  switch (random(8)) {
    case 0:
      bench.mappings.map(space, va, length, RW, flags);
      break;
    case 1:
      bench.mappings.unmap(space, va, length);
      break;
    case 2:
      bench.mappings.protect(space, va, length, random(8));
      break;
    case 3:
      bench.mappings.advise(space, va, length, Advice.DontNeed);
      break;
    case 4:
      bench.copy.writeU32(space, va, step);
      break;
    case 5:
      bench.spaces.fault(space, va, Access.Read);
      break;
    case 6: {
      // Another process comes and goes.
      const other = bench.spaces.create();
      if (other === 0) break;
      bench.mappings.map(other, va, length, RW, flags | MapFlag.Populate);
      bench.copy.copyBetween(space, va, other, va, 100);
      bench.spaces.release(other);
      break;
    }
    default: {
      const at = own + random(8) * PAGE_SIZE;
      if (bench.mappings.map(space, at, PAGE_SIZE, RW, flags) !== at) break;
      if (bench.copy.writeU32(space, at, step) !== 0) break;
      bench.spaces.fault(space, va, Access.Write);
      if (bench.copy.readU32(space, at) !== 0 || bench.copy.value !== step) wrong++;
      if (bench.copy.readU32(space, at + 4) !== 0 || bench.copy.value !== 0) wrong++;
    }
  }
}
parentPort!.postMessage({ wrong, held: bench.locks.held });
