/*
 * The kernel as one participant sees it: every service over the shared RAM, put together once.
 *
 * Each hart has one, and the host has one for what it does itself (loading programs, starting them, feeding the console). They share
 * nothing but RAM. `initialise` is called once, by the host, before the first hart starts.
 */

import type { Cpu } from '../core/cpu.ts';
import type { Ram } from '../core/ram.ts';
import { Clock, VirtualClock } from '../devices/clock.ts';
import { Console } from '../devices/console.ts';
import { Power } from '../devices/power.ts';
import { initRandom, Random } from '../devices/random.ts';
import { BOOT_MAGIC, BOOT_VERSION, BootPage } from '../smp/boot-page.ts';
import { Doorbells } from '../smp/doorbell.ts';
import { HartCall, HartCalls } from '../smp/hart-calls.ts';
import { HartControl, Mode } from '../smp/hart-control.ts';
import { HostBell } from '../smp/host-bell.ts';
import { VirtualTime } from '../smp/schedule/virtual-time.ts';
import { Shootdown } from '../smp/shootdown.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { SmpMap } from '../smp/smp-map.ts';
import { Locks } from '../smp/spinlock.ts';
import { EventId, initTraceRing, Tracer } from '../trace/index.ts';
import { AddressSpaces, MAX_SPACES, Space } from './address-space.ts';
import { Alarms } from './alarms.ts';
import { Areas } from './areas.ts';
import { Arguments } from './arguments.ts';
import { Attention } from './attention.ts';
import { ChildWaits } from './child-wait.ts';
import type { MachineConfig } from './config.ts';
import { Credentials } from './credentials.ts';
import { Exec } from './exec.ts';
import { Exits } from './exit.ts';
import { ConsoleFiles } from './files/console-file.ts';
import { Descriptors } from './files/descriptors.ts';
import { MemoryFiles } from './files/memory-files.ts';
import { OpenFiles } from './files/open-files.ts';
import { TerminalAccess } from './files/terminal-access.ts';
import { Polls } from './files/polls.ts';
import { ProcessFiles } from './files/process-files.ts';
import { Transfer } from './files/transfer.ts';
import { Frames } from './frames.ts';
import { Futexes } from './futex.ts';
import { Contents } from './contents.ts';
import { IntervalTimers } from './interval-timers.ts';
import { JobControl } from './job-control.ts';
import { Launches } from './launches.ts';
import { Mappings } from './mappings.ts';
import { type MemoryMap, SPARE_TABLES } from './memory-map.ts';
import { kernelGuards } from './oracles/guard-rules.ts';
import type { Guards } from './oracles/guards.ts';
import { Inspection } from './oracles/inspection.ts';
import { countKernelObjects } from './oracles/kernel-counts.ts';
import { describeKernelWaits } from './oracles/kernel-waits.ts';
import { PosixTimers } from './posix-timers.ts';
import { ProcFileSystem } from './proc/proc-file-system.ts';
import { ProcTexts } from './proc/text-file.ts';
import { ProcessTable } from './process-table.ts';
import { ProgramLoader } from './program.ts';
import { Remaps } from './remap.ts';
import { Residence } from './residence.ts';
import { ProgramFiles } from './program-files.ts';
import { Scheduler } from './scheduler.ts';
import { SCRATCH_BYTES, SIGNAL_SCRATCH, STRUCT_SCRATCH } from './scratch.ts';
import { SignalDelivery } from './signal-delivery.ts';
import { SignalFrames } from './signal-frame.ts';
import { SignalInfos } from './signal-info.ts';
import { SignalMasks } from './signal-masks.ts';
import { SignalQueues } from './signal-queue.ts';
import { SignalSender } from './signal-send.ts';
import { makeTrampoline } from './signal-trampoline.ts';
import { Signals } from './signals.ts';
import { SpaceForks } from './space-fork.ts';
import { Clone, Spawner } from './spawn.ts';
import { StartingLine } from './starting-line.ts';
import { ALARM, Timers } from './timers.ts';
import { Truncation } from './truncation.ts';
import { UserCopy } from './user-copy.ts';
import { WaitQueues } from './wait-queue.ts';

/** What of the boot options concerns the state of RAM only. */
export interface InitialState {
  /** For the random generators: any number, to repeat a run, or RANDOM_KEY_WORDS words of the host's cryptographic source. */
  readonly seed: number | Uint32Array;
  /** Lowest level that is traced (trace/events.ts); Level.silent: none. */
  readonly traceLevel: number;
  readonly traceLossless: boolean;
}

/** The host never sleeps on a lock for longer: a worker that died without a report may hold it. */
const HOST_PATIENCE_MS = 10_000;

