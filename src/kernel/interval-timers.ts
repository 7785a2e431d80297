/*
 * The three interval timers of a process: setitimer(2), getitimer(2).
 *
 * ITIMER_REAL is an alarm (alarms.ts); the other two, of which both measure all of the process's CPU time, are fields of its block that are looked
 * at after each slice of guest code. Guard: the tree lock.
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Alarm } from './alarm.ts';
import { type Alarms, nextTime } from './alarms.ts';
import { Process } from './process.ts';
import type { SignalInfos } from './signal-info.ts';
import { Signal } from './signal-numbers.ts';
import type { SignalSender } from './signal-send.ts';

/** Which of them. */
export const Itimer = { Real: 0, Virtual: 1, Prof: 2 } as const;

export class IntervalTimers {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly treeLock: number,
    private readonly alarms: Alarms,
    private readonly infos: SignalInfos,
    private readonly sender: SignalSender,
  ) {}

  /** Sets an interval timer (`value` 0: off), nanoseconds from `now`; `Alarms.remaining` and `interval` tell what it was. */
  set(process: number, which: number, now: number, value: number, interval: number): void {
    const { ram, locks } = this;
    locks.acquire(this.treeLock);
    this.noteItimerLocked(process, which, now);
    const every = value === 0 ? 0 : interval;
    if (which === Itimer.Real) {
      let alarm = Process.alarm.get(ram, process);
      if (alarm === 0 && value !== 0) {
        alarm = this.alarms.allocLocked(process);
        Alarm.signal.set(ram, alarm, Signal.ALRM);
        Process.alarm.set(ram, process, alarm);
      }
      if (alarm !== 0) this.alarms.setLocked(alarm, value === 0 ? 0 : now + value, every);
    } else {
      const { at, period } = cpuTimer(which);
      this.alarms.countCpuLocked(process, at.get(ram, process) !== 0, value !== 0);
      at.set(ram, process, value === 0 ? 0 : this.alarms.processNs(process) + value);
      period.set(ram, process, every);
    }
    locks.release(this.treeLock);
  }

  /** What an interval timer has left, in `Alarms.remaining` and `interval`. */
  get(process: number, which: number, now: number): void {
    this.locks.acquire(this.treeLock);
    this.noteItimerLocked(process, which, now);
    this.locks.release(this.treeLock);
  }

  /** The process ends. Under the tree lock. */
  reapLocked(process: number): void {
    const alarm = Process.alarm.get(this.ram, process);
    Process.alarm.set(this.ram, process, 0);
    if (alarm !== 0) this.alarms.deleteLocked(process, alarm);
  }

  /** A thread of a process has run: have its timers of CPU time expired? Under the tree lock. */
  checkCpuLocked(process: number): void {
    const { ram } = this;
    const used = this.alarms.processNs(process);
    for (const which of [Itimer.Virtual, Itimer.Prof]) {
      const { at, period, signal } = cpuTimer(which);
      const deadline = at.get(ram, process);
      if (deadline === 0 || used < deadline) continue;
      const every = period.get(ram, process);
      at.set(ram, process, every === 0 ? 0 : nextTime(deadline, every, used));
      if (every === 0) this.alarms.countCpuLocked(process, true, false);
      this.infos.fromKernel(signal);
      this.sender.sendLocked(process, 0);
    }
  }

  private noteItimerLocked(process: number, which: number, now: number): void {
    const { ram } = this;
    this.alarms.remaining = 0;
    this.alarms.interval = 0;
    if (which === Itimer.Real) {
      const alarm = Process.alarm.get(ram, process);
      if (alarm !== 0) this.alarms.noteLocked(alarm, now);
      return;
    }
    const { at, period } = cpuTimer(which);
    const deadline = at.get(ram, process);
    if (deadline === 0) return;
    this.alarms.remaining = Math.max(1, deadline - this.alarms.processNs(process));
    this.alarms.interval = period.get(ram, process);
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
