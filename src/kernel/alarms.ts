/*
 * Alarms: setitimer(2), timer_create(2) and its relatives.
 *
 * Alarms by the clock are in the heap of the hart that has set them (timers.ts) and expire there; those by CPU time are looked at after each slice of
 * guest code of their process (`checkCpu`). Waits know nothing of them.
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
import { E } from './errno.ts';
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

/** Interval timers (setitimer). */
export const Itimer = { Real: 0, Virtual: 1, Prof: 2 } as const;

const INT_MAX = 0x7fff_ffff;

/** What timer_create wants. */
export interface TimerRequest {
  readonly clock: number;
  readonly signal: number;
  readonly silent: boolean;
  /** The thread that the signal is for, or 0. */
  readonly tid: number;
  /** Kernel address of the signal's 8 bytes of value; 0: the timer's number. */
  readonly value: number;
}

export class Alarms {
  /** What was left of a timer before it was changed, and its interval: of the last call. */
  remaining = 0;
  interval = 0;
  private readonly pool: SlotPool;

  /**
   * @param base region of `bytes(…)` bytes
   * @param processes each may have one that setitimer has set
   * @param posix how many others there may be
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
    private readonly posix: number,
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

  // --- setitimer ------------------------------------------------------------------------------------------------------------------

  /** Sets an interval timer (`value` 0: off), nanoseconds from `now`; `remaining` and `interval` tell what it was. */
  setItimer(process: number, which: number, now: number, value: number, interval: number): void {
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    this.noteItimerLocked(process, which, now);
    const every = value === 0 ? 0 : interval;
    if (which === Itimer.Real) {
      let alarm = Process.alarm.get(ram, process);
      if (alarm === 0 && value !== 0) {
        alarm = this.allocLocked(process);
        Alarm.signal.set(ram, alarm, Signal.ALRM);
        Process.alarm.set(ram, process, alarm);
      }
      if (alarm !== 0) this.setLocked(alarm, value === 0 ? 0 : now + value, every);
    } else {
      const { at, period } = cpuTimer(which);
      this.countCpuLocked(process, at.get(ram, process) !== 0, value !== 0);
      at.set(ram, process, value === 0 ? 0 : this.processNs(process) + value);
      period.set(ram, process, every);
    }
    locks.release(this.table.lock);
  }

  /** What an interval timer has left, in `remaining` and `interval`. */
  getItimer(process: number, which: number, now: number): void {
    this.locks.acquire(this.table.lock);
    this.noteItimerLocked(process, which, now);
    this.locks.release(this.table.lock);
  }

  // --- POSIX timers ---------------------------------------------------------------------------------------------------------------

  /** timer_create(2): the timer's number, or -EAGAIN. The caller has checked everything else. */
  create(thread: number, request: TimerRequest): number {
    const { ram, locks } = this;
    const process = Thread.process.get(ram, thread);
    const lock = Process.lock.addr(process);
    locks.acquire(this.table.lock);
    locks.acquire(lock);
    const info = this.pool.inUse() < this.posix ? this.infos.allocLocked(process, false) : 0;
    locks.release(lock);
    let id = -E.AGAIN;
    if (info !== 0) {
      const alarm = this.allocLocked(process);
      id = this.nextIdLocked(process);
      Alarm.id.set(ram, alarm, id);
      Alarm.clock.set(ram, alarm, request.clock);
      Alarm.signal.set(ram, alarm, request.signal);
      Alarm.silent.set(ram, alarm, request.silent ? 1 : 0);
      Alarm.tid.set(ram, alarm, request.tid);
      Alarm.measuredTid.set(ram, alarm, request.clock === CPU_CLOCK.Thread ? Thread.tid.get(ram, thread) : 0);
      Alarm.info.set(ram, alarm, info);
      const value = Alarm.value.addr(alarm);
      if (request.value !== 0) ram.copy(value, request.value, 8);
      else ram.setU64(value, id);
      Alarm.next.set(ram, alarm, Process.timers.get(ram, process));
      Process.timers.set(ram, process, alarm);
      locks.acquire(lock);
      SigInfo.timer.set(ram, info, alarm);
      locks.release(lock);
    }
    locks.release(this.table.lock);
    return id;
  }

