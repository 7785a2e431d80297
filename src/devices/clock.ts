/*
 * The clock: nanoseconds since power-on, the same on all harts, and the wall clock derived from it.
 *
 * Both stand on `performance.now()`, monotonic everywhere. Workers of Node 20 share the process's time origin, so that their readings
 * compare directly (measured: equal to 10 ns). Where each worker has an origin of its own, the difference of the origins is added.
 * The wall clock is read once, at power-on, and then runs with the monotonic clock: it is never set back under a guest.
 */

import type { Ram } from '../core/ram.ts';
import { BootPage } from '../smp/boot-page.ts';

/** The global is looked up through an accessor: once is enough. */
const source = globalThis.performance;

const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;
/** Origins closer than this are one: the boot page keeps the wall clock as a double, good to a quarter of a microsecond. */
const SAME_ORIGIN_NS = 1000;

/** The wall clock at power-on of a machine under a schedule: 2026-01-01. */
export const VIRTUAL_EPOCH_MS = Date.UTC(2026, 0);

export class Clock {
  /** Wall clock at power-on, split so that sums stay exact. */
  private epochSeconds = 0;
  private epochNs = 0;
  /** What to subtract from this worker's reading. */
  private startNs = 0;
  private lastNs = 0;

  constructor(
    private readonly ram: Ram,
    private readonly bootPage: number,
  ) {
    this.resume();
  }

  /** The clock has been set: RAM has been replaced, and the epochs with it. */
  resume(): void {
    const { ram, bootPage } = this;
    const monotonic = BootPage.epochMonotonicNs.get(ram, bootPage);
    const realtime = BootPage.epochRealtimeNs.get(ram, bootPage);
    const origin = realtime - monotonic;
    const drift = performance.timeOrigin * NS_PER_MS - origin;
    this.startNs = monotonic - (Math.abs(drift) < SAME_ORIGIN_NS ? 0 : drift);
    this.epochSeconds = Math.floor(realtime / NS_PER_S);
    this.epochNs = realtime % NS_PER_S;
    this.lastNs = 0;
  }

  /** The host calls this once, before any clock is made: now is time zero. Of a machine under a schedule, time zero is always the same. */
  static powerOn(ram: Ram, bootPage: number, seeded = false): void {
    if (seeded) {
      BootPage.epochMonotonicNs.set(ram, bootPage, 0);
      BootPage.epochRealtimeNs.set(ram, bootPage, VIRTUAL_EPOCH_MS * NS_PER_MS);
      return;
    }
    Clock.continueAt(ram, bootPage, 0);
  }

  /** Now is `ns` since power-on, by whatever host the machine was turned on; the wall clock is this host's. */
  static continueAt(ram: Ram, bootPage: number, ns: number): void {
    const start = performance.now() * NS_PER_MS - ns;
    BootPage.epochMonotonicNs.set(ram, bootPage, start);
    BootPage.epochRealtimeNs.set(ram, bootPage, performance.timeOrigin * NS_PER_MS + start);
  }

  /** Whole nanoseconds since power-on. Never smaller than what this object returned before. */
  nowNs(): number {
    const now = Math.floor(source.now() * NS_PER_MS - this.startNs);
    if (now > this.lastNs) this.lastNs = now;
    return this.lastNs;
  }

  /** Nanoseconds since 1970, as a double: good to 256 ns. */
  realtimeNs(): number {
    return this.epochSeconds * NS_PER_S + this.epochNs + this.nowNs();
  }

  /** Whole seconds since 1970 at `ns` since power-on. */
  realtimeSeconds(ns: number): number {
    return this.epochSeconds + Math.floor((this.epochNs + ns) / NS_PER_S);
  }

  /** The nanoseconds below the second, 0 to 999999999, at `ns` since power-on. Exact, so that times of one clock compare. */
  realtimeFraction(ns: number): number {
    return (this.epochNs + ns) % NS_PER_S;
  }
}

/** The clock of a machine under a schedule, which says what time it is. */
export class VirtualClock extends Clock {
  constructor(
    ram: Ram,
    bootPage: number,
    private readonly time: { readonly ns: number },
  ) {
    super(ram, bootPage);
  }

  override nowNs(): number {
    return this.time.ns;
  }
}
