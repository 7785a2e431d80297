/*
 * A machine without harts: one RAM, a kernel for each hart that there would be and one for the host. A test plays the harts: it picks
 * threads, makes their system calls and decides in which order.
 *
 * Programs are not run: a thread is a block whose registers the test sets. Every process has PAGES writable pages of memory at DATA.
 */

import { Context, xOffset } from '../../src/core/context.ts';
import { PAGE_SIZE, Ram } from '../../src/core/ram.ts';
import { openConsole } from '../../src/kernel/program-start.ts';
import { DEFAULT_CONFIG, type MachineConfig } from '../../src/kernel/config.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { planMemory } from '../../src/kernel/memory-map.ts';
import { MapFlag, Prot } from '../../src/kernel/mman.ts';
import { Process } from '../../src/kernel/process.ts';
import { BLOCKED, FIRST_RESTART, LEAST_RESTART } from '../../src/kernel/result.ts';
import { Thread, ThreadFlag, ThreadState } from '../../src/kernel/thread.ts';
import { familyRegions, SystemCalls } from '../../src/syscalls/door.ts';
import { Level } from '../../src/trace/index.ts';

export const DATA = 0x10000;
export const PAGES = 4;
/** Below every process's memory: not mapped. */
export const BAD_POINTER = 0x1000;

const MIB = 1024 * 1024;
const PC = 0x4000;

/** Memory is used again by the next machine of the same size: a shared memory reserves a lot of address space. */
let spare: Ram | undefined;

/** What a test knows of a process it has started. */
export interface Started {
  readonly process: number;
  readonly thread: number;
  readonly pid: number;
  readonly space: number;
}

export class KernelBench {
  readonly ram: Ram;
  readonly host: Kernel;
  readonly harts: readonly Kernel[];
  readonly doors: readonly SystemCalls[];
  readonly config: MachineConfig;

  constructor(options: Partial<MachineConfig> = {}) {
    this.config = { ...DEFAULT_CONFIG, cpus: 2, memoryBytes: 16 * MIB, traceRecords: 64, ...options };
    const { config } = this;
    const map = planMemory(config, familyRegions(config));
    if (spare === undefined || spare.u8.length < map.bytes) spare = Ram.allocate(map.bytes);
    else spare.fill(0, map.bytes);
    this.ram = spare;
    Kernel.prepare(this.ram, config, map, { seed: 1, traceLevel: Level.silent, traceLossless: false });
    this.host = new Kernel(this.ram, config, map, config.cpus);
    this.host.initialise();
    new SystemCalls(this.host).initialise();
    this.harts = Array.from({ length: config.cpus }, (_, hart) => new Kernel(this.ram, config, map, hart));
    this.doors = this.harts.map((kernel) => new SystemCalls(kernel));
    for (const kernel of this.harts) kernel.scheduler.start();
  }

  /** A process with one thread, in the hands of `hart`: Running. */
  start(hart = 0): Started {
    const started = this.startReady();
    this.take(started.thread, hart);
    return started;
  }

  /** A process with one thread that is still queued. */
  startReady(): Started {
    const { host, ram } = this;
    const space = host.spaces.create();
    host.mappings.map(
      space,
      DATA,
      PAGES * PAGE_SIZE,
      Prot.Read | Prot.Write,
      MapFlag.Private | MapFlag.Anonymous | MapFlag.Fixed,
    );
    const pid = host.spawner.launch(space, openConsole(host), PC, 0, host.scratch);
    if (pid < 0) throw new Error(`no process: ${String(pid)}`);
    const process = this.processOf(pid);
    return { process, thread: Process.threads.get(ram, process), pid, space };
  }

  /** Another thread of the process, in the hands of `hart`. */
  addThread(of: Started, hart = 0): number {
    const request = { flags: 0, stack: 0, tls: 0, parentTid: 0, childSetTid: 0, childClearTid: 0, exitSignal: 17 };
    const tid = this.harts[hart]!.spawner.cloneThread(of.thread, request);
    if (tid < 0) throw new Error(`no thread: ${String(tid)}`);
    const thread = this.threadOf(tid);
    this.take(thread, hart);
    return thread;
  }

  /** Picks threads on `hart` until it is this one's turn; the others are queued again. */
  take(thread: number, hart: number): void {
    const { scheduler } = this.harts[hart]!;
    const others: number[] = [];
    for (let picked = scheduler.pick(); picked !== thread; picked = scheduler.pick()) {
      if (picked === 0) throw new Error('the thread is not ready');
      others.push(picked);
    }
    for (const other of others) scheduler.yield(other);
    // Its system call is made again by the test.
    Thread.flags.and(this.ram, thread, ~ThreadFlag.Rerun);
    Thread.state.store(this.ram, thread, ThreadState.Running);
    Thread.hart.store(this.ram, thread, hart);
  }

  /** Makes the thread's system call on `hart`, as the hart loop does; returns what the handler returns. */
  call(hart: number, thread: number, number: number, ...args: number[]): number {
    const { ram } = this;
    for (let i = 0; i < 6; i++) ram.setU64(thread + xOffset(10 + i), args[i] ?? 0);
    ram.setU64(thread + xOffset(17), number);
    Context.pc.set(ram, thread, PC + 4);
    const result = this.doors[hart]!.call(thread);
    if (isRestart(result)) {
      Thread.restart.set(ram, thread, result);
      Thread.flags.or(ram, thread, ThreadFlag.Restart);
    } else if (result > BLOCKED) ram.setU64(thread + xOffset(10), result);
    if (this.harts[hart]!.locks.held !== 0) throw new Error('a lock is held after a system call');
    return result;
  }

  /** a0: what the last system call of a thread that waited has returned. */
  resultOf(thread: number): number {
    return this.ram.getI64(thread + xOffset(10));
  }

  stateOf(thread: number): number {
    return Thread.state.load(this.ram, thread);
  }

  /** Whether the thread is to make its last system call again. */
  isRewound(thread: number): boolean {
    return (Thread.flags.load(this.ram, thread) & ThreadFlag.Rerun) !== 0;
  }

  processOf(pid: number): number {
    return this.locked(() => this.host.table.processLocked(pid));
  }

  threadOf(tid: number): number {
    return this.locked(() => this.host.table.threadLocked(tid));
  }

  /** Writes a word of user memory. */
  poke(space: number, address: number, value: number): void {
    this.host.copy.writeU32(space, address, value);
  }

  /** Reads a word of user memory. */
  peek(space: number, address: number): number {
    if (this.host.copy.readU32(space, address) !== 0) throw new Error('a bad address');
    return this.host.copy.value;
  }

  /** Everything that can leak. */
  inUse(): Readonly<Record<string, number>> {
    const { host } = this;
    return {
      frames: host.frames.total - host.frames.freeCount(),
      processes: host.table.processes.inUse(),
      threads: host.table.threads.inUse(),
      spaces: host.spaces.inUse(),
      areas: host.areas.inUse(),
      timers: host.timers.armed(),
      ports: this.doors[0]!.ports.table.inUse(),
    };
  }

  private locked<T>(action: () => T): T {
    const { locks, table } = this.host;
    locks.acquire(table.lock);
    const result = action();
    locks.release(table.lock);
    return result;
  }
}

function isRestart(result: number): boolean {
  return result <= FIRST_RESTART && result >= LEAST_RESTART;
}
