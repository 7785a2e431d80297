/*
 * The host's side of all trace rings: takes what the harts have recorded, in order of time, as plain objects.
 *
 * Within one drain the order is that of time, and of the ring for each hart always. Across drains a record may come a few
 * microseconds late, when its hart had taken the time but not published it yet.
 */

import type { Ram } from '../core/ram.ts';
import { Cause } from '../core/trap.ts';
import { Ipi } from '../smp/ipi.ts';
import { wakeAll } from '../smp/sleep.ts';
import { EVENT_LEVELS, EVENT_NAMES, EventId, EVENTS, type Format, Level } from './events.ts';
import { TraceRecord, TraceRing } from './ring.ts';

/** An event as the reader of a trace sees it. */
export interface DecodedEvent {
  readonly level: number;
  /** Nanoseconds since power-on. */
  readonly ns: number;
  readonly hart: number;
  readonly thread: number;
  readonly event: string;
  readonly args: Readonly<Record<string, number | string>>;
}

/** Names that only the floors above know; undefined: the number stays. */
export interface TraceNames {
  readonly call?: (number: number) => string | undefined;
  readonly reason?: (number: number) => string | undefined;
}

export class TraceDrain {
  /** @param rings addresses of all rings, the host's own among them */
  constructor(
    private readonly ram: Ram,
    private readonly rings: readonly number[],
    private readonly names: TraceNames = {},
  ) {}

  /** Takes all records out and calls `visit` for each in order of time. Returns how many there were. */
  drain(visit: (event: DecodedEvent) => void): number {
    const events: DecodedEvent[] = [];
    for (let hart = 0; hart < this.rings.length; hart++) this.empty(hart, this.rings[hart]!, events);
    events.sort((x, y) => x.ns - y.ns);
    for (const event of events) visit(event);
    return events.length;
  }

  /** Records lost since power-on on all harts, reported or not. */
  get lost(): number {
    return this.rings.reduce((sum, ring) => sum + TraceRing.missed.load(this.ram, ring), 0);
  }

  private empty(hart: number, ring: number, events: DecodedEvent[]): void {
    const { ram } = this;
    // `missed` first: what was lost by now was lost after records that this drain sees, so the report follows them.
    const missed = TraceRing.missed.load(ram, ring);
    const written = TraceRing.written.load(ram, ring);
    const capacity = TraceRing.capacity.get(ram, ring);
    const records = TraceRing.records.addr(ring);
    let read = TraceRing.read.load(ram, ring);
    let ns = 0;
    for (; read !== written; read = (read + 1) >>> 0) {
      const at = records + (read & (capacity - 1)) * TraceRecord.SIZE;
      ns = TraceRecord.time.get(ram, at);
      events.push(this.decode(at, ns));
    }
    TraceRing.read.store(ram, ring, read);
    wakeAll(ram, TraceRing.read.addr(ring));

    const count = (missed - TraceRing.reported.get(ram, ring)) >>> 0;
    if (count === 0) return;
    TraceRing.reported.set(ram, ring, missed);
    events.push({ level: Level.warn, ns, hart, thread: 0, event: EVENT_NAMES[EventId.lost]!, args: { count } });
  }

  private decode(at: number, ns: number): DecodedEvent {
    const { ram } = this;
    const number = TraceRecord.event.get(ram, at);
    const words = [
      TraceRecord.a.get(ram, at),
      TraceRecord.b.get(ram, at),
      TraceRecord.c.get(ram, at),
      TraceRecord.d.get(ram, at),
    ];
    const name = EVENT_NAMES[number];
    const formats: Readonly<Record<string, Format>> = name ? EVENTS[name].args : UNKNOWN;
    return {
      level: EVENT_LEVELS[number] ?? Level.warn,
      ns,
      hart: TraceRecord.hart.get(ram, at),
      thread: TraceRecord.thread.get(ram, at),
      event: name ?? `event${String(number)}`,
      args: decodeArgs(formats, words, this.names),
    };
  }
}

const UNKNOWN: Readonly<Record<string, Format>> = { a: 'hex', b: 'hex', c: 'hex', d: 'hex' };

function decodeArgs(
  formats: Readonly<Record<string, Format>>,
  words: readonly number[],
  names: TraceNames,
): Record<string, number | string> {
  const args: Record<string, number | string> = {};
  let next = 0;
  let borrowed = 0;
  for (const [name, format] of Object.entries(formats)) {
    const word = words[next++] ?? 0;
    switch (format) {
      case 'u32':
        args[name] = word;
        break;
      case 'i32':
        args[name] = word | 0;
        break;
      case 'hex':
        args[name] = hex(word);
        break;
      case 'i64':
        args[name] = ((words[next++] ?? 0) | 0) * 2 ** 32 + word;
        break;
      case 'hex48':
        args[name] = hex((((words[3] ?? 0) >>> (16 * borrowed++)) & 0xffff) * 2 ** 32 + word);
        break;
      case 'cause':
        args[name] = CAUSES.get(word) ?? word;
        break;
      case 'ipi':
        args[name] = kindNames(word);
        break;
      case 'call':
        args[name] = names.call?.(word) ?? word;
        break;
      case 'reason':
        args[name] = names.reason?.(word) ?? word;
        break;
    }
  }
  return args;
}

const CAUSES = new Map<number, string>(Object.entries(Cause).map(([name, number]) => [number, name]));

function kindNames(kinds: number): string {
  const names = Object.entries(Ipi).filter(([, bit]) => (kinds & bit) !== 0);
  return names.map(([name]) => name).join('+');
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
