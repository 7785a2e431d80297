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
import type { SmpMap } from './smp-map.ts';

/** Kinds of inter-processor interrupt, a bit each. */
export const Ipi = {
  /** Look at the run queue again. */
  Reschedule: 1,
  /** Leave guest code: translations have changed. */
  Shootdown: 2,
  /** Leave the hart loop. */
  Halt: 4,
  /** Another hart wants a function carried out (hart-calls.ts). */
  Call: 8,
} as const;

const DOORBELL = HartBlock.doorbell.offset;

/** The doorbells of all harts. Usable by harts and by the host. */
export class Doorbells {
  constructor(
    private readonly ram: Ram,
    private readonly map: SmpMap,
  ) {}

  /** Interrupts `hart`. */
  ring(hart: number, kinds: number): void {
    const index = this.indexOf(hart);
    Atomics.or(this.ram.i32, index, kinds);
    if (HartControl.parked.load(this.ram, this.map.hartControl(hart)) !== 0) Atomics.notify(this.ram.i32, index);
  }

  ringAll(kinds: number): void {
    for (let hart = 0; hart < this.map.cpus; hart++) this.ring(hart, kinds);
  }

  /** What rang at `hart` since the last call; clears it. Costs one load when nothing did. */
  take(hart: number): number {
    const index = this.indexOf(hart);
    if (this.ram.i32[index] === 0) return 0;
    return Atomics.exchange(this.ram.i32, index, 0);
  }

  pending(hart: number): boolean {
    return Atomics.load(this.ram.i32, this.indexOf(hart)) !== 0;
  }

  /**
   * Sleeps until the doorbell of `hart` (the caller) rings or `timeoutNs` have passed.
   *
   * @param lastLook called after `parked` is visible: true if there is work after all, and then this does not sleep
   */
  park(hart: number, timeoutNs: number, lastLook: () => boolean): void {
    const control = this.map.hartControl(hart);
    HartControl.parked.store(this.ram, control, 1);
    if (!lastLook()) Atomics.wait(this.ram.i32, this.indexOf(hart), 0, timeoutNs / 1e6);
    HartControl.parked.store(this.ram, control, 0);
  }

  private indexOf(hart: number): number {
    return (this.map.hartBlock(hart) + DOORBELL) >>> 2;
  }
}
