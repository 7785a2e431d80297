/*
 * The machine family (0x5000): processes, harts and objects in use, trace marks, power, the starting line.
 */

import { HartBlock } from '../core/hart-block.ts';
import type { Ports } from '../ipc/port.ts';
import { HartCall } from '../smp/hart-calls.ts';
import { HartControl, Mode } from '../smp/hart-control.ts';
import { EventId } from '../trace/index.ts';
import { E } from '../kernel/errno.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Process, ProcessState as LifeState } from '../kernel/process.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';
import { Thread, ThreadState } from '../kernel/thread.ts';
import { HartState, HbHart, HbProcess, HbStats, LineFlag, PROCESS_NAME_BYTES, ProcessState } from './abi.ts';
import type { Call } from './call.ts';

export function processes(call: Call): number {
  const { ram, locks, table, copy, scratch } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  const room = call.size(1);
  const found: number[] = [];
  bringAccountsUpToDate(call.kernel);
  locks.acquire(table.lock);
  for (let i = 0; i < table.processes.count; i++) {
    const process = table.processes.at(i);
    if (table.processes.isUsed(i) && Process.state.get(ram, process) !== LifeState.Free)
      found.push(Process.pid.get(ram, process));
  }
  locks.release(table.lock);
  found.sort((a, b) => a - b);
  let filled = 0;
  for (const pid of found) {
    // Not under one lock: copying to the user may have to wait for memory. What has ended meanwhile is left out.
    if (!describeProcess(call.kernel, pid, at)) continue;
    if (filled < room) {
      const error = copy.copyOut(call.space, call.size(0) + filled * HbProcess.SIZE, at, HbProcess.SIZE);
      if (error !== 0) return error;
    }
    filled++;
  }
  return filled;
}

function describeProcess(kernel: Kernel, pid: number, at: number): boolean {
  const { ram, locks, table } = kernel;
  locks.acquire(table.lock);
  const process = table.processLocked(pid);
  if (process !== 0) {
    ram.fill(at, HbProcess.SIZE);
    HbProcess.pid.set(ram, at, pid);
    HbProcess.ppid.set(ram, at, Process.parentPid.peek(ram, process));
    describeThreads(kernel, process, at);
    ram.copy(HbProcess.name.addr(at), Process.name.addr(process), PROCESS_NAME_BYTES);
  }
  locks.release(table.lock);
  return process !== 0;
}

/** What a process is while none of its threads is ready to run. */
function restingState({ ram }: Kernel, process: number): number {
  if (Process.state.get(ram, process) === LifeState.Zombie) return ProcessState.HB_ZOMBIE;
  return Process.stopped.get(ram, process) !== 0 ? ProcessState.HB_STOPPED : ProcessState.HB_BLOCKED;
}

/** A process is as lively as its liveliest thread: running before ready before blocked. */
function describeThreads(kernel: Kernel, process: number, at: number): void {
  const { ram, locks } = kernel;
  const lock = Process.lock.addr(process);
  locks.acquire(lock);
  let state: number = restingState(kernel, process);
  let used = Process.endedNs.get(ram, process);
  for (let thread = Process.threads.get(ram, process); thread !== 0; thread = Thread.siblingNext.get(ram, thread)) {
    // As it is: a thread that runs has brought it up to date a moment ago.
    used += Thread.cpuNs.peek(ram, thread);
    const threadState = Thread.state.load(ram, thread);
    const better =
      threadState === ThreadState.Running || (threadState === ThreadState.Ready && state !== ProcessState.HB_RUNNING);
    if (better) state = threadState === ThreadState.Running ? ProcessState.HB_RUNNING : ProcessState.HB_READY;
    if (better || HbProcess.threads.get(ram, at) === 0) {
      HbProcess.hart.set(ram, at, Thread.hart.load(ram, thread));
      HbProcess.priority.set(ram, at, Thread.priority.load(ram, thread));
    }
    HbProcess.threads.set(ram, at, HbProcess.threads.get(ram, at) + 1);
  }
  locks.release(lock);
  HbProcess.state.set(ram, at, state);
  HbProcess.cpuNs.set(ram, at, Math.floor(used));
}

/** Has every hart that runs something account for it up to now, so that what is reported is exact. */
function bringAccountsUpToDate(kernel: Kernel): void {
  const { ram, smpMap, config, calls } = kernel;
  const busy = [0, 0];
  for (let hart = 0; hart < config.cpus; hart++) {
    // A hint: who has nothing to account for does nothing.
    if (HartControl.thread.peek(ram, smpMap.hartControl(hart)) !== 0) busy[hart >>> 5]! |= 1 << (hart & 31);
  }
  calls.run(HartCall.Account, busy[0]!, busy[1]!);
}

