/*
 * Where a trace goes on the host: newline-delimited JSON through pino. The one file of this folder that knows Node.
 *
 * A line: {"level":20,"time":1760000000000.123,"ns":4200,"hart":0,"thread":5,"event":"portSend","port":0,…}. `time` is the wall
 * clock in milliseconds, as pino's tools expect; `ns` is exact, since power-on. Lines are written synchronously in large pieces;
 * `flush` writes what is left, `close` also closes the file.
 */

import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import type Pino from 'pino';
import type { DecodedEvent } from './drain.ts';
import { Level, type LevelName } from './events.ts';

export interface TraceSinkOptions {
  /** Path of the file; made with its folder, emptied when it exists. */
  readonly file: string;
  /** Lines below this level are left out. Default: trace, that is everything. */
  readonly level?: LevelName;
  /** Wall clock of the power-on, in milliseconds (BootPage.epochRealtimeNs / 1e6). */
  readonly epochMs?: number;
}

/** `traces/hartbeat-2026-01-31T12-00-00-000Z.ndjson`, under `folder`. */
export function defaultTraceFile(now: Date = new Date(), folder = 'traces'): string {
  return join(folder, `hartbeat-${now.toISOString().replaceAll(/[:.]/g, '-')}.ndjson`);
}

/** Loaded with the first sink only: an import would be drawn to the top of the boot bundle and cost every start its 20 ms. */
const requirePackage = createRequire(import.meta.url);

/** Bytes gathered before they are written. */
const PIECE = 65536;

export class TraceSink {
  /** Absolute path of the file. */
  readonly file: string;
  private readonly fd: number;
  private readonly stream: ReturnType<typeof Pino.destination>;
  private readonly logger: Pino.Logger;
  /** Wall clock of the power-on, in milliseconds. */
  epochMs: number;
  private timeMs = 0;
  private closed = false;
  private failed = false;

  /** @throws an Error of node:fs when the file cannot be made */
  constructor({ file, level = 'trace', epochMs = Date.now() }: TraceSinkOptions) {
    const { pino } = requirePackage('pino') as typeof Pino;
    this.file = resolve(file);
    this.epochMs = epochMs;
    mkdirSync(dirname(this.file), { recursive: true });
    this.fd = openSync(this.file, 'w');
    this.stream = pino.destination({ fd: this.fd, sync: true, minLength: PIECE, maxWrite: 2 * PIECE });
    // A full disk ends the trace, not the machine.
    this.stream.on('error', () => (this.failed = true));
    this.logger = pino({ base: null, level, timestamp: () => `,"time":${this.timeMs.toFixed(3)}` }, this.stream);
  }

  /** Writes an event as one line. */
  write({ level, ns, hart, thread, event, args }: DecodedEvent): void {
    this.line(level, ns, { ns: Math.round(ns), hart, thread, event, ...args });
  }

  /** Writes a line of the host's own: power on, the report of a crash. */
  note(level: LevelName, ns: number, event: string, fields: Readonly<Record<string, unknown>>): void {
    this.line(Level[level], ns, { ns: Math.round(ns), event, ...fields });
  }

  /** Everything written so far is in the file after this. */
  flush(): void {
    if (this.closed || this.failed) return;
    try {
      this.stream.flushSync();
    } catch {
      this.failed = true;
    }
  }

  /** Whether lines are missing because the file could not be written. */
  get incomplete(): boolean {
    return this.failed;
  }

  /** Flushes and closes; later calls do nothing. */
  close(): void {
    if (this.closed) return;
    this.flush();
    this.closed = true;
    closeSync(this.fd);
  }

  private line(level: number, ns: number, fields: Readonly<Record<string, unknown>>): void {
    if (this.closed || this.failed) return;
    this.timeMs = this.epochMs + ns / 1e6;
    switch (level) {
      case Level.trace:
        this.logger.trace(fields);
        break;
      case Level.debug:
        this.logger.debug(fields);
        break;
      case Level.info:
        this.logger.info(fields);
        break;
      case Level.warn:
        this.logger.warn(fields);
        break;
      case Level.error:
        this.logger.error(fields);
        break;
      case Level.fatal:
        this.logger.fatal(fields);
        break;
    }
  }
}
