/*
 * The physical map: where everything lies in RAM. It follows from the configuration alone, so every participant computes it for itself.
 *
 *   0            boot page
 *   controls     what harts know of each other (the host takes part as one more, the last)
 *   harts        hart blocks (doorbell, TLB) and decode caches
 *   scheduling   run queues, timer heaps
 *   tables       processes and threads, pending signals, alarms, address spaces, areas, contents, inodes and their names, open files,
 *                futex buckets, starting line
 *   devices      console, random generators, trace rings
 *   families     one region for each IPC family that asks for it
 *   counts       reference counts and free list of the frames
 *   frames       everything else: user pages, page tables, program files
 *   end
 */

import { CPU_CACHE_BYTES } from '../core/cpu.ts';
import { HartBlock } from '../core/hart-block.ts';
import { alignUp } from '../core/layout.ts';
import { PAGE_SIZE } from '../core/ram.ts';
import { CONSOLE_BYTES } from '../devices/console.ts';
import { randomBytes } from '../devices/random.ts';
import { GateWords } from '../smp/gate.ts';
import { HartControl } from '../smp/hart-control.ts';
import { ScheduleState, turnBytes } from '../smp/schedule/state.ts';
import { traceRingBytes } from '../trace/index.ts';
import { AddressSpaces } from './address-space.ts';
import { Alarms } from './alarms.ts';
import { Areas } from './areas.ts';
import type { MachineConfig } from './config.ts';
import { Descriptors } from './files/descriptors.ts';
import { DirectoryEntries } from './files/directory-entries.ts';
import { FileLocks } from './files/file-locks.ts';
import { Inodes } from './files/inodes.ts';
import { OpenFiles } from './files/open-files.ts';
import { Polls } from './files/polls.ts';
import { Frames } from './frames.ts';
import { Futexes } from './futex.ts';
import { Contents } from './contents.ts';
import { Launches } from './launches.ts';
import { ProcessTable } from './process-table.ts';
import { SCRATCH_BYTES } from './scratch.ts';
import { Scheduler } from './scheduler.ts';
import { SignalInfos } from './signal-info.ts';
import { TRAMPOLINE_BYTES } from './signal-trampoline.ts';
import { StartingLine } from './starting-line.ts';
import { Timers } from './timers.ts';

/** How many of each kernel object there can be. */
export interface Limits {
  readonly processes: number;
  readonly threads: number;
  readonly spaces: number;
  readonly areas: number;
  readonly contents: number;
  readonly inodes: number;
  readonly directoryEntries: number;
  readonly fileLocks: number;
  readonly openFiles: number;
  /** Signals that wait with information. */
  readonly signals: number;
  /** POSIX timers. */
  readonly posixTimers: number;
  readonly pollEntries: number;
}

export interface MemoryMap {
  readonly limits: Limits;
  /** Harts and the host. */
  readonly participants: number;
  readonly bootPage: number;
  readonly controls: number;
  readonly hartBlocks: number;
  readonly cpuCaches: number;
  /** Where harts wait while the machine is held still (smp/gate.ts). */
  readonly gate: number;
  /** Of a machine under a schedule: whose turn it is, and the schedule's state (smp/schedule/state.ts). */
  readonly turns: number;
  readonly schedule: number;
  readonly scheduler: number;
  readonly timers: number;
  readonly processTable: number;
  readonly signals: number;
  readonly alarms: number;
  /** Holds the address of the image with the code by which signal handlers return (signal-trampoline.ts). */
  readonly trampoline: number;
  readonly spaces: number;
  readonly areas: number;
  readonly contents: number;
  readonly inodes: number;
  readonly directoryEntries: number;
  readonly fileLocks: number;
  readonly futexes: number;
  readonly openFiles: number;
  readonly descriptors: number;
  readonly polls: number;
  readonly launches: number;
  readonly line: number;
  readonly console: number;
  readonly random: number;
  /** Ring of participant n at traceRings + n × traceRingStride. */
  readonly traceRings: number;
  readonly traceRingStride: number;
  /** SCRATCH_BYTES for each participant: arguments on their way in or out. */
  readonly scratch: number;
  readonly families: Readonly<Record<string, number>>;
  readonly frameCounts: number;
  /** Frames: low ≤ address < high. */
  readonly low: number;
  readonly high: number;
  /** Bytes of RAM in all. */
  readonly bytes: number;
}

/** What an IPC family needs. */
export interface FamilyRegion {
  readonly name: string;
  readonly bytes: number;
}

/** Descriptor tables beyond one for each process: execve of one that shares its table needs another for a moment. */
export const SPARE_TABLES = 16;

const MIB = 1024 * 1024;
const KIB = 1024;
/** Below this a machine cannot even load its shell. */
const LEAST_FRAME_BYTES = 4 * MIB;

