/*
 * Alarms: what a timer of setitimer (interval-timers.ts) and of timer_create (posix-timers.ts) have in common: being set, expiring, sending.
 *
 * Alarms by the clock are in the heap of the hart that has set them (timers.ts) and expire there; those by CPU time are looked at after each slice of
 * guest code of their process (`checkCpuLocked`). Waits know nothing of them.
 *
 * A periodic POSIX timer rests when it has expired, until its signal is taken: then it is set for the next time that has not passed yet, and the
 * signal tells how many have. So no timer sends more than a process takes. ITIMER_REAL goes on by itself, skipping what has passed.
 *
 * Locks: the tree lock for everything here, then the process's for its queues. All of it is gone when the process ends; execve ends POSIX timers.
 */

import type { Ram } from '../core/ram.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Alarm } from './alarm.ts';
import { threadCpuNs, processCpuNs } from './cpu-time.ts';
import { Process } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import { SigInfo, type SignalInfos } from './signal-info.ts';
import { Signal } from './signal-numbers.ts';
import type { SignalQueues } from './signal-queue.ts';
import type { SignalSender } from './signal-send.ts';
import { SlotPool } from './slots.ts';
import { Thread } from './thread.ts';
import { ALARM, type Timers } from './timers.ts';

/** Clocks that measure a process or a thread. */
export const CPU_CLOCK = { Process: 2, Thread: 3 } as const;

const INT_MAX = 0x7fff_ffff;

export class Alarms {
  /** What was left of a timer before it was changed, and its interval: of the last call. */
  remaining = 0;
  interval = 0;
  private readonly pool: SlotPool;

