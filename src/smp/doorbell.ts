/*
 * Doorbells: how one hart, or the host, interrupts another hart.
 *
 * The doorbell is the first word of the hart block: a bit for each kind of interrupt. A hart in guest code polls it, a hart in its
 * loop takes it, a parked hart sleeps on it. No ring is lost: a hart parks with `Atomics.wait(doorbell, 0)`, which does not sleep when
 * a bit has been set before. `parked` only spares ringers the wake-up call when nobody sleeps; it is set before the last look.
 */

import { HartBlock } from '../core/hart-block.ts';
import type { Ram } from '../core/ram.ts';
import { HartControl } from './hart-control.ts';
import { SEEDED } from './schedule/build.ts';
import { Point, point, scheduledHart } from './schedule/point.ts';
import { sleepOn, wakeAll } from './sleep.ts';
import type { SmpMap } from './smp-map.ts';

/** Index of the word that is a hart's doorbell, among the words of RAM. */
export function doorbellIndex(map: SmpMap, hart: number): number {
  return HartBlock.doorbell.addr(map.hartBlock(hart)) >>> 2;
}

/** The doorbells of all harts. Usable by harts and by the host. */
export class Doorbells {
  constructor(
    private readonly ram: Ram,
    private readonly map: SmpMap,
  ) {}

  /** Interrupts `hart`. */
  ring(hart: number, kinds: number): void {
    const index = this.indexOf(hart);
    if (SEEDED) {
      point(Point.Modify, index * 4);
      if (scheduledHart().holdsBack(hart, kinds)) return;
    }
    Atomics.or(this.ram.i32, index, kinds);
    if (HartControl.parked.load(this.ram, this.map.hartControl(hart)) !== 0) wakeAll(this.ram, index * 4);
  }

  ringAll(kinds: number): void {
    for (let hart = 0; hart < this.map.cpus; hart++) this.ring(hart, kinds);
  }

  /** What rang at `hart` since the last call; clears it. Costs one load when nothing did. */
  take(hart: number): number {
    const index = this.indexOf(hart);
    if (SEEDED) point(Point.Modify, index * 4);
    if (this.ram.i32[index] === 0) return 0;
    return Atomics.exchange(this.ram.i32, index, 0);
  }

  pending(hart: number): boolean {
    const index = this.indexOf(hart);
    if (SEEDED) point(Point.Load, index * 4);
    return Atomics.load(this.ram.i32, index) !== 0;
  }

  /**
   * Sleeps until the doorbell of `hart` (the caller) rings or `timeoutNs` have passed.
   *
   * @param lastLook called after `parked` is visible: true if there is work after all, and then this does not sleep
   */
  park(hart: number, timeoutNs: number, lastLook: () => boolean): void {
    const control = this.map.hartControl(hart);
    HartControl.parked.store(this.ram, control, 1);
    if (!lastLook()) sleepOn(this.ram, this.indexOf(hart) * 4, 0, timeoutNs / 1e6);
    HartControl.parked.store(this.ram, control, 0);
  }

  private indexOf(hart: number): number {
    return doorbellIndex(this.map, hart);
  }
}