  /**
   * timer_settime(2).
   *
   * @param value nanoseconds, from now or (absolute) of the clock, that of power-on for all but CPU clocks; 0: off
   * @returns 0 (`remaining`, `interval`: what it was), or -EINVAL: there is no such timer
   */
  set(process: number, id: number, now: number, value: number, interval: number, absolute: boolean): number {
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    const alarm = this.findLocked(process, id);
    if (alarm !== 0) {
      this.noteLocked(alarm, now);
      const at = absolute ? value : this.timeLocked(alarm, now) + value;
      Alarm.overrun.set(ram, alarm, 0);
      this.setLocked(alarm, value === 0 ? 0 : at, value === 0 ? 0 : interval);
    }
    locks.release(this.table.lock);
    return alarm === 0 ? -E.INVAL : 0;
  }

  /** timer_gettime(2): 0 (`remaining`, `interval`) or -EINVAL. */
  get(process: number, id: number, now: number): number {
    this.locks.acquire(this.table.lock);
    const alarm = this.findLocked(process, id);
    if (alarm !== 0) this.noteLocked(alarm, now);
    this.locks.release(this.table.lock);
    return alarm === 0 ? -E.INVAL : 0;
  }

  /** The clock of a timer, or -EINVAL. */
  clockOf(process: number, id: number): number {
    this.locks.acquire(this.table.lock);
    const alarm = this.findLocked(process, id);
    const result = alarm === 0 ? -E.INVAL : Alarm.clock.get(this.ram, alarm);
    this.locks.release(this.table.lock);
    return result;
  }

  /** timer_getoverrun(2), or -EINVAL. */
  overrun(process: number, id: number): number {
    this.locks.acquire(this.table.lock);
    const alarm = this.findLocked(process, id);
    const result = alarm === 0 ? -E.INVAL : Alarm.overrun.get(this.ram, alarm);
    this.locks.release(this.table.lock);
    return result;
  }

  /** timer_delete(2): 0 or -EINVAL. A signal of it that nobody has taken yet is gone with it. */
  remove(process: number, id: number): number {
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    const alarm = this.findLocked(process, id);
    if (alarm !== 0) {
      let before = Process.timers.get(ram, process);
      if (before === alarm) Process.timers.set(ram, process, Alarm.next.get(ram, alarm));
      else {
        while (Alarm.next.get(ram, before) !== alarm) before = Alarm.next.get(ram, before);
        Alarm.next.set(ram, before, Alarm.next.get(ram, alarm));
      }
      this.deleteLocked(process, alarm);
    }
    locks.release(this.table.lock);
    return alarm === 0 ? -E.INVAL : 0;
  }

  /** All POSIX timers of a process are gone: it executes another program. */
  removeAll(process: number): void {
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    for (let alarm = Process.timers.get(ram, process); alarm !== 0; alarm = Process.timers.get(ram, process)) {
      Process.timers.set(ram, process, Alarm.next.get(ram, alarm));
      this.deleteLocked(process, alarm);
    }
    Process.timerId.set(ram, process, 0);
    locks.release(this.table.lock);
  }

  /** The process ends. */
  reap(process: number): void {
    this.removeAll(process);
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    const alarm = Process.alarm.get(ram, process);
    Process.alarm.set(ram, process, 0);
    if (alarm !== 0) this.deleteLocked(process, alarm);
    locks.release(this.table.lock);
  }

  // --- Expiring -------------------------------------------------------------------------------------------------------------------

  /** The deadline `sequence` of an alarm has passed: sends its signal, unless it has been set otherwise meanwhile. */
  expire(alarm: number, sequence: number, now: number): void {
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    if (Alarm.sequence.load(ram, alarm) === sequence && Alarm.deadline.get(ram, alarm) !== 0) this.fireLocked(alarm, now);
    locks.release(this.table.lock);
  }