  /**
   * @param base region of `bytes(…)` bytes
   * @param processes each may have one that setitimer has set
   */
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly table: ProcessTable,
    private readonly timers: Timers,
    private readonly infos: SignalInfos,
    private readonly queues: SignalQueues,
    private readonly sender: SignalSender,
    base: number,
    processes: number,
    /** How many others there may be. */
    readonly posix: number,
  ) {
    const count = Alarms.count(processes, posix);
    this.pool = new SlotPool(ram, locks, base, { name: 'alarm', count, size: Alarm.SIZE, layout: Alarm, order: 'lifo' });
  }

  static count(processes: number, posix: number): number {
    return processes + posix;
  }

  static bytes(processes: number, posix: number): number {
    return SlotPool.bytes(Alarms.count(processes, posix), Alarm.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
  }

  inUse(): number {
    return this.pool.inUse();
  }

  /** The deadline `sequence` of an alarm has passed: sends its signal, unless it has been set otherwise meanwhile. */
  expire(alarm: number, sequence: number, now: number): void {
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    if (Alarm.sequence.load(ram, alarm) === sequence && Alarm.deadline.get(ram, alarm) !== 0) this.fireLocked(alarm, now);
    locks.release(this.table.lock);
  }

  /** POSIX timers of a process that measure CPU time: have they expired? */
  checkCpuLocked(process: number): void {
    const { ram } = this;
    for (let alarm = Process.timers.get(ram, process); alarm !== 0; alarm = Alarm.next.get(ram, alarm)) {
      const deadline = Alarm.deadline.get(ram, alarm);
      if (!this.isCpu(alarm) || deadline === 0 || Alarm.resting.get(ram, alarm) !== 0) continue;
      const time = this.timeLocked(alarm, 0);
      if (time >= deadline) this.fireLocked(alarm, time);
    }
  }

  /** The signal of a POSIX timer has been taken, it stands in the draft: tells how often it has expired, and sets it for the next time. */
  taken(alarm: number, now: number): void {
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    const time = this.timeLocked(alarm, now);
    let missed = Alarm.missed.get(ram, alarm);
    Alarm.missed.set(ram, alarm, 0);
    if (Alarm.resting.get(ram, alarm) !== 0) {
      const deadline = Alarm.deadline.get(ram, alarm);
      const interval = Alarm.interval.get(ram, alarm);
      const following = nextTime(deadline, interval, time);
      missed += Math.round((following - deadline) / interval) - 1;
      this.setLocked(alarm, following, interval);
    }
    const overrun = Math.min(INT_MAX, missed);
    Alarm.overrun.set(ram, alarm, overrun);
    this.infos.setOverrun(overrun);
    locks.release(this.table.lock);
  }

  private fireLocked(alarm: number, time: number): void {
    const { ram } = this;
    const deadline = Alarm.deadline.get(ram, alarm);
    const interval = Alarm.interval.get(ram, alarm);
    const process = Alarm.process.get(ram, alarm);
    const info = Alarm.info.get(ram, alarm);
    if (info === 0) {
      this.setLocked(alarm, interval === 0 ? 0 : nextTime(deadline, interval, time), interval);
      this.infos.fromKernel(Signal.ALRM);
      this.sender.sendLocked(process, 0);
      return;
    }
    if (Alarm.silent.get(ram, alarm) !== 0) {
      this.setLocked(alarm, interval === 0 ? 0 : nextTime(deadline, interval, time), interval);
      return;
    }
    if (!this.sendLocked(process, alarm, info)) {
      // Nobody will take it, because it is ignored: goes on at once.
      this.setLocked(alarm, interval === 0 ? 0 : nextTime(deadline, interval, time), interval);
    } else if (interval === 0) {
      this.setLocked(alarm, 0, 0);
    } else {
      Alarm.resting.set(ram, alarm, 1);
    }
  }

  /** Sends an alarm's signal, or counts it when it is still queued. False: it was not queued. */
  private sendLocked(process: number, alarm: number, info: number): boolean {
    const { ram, locks } = this;
    const lock = Process.lock.addr(process);
    const tid = Alarm.tid.get(ram, alarm);
    let thread = 0;
    if (tid !== 0) {
      thread = this.table.threadLocked(tid);
      if (thread === 0 || Thread.process.get(ram, thread) !== process) return false;
    }
    locks.acquire(lock);
    const queued = SigInfo.queued.get(ram, info) !== 0;
    locks.release(lock);
    if (queued) {
      Alarm.missed.set(ram, alarm, Alarm.missed.get(ram, alarm) + 1);
      return true;
    }
    this.infos.fromTimer(Alarm.signal.get(ram, alarm), Alarm.id.get(ram, alarm), Alarm.value.addr(alarm));
    this.sender.sendLocked(process, thread, info);
    locks.acquire(lock);
    const sent = SigInfo.queued.get(ram, info) !== 0;
    locks.release(lock);
    return sent;
  }

  /** Sets an alarm (`deadline` 0: off), by its clock. */
  setLocked(alarm: number, deadline: number, interval: number): void {
    const { ram, timers } = this;
    const process = Alarm.process.get(ram, alarm);
    const sequence = (Alarm.sequence.peek(ram, alarm) + 1) >>> 0;
    const cpu = this.isCpu(alarm);
    if (cpu) this.countCpuLocked(process, Alarm.deadline.get(ram, alarm) !== 0, deadline !== 0);
    else timers.disarm(alarm + ALARM);
    Alarm.sequence.put(ram, alarm, sequence);
    Alarm.deadline.set(ram, alarm, deadline);
    Alarm.interval.set(ram, alarm, interval);
    Alarm.resting.set(ram, alarm, 0);
    if (deadline !== 0 && !cpu) timers.arm(alarm + ALARM, sequence, deadline);
  }

  /** Takes an alarm and what it has back. */
  deleteLocked(process: number, alarm: number): void {
    const { ram, locks } = this;
    this.setLocked(alarm, 0, 0);
    const info = Alarm.info.get(ram, alarm);
    if (info !== 0) {
      const lock = Process.lock.addr(process);
      locks.acquire(lock);
      this.queues.withdrawLocked(process, info);
      this.infos.freeLocked(process, info);
      locks.release(lock);
    }
    if (SEEDED) this.pool.claim(alarm);
    this.pool.free(alarm);
  }

  /** An alarm of a process that is not set. There is one for each process always. */
  allocLocked(process: number): number {
    const { ram } = this;
    const alarm = this.pool.allocAlways();
    const sequence = Alarm.sequence.load(ram, alarm);
    ram.fill(alarm, Alarm.SIZE);
    Alarm.sequence.store(ram, alarm, sequence);
    Alarm.process.set(ram, alarm, process);
    Alarm.clock.set(ram, alarm, 1);
    if (SEEDED) this.pool.publish(alarm);
    return alarm;
  }

  /** Notes what an alarm has left, in `remaining` and `interval`. */
  noteLocked(alarm: number, now: number): void {
    const { ram } = this;
    let deadline = Alarm.deadline.get(ram, alarm);
    const interval = Alarm.interval.get(ram, alarm);
    this.interval = interval;
    this.remaining = 0;
    if (deadline === 0) return;
    const time = this.timeLocked(alarm, now);
    if (interval !== 0 && deadline <= time) deadline = nextTime(deadline, interval, time);
    // One that is due is still to expire.
    this.remaining = Math.max(1, deadline - time);
  }

  /** The time by the alarm's clock. */
  timeLocked(alarm: number, now: number): number {
    const { ram } = this;
    if (!this.isCpu(alarm)) return now;
    const measured = Alarm.measuredTid.get(ram, alarm);
    if (measured === 0) return this.processNs(Alarm.process.get(ram, alarm));
    const thread = this.table.threadLocked(measured);
    return thread === 0 ? 0 : threadCpuNs(ram, thread);
  }

  private isCpu(alarm: number): boolean {
    const clock = Alarm.clock.get(this.ram, alarm);
    return clock === CPU_CLOCK.Process || clock === CPU_CLOCK.Thread;
  }

  /** CPU time of a process. */
  processNs(process: number): number {
    return processCpuNs(this.ram, this.locks, process);
  }

  /** A timer of the process's CPU time is set or not, and was. */
  countCpuLocked(process: number, before: boolean, after: boolean): void {
    if (before !== after) Process.cpuTimers.add(this.ram, process, after ? 1 : -1);
  }
}

/** The first of the times deadline + n × interval, n > 0, that has not come at `time`. */
export function nextTime(deadline: number, interval: number, time: number): number {
  return deadline + interval * Math.max(1, Math.floor((time - deadline) / interval) + 1);
}