/** The host takes part without a CPU. */
const NO_CPU = { activate: () => undefined, flushAsid: () => undefined, flushCodeOf: () => undefined };

export class Kernel {
  readonly smpMap: SmpMap;
  readonly locks: Locks;
  readonly doorbells: Doorbells;
  readonly bell: HostBell;
  readonly shootdown: Shootdown;
  readonly calls: HartCalls;
  readonly clock: Clock;
  readonly random: Random;
  readonly power: Power;
  readonly trace: Tracer;
  readonly console: Console;
  readonly frames: Frames;
  readonly contents: Contents;
  readonly areas: Areas;
  readonly spaces: AddressSpaces;
  readonly mappings: Mappings;
  readonly copy: UserCopy;
  readonly remaps: Remaps;
  readonly residence: Residence;
  readonly truncation: Truncation;
  readonly args: Arguments;
  readonly loader: ProgramLoader;
  readonly timers: Timers;
  readonly scheduler: Scheduler;
  readonly waits: WaitQueues;
  readonly table: ProcessTable;
  readonly futexes: Futexes;
  readonly launches: Launches;
  readonly line: StartingLine;
  readonly spawner: Spawner;
  readonly exits: Exits;
  readonly credentials: Credentials;
  readonly infos: SignalInfos;
  readonly sender: SignalSender;
  readonly jobs: JobControl;
  readonly signals: Signals;
  readonly masks: SignalMasks;
  readonly delivery: SignalDelivery;
  readonly alarms: Alarms;
  readonly itimers: IntervalTimers;
  readonly posixTimers: PosixTimers;
  readonly children: ChildWaits;
  readonly exec: Exec;
  readonly files: OpenFiles;
  readonly descriptors: Descriptors;
  readonly terminal: TerminalAccess;
  readonly proc: ProcFileSystem;
  readonly polls: Polls;
  readonly consoleFiles: ConsoleFiles;
  readonly fs: MemoryFiles;
  readonly processFiles: ProcessFiles;
  readonly programs: ProgramFiles;
  /** The user's side of the running read or write. */
  readonly transfer: Transfer;
  /** What can be asked of its objects while nothing runs (oracles/). */
  readonly inspection = new Inspection();
  /** Seeded build only: whether accesses hold their guards. */
  readonly guards: Guards | undefined;
  /** SCRATCH_BYTES of RAM for this participant alone (scratch.ts). */
  readonly scratch: number;

