/*
 * CPU time that processes and threads have used, nanoseconds: exact for what the asking hart runs (if it has just been charged for), up to the last
 * slice for what runs elsewhere.
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Process } from './process.ts';
import { Thread } from './thread.ts';

/** Of a thread that cannot end meanwhile. */
export function threadCpuNs(ram: Ram, thread: number): number {
  // Its hart alone changes it; a value of a moment ago will do.
  return Thread.cpuNs.peek(ram, thread);
}

/** Of all threads of a process, those that have ended included. Takes the process's lock. */
export function processCpuNs(ram: Ram, locks: Locks, process: number): number {
  const lock = Process.lock.addr(process);
  locks.acquire(lock);
  let sum = Process.endedNs.get(ram, process);
  for (let thread = Process.threads.get(ram, process); thread !== 0; thread = Thread.siblingNext.get(ram, thread))
    sum += threadCpuNs(ram, thread);
  locks.release(lock);
  return sum;
}
