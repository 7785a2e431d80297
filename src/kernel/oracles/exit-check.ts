/*
 * What must be true of a thread and of a process at its end: it holds nothing any more. Seeded build only.
 */

import type { Ram } from '../../core/ram.ts';
import { KernelPanic } from '../../smp/panic.ts';
import { FAMILIES, Process } from '../process.ts';
import { Thread } from '../thread.ts';
import { WaitQueue } from '../wait.ts';

/** The thread is on no queue and has no deadline: panics otherwise. Before its slot is freed. */
export function assertNotWaiting(ram: Ram, thread: number): void {
  const name = `thread ${String(Thread.tid.get(ram, thread))}`;
  if (Thread.waitGuard.peek(ram, thread) !== 0) throw new KernelPanic(`${name} ends while it waits for something`);
  if (Thread.heldFile.peek(ram, thread) !== 0) throw new KernelPanic(`${name} ends while it holds an open file`);
  if (Thread.polls.peek(ram, thread) !== 0) throw new KernelPanic(`${name} ends while it polls`);
  const timerHart = Thread.timerHart.peek(ram, thread);
  if (timerHart !== 0) throw new KernelPanic(`${name} ends while hart ${String(timerHart - 1)} has a deadline for it`);
}

/**
 * The process has given back what it held, its IPC objects and threads, and nobody waits at it: panics otherwise. Before it becomes a
 * zombie, while this hart alone has it.
 */
export function assertNothingHeld(ram: Ram, process: number): void {
  const held: string[] = [];
  const threads = Process.threadCount.get(ram, process);
  if (threads !== 0 || Process.threads.get(ram, process) !== 0) held.push(`${String(threads)} threads`);
  if (Process.space.get(ram, process) !== 0) held.push('an address space');
  if (Process.files.get(ram, process) !== 0) held.push('a descriptor table');
  const infos = Process.infoCount.get(ram, process);
  if (infos !== 0) held.push(`${String(infos)} pending signals`);
  if (Process.timers.peek(ram, process) !== 0 || Process.alarm.peek(ram, process) !== 0) held.push('timers');
  if (Process.cwd.get(ram, process) !== 0) held.push('a working directory');
  if (Process.program.get(ram, process) !== 0) held.push('a program');
  for (let family = 0; family < FAMILIES; family++) {
    if (Process.owned.peek(ram, process, family) !== 0) held.push(`objects of IPC family ${String(family)}`);
  }
  for (const queue of [Process.alone, Process.childWaiters, Process.vfork, Process.parked, Process.signalWaiters]) {
    if (WaitQueue.head.peek(ram, queue.addr(process)) !== 0) held.push(`threads that wait (${queue.name})`);
  }
  if (held.length > 0)
    throw new KernelPanic(`process ${String(Process.pid.get(ram, process))} ends and still has ${held.join(', ')}`);
}
