/*
 * The header of a snapshot's file: all of it but the bytes (snapshot-body.ts), as JSON, and the check that it is one.
 *
 * The check is by shape: what passes can be taken apart without harm, and has the sizes of a machine that can be built. What is in the RAM of a
 * file that somebody has made up, nobody can know; the machine fails then as after a bug of its kernel.
 */

import { JIT_MODES } from '../core/jit/translations.ts';
import { MAX_RAM_BYTES } from '../core/ram.ts';
import { DEFAULT_CONFIG, type MachineConfig } from '../kernel/config.ts';
import { PATH_BYTES } from '../kernel/scratch.ts';
import { BOOT_MAGIC, BOOT_VERSION, BootPage, MachineState } from '../smp/boot-page.ts';
import type { MachineSnapshot } from './machine-snapshot.ts';
import { LIMITS } from './options.ts';
import type { RunState } from './run.ts';
import { COUNTERS } from './snapshot.ts';
import type { Body, BodyLayout } from './snapshot-body.ts';

export interface SnapshotHeader {
  readonly takenMs: number;
  readonly kernel: string;
  readonly ns: number;
  readonly config: MachineConfig;
  readonly doorbells: readonly number[];
  readonly counters: readonly (readonly number[])[];
  readonly run: RunState | null;
  readonly inputEnded: boolean;
  readonly hungUp: boolean;
  readonly layout: BodyLayout;
}

export function headerOf({ takenMs, kernel, ns, ram, console, run }: MachineSnapshot, layout: BodyLayout): SnapshotHeader {
  const { config, doorbells, counters } = ram;
  const { inputEnded, hungUp } = console;
  return { takenMs, kernel, ns, config, doorbells, counters, run: run ?? null, inputEnded, hungUp, layout };
}

/** Puts header and body together. */
export function snapshotFrom(header: SnapshotHeader, { pieces, input, stdout, stderr }: Body): MachineSnapshot {
  const { takenMs, kernel, ns, config, doorbells, counters, run, inputEnded, hungUp } = header;
  const boot = pieces[0]?.address === 0 ? pieces[0].words : new Uint32Array(BootPage.SIZE);
  const isMachine =
    boot[BootPage.magic.offset >>> 2] === BOOT_MAGIC &&
    boot[BootPage.version.offset >>> 2] === BOOT_VERSION &&
    boot[BootPage.cpus.offset >>> 2] === config.cpus &&
    boot[BootPage.state.offset >>> 2] === MachineState.Running;
  if (!isMachine) throw new Error('there is no machine in it');
  return {
    takenMs,
    kernel,
    ns,
    ram: { config, pieces, doorbells, counters },
    console: { input, inputEnded, hungUp, stdout, stderr },
    run: run ?? undefined,
  };
}

/** How many pieces there may be: each frame apart, and the kernel's. */
const MAX_LIST = 2 ** 20;

/** @throws Error when it is no header */
export function checkHeader(value: unknown): SnapshotHeader {
  const header = record(value, 'header');
  const config = record(header.config, 'config');
  const cpus = whole(config.cpus, ...LIMITS.cpus, 'cpus');
  const memoryBytes = whole(config.memoryBytes, ...LIMITS.memory, 'memoryBytes');
  const jit = JIT_MODES.find((mode) => mode === config.jit);
  if (jit === undefined) throw wrong('jit');
  if (whole(config.traceRecords, 1, MAX_LIST, 'traceRecords') !== DEFAULT_CONFIG.traceRecords) throw wrong('traceRecords');
  return {
    takenMs: real(header.takenMs, 'takenMs'),
    kernel: text(header.kernel, 'kernel'),
    ns: real(header.ns, 'ns'),
    config: {
      cpus,
      memoryBytes,
      hostCores: whole(config.hostCores, 1, MAX_LIST, 'hostCores'),
      ports: whole(config.ports, ...LIMITS.ports, 'ports'),
      portMessages: whole(config.portMessages, ...LIMITS.portMessages, 'portMessages'),
      portMessageBytes: whole(config.portMessageBytes, ...LIMITS.portMessageBytes, 'portMessageBytes'),
      jit,
      countAccesses: flag(config.countAccesses, 'countAccesses'),
      seeded: flag(config.seeded, 'seeded'),
      traceRecords: DEFAULT_CONFIG.traceRecords,
    },
    doorbells: list(header.doorbells, cpus, 'doorbells').map((rung) => whole(rung, 0, 2 ** 32 - 1, 'doorbells')),
    counters: list(header.counters, cpus, 'counters').map((row) =>
      list(row, COUNTERS.length, 'counters').map((counter) => whole(counter, 0, Number.MAX_SAFE_INTEGER, 'counters')),
    ),
    run: header.run === null ? null : checkRun(header.run),
    inputEnded: flag(header.inputEnded, 'inputEnded'),
    hungUp: flag(header.hungUp, 'hungUp'),
    layout: checkLayout(header.layout, memoryBytes),
  };
}

