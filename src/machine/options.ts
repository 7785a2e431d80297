/*
 * What a machine is booted with. Every option has a default; what cannot be is refused with a UsageError.
 */

import { randomFillSync } from 'node:crypto';
import { availableParallelism } from 'node:os';

import { JIT_MODES, type JitMode } from '../core/jit/translations.ts';
import { MAX_RAM_BYTES } from '../core/ram.ts';
import { RANDOM_KEY_WORDS } from '../devices/random.ts';
import { DEFAULT_CONFIG, type MachineConfig } from '../kernel/config.ts';
import { MAX_HARTS } from '../smp/smp-map.ts';
import type { SourceEdit } from '../smp/source-edits.ts';
import { VrosLimit } from '../syscalls/abi.ts';
import type { LevelName } from '../trace/events.ts';
import { UsageError } from './errors.ts';
import type { MachineSnapshot } from './machine-snapshot.ts';

export interface TraceOptions {
  /** Where to write; '' or left out: a new file under traces/ of the working directory. */
  readonly file?: string | undefined;
  /** The least level that is recorded. Default: all of it. */
  readonly level?: LevelName | undefined;
  /** Harts wait for a full ring to be emptied. Default: what finds no room is counted, and the trace says how much is missing. */
  readonly lossless?: boolean | undefined;
}

export interface MachineOptions {
  /** Harts, 1 to 64, each on a thread of its own. Default: 2. */
  readonly cpus?: number | undefined;
  /** RAM, bytes. Default: 128 MiB. */
  readonly memory?: number | undefined;
  /** VROS ports: how many, messages in each, bytes in a message. Defaults: 32, 16, 256. */
  readonly ports?: number | undefined;
  readonly portMessages?: number | undefined;
  readonly portMessageBytes?: number | undefined;
  /** Directory of the host that is copied in as the machine's root directory. Default: the machine has its own. */
  readonly root?: string | undefined;
  /** Whether guest code is translated to WebAssembly: never, when it has become hot, or before it runs at all. Default: 'hot'. */
  readonly jit?: JitMode | undefined;
  /** Counts the accesses of guest code to memory (`stats().harts[n].accesses`), which makes it a little slower. Default: false. */
  readonly countAccesses?: boolean | undefined;
  /** Harts run one at a time, as a schedule says; each run begins a plan (RunOptions.plan). Default: in true parallel. */
  readonly seeded?: boolean | undefined;
  /** Changes of the sources that the harts are built with: deliberate defects, for tests. Default: none. */
  readonly edits?: readonly SourceEdit[] | undefined;
  /** For the random numbers that programs get. Default: the host's cryptographic source; 0 under a schedule. */
  readonly seed?: number | undefined;
  /** Default: no trace. */
  readonly trace?: TraceOptions | undefined;
  /**
   * A snapshot, or the path of one: the machine goes on from there. It has the shape of the snapshot's machine, and goes on with its random
   * numbers: options that say something else are refused. `jit`, `countAccesses` and `trace` may differ.
   */
  readonly from?: MachineSnapshot | string | undefined;
}

export const DEFAULT_CPUS = 2;

/** Limits of the numeric options: least and most. */
export const LIMITS = {
  cpus: [1, MAX_HARTS],
  memory: [1, MAX_RAM_BYTES],
  ports: [1, 4096],
  portMessages: [1, 4096],
  portMessageBytes: [1, VrosLimit.IPC_MAX_DATA],
  seed: [0, 2 ** 32 - 1],
} as const;

/** The configuration that the options ask for. */
export function configOf(options: MachineOptions): MachineConfig {
  return {
    ...DEFAULT_CONFIG,
    cpus: check(options, 'cpus', DEFAULT_CPUS),
    memoryBytes: check(options, 'memory', DEFAULT_CONFIG.memoryBytes),
    hostCores: availableParallelism(),
    ports: check(options, 'ports', DEFAULT_CONFIG.ports),
    portMessages: check(options, 'portMessages', DEFAULT_CONFIG.portMessages),
    portMessageBytes: check(options, 'portMessageBytes', DEFAULT_CONFIG.portMessageBytes),
    jit: checkJit(options.jit),
    countAccesses: options.countAccesses ?? DEFAULT_CONFIG.countAccesses,
    seeded: options.seeded ?? DEFAULT_CONFIG.seeded,
  };
}

/** What an option means in a configuration, where a snapshot has said it already. */
const SHAPE_OPTIONS = [
  ['cpus', 'cpus'],
  ['memory', 'memoryBytes'],
  ['ports', 'ports'],
  ['portMessages', 'portMessages'],
  ['portMessageBytes', 'portMessageBytes'],
  ['seeded', 'seeded'],
] as const;

/**
 * The configuration of a machine that is made from a snapshot.
 *
 * @throws UsageError when the options ask for something else
 */
export function configFrom(options: MachineOptions, { ram: { config } }: MachineSnapshot): MachineConfig {
  for (const [name, field] of SHAPE_OPTIONS) {
    const asked = options[name];
    if (asked === undefined || asked === config[field]) continue;
    throw new UsageError(`${name} ${String(asked)}: the machine of the snapshot has ${String(config[field])}: leave it out`);
  }
  if (options.root !== undefined)
    throw new UsageError(`root ${options.root}: a machine from a snapshot has its files: leave it out`);
  if (options.seed !== undefined) {
    throw new UsageError(
      `seed ${String(options.seed)}: a machine from a snapshot goes on with its random numbers: leave it out`,
    );
  }
  return {
    ...config,
    hostCores: availableParallelism(),
    jit: checkJit(options.jit ?? config.jit),
    countAccesses: options.countAccesses ?? config.countAccesses,
  };
}

function checkJit(mode: JitMode = DEFAULT_CONFIG.jit): JitMode {
  if (JIT_MODES.includes(mode)) return mode;
  throw new UsageError(`jit ${mode}: one of ${JIT_MODES.join(', ')}`);
}

/** The seed that the options ask for, or one that nobody can guess. (The global `crypto` would take 10 ms to load.) */
export function seedOf(options: MachineOptions): number | Uint32Array {
  if (options.seed === undefined && options.seeded === true) return 0;
  return options.seed === undefined ? randomFillSync(new Uint32Array(RANDOM_KEY_WORDS)) : check(options, 'seed', 0);
}

function check(options: MachineOptions, name: keyof typeof LIMITS, otherwise: number): number {
  const value = options[name] ?? otherwise;
  const [least, most] = LIMITS[name];
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`${name} ${String(value)}: a whole number from ${String(least)} to ${String(most)}`);
}