  /** A thread of a process with timers of its CPU time has run: have they expired? */
  checkCpu(process: number): void {
    const { ram, locks } = this;
    locks.acquire(this.table.lock);
    const used = this.processNs(process);
    for (const which of [Itimer.Virtual, Itimer.Prof]) {
      const { at, period, signal } = cpuTimer(which);
      const deadline = at.get(ram, process);
      if (deadline === 0 || used < deadline) continue;
      const every = period.get(ram, process);
      at.set(ram, process, every === 0 ? 0 : next(deadline, every, used));
      if (every === 0) this.countCpuLocked(process, true, false);
      this.infos.fromKernel(signal);
      this.sender.sendLocked(process, 0);
    }
    for (let alarm = Process.timers.get(ram, process); alarm !== 0; alarm = Alarm.next.get(ram, alarm)) {
      const deadline = Alarm.deadline.get(ram, alarm);
      if (!this.isCpu(alarm) || deadline === 0 || Alarm.resting.get(ram, alarm) !== 0) continue;
      const time = this.timeLocked(alarm, 0);
      if (time >= deadline) this.fireLocked(alarm, time);
    }
    locks.release(this.table.lock);
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
      const following = next(deadline, interval, time);
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
      this.setLocked(alarm, interval === 0 ? 0 : next(deadline, interval, time), interval);
      this.infos.fromKernel(Signal.ALRM);
      this.sender.sendLocked(process, 0);
      return;
    }
    if (Alarm.silent.get(ram, alarm) !== 0) {
      this.setLocked(alarm, interval === 0 ? 0 : next(deadline, interval, time), interval);
      return;
    }
    if (!this.sendLocked(process, alarm, info)) {
      // Nobody will take it, because it is ignored: goes on at once.
      this.setLocked(alarm, interval === 0 ? 0 : next(deadline, interval, time), interval);
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
  private setLocked(alarm: number, deadline: number, interval: number): void {
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

  private deleteLocked(process: number, alarm: number): void {
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

  private allocLocked(process: number): number {
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

  private findLocked(process: number, id: number): number {
    const { ram } = this;
    let alarm = Process.timers.get(ram, process);
    while (alarm !== 0 && Alarm.id.get(ram, alarm) !== id) alarm = Alarm.next.get(ram, alarm);
    return alarm;
  }

  private nextIdLocked(process: number): number {
    const { ram } = this;
    let id = Process.timerId.get(ram, process);
    while (this.findLocked(process, id) !== 0) id = (id + 1) & INT_MAX;
    Process.timerId.set(ram, process, (id + 1) & INT_MAX);
    return id;
  }

  private noteItimerLocked(process: number, which: number, now: number): void {
    const { ram } = this;
    this.remaining = 0;
    this.interval = 0;
    if (which === Itimer.Real) {
      const alarm = Process.alarm.get(ram, process);
      if (alarm !== 0) this.noteLocked(alarm, now);
      return;
    }
    const { at, period } = cpuTimer(which);
    const deadline = at.get(ram, process);
    if (deadline === 0) return;
    this.remaining = Math.max(1, deadline - this.processNs(process));
    this.interval = period.get(ram, process);
  }

  private noteLocked(alarm: number, now: number): void {
    const { ram } = this;
    let deadline = Alarm.deadline.get(ram, alarm);
    const interval = Alarm.interval.get(ram, alarm);
    this.interval = interval;
    this.remaining = 0;
    if (deadline === 0) return;
    const time = this.timeLocked(alarm, now);
    if (interval !== 0 && deadline <= time) deadline = next(deadline, interval, time);
    // One that is due is still to expire.
    this.remaining = Math.max(1, deadline - time);
  }

  /** The time by the alarm's clock. */
  private timeLocked(alarm: number, now: number): number {
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

  private processNs(process: number): number {
    return processCpuNs(this.ram, this.locks, process);
  }

  private countCpuLocked(process: number, before: boolean, after: boolean): void {
    if (before !== after) Process.cpuTimers.add(this.ram, process, after ? 1 : -1);
  }
}

function cpuTimer(which: number): {
  readonly at: typeof Process.virtualAt;
  readonly period: typeof Process.virtualAt;
  readonly signal: number;
} {
  return which === Itimer.Virtual
    ? { at: Process.virtualAt, period: Process.virtualEvery, signal: Signal.VTALRM }
    : { at: Process.profAt, period: Process.profEvery, signal: Signal.PROF };
}

/** The first of the times deadline + n × interval, n > 0, that has not come at `time`. */
function next(deadline: number, interval: number, time: number): number {
  return deadline + interval * Math.max(1, Math.floor((time - deadline) / interval) + 1);
}
