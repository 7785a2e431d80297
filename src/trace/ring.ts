/*
 * The trace ring of one hart: fixed records of 32 bytes in RAM, one producer (the hart), one consumer (the host, drain.ts).
 *
 *   base   TraceRing    what is recorded; `written` (producer's line); `read` (consumer's line)
 *   …      TraceRecord[capacity]
 *
 * `written` and `read` count records since power-on, modulo 2^32; the ring is full when they differ by the capacity. A record is
 * stored before `written` moves past it, and read before `read` does; both moves are atomic, so neither side sees half a record.
 *
 * A full ring never blocks a hart: the record is counted in `missed`, and the drain reports the exact number. In lossless mode the
 * hart waits for the host instead, but only while it holds no lock, for the host itself takes locks; with locks held it uses the upper
 * half of the ring, which it keeps free for that. A host that has not read for a second is taken for dead and the loss is counted.
 * The host's own ring is never waited for: who should empty it?
 *
 * Off means `on` is false: `emit` returns after that one test. Events below the threshold cost two tests.
 */

import { bytes, cacheLine, f64, struct, u16, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { hostU32 } from '../smp/atomics.ts';
import { HostCall, type HostBell } from '../smp/host-bell.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { scheduledHart } from '../smp/schedule/point.ts';
import { nap } from '../smp/sleep.ts';
import { EVENT_LEVELS, Level } from './events.ts';

export const TraceRecord = struct('TraceRecord', {
  /** Nanoseconds since power-on. */
  time: f64('owner'),
  event: u16('owner'),
  hart: u16('owner'),
  thread: u32('owner'),
  a: u32('owner'),
  b: u32('owner'),
  c: u32('owner'),
  d: u32('owner'),
});

export const TraceRing = struct(
  'TraceRing',
  {
    /** Events of a lower level are not recorded; Level.silent: tracing is off. */
    threshold: u32('immutable'),
    lossless: u32('immutable'),
    /** Records, a power of two. */
    capacity: u32('immutable'),

    producer: cacheLine(),
    written: hostU32(),
    /** Records that found no room, since power-on. */
    missed: hostU32(),

    consumer: cacheLine(),
    read: hostU32(),
    /** What of `missed` the drain has reported. */
    reported: u32('consumer'),

    records: bytes('written', 0, 64),
  },
  { align: 64 },
);

/** What a tracer needs to know of time: devices/clock.ts has it. */
export interface TimeSource {
  /** Nanoseconds since power-on. */
  nowNs(): number;
}

/** Who may have to wait: `held` is the number of locks it holds (smp/spinlock.ts, `Locks`). */
export interface Waiter {
  readonly held: number;
}

/** How long a nap for room lasts, and how many of them without progress before a record is given up. */
const NAP_MS = 5;
const PATIENCE = 200;

/** Bytes that the ring of `records` records (a power of two) takes. */
export function traceRingBytes(records: number): number {
  return TraceRing.SIZE + records * TraceRecord.SIZE;
}

/** Writes an empty ring; before the machine starts. `threshold`: a number of Level. */
export function initTraceRing(ram: Ram, ring: number, records: number, threshold: number, lossless: boolean): void {
  TraceRing.threshold.set(ram, ring, threshold);
  TraceRing.lossless.set(ram, ring, lossless ? 1 : 0);
  TraceRing.capacity.set(ram, ring, records);
  TraceRing.written.store(ram, ring, 0);
  TraceRing.missed.store(ram, ring, 0);
  TraceRing.read.store(ram, ring, 0);
  TraceRing.reported.set(ram, ring, 0);
}

/** The producer's side of one ring. */
export class Tracer {
  /** Whether anything is recorded: ask before computing arguments that cost something. */
  readonly on: boolean;
  private readonly threshold: number;
  private readonly mask: number;
  private readonly half: number;
  private readonly waits: boolean;
  private readonly records: number;
  private written: number;

  /**
   * @param hart number of the hart (or participant) that emits
   * @param waiter its locks; null for the host, which never waits
   */
  constructor(
    private readonly ram: Ram,
    private readonly ring: number,
    private readonly hart: number,
    private readonly clock: TimeSource,
    private readonly bell: HostBell,
    private readonly waiter: Waiter | null,
  ) {
    const capacity = TraceRing.capacity.get(ram, ring);
    this.threshold = TraceRing.threshold.get(ram, ring);
    this.on = this.threshold !== Level.silent;
    this.mask = capacity - 1;
    this.half = capacity >>> 1;
    this.waits = waiter !== null && TraceRing.lossless.get(ram, ring) !== 0;
    this.records = TraceRing.records.addr(ring);
    this.written = TraceRing.written.load(ram, ring);
  }

  /** The ring is another one than before: RAM has been replaced. */
  resume(): void {
    this.written = TraceRing.written.load(this.ram, this.ring);
  }

  /** Records an event of `thread` (0: none) with its words in the order of its arguments (events.ts). */
  emit(event: number, thread: number, a: number, b: number, c: number, d: number): void {
    if (!this.on) return;
    if (EVENT_LEVELS[event]! < this.threshold) return;
    this.record(event, thread, a, b, c, d);
  }

  /** A `fault`: addresses up to 2^48, the rest is cut off. */
  fault(event: number, thread: number, cause: number, pc: number, address: number): void {
    if (!this.on) return;
    const high = ((pc / 2 ** 32) & 0xffff) | (((address / 2 ** 32) & 0xffff) << 16);
    this.emit(event, thread, cause, pc, address, high);
  }

  private record(event: number, thread: number, a: number, b: number, c: number, d: number): void {
    const { ram, ring } = this;
    let used = (this.written - TraceRing.read.load(ram, ring)) >>> 0;
    if (this.waits && used >= this.half && this.waiter!.held === 0) used = this.waitForRoom(used);
    if (used > this.mask) {
      TraceRing.missed.add(ram, ring, 1);
      return;
    }
    const at = this.records + (this.written & this.mask) * TraceRecord.SIZE;
    TraceRecord.time.set(ram, at, this.clock.nowNs());
    TraceRecord.event.set(ram, at, event);
    TraceRecord.hart.set(ram, at, this.hart);
    TraceRecord.thread.set(ram, at, thread);
    TraceRecord.a.set(ram, at, a);
    TraceRecord.b.set(ram, at, b);
    TraceRecord.c.set(ram, at, c);
    TraceRecord.d.set(ram, at, d);
    this.written = (this.written + 1) >>> 0;
    TraceRing.written.store(ram, ring, this.written);
    if (used + 1 === this.half) this.bell.ring(HostCall.Trace);
  }

  /** Waits until less than half of the ring is used, or the host seems dead. Returns what is used then. */
  private waitForRoom(used: number): number {
    const { ram, ring } = this;
    const word = TraceRing.read.addr(ring);
    let before = TraceRing.read.load(ram, ring);
    for (let naps = 0; naps < PATIENCE && used >= this.half; naps++) {
      this.bell.ring(HostCall.Trace);
      if (SEEDED) scheduledHart().awaitHost();
      else nap(ram, word, before, NAP_MS);
      const now = TraceRing.read.load(ram, ring);
      if (now !== before) naps = 0;
      before = now;
      used = (this.written - now) >>> 0;
    }
    return used;
  }
}
