/*
 * The host's side of the trace of one machine: out of the rings, into the file.
 *
 * pino is only loaded when there is a trace: it takes longer than the rest of power-on.
 */

import type { Ram } from '../core/ram.ts';
import type { MemoryMap } from '../kernel/memory-map.ts';
import { VIRTUAL_EPOCH_MS } from '../devices/clock.ts';
import { WaitReason } from '../kernel/wait.ts';
import { BootPage } from '../smp/boot-page.ts';
import { type DecodedEvent, TraceDrain } from '../trace/drain.ts';
import type { LevelName } from '../trace/events.ts';
import type { TraceSink } from '../trace/sink.ts';
import { callName } from '../syscalls/numbers.ts';
import { UsageError } from './errors.ts';
import type { TraceOptions } from './options.ts';

const REASONS = new Map<number, string>(Object.entries(WaitReason).map(([name, number]) => [number, name]));

/** Takes the records of all participants out of the rings, with names for what the floors above `trace` know. */
export function traceDrain(ram: Ram, map: MemoryMap): TraceDrain {
  const rings = Array.from({ length: map.participants }, (_, n) => map.traceRings + n * map.traceRingStride);
  return new TraceDrain(ram, rings, { call: callName, reason: (number) => REASONS.get(number) });
}

async function openSink(file: string, level: LevelName, epochMs: number): Promise<TraceSink> {
  const { TraceSink, defaultTraceFile } = await import('../trace/sink.ts');
  const path = file === '' ? defaultTraceFile() : file;
  try {
    return new TraceSink({ file: path, level, epochMs });
  } catch (error) {
    throw new UsageError(`cannot write a trace to ${path}: ${(error as Error).message}`);
  }
}

export class Tracing {
  private constructor(
    private readonly drainer: TraceDrain,
    private readonly sink: TraceSink,
  ) {}

  /**
   * Opens the file; the boot page is to be written already.
   *
   * @throws UsageError when it cannot be made
   */
  static async open(ram: Ram, map: MemoryMap, { file = '', level = 'trace' }: TraceOptions): Promise<Tracing> {
    return new Tracing(traceDrain(ram, map), await openSink(file, level, epochOf(ram, map)));
  }

  /**
   * Writes the trace of a run under a schedule that has been kept as a list of events.
   *
   * @returns absolute path of the file
   * @throws UsageError when it cannot be made
   */
  static async write(events: readonly DecodedEvent[], { file = '', level = 'trace' }: TraceOptions): Promise<string> {
    const sink = await openSink(file, level, VIRTUAL_EPOCH_MS);
    for (const event of events) sink.write(event);
    sink.close();
    return sink.file;
  }

  /** Absolute path. */
  get file(): string {
    return this.sink.file;
  }

  /** Records lost because a ring was full. */
  get lost(): number {
    return this.drainer.lost;
  }

  /** Takes what the harts have recorded. */
  drain(): void {
    this.drainer.drain((event) => {
      this.sink.write(event);
    });
  }

  /** The machine has another power-on time than before: RAM has been replaced. */
  resume(ram: Ram, map: MemoryMap): void {
    this.sink.epochMs = epochOf(ram, map);
  }

  note(level: LevelName, ns: number, event: string, fields: Readonly<Record<string, unknown>>): void {
    this.sink.note(level, ns, event, fields);
  }

  /** Takes the rest and closes the file. */
  close(): void {
    this.drain();
    this.sink.close();
  }
}

/** Wall clock of the power-on, ms. */
function epochOf(ram: Ram, map: MemoryMap): number {
  return BootPage.epochRealtimeNs.get(ram, map.bootPage) / 1e6;
}
