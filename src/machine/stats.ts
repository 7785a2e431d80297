/*
 * The counters of a machine, read out of its RAM. A snapshot of harts that go on running: each number is true of a moment of its own.
 */

import { HartBlock } from '../core/hart-block.ts';
import type { Ram } from '../core/ram.ts';
import { HartControl } from '../smp/hart-control.ts';
import type { SmpMap } from '../smp/smp-map.ts';

/** What one hart has done since power-on. */
export interface HartStats {
  readonly hart: number;
  readonly busyNs: number;
  readonly idleNs: number;
  /** Guest instructions retired. */
  readonly instructions: number;
  readonly switches: number;
  readonly syscalls: number;
  readonly faults: number;
  readonly interrupts: number;
  /** Threads taken from other harts' run queues. */
  readonly steals: number;
  readonly parks: number;
  /** TLB shootdowns asked of other harts. */
  readonly shootdowns: number;
  /** Walks of the page tables. */
  readonly tlbMisses: number;
  /** Loads, stores and atomics executed; 0 when the machine was not told to count them. */
  readonly accesses: number;
  /** Of the instructions, those that translated code executed. */
  readonly translated: number;
  /** Regions translated so far, the guest instructions in them, and the time that it took. */
  readonly regions: number;
  readonly regionInstructions: number;
  readonly translateNs: number;
}

/** Reads the counters of all harts. */
export function readHartStats(ram: Ram, map: SmpMap): HartStats[] {
  const stats: HartStats[] = [];
  for (let hart = 0; hart < map.cpus; hart++) {
    const control = map.hartControl(hart);
    const block = map.hartBlock(hart);
    stats.push({
      hart,
      busyNs: HartControl.busyNs.get(ram, control),
      idleNs: HartControl.idleNs.get(ram, control),
      instructions: HartBlock.instret.get(ram, block),
      switches: HartControl.switches.get(ram, control),
      syscalls: HartControl.syscalls.get(ram, control),
      faults: HartControl.faults.get(ram, control),
      interrupts: HartControl.interrupts.get(ram, control),
      steals: HartControl.steals.get(ram, control),
      parks: HartControl.parks.get(ram, control),
      shootdowns: HartControl.shootdowns.get(ram, control),
      tlbMisses: HartBlock.tlbMisses.get(ram, block),
      accesses: HartBlock.accesses.get(ram, block),
      translated: HartBlock.translated.get(ram, block),
      regions: HartBlock.regions.get(ram, block),
      regionInstructions: HartBlock.regionInstructions.get(ram, block),
      translateNs: HartBlock.translateNs.get(ram, block),
    });
  }
  return stats;
}
