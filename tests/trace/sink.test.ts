import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DecodedEvent } from '../../src/trace/drain.ts';
import { Level } from '../../src/trace/events.ts';
import { defaultTraceFile, TraceSink } from '../../src/trace/sink.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartbeat-trace-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function lines(file: string): unknown[] {
  const text = readFileSync(file, 'utf8');
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

const send: DecodedEvent = {
  level: Level.debug,
  ns: 2_500_000,
  hart: 1,
  thread: 5,
  event: 'portSend',
  args: { port: 0, size: 12 },
};
const start: DecodedEvent = { level: Level.info, ns: 3_000_000, hart: 0, thread: 0, event: 'processStart', args: { pid: 7 } };

describe('the trace sink', () => {
  it('writes one line of JSON for each event, complete after close', () => {
    const sink = new TraceSink({ file: join(folder, 'new', 'trace.ndjson'), epochMs: 1000 });
    sink.write(send);
    sink.write(start);
    sink.close();
    expect(lines(sink.file)).toEqual([
      { level: 20, time: 1002.5, ns: 2_500_000, hart: 1, thread: 5, event: 'portSend', port: 0, size: 12 },
      { level: 30, time: 1003, ns: 3_000_000, hart: 0, thread: 0, event: 'processStart', pid: 7 },
    ]);
  });

  it('has everything in the file after a flush, and goes on', () => {
    const sink = new TraceSink({ file: join(folder, 'trace.ndjson') });
    for (let i = 0; i < 3000; i++) sink.write({ ...send, ns: i });
    sink.flush();
    expect(lines(sink.file).map((line) => (line as { ns: number }).ns)).toEqual(Array.from({ length: 3000 }, (_, i) => i));
    sink.write(start);
    sink.close();
    expect(lines(sink.file).length).toBe(3001);
  });

  it('leaves out what is below its level', () => {
    const sink = new TraceSink({ file: join(folder, 'trace.ndjson'), level: 'info' });
    sink.write(send);
    sink.write(start);
    sink.note('warn', 5, 'hostNote', { text: 'x' });
    sink.close();
    expect(lines(sink.file)).toMatchObject([{ event: 'processStart' }, { level: 40, event: 'hostNote', ns: 5, text: 'x' }]);
  });

  it('ignores what comes after close', () => {
    const sink = new TraceSink({ file: join(folder, 'trace.ndjson') });
    sink.close();
    sink.write(send);
    sink.close();
    expect(lines(sink.file)).toEqual([]);
  });

  it.skipIf(!existsSync('/dev/full'))('survives a full disk, and tells', () => {
    const sink = new TraceSink({ file: '/dev/full' });
    for (let i = 0; i < 3000; i++) sink.write(send);
    sink.close();
    expect(sink.incomplete).toBe(true);
  });

  it('names files by their time, without characters that a file system refuses', () => {
    expect(defaultTraceFile(new Date('2026-01-31T12:00:00.250Z'))).toBe(
      join('traces', 'hartbeat-2026-01-31T12-00-00-250Z.ndjson'),
    );
  });
});
