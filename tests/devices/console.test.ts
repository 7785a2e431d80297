import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INPUT_BYTES, OUTPUT_BYTES, Stream } from '../../src/devices/console-layout.ts';
import { STREAM_CLOSED } from '../../src/devices/console.ts';
import { Fixture, PIPES, TERMINAL } from './console-fixture.ts';

/** Bytes that differ from their neighbours and from those a ring's length away. */
function pattern(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((from + i) * 2654435761) >>> 24);
}

describe('console output', () => {
  it('keeps the order between stdout and stderr', () => {
    const fixture = new Fixture(PIPES);
    const text = new TextEncoder();
    fixture.write(Stream.Out, text.encode('a'));
    fixture.write(Stream.Error, text.encode('b'));
    fixture.write(Stream.Out, text.encode('cc'));
    expect(fixture.drain().map(({ stream, bytes }) => [stream, new TextDecoder().decode(bytes)])).toEqual([
      [Stream.Out, 'a'],
      [Stream.Error, 'b'],
      [Stream.Out, 'cc'],
    ]);
  });

  it('accepts exactly the room it announces, then nothing until the host has drained', () => {
    const fixture = new Fixture(PIPES);
    const room = fixture.console.roomLocked();
    expect(fixture.write(Stream.Out, new Uint8Array(OUTPUT_BYTES))).toBe(room);
    expect(fixture.console.roomLocked()).toBe(0);
    expect(fixture.write(Stream.Out, new Uint8Array(1))).toBe(0);
    fixture.drain();
    expect(fixture.console.roomLocked()).toBe(room);
  });

  it('refuses writes to a stream whose reader has gone, and to no other', () => {
    const fixture = new Fixture(PIPES);
    fixture.console.closeStreamLocked(Stream.Out);
    expect(fixture.write(Stream.Out, new Uint8Array(1))).toBe(STREAM_CLOSED);
    expect(fixture.write(Stream.Error, new Uint8Array(1))).toBe(1);
    fixture.console.resetLocked(PIPES);
    expect(fixture.write(Stream.Out, new Uint8Array(1))).toBe(1);
  });

  it('delivers every accepted byte once, in order, whatever is written and drained when', () => {
    const step = fc.oneof(
      fc.record({ stream: fc.constantFrom(Stream.Out, Stream.Error), length: fc.integer({ min: 1, max: 30000 }) }),
      fc.record({ stream: fc.constantFrom(Stream.Out, Stream.Error), length: fc.integer({ min: 1, max: 9 }) }),
      fc.constant('drain' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(PIPES, TERMINAL), (steps, flags) => {
        const fixture = new Fixture(flags);
        const expected: number[] = [];
        const got: number[] = [];
        let sent = 0;
        const take = (): void => {
          for (const { stream, bytes } of fixture.drain()) for (const byte of bytes) got.push(stream * 256 + byte);
        };
        for (const s of steps) {
          if (s === 'drain') {
            take();
            continue;
          }
          const bytes = pattern(sent, s.length);
          const accepted = fixture.write(s.stream, bytes);
          for (const byte of bytes.subarray(0, accepted)) expected.push(s.stream * 256 + byte);
          sent += accepted;
        }
        take();
        expect(got.length).toBe(expected.length);
        expect(got.every((value, i) => value === expected[i])).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('console input from a pipe', () => {
  it('delivers control characters and carriage returns unedited and shows nothing', () => {
    const fixture = new Fixture(PIPES);
    fixture.type('a\x03\x04\x7f\r\x15b');
    expect(fixture.read()).toBe('a\x03\x04\x7f\r\x15b');
    expect(fixture.shown()).toBe('');
    expect(fixture.console.takeSignalsLocked()).toBe(0);
  });

  it('reads across lines', () => {
    const fixture = new Fixture(PIPES);
    fixture.type('a\nb\n');
    fixture.type('c');
    expect(fixture.read()).toBe('a\nb\nc');
  });

  it('ends for good once it is drained', () => {
    const fixture = new Fixture(PIPES);
    fixture.type('abc');
    expect(fixture.console.readableLocked()).toBe(true);
    fixture.console.hangUpLocked();
    expect([fixture.read(2), fixture.read(2), fixture.read(2), fixture.read(2)]).toEqual(['ab', 'c', 'EOF', 'EOF']);
    expect(fixture.console.readableLocked()).toBe(true);
  });

  it('forgets input and end when it is reset for a new run', () => {
    const fixture = new Fixture(PIPES);
    fixture.type('old');
    fixture.console.hangUpLocked();
    fixture.console.resetLocked(PIPES);
    expect(fixture.console.readableLocked()).toBe(false);
    expect(fixture.read()).toBeNull();
  });

  it('keeps what a reader found but did not consume', () => {
    const fixture = new Fixture(PIPES);
    fixture.type('abcdef');
    expect(fixture.console.takeLocked(6)).toBe(6);
    fixture.console.consumeLocked(2);
    expect(fixture.read()).toBe('cdef');
  });

  it('delivers every taken byte once, in order, whatever is offered and read when', () => {
    const step = fc.record({ offer: fc.boolean(), length: fc.integer({ min: 1, max: 12000 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const fixture = new Fixture(PIPES);
        let offered = 0;
        let read = 0;
        const check = (bytes: Uint8Array | null): void => {
          if (bytes === null) {
            expect(read).toBe(offered);
            return;
          }
          expect(bytes).toEqual(pattern(read, bytes.length));
          read += bytes.length;
        };
        for (const { offer, length } of steps) {
          if (!offer) {
            check(fixture.readBytes(length));
            continue;
          }
          const room = INPUT_BYTES - (offered - read);
          const took = fixture.type(pattern(offered, length));
          expect(took).toBe(Math.min(length, room));
          offered += took;
        }
        check(fixture.readBytes(INPUT_BYTES));
        expect(read).toBe(offered);
      }),
      { numRuns: 60 },
    );
  });
});