function checkRun(value: unknown): RunState {
  const run = record(value, 'run');
  const { bound, ended } = run;
  return {
    word: text(run.word, 'word'),
    pid: whole(run.pid, 0, 2 ** 31 - 1, 'pid'),
    bound: bound === undefined ? undefined : boundPath(bound),
    ended: ended === undefined ? undefined : checkEnd(ended),
  };
}

function checkEnd(value: unknown): NonNullable<RunState['ended']> {
  const end = record(value, 'ended');
  const fault = record(end.fault, 'fault');
  return {
    pid: whole(end.pid, 0, 2 ** 31 - 1, 'pid'),
    status: whole(end.status, -(2 ** 31), 2 ** 31 - 1, 'status'),
    fault: { cause: real(fault.cause, 'cause'), pc: real(fault.pc, 'pc'), address: real(fault.address, 'address') },
  };
}

function checkLayout(value: unknown, memoryBytes: number): BodyLayout {
  const layout = record(value, 'layout');
  let end = 0;
  const pieces = list(layout.pieces, MAX_LIST, 'pieces', true).map((pair) => {
    const [address, bytes] = list(pair, 2, 'pieces');
    const start = whole(address, end, memoryBytes, 'pieces');
    const length = whole(bytes, 4, Math.max(4, MAX_RAM_BYTES - start), 'pieces');
    end = start + length;
    // A machine's memory is whole pages: the last frame may end a little above what was asked for.
    if (start % 4 !== 0 || length % 4 !== 0 || end > Math.ceil(memoryBytes / 4096) * 4096) throw wrong('pieces');
    return [start, length] as const;
  });
  const sizes = (name: string, least: number): number[] =>
    list(layout[name], MAX_LIST, name, true).map((size) => whole(size, least, MAX_RAM_BYTES, name));
  const [input, stdout, stderr] = list(layout.console, 3, 'console').map((size) => whole(size, 0, MAX_RAM_BYTES, 'console'));
  return { pieces, runs: sizes('runs', 0), console: [input!, stdout!, stderr!], chunks: sizes('chunks', 1) };
}

function wrong(name: string): Error {
  return new Error(`its header says nonsense (${name})`);
}

function record(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name);
  return value as Record<string, unknown>;
}

/** An array of so many elements, or at most so many. */
function list(value: unknown, length: number, name: string, orLess = false): readonly unknown[] {
  if (!Array.isArray(value) || (orLess ? value.length > length : value.length !== length)) throw wrong(name);
  return value as unknown[];
}

function whole(value: unknown, least: number, most: number, name: string): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) throw wrong(name);
  return value as number;
}

function real(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(name);
  return value;
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrong(name);
  return value;
}

/** A path that the kernel takes. */
function boundPath(value: unknown): string {
  const name = text(value, 'bound');
  if (Buffer.byteLength(name) >= PATH_BYTES) throw wrong('bound');
  return name;
}

function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw wrong(name);
  return value;
}