  /**
   * @param hart number of the participant: a hart's, or `config.cpus` for the host
   * @param cpu the hart's CPU; undefined for the host
   */
  constructor(
    readonly ram: Ram,
    readonly config: MachineConfig,
    readonly map: MemoryMap,
    readonly hart: number,
    cpu?: Cpu,
  ) {
    const { limits } = map;
    this.smpMap = smpMapOf(config, map);
    this.scratch = map.scratch + hart * SCRATCH_BYTES;
    const patience = cpu === undefined ? HOST_PATIENCE_MS : Infinity;
    this.locks = new Locks(ram, this.smpMap.hartControl(hart), hart, patience);
    this.doorbells = new Doorbells(ram, this.smpMap);
    this.bell = new HostBell(ram, map.bootPage);
    this.shootdown = new Shootdown(ram, this.smpMap, this.doorbells, cpu ?? NO_CPU, hart, MAX_SPACES + 1);
    if (cpu !== undefined) cpu.onFence = () => this.shootdown.fenceCode();
    this.calls = new HartCalls(ram, this.smpMap, this.doorbells, this.locks, hart);
    this.clock = config.seeded
      ? new VirtualClock(ram, map.bootPage, new VirtualTime(ram, map.schedule))
      : new Clock(ram, map.bootPage);
    this.random = new Random(ram, map.random, hart);
    this.power = new Power(ram, map.bootPage, this.bell);
    this.trace = new Tracer(
      ram,
      map.traceRings + hart * map.traceRingStride,
      hart,
      this.clock,
      this.bell,
      cpu === undefined ? null : this.locks,
    );
    this.console = new Console(ram, map.console);
    this.frames = new Frames(ram, this.locks, map.frameCounts, map.low, map.high, map.participants, hart);
    this.contents = new Contents(ram, this.locks, this.frames, map.contents, limits.contents);
    this.areas = new Areas(ram, this.locks, this.contents, map.areas, limits.areas);
    this.spaces = new AddressSpaces(
      ram,
      this.locks,
      this.frames,
      this.areas,
      this.contents,
      { shoot: (tlb) => this.shoot(tlb, false), shootCode: (tlb) => this.shoot(tlb, true) },
      map.spaces,
      limits.spaces,
    );
    this.mappings = new Mappings(ram, this.locks, this.spaces);
    this.copy = new UserCopy(ram, this.locks, this.spaces);
    this.remaps = new Remaps(ram, this.locks, this.spaces, this.mappings);
    this.truncation = new Truncation(ram, this.locks, this.contents, this.spaces, this.mappings);
    this.residence = new Residence(ram, this.locks, this.spaces, this.mappings, this.copy);
    this.args = new Arguments(ram, this.frames, this.copy);
    this.loader = new ProgramLoader(ram, this.frames, this.mappings, this.copy, this.contents, this.args, map.trampoline);
    const alarms = Alarms.count(limits.processes, limits.posixTimers);
    this.timers = new Timers(ram, this.locks, map.timers, config.cpus, limits.threads + alarms, hart);
    this.scheduler = new Scheduler(ram, this.locks, this.doorbells, this.clock, this.trace, this.smpMap, map.scheduler, hart);
    this.calls.register(HartCall.Account, () => this.scheduler.chargeRunning());
    this.waits = new WaitQueues(ram, this.locks, this.timers, this.scheduler, this.trace);
    this.table = new ProcessTable(ram, this.locks, map.processTable, limits.processes, limits.threads);
    this.futexes = new Futexes(ram, this.locks, this.copy, this.waits, map.futexes);
    this.launches = new Launches(ram, map.launches);
    this.line = new StartingLine(ram, this.locks, this.waits, this.bell, map.line, limits.threads);
    this.files = new OpenFiles(ram, this.locks, map.openFiles, limits.openFiles);
    const tables = limits.processes + SPARE_TABLES;
    this.descriptors = new Descriptors(ram, this.locks, this.frames, this.files, map.descriptors, tables);
    this.polls = new Polls(ram, this.locks, this.files, this.descriptors, this.waits, map.polls, limits.pollEntries);
    this.transfer = new Transfer(ram, this.copy);
    this.credentials = new Credentials(ram, this.locks);
    const attention = new Attention(ram, this.locks, this.waits, this.scheduler);
    this.infos = new SignalInfos(ram, this.locks, map.signals, limits.signals, this.scratch + SIGNAL_SCRATCH);
    const queues = new SignalQueues(ram, this.infos);
    this.sender = new SignalSender(ram, this.locks, this.table.lock, this.infos, queues, attention, this.waits, this.trace);
    this.jobs = new JobControl(ram, this.locks, this.table, this.infos, this.sender, attention, this.waits);
    this.fs = new MemoryFiles(this);
    this.processFiles = new ProcessFiles(ram, this.locks, this.fs.inodes);
    this.programs = new ProgramFiles(ram, this.contents, this.fs.inodes, this.fs.paths, this.fs.permissions);
    this.spawner = new Spawner(
      ram,
      this.locks,
      this.table,
      this.spaces,
      new SpaceForks(ram, this.locks, this.spaces),
      this.copy,
      this.waits,
      this.scheduler,
      this.clock,
      this.trace,
      this.credentials,
      config.cpus,
    );
    this.exits = new Exits(
      ram,
      this.locks,
      this.table,
      this.spaces,
      this.descriptors,
      this.polls,
      this.copy,
      this.futexes,
      this.waits,
      this.scheduler,
      attention,
      queues,
      this.sender,
      this.jobs,
      this.shootdown,
      this.spawner,
      this.launches,
      this.bell,
      this.trace,
    );
    this.spawner.onFork((parent, child, flags) => this.descriptors.inherit(parent, child, (flags & Clone.Files) !== 0));
    this.spawner.onFork((parent, child) => this.processFiles.inherit(parent, child));
    this.exits.onProcessExit((process) => {
      this.descriptors.leave(process);
      this.processFiles.release(process);
    });
    this.signals = new Signals(ram, this.locks, this.table, this.infos, this.sender, this.credentials);
    const frames = new SignalFrames(ram, this.copy, this.scratch + STRUCT_SCRATCH);
    this.masks = new SignalMasks(ram, this.locks, this.infos, queues, this.sender, frames, this.waits);
    this.delivery = new SignalDelivery(
      ram,
      this.locks,
      this.infos,
      queues,
      this.sender,
      frames,
      this.jobs,
      this.exits,
      this.trace,
    );
    this.alarms = new Alarms(
      ram,
      this.locks,
      this.table,
      this.timers,
      this.infos,
      queues,
      this.sender,
      map.alarms,
      limits.processes,
      limits.posixTimers,
    );
    this.itimers = new IntervalTimers(ram, this.locks, this.table.lock, this.alarms, this.infos, this.sender);
    this.posixTimers = new PosixTimers(ram, this.locks, this.table.lock, this.alarms, this.infos);
    this.children = new ChildWaits(
      ram,
      this.locks,
      this.table,
      this.copy,
      this.waits,
      this.infos,
      this.scratch + STRUCT_SCRATCH,
    );
    this.exec = new Exec(
      ram,
      this.locks,
      this.table,
      this.spaces,
      this.descriptors,
      this.fs.paths,
      this.programs,
      this.processFiles,
      this.args,
      this.loader,
      this.random,
      this.waits,
      attention,
      this.credentials,
      this.spawner,
      this.shootdown,
      this.scratch,
    );
    this.terminal = new TerminalAccess(this);
    this.exits.onProcessExit((process) => {
      this.terminal.leaderLeaves(process);
    });
    this.spawner.onLaunch = (pid) => {
      this.terminal.give(pid);
    };
    this.consoleFiles = new ConsoleFiles(this, this.terminal);
    this.consoleFiles.openAsDevices(this.fs);
    this.proc = new ProcFileSystem(this);
    new ProcTexts(ram, this.contents, this.fs.inodes, this.files);
    this.connectSignals();
    countKernelObjects(this);
    describeKernelWaits(this.inspection, ram, this.futexes, this.console);
    if (SEEDED) this.guards = kernelGuards(this);
  }

