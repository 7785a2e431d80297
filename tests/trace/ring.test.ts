import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ram } from '../../src/core/ram.ts';
import { Cause } from '../../src/core/trap.ts';
import { Ipi } from '../../src/smp/ipi.ts';
import { HostBell, HostCall } from '../../src/smp/host-bell.ts';
import { type DecodedEvent, TraceDrain } from '../../src/trace/drain.ts';
import { EVENT_NAMES, EventId, EVENTS, Level } from '../../src/trace/events.ts';
import { initTraceRing, traceRingBytes, Tracer, TraceRecord } from '../../src/trace/ring.ts';
import type { EmittingHart } from './emitting-hart.ts';

const BOOT_PAGE = 0;
const RINGS = 0x2000;

interface Options {
  readonly harts?: number;
  readonly records?: number;
  readonly threshold?: number;
  readonly lossless?: boolean;
  readonly held?: number;
  readonly host?: boolean;
}

/** Rings of `records` records for `harts` harts, with a clock that the test sets. */
class Fixture {
  readonly ram: Ram;
  readonly bell: HostBell;
  readonly rings: number[] = [];
  readonly tracers: Tracer[];
  now = 0;

  constructor({ harts = 1, records = 8, threshold = Level.trace, lossless = false, held = 0, host = false }: Options = {}) {
    this.ram = Ram.allocate(RINGS + harts * traceRingBytes(records));
    this.bell = new HostBell(this.ram, BOOT_PAGE);
    const clock = { nowNs: () => this.now };
    for (let hart = 0; hart < harts; hart++) {
      const ring = RINGS + hart * traceRingBytes(records);
      initTraceRing(this.ram, ring, records, threshold, lossless);
      this.rings.push(ring);
    }
    this.tracers = this.rings.map((ring, hart) => new Tracer(this.ram, ring, hart, clock, this.bell, host ? null : { held }));
  }

  mark(hart: number, a: number): void {
    this.tracers[hart]!.emit(EventId.mark, 0, a, 0, 0, 0);
  }

  drain(): DecodedEvent[] {
    const events: DecodedEvent[] = [];
    this.drainer.drain((event) => events.push(event));
    return events;
  }

  private get drainer(): TraceDrain {
    return new TraceDrain(this.ram, this.rings);
  }
}

describe('the event schema', () => {
  it('gives each event a number of its own', () => {
    const numbers = Object.values(EVENTS).map((spec) => spec.number);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const [name, number] of Object.entries(EventId)) expect(EVENT_NAMES[number]).toBe(name);
  });

  it('fits the arguments of each event into four words', () => {
    for (const spec of Object.values(EVENTS)) {
      const formats: string[] = Object.values(spec.args);
      const words = formats.reduce((sum, format) => sum + (format === 'i64' ? 2 : 1), formats.includes('hex48') ? 1 : 0);
      expect(words).toBeLessThanOrEqual(4);
    }
  });

  it('keeps a record at 32 bytes', () => {
    expect(TraceRecord.SIZE).toBe(32);
  });
});

