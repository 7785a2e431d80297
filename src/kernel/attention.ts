/*
 * How a thread is made to look at its flags: whatever it does, it does so before its next guest instruction.
 *
 * A thread that waits has its wait ended (if it is one that a signal may end), one that runs on another hart is interrupted there. The order is
 * always: set the flag, then look whether it waits or runs. Whoever goes to sleep or begins to run stores that first and looks at its
 * flags afterwards (wait-queue.ts, Scheduler.pick), so one of both sees the other.
 *
 * Callers hold the tree lock and that of the process: a wait may be under either, and ending it would need them out of order.
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Process, ProcessFlag } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import { Thread, ThreadFlag, ThreadState } from './thread.ts';
import type { WaitQueues } from './wait-queue.ts';

export class Attention {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly waits: WaitQueues,
    private readonly scheduler: Scheduler,
  ) {}

  /** Sets a flag (ThreadFlag.Signal or Stop) of a thread and has it look at it. */
  notifyLocked(thread: number, flag: number): void {
    Thread.flags.or(this.ram, thread, flag);
    this.waits.disturb(thread);
    this.interruptLocked(thread);
  }

  /** Makes the threads of a process end but for one. */
  killThreadsLocked(process: number, except: number): void {
    const { ram } = this;
    for (let thread = Process.threads.get(ram, process); thread !== 0; thread = Thread.siblingNext.get(ram, thread)) {
      if (thread === except) continue;
      Thread.flags.or(ram, thread, ThreadFlag.Killed);
      this.waits.interrupt(thread);
      this.interruptLocked(thread);
    }
  }

  /**
   * Makes all threads of a process end; the last to go ends the process. The first status counts. The caller holds the tree lock.
   *
   * @param except a thread that ends by itself, or 0
   */
  killLocked(process: number, status: number, except: number): void {
    const lock = Process.lock.addr(process);
    this.locks.acquire(lock);
    this.killProcessLocked(process, status, except);
    this.locks.release(lock);
  }

  /** The same for a caller that holds both locks already. */
  killProcessLocked(process: number, status: number, except: number): void {
    const { ram } = this;
    if ((Process.flags.or(ram, process, ProcessFlag.Exiting) & ProcessFlag.Exiting) === 0)
      Process.status.set(ram, process, status);
    Process.stopCount.set(ram, process, 0);
    Process.stopped.set(ram, process, 0);
    this.killThreadsLocked(process, except);
  }

  /** This hart's own thread looks anyway. */
  private interruptLocked(thread: number): void {
    const { ram, scheduler } = this;
    if (Thread.state.load(ram, thread) !== ThreadState.Running) return;
    const hart = Thread.hart.load(ram, thread);
    if (hart !== scheduler.hart) scheduler.interrupt(hart);
  }
}
