/*
 * Power-on: from options to harts that have begun, whoever is to work with them afterwards (machine.ts, or a search over schedules).
 */

import { basename, join } from 'node:path';

import { Ram } from '../core/ram.ts';
import { TerminalSignal } from '../devices/console-layout.ts';
import { ConsoleHost } from '../devices/console-host.ts';
import type { HartTask } from '../hart.ts';
import type { MachineConfig } from '../kernel/config.ts';
import { PollEvent } from '../kernel/files/file-ops.ts';
import { Kernel } from '../kernel/kernel.ts';
import { planMemory, type MemoryMap } from '../kernel/memory-map.ts';
import { Signal } from '../kernel/signal-numbers.ts';
import { bundle, projectRoot } from '../smp/bundle.ts';
import { HartPool } from '../smp/hart-pool.ts';
import { ScheduleHost } from '../smp/schedule/schedule-host.ts';
import { enableWasmFeatures } from '../smp/wasm-features.ts';
import { familyRegions, SystemCalls } from '../syscalls/door.ts';
import { Level } from '../trace/index.ts';
import type { Failure } from './crash.ts';
import { UsageError } from './errors.ts';
import { loadInterpreter } from './interpreter.ts';
import { fillRoot } from './root.ts';
import { adopt, type MachineSnapshot, mismatch } from './machine-snapshot.ts';
import { configFrom, configOf, type MachineOptions, seedOf } from './options.ts';
import { loadRam } from './snapshot.ts';
import { readSnapshot } from './snapshot-file.ts';

/** A machine that is on. */
export interface Powered {
  /** The host's. */
  readonly kernel: Kernel;
  readonly pool: HartPool<HartTask>;
  /** Of a machine under a schedule. */
  readonly scheduled: ScheduleHost | undefined;
  /** Names the kernel that its harts run. */
  readonly build: string;
  /** Where it goes on from. */
  readonly from: MachineSnapshot | undefined;
  /** From here on harts that end before their time are reported so; those that have already, at once. */
  readonly onFailure: (report: (failure: Failure) => void) => void;
}

/**
 * Builds a machine and turns it on.
 *
 * @param prepare called before the harts begin: what has to be there by then
 * @throws UsageError when the options ask for what cannot be
 */
export async function powerOn(options: MachineOptions, prepare?: (kernel: Kernel) => Promise<void>): Promise<Powered> {
  const from = typeof options.from === 'string' ? await readSnapshot(options.from) : options.from;
  const config = from === undefined ? configOf(options) : configFrom(options, from);
  enableWasmFeatures();
  const map = plan(config);
  const seed = seedOf(options);
  const kind = config.seeded ? { name: 'hart-seeded', seeded: true } : { name: 'hart' };
  const file = await bundle({ ...kind, entry: join(projectRoot, 'src/hart.ts'), edits: options.edits });
  const build = basename(file, '.mjs');
  const refusal = from === undefined ? undefined : mismatch(from, config, build);
  if (refusal !== undefined) throw new UsageError(refusal);
  const failures: Failure[] = [];
  let report = (failure: Failure): void => void failures.push(failure);
  // The workers come up while this thread prepares what they will work on.
  const pool = new HartPool<HartTask>({
    file,
    name: 'runHart',
    harts: config.cpus,
    onFailure: (hart, error) => {
      report({ hart, error });
    },
  });
  try {
    const ram = allocate(map.bytes);
    const traceLevel = options.trace === undefined ? Level.silent : Level[options.trace.level ?? 'trace'];
    // Under a schedule a hart that waits for room in the trace costs nothing, and what is lost would differ from run to run.
    const traceLossless = config.seeded || (options.trace?.lossless ?? false);
    if (from === undefined) Kernel.prepare(ram, config, map, { seed, traceLevel, traceLossless });
    else {
      loadRam(ram, map, from.ram);
      adopt(ram, map, from, { level: traceLevel, lossless: traceLossless });
    }
    const kernel = new Kernel(ram, config, map, config.cpus);
    const scheduled = config.seeded ? new ScheduleHost(ram, map.turns, map.schedule, kernel.smpMap) : undefined;
    if (from === undefined) {
      kernel.initialise();
      new SystemCalls(kernel).initialise();
      fillRoot(kernel, options.root);
      kernel.proc.mount();
      scheduled?.initialise();
    } else scheduled?.takeOver();
    await prepare?.(kernel);
    const module = await loadInterpreter(config.countAccesses);
    if (from === undefined) kernel.power.on();
    pool.start(Array.from({ length: config.cpus }, (_, hart) => ({ memory: ram.memory, module, config, hart })));
    const onFailure = (to: (failure: Failure) => void): void => {
      report = to;
      failures.forEach(to);
    };
    return { kernel, pool, scheduled, build, from, onFailure };
  } catch (error) {
    await pool.stop(0);
    throw error;
  }
}

/** What typing, or another size of the window, sends to the foreground group. */
const TYPED_SIGNALS = [
  [TerminalSignal.Interrupt, Signal.INT],
  [TerminalSignal.Quit, Signal.QUIT],
  [TerminalSignal.Suspend, Signal.TSTP],
  [TerminalSignal.Resized, Signal.WINCH],
] as const;

/** The host's end of a machine's console. */
export function connectConsole({ ram, console, locks, waits, polls, signals, power }: Kernel): ConsoleHost {
  return new ConsoleHost(ram, console, locks, {
    inputArrivedLocked: () => {
      waits.wakeAllLocked(console.readers);
      polls.notifyLocked(console.polls, PollEvent.In | PollEvent.ReadNormal);
    },
    roomMadeLocked: () => {
      waits.wakeAllLocked(console.writers);
      polls.notifyLocked(console.polls, PollEvent.Out | PollEvent.WriteNormal);
    },
    signal: (typed, group) => {
      for (const [bit, signal] of TYPED_SIGNALS) if ((typed & bit) !== 0 && group !== 0) signals.killGroup(group, signal);
    },
    powerOff: () => void power.off(0),
  });
}

function plan(config: MachineConfig): MemoryMap {
  try {
    return planMemory(config, familyRegions(config));
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

function allocate(bytes: number): Ram {
  try {
    return Ram.allocate(bytes);
  } catch (error) {
    if (error instanceof RangeError)
      throw new UsageError(`the host has no ${String(Math.ceil(bytes / 2 ** 20))}M of memory for the machine`);
    throw error;
  }
}