export function harts(call: Call): number {
  const { config, copy, scratch } = call.kernel;
  bringAccountsUpToDate(call.kernel);
  const at = scratch + STRUCT_SCRATCH;
  const room = call.size(1);
  for (let hart = 0; hart < config.cpus && hart < room; hart++) {
    describeHart(call.kernel, hart, at);
    const error = copy.copyOut(call.space, call.size(0) + hart * HbHart.SIZE, at, HbHart.SIZE);
    if (error !== 0) return error;
  }
  return config.cpus;
}

/** Writes an HbHart at kernel address `at`. Other harts' counters are read as they are, without a lock. */
export function describeHart(kernel: Kernel, hart: number, at: number): void {
  const { ram, smpMap, scheduler, clock, locks, table } = kernel;
  const control = smpMap.hartControl(hart);
  const block = smpMap.hartBlock(hart);
  const mode = HartControl.mode.load(ram, control);
  ram.fill(at, HbHart.SIZE);
  HbHart.hart.set(ram, at, hart);
  const idle = scheduler.isIdle(hart);
  const kernelState = idle ? HartState.HB_HART_IDLE : HartState.HB_HART_KERNEL;
  HbHart.state.set(ram, at, mode === Mode.Guest ? HartState.HB_HART_GUEST : kernelState);
  // A thread that is about to end is freed under this lock only.
  locks.acquire(table.lock);
  const thread = HartControl.thread.peek(ram, control);
  HbHart.pid.set(ram, at, thread === 0 ? 0 : Process.pid.get(ram, Thread.process.get(ram, thread)));
  locks.release(table.lock);
  HbHart.queued.set(ram, at, scheduler.queueLength(hart));
  const busy = Math.floor(HartControl.busyNs.peek(ram, control));
  const accounted = busy + Math.floor(HartControl.idleNs.peek(ram, control));
  HbHart.busyNs.set(ram, at, busy);
  // A parked hart accounts its idleness when it wakes.
  HbHart.idleNs.set(ram, at, Math.max(accounted, idle ? clock.nowNs() : accounted) - busy);
  HbHart.instructions.set(ram, at, HartBlock.instret.peek(ram, block));
  HbHart.switches.set(ram, at, HartControl.switches.peek(ram, control));
  HbHart.syscalls.set(ram, at, HartControl.syscalls.peek(ram, control));
  HbHart.interrupts.set(ram, at, HartControl.interrupts.peek(ram, control));
  HbHart.steals.set(ram, at, HartControl.steals.peek(ram, control));
  HbHart.tlbMisses.set(ram, at, HartBlock.tlbMisses.peek(ram, block));
}

export function stats(call: Call): number {
  const { copy, scratch } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  const bytes = Math.min(call.size(1), HbStats.SIZE);
  describeObjects(call.kernel, call.ports, at);
  const error = copy.copyOut(call.space, call.size(0), at, bytes);
  return error !== 0 ? error : bytes;
}

/** Writes an HbStats at kernel address `at`: what is in use, exact while nothing changes. */
export function describeObjects(kernel: Kernel, ports: Ports, at: number): void {
  const { ram, frames, table, spaces, areas, timers } = kernel;
  HbStats.framesTotal.set(ram, at, frames.total);
  HbStats.framesFree.set(ram, at, frames.freeCount());
  HbStats.processes.set(ram, at, table.processes.inUse());
  HbStats.threads.set(ram, at, table.threads.inUse());
  HbStats.spaces.set(ram, at, spaces.inUse());
  HbStats.areas.set(ram, at, areas.inUse());
  HbStats.ports.set(ram, at, ports.table.inUse());
  HbStats.timers.set(ram, at, timers.armed());
  HbStats.messagesQueued.set(ram, at, ports.messagesQueued());
}

export function traceMark(call: Call): number {
  const { ram, trace } = call.kernel;
  if (trace.on) {
    // By halves: a mark may have more bits than a number holds.
    trace.emit(EventId.mark, Thread.tid.get(ram, call.thread), call.u32(0), call.high(0), call.u32(1), call.high(1));
  }
  return 0;
}

export function powerOff(call: Call): number {
  const status = call.i32(0);
  if (status < 0 || status > 255) return -E.INVAL;
  call.kernel.power.off(status);
  return 0;
}

export function arrive(call: Call): number {
  const count = call.u32(0);
  const aside = (count & LineFlag.HB_LINE_ASIDE) !== 0;
  return call.kernel.line.arrive(call.thread, (count & ~LineFlag.HB_LINE_ASIDE) >>> 0, aside);
}
