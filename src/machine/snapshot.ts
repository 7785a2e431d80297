/*
 * A snapshot: all of a machine's state, which is RAM, without what is only a cache of it or does not matter.
 *
 * It is taken while no hart is on its way (they wait at the gate, or sleep and will be called back to the start): what a hart has beside RAM
 * it makes anew. Left out are the harts' CPU caches, the words that harts wait on meanwhile, and the frames that are free. Of the hart
 * blocks only the doorbells count, and the counters. What the host knows beside RAM is in machine-snapshot.ts.
 */

import { CPU_CACHE_BYTES } from '../core/cpu.ts';
import { HartBlock } from '../core/hart-block.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import type { MachineConfig } from '../kernel/config.ts';
import { type Kernel, smpMapOf } from '../kernel/kernel.ts';
import type { MemoryMap } from '../kernel/memory-map.ts';
import { Ipi } from '../smp/ipi.ts';
import type { SmpMap } from '../smp/smp-map.ts';

/** A piece of RAM. */
export interface Piece {
  readonly address: number;
  readonly words: Uint32Array<ArrayBuffer>;
}

export interface Snapshot {
  readonly config: MachineConfig;
  /** In ascending order of address; none overlap. */
  readonly pieces: readonly Piece[];
  /** What was in each hart's doorbell. */
  readonly doorbells: readonly number[];
  /** The counters of each hart's CPU, in the order of COUNTERS. */
  readonly counters: readonly (readonly number[])[];
}

/** What a CPU counts in its hart block. */
export const COUNTERS = [
  HartBlock.instret,
  HartBlock.tlbMisses,
  HartBlock.accesses,
  HartBlock.decodeMisses,
  HartBlock.translated,
  HartBlock.regions,
  HartBlock.regionInstructions,
  HartBlock.translateNs,
];

/** Saves the state of a machine that stands still. */
export function saveMachine({ ram, map, config, frames, smpMap }: Kernel): Snapshot {
  const pieces = [...kernelRanges(map, config.cpus), ...frameRanges(map, (frame) => frames.references(frame) !== 0)].map(
    ({ start, end }) => ({ address: start, words: ram.u32.slice(start >>> 2, end >>> 2) }),
  );
  const blocks = Array.from({ length: config.cpus }, (_, hart) => smpMap.hartBlock(hart));
  return {
    config,
    pieces,
    // To be held still was asked of these harts, and is no part of the state.
    doorbells: blocks.map((block) => HartBlock.doorbell.get(ram, block) & ~Ipi.Pause),
    counters: blocks.map((block) => COUNTERS.map((counter) => counter.get(ram, block))),
  };
}

/** Puts the state of a snapshot into the RAM of a machine of the same configuration that stands still. */
export function loadMachine({ ram, smpMap, trace }: Kernel, snapshot: Snapshot): void {
  load(ram, smpMap, snapshot);
  trace.resume();
}

/** Puts it into the RAM of a machine that is being built. */
export function loadRam(ram: Ram, map: MemoryMap, snapshot: Snapshot): void {
  load(ram, smpMapOf(snapshot.config, map), snapshot);
}

function load(ram: Ram, smpMap: SmpMap, { pieces, doorbells, counters }: Snapshot): void {
  for (const { address, words } of pieces) ram.u32.set(words, address >>> 2);
  for (let hart = 0; hart < smpMap.cpus; hart++) {
    const block = smpMap.hartBlock(hart);
    HartBlock.doorbell.set(ram, block, doorbells[hart]!);
    COUNTERS.forEach((counter, i) => {
      counter.set(ram, block, counters[hart]![i]!);
    });
  }
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** All before the frames that is state: not the hart blocks, the CPU caches, the gate and whose turn it is. */
function kernelRanges(map: MemoryMap, cpus: number): Range[] {
  const ranges = [
    { start: map.bootPage, end: map.hartBlocks },
    { start: map.schedule, end: map.low },
  ];
  const cachesEnd = map.cpuCaches + cpus * CPU_CACHE_BYTES;
  if (cachesEnd > map.gate || map.gate > map.turns || map.turns > map.schedule) {
    throw new Error('the physical map has changed: what belongs to a snapshot has to be told anew');
  }
  return ranges;
}

/** The frames in use, neighbours together. */
function frameRanges({ low, high }: MemoryMap, isUsed: (frame: number) => boolean): Range[] {
  const ranges: Range[] = [];
  let start = -1;
  for (let frame = low; frame < high; frame += PAGE_SIZE) {
    if (isUsed(frame)) {
      if (start < 0) start = frame;
    } else if (start >= 0) {
      ranges.push({ start, end: frame });
      start = -1;
    }
  }
  if (start >= 0) ranges.push({ start, end: high });
  return ranges;
}
