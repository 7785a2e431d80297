/*
 * A snapshot of a machine as its users have it: its RAM (snapshot.ts), and what of it only the host knows. It does not change, may be
 * restored any number of times, and may be written to a file (snapshot-file.ts).
 *
 * The streams of the host are not in it, nor is what the machine has written to them. A machine that is made from it has the same shape
 * and runs the same kernel; whether it translates, counts accesses or has a trace is its own affair, and it has the wall clock of its host.
 */

import type { Ram } from '../core/ram.ts';
import { Clock } from '../devices/clock.ts';
import type { ConsoleState } from '../devices/console-host.ts';
import type { MachineConfig } from '../kernel/config.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { MemoryMap } from '../kernel/memory-map.ts';
import { initTraceRing } from '../trace/index.ts';
import { TraceRing } from '../trace/ring.ts';
import type { RunState } from './run.ts';
import { loadMachine, saveMachine, type Snapshot } from './snapshot.ts';

export interface MachineSnapshot {
  /** When it was taken, by the host's wall clock: milliseconds since 1970. */
  readonly takenMs: number;
  /** Which kernel the machine runs: another one would not understand its RAM. */
  readonly kernel: string;
  /** Nanoseconds since power-on. */
  readonly ns: number;
  readonly ram: Snapshot;
  readonly console: ConsoleState;
  /** The program that was under way. */
  readonly run: RunState | undefined;
}

/** What of the configuration decides how RAM is laid out and used: the rest may differ. */
const SHAPE = ['cpus', 'memoryBytes', 'ports', 'portMessages', 'portMessageBytes', 'seeded', 'traceRecords'] as const;

/** Of a machine of this configuration and kernel, why it cannot be put to the snapshot; undefined: it can. */
export function mismatch(snapshot: MachineSnapshot, config: MachineConfig, kernel: string): string | undefined {
  const other = SHAPE.find((name) => snapshot.ram.config[name] !== config[name]);
  if (other !== undefined) {
    const [theirs, own] = [snapshot.ram.config[other], config[other]].map(String);
    return `the snapshot is of a machine with ${other} ${theirs!}, this one has ${own!}`;
  }
  if (snapshot.kernel !== kernel) {
    return `the snapshot was made by another version of Hartbeat (${snapshot.kernel}; this is ${kernel}): make it anew with this one`;
  }
  return undefined;
}

/** What a machine records, whatever the snapshot's did. */
export interface TraceSettings {
  readonly level: number;
  readonly lossless: boolean;
}

/** Makes RAM that has just got the state of a snapshot this machine's own: its clock goes on from the snapshot's time, its trace is empty. */
export function adopt(ram: Ram, map: MemoryMap, { ram: { config }, ns }: MachineSnapshot, trace: TraceSettings): void {
  if (!config.seeded) Clock.continueAt(ram, map.bootPage, ns);
  for (let n = 0; n < map.participants; n++) {
    initTraceRing(ram, map.traceRings + n * map.traceRingStride, config.traceRecords, trace.level, trace.lossless);
  }
}

/** Takes a snapshot of a machine that is held still. */
export function takeSnapshot(kernel: Kernel, build: string, console: ConsoleState, run: RunState | undefined): MachineSnapshot {
  return {
    takenMs: Date.now(),
    kernel: build,
    ns: kernel.clock.nowNs(),
    ram: saveMachine(kernel),
    // What has been captured belongs to a run, and is lost between two.
    console: run === undefined ? { ...console, stdout: new Uint8Array(0), stderr: new Uint8Array(0) } : console,
    run,
  };
}

/** Puts a machine that is held still to a snapshot; it traces what it has traced before. */
export function putSnapshot(kernel: Kernel, snapshot: MachineSnapshot): void {
  const { ram, map } = kernel;
  const level = TraceRing.threshold.get(ram, map.traceRings);
  const lossless = TraceRing.lossless.get(ram, map.traceRings) !== 0;
  loadMachine(kernel, snapshot.ram);
  adopt(ram, map, snapshot, { level, lossless });
  kernel.trace.resume();
  kernel.clock.resume();
}