describe('a trace ring', () => {
  it('brings an event to the host with its time, hart, thread and arguments', () => {
    const fixture = new Fixture({ harts: 2 });
    fixture.now = 1234;
    fixture.tracers[1]!.emit(EventId.portSend, 5, 3, 256, 0xffff_ffff, 7);
    expect(fixture.drain()).toEqual([
      {
        level: Level.debug,
        ns: 1234,
        hart: 1,
        thread: 5,
        event: 'portSend',
        args: { port: 3, size: 256, type: 0xffff_ffff, peer: 7 },
      },
    ]);
    expect(fixture.drain()).toEqual([]);
  });

  it.each([
    ['a negative result', EventId.syscallExit, [64, 0xffff_ffff - 37, 0xffff_ffff, 0], { call: 64, result: -38 }],
    ['a large result', EventId.syscallExit, [222, 0x1000, 0x3f, 0], { call: 222, result: 0x3f_0000_1000 }],
    ['kinds of interrupt', EventId.ipi, [3, Ipi.Reschedule | Ipi.Halt, 0, 0], { target: 3, kinds: 'Reschedule+Halt' }],
    ['addresses', EventId.unknownSyscall, [9999, 0x8000_0000, 1, 0], { call: 9999, a0: '0x80000000', a1: '0x1', a2: '0x0' }],
  ])('decodes %s', (_, event, [a, b, c, d], args) => {
    const fixture = new Fixture();
    fixture.tracers[0]!.emit(event, 0, a!, b!, c!, d!);
    expect(fixture.drain()[0]!.args).toEqual(args);
  });

  it('keeps 48 bits of both addresses of a fault', () => {
    const fixture = new Fixture();
    fixture.tracers[0]!.fault(EventId.fault, 1, Cause.StorePageFault, 0x3f_8001_2345, 0xffff_dead_beef);
    expect(fixture.drain()[0]!.args).toEqual({ cause: 'StorePageFault', pc: '0x3f80012345', address: '0xffffdeadbeef' });
  });

  it('names calls and reasons when the floors above give their names', () => {
    const fixture = new Fixture();
    fixture.tracers[0]!.emit(EventId.syscallEnter, 1, 64, 0, 0, 0);
    fixture.tracers[0]!.emit(EventId.syscallEnter, 1, 65, 0, 0, 0);
    const calls: unknown[] = [];
    const names = { call: (number: number) => (number === 64 ? 'write' : undefined) };
    new TraceDrain(fixture.ram, fixture.rings, names).drain(({ args }) => calls.push(args.call));
    expect(calls).toEqual(['write', 65]);
  });

  it('records nothing when it is off, and says so', () => {
    const fixture = new Fixture({ threshold: Level.silent });
    fixture.mark(0, 1);
    fixture.tracers[0]!.emit(EventId.machineCheck, 0, 0, 0, 0, 0);
    expect(fixture.tracers[0]!.on).toBe(false);
    expect(fixture.drain()).toEqual([]);
  });

  it('records no event below its threshold', () => {
    const fixture = new Fixture({ threshold: Level.info });
    fixture.tracers[0]!.emit(EventId.syscallEnter, 0, 0, 0, 0, 0);
    fixture.tracers[0]!.emit(EventId.processStart, 0, 1, 0, 0, 0);
    expect(fixture.drain().map(({ event }) => event)).toEqual(['processStart']);
  });

  it('keeps the oldest records when it overflows and reports exactly how many are missing', () => {
    const fixture = new Fixture({ records: 8 });
    for (let i = 0; i < 13; i++) fixture.mark(0, i);
    const events = fixture.drain();
    expect(events.slice(0, 8).map(({ args }) => args.a)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(events[8]).toMatchObject({ event: 'lost', hart: 0, args: { count: 5 } });
    expect(events.length).toBe(9);
    fixture.mark(0, 99);
    expect(fixture.drain().map(({ event, args }) => [event, args.a])).toEqual([['mark', 99]]);
  });

  it('accounts for every record, whatever is emitted and drained when', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(0)), { maxLength: 50 }), (steps) => {
        const fixture = new Fixture({ records: 16 });
        const expected: (number | string)[] = [];
        const got: (number | string)[] = [];
        let next = 0;
        let used = 0;
        let lost = 0;
        const take = (): void => {
          for (const { event, args } of fixture.drain()) got.push(event === 'lost' ? `lost ${String(args.count)}` : args.a!);
          if (lost > 0) expected.push(`lost ${String(lost)}`);
          used = lost = 0;
        };
        for (const step of [...steps, 0]) {
          for (let i = 0; i < step; i++, next++) {
            fixture.mark(0, next);
            if (used < 16) {
              expected.push(next);
              used++;
            } else lost++;
          }
          if (step === 0) take();
        }
        expect(got).toEqual(expected);
      }),
    );
  });

  it('rings the host when it is half full, not before', () => {
    const fixture = new Fixture({ records: 8 });
    for (let i = 0; i < 3; i++) fixture.mark(0, i);
    expect(fixture.bell.take()).toBe(0);
    fixture.mark(0, 3);
    expect(fixture.bell.take()).toBe(HostCall.Trace);
  });

  it('merges the rings of all harts in order of time', () => {
    const fixture = new Fixture({ harts: 3 });
    for (const [hart, time] of [
      [2, 10],
      [0, 30],
      [1, 20],
      [1, 50],
      [2, 40],
      [0, 60],
    ] as const) {
      fixture.now = time;
      fixture.mark(hart, time);
    }
    expect(fixture.drain().map(({ ns, hart }) => [ns, hart])).toEqual([
      [10, 2],
      [20, 1],
      [30, 0],
      [40, 2],
      [50, 1],
      [60, 0],
    ]);
  });

  it('keeps the order of one hart among records of the same time', () => {
    const fixture = new Fixture({ harts: 2 });
    for (let i = 0; i < 4; i++) {
      fixture.mark(1, i);
      fixture.mark(0, i);
    }
    const ofHart1 = fixture.drain().filter(({ hart }) => hart === 1);
    expect(ofHart1.map(({ args }) => args.a)).toEqual([0, 1, 2, 3]);
  });
});

describe('lossless mode', () => {
  it('loses nothing while the host drains', async () => {
    const count = 5000;
    const records = 16;
    const fixture = new Fixture({ harts: 2, records, lossless: true });
    const module = new URL('./emitting-hart.ts', import.meta.url).href;
    const workers = fixture.rings.map((ring, hart) => {
      const workerData: EmittingHart = { module, memory: fixture.ram.memory, ring, bootPage: BOOT_PAGE, hart, count };
      return new Worker(new URL('./ts-worker.mjs', import.meta.url), { workerData });
    });
    let running = workers.length;
    const ended = Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            worker.on('error', reject);
            worker.on('exit', () => {
              running--;
              resolve();
            });
          }),
      ),
    );
    const seen: number[][] = [[], []];
    const take = (): void => {
      for (const { event, hart, args } of fixture.drain()) {
        expect(event).toBe('mark');
        seen[hart]!.push(args.a as number);
      }
    };
    while (running > 0) {
      await fixture.bell.wait(50);
      fixture.bell.take();
      take();
    }
    await ended;
    take();
    const all = Array.from({ length: count }, (_, i) => i);
    expect(seen).toEqual([all, all]);
  });

  it('never makes the host wait for itself', () => {
    const fixture = new Fixture({ records: 8, lossless: true, host: true });
    for (let i = 0; i < 9; i++) fixture.mark(0, i);
    expect(fixture.drain().at(-1)).toMatchObject({ event: 'lost', args: { count: 1 } });
  });

  it('never makes a hart wait that holds a lock: it uses the whole ring and counts the rest', () => {
    const fixture = new Fixture({ records: 8, lossless: true, held: 1 });
    for (let i = 0; i < 4; i++) fixture.mark(0, i);
    expect(fixture.bell.take()).toBe(HostCall.Trace);
    for (let i = 4; i < 10; i++) fixture.mark(0, i);
    // Who waits rings again.
    expect(fixture.bell.take()).toBe(0);
    const events = fixture.drain();
    expect(events.filter(({ event }) => event === 'mark').length).toBe(8);
    expect(events.at(-1)).toMatchObject({ event: 'lost', args: { count: 2 } });
  });
});