  /** Writes what must lie in RAM before any kernel is constructed over it. By the host, once, first of all. */
  static prepare(ram: Ram, config: MachineConfig, map: MemoryMap, state: InitialState): void {
    const { bootPage } = map;
    BootPage.magic.set(ram, bootPage, BOOT_MAGIC);
    BootPage.version.set(ram, bootPage, BOOT_VERSION);
    BootPage.cpus.set(ram, bootPage, config.cpus);
    Clock.powerOn(ram, bootPage, config.seeded);
    initRandom(ram, map.random, map.participants, state.seed);
    for (let hart = 0; hart < map.participants; hart++) {
      const ring = map.traceRings + hart * map.traceRingStride;
      initTraceRing(ram, ring, config.traceRecords, state.traceLevel, state.traceLossless);
      HartControl.mode.store(ram, map.controls + hart * HartControl.SIZE, Mode.Off);
    }
    Console.init(ram, map.console);
  }

  /** Makes all tables empty and all locks free. By the host, once, before the first hart starts. */
  initialise(): void {
    this.frames.initialise();
    this.contents.initialise();
    this.areas.initialise();
    this.spaces.initialise();
    this.timers.initialise();
    this.scheduler.initialise();
    this.table.initialise();
    this.files.initialise();
    this.descriptors.initialise();
    this.infos.initialise();
    this.alarms.initialise();
    makeTrampoline(this.ram, this.contents, this.map.trampoline);
    this.polls.initialise();
    this.futexes.initialise();
    this.line.initialise();
    this.fs.initialise();
  }

  /** Who has to hear of what, of those that know nothing of each other. */
  private connectSignals(): void {
    this.sender.onContinued = (process, what) => this.jobs.tellContinuedLocked(process, what);
    const taken = (timer: number): void => this.alarms.taken(timer, this.clock.nowNs());
    this.masks.onTimerTaken = taken;
    this.delivery.onTimerTaken = taken;
    this.exec.onExecute = (process) => this.posixTimers.removeAll(process);
    this.exits.onProcessExit((process) => {
      this.posixTimers.removeAll(process);
      this.locks.acquire(this.table.lock);
      this.itimers.reapLocked(process);
      this.locks.release(this.table.lock);
    });
  }

  /** Ends all waits whose deadline on this hart has passed, and lets its alarms expire. */
  expire(now: number): void {
    const { timers } = this;
    for (let owner = timers.takeExpired(now); owner !== 0; owner = timers.takeExpired(now)) {
      const { sequence } = timers;
      if ((owner & ALARM) !== 0) this.alarms.expire(owner - ALARM, sequence, now);
      else this.waits.expire(owner, sequence);
    }
  }

  /** A thread of a process with timers of its CPU time has run: have they expired? */
  checkCpuTimers(process: number): void {
    this.locks.acquire(this.table.lock);
    this.itimers.checkCpuLocked(process);
    this.alarms.checkCpuLocked(process);
    this.locks.release(this.table.lock);
  }

  /** A shootdown, and the trace of it: the floor that carries it out knows no trace. */
  private shoot(tlb: number, code: boolean): void {
    if (this.trace.on) {
      const asid = Space.asid.get(this.ram, tlb - Space.tlb.offset);
      this.trace.emit(EventId.shootdown, 0, asid, this.spaces.batch.count, 0, 0);
    }
    if (code) this.shootdown.shootCode(tlb);
    else this.shootdown.shoot(tlb);
  }
}

/** Where the hart blocks are, by the map. */
export function smpMapOf(config: MachineConfig, map: MemoryMap): SmpMap {
  return new SmpMap(config.cpus, map.hartBlocks, map.controls);
}
