/*
 * What /proc tells of one process, taken in one moment under the tree lock; numbers only. What is read afterwards (its arguments, its
 * areas) is of a later moment, as on Linux.
 */

import type { Ram } from '../../core/ram.ts';
import { Space } from '../address-space.ts';
import { AreaSet } from '../areas.ts';
import type { ProcParts } from './proc-parts.ts';
import { Process, ProcessState, SIGACTION_BYTES, SIGNALS } from '../process.ts';
import { signalBit } from '../signal-numbers.ts';
import { DEFAULT_PRIORITY, Thread, ThreadState } from '../thread.ts';

/** TASK_COMM_LEN. */
const COMM_BYTES = 16;

/** One process. Times in nanoseconds. */
export interface ProcessPicture {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly name: string;
  /** R, S, T or Z. */
  readonly state: string;
  readonly threads: number;
  readonly nice: number;
  readonly hart: number;
  readonly cpuNs: number;
  readonly childrenNs: number;
  readonly startNs: number;
  /** Bytes that are mapped, and pages that are there. */
  readonly mappedBytes: number;
  readonly residentPages: number;
  readonly uids: readonly [number, number, number];
  readonly gids: readonly [number, number, number];
  readonly umask: number;
  readonly exitSignal: number;
  readonly status: number;
  /** Its terminal: 1 when it has the console as its controlling one, and the group in the foreground there. */
  readonly terminal: number;
  readonly foreground: number;
  /** Sets of signals: pending for the process and for its first thread, blocked by that, ignored, caught; each as [high, low]. */
  readonly sets: Readonly<Record<'shared' | 'pending' | 'blocked' | 'ignored' | 'caught', readonly [number, number]>>;
}

/** A picture of the process with this pid, or undefined when there is none. */
export function pictureOf(kernel: ProcParts, pid: number): ProcessPicture | undefined {
  const { locks, table } = kernel;
  locks.acquire(table.lock);
  const process = table.processLocked(pid);
  let picture: ProcessPicture | undefined;
  if (process !== 0) {
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    picture = describeLocked(kernel, process, threadsLocked(kernel, process));
    locks.release(lock);
  }
  locks.release(table.lock);
  return picture;
}

/** What its threads are: a process is as lively as its liveliest thread. */
interface ThreadsPicture {
  readonly count: number;
  readonly running: boolean;
  readonly cpuNs: number;
  /** Of the first. */
  readonly hart: number;
  readonly priority: number;
  readonly first: number;
}

function threadsLocked({ ram }: ProcParts, process: number): ThreadsPicture {
  let first = 0;
  let count = 0;
  let cpuNs = Process.endedNs.get(ram, process);
  let running = false;
  for (let thread = Process.threads.get(ram, process); thread !== 0; thread = Thread.siblingNext.get(ram, thread)) {
    // The list begins with the youngest.
    first = thread;
    count++;
    cpuNs += Thread.cpuNs.peek(ram, thread);
    const state = Thread.state.peek(ram, thread);
    running ||= state === ThreadState.Running || state === ThreadState.Ready;
  }
  return {
    count,
    running,
    cpuNs,
    hart: first === 0 ? 0 : Thread.hart.peek(ram, first),
    priority: first === 0 ? DEFAULT_PRIORITY : Thread.priority.peek(ram, first),
    first,
  };
}

function describeLocked(
  { ram, table: { groups }, console }: ProcParts,
  process: number,
  threads: ThreadsPicture,
): ProcessPicture {
  const zombie = Process.state.get(ram, process) === ProcessState.Zombie;
  const stopped = Process.stopped.get(ram, process) !== 0;
  const session = groups.sessionIdLocked(process);
  // Another hart may be replacing it this moment (execve): numbers only, and the slot stays.
  const space = Process.space.peek(ram, process);
  const { first } = threads;
  const ofFirst = (low: number, high: number): readonly [number, number] => (first === 0 ? [0, 0] : [high, low]);
  return {
    pid: Process.pid.get(ram, process),
    parent: Process.parentPid.peek(ram, process),
    group: groups.groupIdLocked(process),
    session,
    name: nameLocked(ram, process),
    state: zombie ? 'Z' : stopped ? 'T' : threads.running ? 'R' : 'S',
    threads: threads.count,
    nice: threads.priority - DEFAULT_PRIORITY,
    hart: threads.hart,
    cpuNs: threads.cpuNs,
    childrenNs: Process.childrenNs.get(ram, process),
    startNs: Process.startNs.get(ram, process),
    mappedBytes: space === 0 ? 0 : AreaSet.bytes.peek(ram, Space.areas.addr(space)),
    residentPages: space === 0 ? 0 : Space.residentPages.peek(ram, space),
    uids: [Process.uid.get(ram, process), Process.euid.get(ram, process), Process.suid.get(ram, process)],
    gids: [Process.gid.get(ram, process), Process.egid.get(ram, process), Process.sgid.get(ram, process)],
    umask: Process.umask.peek(ram, process),
    exitSignal: Process.exitSignal.peek(ram, process),
    status: zombie ? Process.status.peek(ram, process) : 0,
    terminal: console.sessionNow() === session ? 1 : 0,
    foreground: console.foregroundNow(),
    sets: {
      shared: [Process.pendingHigh.peek(ram, process), Process.pendingLow.peek(ram, process)],
      pending: first === 0 ? [0, 0] : ofFirst(Thread.pendingLow.peek(ram, first), Thread.pendingHigh.peek(ram, first)),
      blocked: first === 0 ? [0, 0] : ofFirst(Thread.blockedLow.peek(ram, first), Thread.blockedHigh.peek(ram, first)),
      ...actionsLocked(ram, process),
    },
  };
}

function nameLocked(ram: Ram, process: number): string {
  const bytes = ram.bytes(Process.name.addr(process), COMM_BYTES - 1);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

const SIG_IGN = 1;

/** Which signals a process ignores, and which it catches. */
function actionsLocked(ram: Ram, process: number): Record<'ignored' | 'caught', readonly [number, number]> {
  const ignored: [number, number] = [0, 0];
  const caught: [number, number] = [0, 0];
  for (let signal = 1; signal <= SIGNALS; signal++) {
    const handler = ram.getU64(Process.actions.addr(process) + (signal - 1) * SIGACTION_BYTES);
    if (handler === 0) continue;
    const set = handler === SIG_IGN ? ignored : caught;
    set[signal <= 32 ? 1 : 0] |= signalBit(signal);
  }
  return { ignored, caught };
}

/** All pids, in ascending order. */
export function allPids(kernel: ProcParts): number[] {
  const { ram, locks, table } = kernel;
  const pids: number[] = [];
  locks.acquire(table.lock);
  for (let i = 0; i < table.processes.count; i++) {
    if (!table.processes.isUsed(i)) continue;
    const process = table.processes.at(i);
    // A block that is being prepared has no state yet.
    const state = Process.state.peek(ram, process);
    if (state === ProcessState.Live || state === ProcessState.Zombie) pids.push(Process.pid.get(ram, process));
  }
  locks.release(table.lock);
  return pids.sort((a, b) => a - b);
}