/** Draws the map. Throws a RangeError that says how much memory is needed when there is too little. */
export function planMemory(config: MachineConfig, families: readonly FamilyRegion[]): MemoryMap {
  const { cpus } = config;
  const participants = cpus + 1;
  const limits = limitsFor(config.memoryBytes);
  let end = 0;
  const region = (bytes: number, align = 64): number => {
    const start = alignUp(end, align);
    end = start + bytes;
    return start;
  };

  const bootPage = region(PAGE_SIZE, PAGE_SIZE);
  const controls = region(participants * HartControl.SIZE);
  const hartBlocks = region(cpus * HartBlock.SIZE, PAGE_SIZE);
  const cpuCaches = region(cpus * CPU_CACHE_BYTES, PAGE_SIZE);
  const gate = region(GateWords.SIZE);
  const turns = region(config.seeded ? turnBytes(cpus) : 0);
  const schedule = region(config.seeded ? ScheduleState.SIZE : 0);
  const scheduler = region(Scheduler.bytes(cpus));
  const timers = region(Timers.bytes(cpus, limits.threads + Alarms.count(limits.processes, limits.posixTimers)));
  const processTable = region(ProcessTable.bytes(limits.processes, limits.threads));
  const signals = region(SignalInfos.bytes(limits.signals));
  const alarms = region(Alarms.bytes(limits.processes, limits.posixTimers));
  const trampoline = region(TRAMPOLINE_BYTES);
  const spaces = region(AddressSpaces.bytes(limits.spaces));
  const areas = region(Areas.bytes(limits.areas));
  const contents = region(Contents.bytes(limits.contents));
  const inodes = region(Inodes.bytes(limits.inodes));
  const directoryEntries = region(DirectoryEntries.bytes(limits.directoryEntries));
  const fileLocks = region(FileLocks.bytes(limits.fileLocks));
  const futexes = region(Futexes.BYTES);
  const openFiles = region(OpenFiles.bytes(limits.openFiles));
  const descriptors = region(Descriptors.bytes(limits.processes + SPARE_TABLES));
  const polls = region(Polls.bytes(limits.pollEntries));
  const launches = region(Launches.BYTES);
  const line = region(StartingLine.BYTES);
  const console = region(CONSOLE_BYTES);
  const random = region(randomBytes(participants));
  const traceRingStride = alignUp(traceRingBytes(config.traceRecords), 64);
  const traceRings = region(participants * traceRingStride);
  const scratch = region(participants * SCRATCH_BYTES, PAGE_SIZE);
  const familyRegions: Record<string, number> = {};
  for (const family of families) familyRegions[family.name] = region(family.bytes);

  const memory = alignUp(config.memoryBytes, PAGE_SIZE);
  // The counts are sized for all of the memory: a little more than is needed, and simple.
  const frameCounts = region(Frames.bytes(memory / PAGE_SIZE, participants));
  const low = alignUp(end, PAGE_SIZE);
  const needed = low + LEAST_FRAME_BYTES;
  if (memory < needed) {
    throw new RangeError(
      `${mib(config.memoryBytes)} of memory is too little: ${cpus} hart${cpus === 1 ? '' : 's'} need at least ${mib(needed)}`,
    );
  }
  return {
    limits,
    participants,
    bootPage,
    controls,
    hartBlocks,
    cpuCaches,
    gate,
    turns,
    schedule,
    scheduler,
    timers,
    processTable,
    signals,
    alarms,
    trampoline,
    spaces,
    areas,
    contents,
    inodes,
    directoryEntries,
    fileLocks,
    futexes,
    openFiles,
    descriptors,
    polls,
    launches,
    line,
    console,
    random,
    traceRings,
    traceRingStride,
    scratch,
    families: familyRegions,
    frameCounts,
    low,
    high: memory,
    bytes: memory,
  };
}

function limitsFor(memoryBytes: number): Limits {
  const processes = clamp(memoryBytes / (256 * KIB), 32, 1024);
  return {
    processes,
    threads: clamp(memoryBytes / (64 * KIB), 128, 4096),
    // While a program is being replaced there are two spaces for a process.
    spaces: processes + 64,
    areas: clamp(memoryBytes / (8 * KIB), 1024, 65530),
    // Files as well as shared memory.
    contents: clamp(memoryBytes / (32 * KIB), 256, 16384),
    inodes: clamp(memoryBytes / (32 * KIB), 512, 32768),
    // A file may have several names.
    directoryEntries: clamp(memoryBytes / (16 * KIB), 1024, 65536),
    fileLocks: clamp(memoryBytes / (64 * KIB), 256, 4096),
    openFiles: clamp(memoryBytes / (16 * KIB), 512, 8192),
    signals: clamp(memoryBytes / (32 * KIB), 1536, 4096),
    posixTimers: clamp(memoryBytes / (256 * KIB), 64, 512),
    pollEntries: clamp(memoryBytes / (16 * KIB), 1024, 16384),
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.floor(Math.min(most, Math.max(least, value)));
}

function mib(bytes: number): string {
  return bytes < MIB ? `${Math.ceil(bytes / KIB)}K` : `${Math.ceil(bytes / MIB)}M`;
}
