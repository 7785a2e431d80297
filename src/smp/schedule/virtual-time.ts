/*
 * What time it is under a schedule: each moment takes the same time, and time is skipped when nobody can go on before a deadline.
 */

import type { Ram } from '../../core/ram.ts';
import { ScheduleState as S } from './state.ts';

/** Virtual nanoseconds of a moment: a hart executes 100 million instructions a second. */
export const NS_PER_MOMENT = 10;

export class VirtualTime {
  /** @param state address of the schedule's state */
  constructor(
    private readonly ram: Ram,
    private readonly state: number,
  ) {}

  /** Nanoseconds since power-on. */
  get ns(): number {
    return S.ns.get(this.ram, this.state) + S.moments.get(this.ram, this.state) * NS_PER_MOMENT;
  }

  /** Time jumps to `ns`, which is not before now. */
  skipTo(ns: number): void {
    S.ns.set(this.ram, this.state, ns - S.moments.get(this.ram, this.state) * NS_PER_MOMENT);
  }

  /** The moment at which it will be `ns`, if nothing is skipped. */
  momentOf(ns: number): number {
    return Math.ceil((ns - S.ns.get(this.ram, this.state)) / NS_PER_MOMENT);
  }
}
