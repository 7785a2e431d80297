/*
 * POSIX timers: timer_create(2) and its relatives. A process has a list of them (Process.timers); each is an alarm (alarms.ts) with a SigInfo of its
 * own, so that its signal can always be sent. Guard: the tree lock, for the SigInfo the process's.
 */

import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Alarm } from './alarm.ts';
import { type Alarms, CPU_CLOCK } from './alarms.ts';
import { E } from './errno.ts';
import { Process } from './process.ts';
import { SigInfo, type SignalInfos } from './signal-info.ts';
import { Thread } from './thread.ts';

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

export class PosixTimers {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly treeLock: number,
    private readonly alarms: Alarms,
    private readonly infos: SignalInfos,
  ) {}

  /** timer_create(2): the timer's number, or -EAGAIN. The caller has checked everything else. */
  create(thread: number, request: TimerRequest): number {
    const { ram, locks } = this;
    const process = Thread.process.get(ram, thread);
    const lock = Process.lock.addr(process);
    locks.acquire(this.treeLock);
    locks.acquire(lock);
    const info = this.alarms.inUse() < this.alarms.posix ? this.infos.allocLocked(process, false) : 0;
    locks.release(lock);
    let id = -E.AGAIN;
    if (info !== 0) {
      const alarm = this.alarms.allocLocked(process);
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
    locks.release(this.treeLock);
    return id;
  }

  /**
   * timer_settime(2).
   *
   * @param value nanoseconds, from now or (absolute) of the clock, that of power-on for all but CPU clocks; 0: off
   * @returns 0 (`Alarms.remaining`, `interval`: what it was), or -EINVAL: there is no such timer
   */
  set(process: number, id: number, now: number, value: number, interval: number, absolute: boolean): number {
    const { ram, locks } = this;
    locks.acquire(this.treeLock);
    const alarm = this.findLocked(process, id);
    if (alarm !== 0) {
      this.alarms.noteLocked(alarm, now);
      const at = absolute ? value : this.alarms.timeLocked(alarm, now) + value;
      Alarm.overrun.set(ram, alarm, 0);
      this.alarms.setLocked(alarm, value === 0 ? 0 : at, value === 0 ? 0 : interval);
    }
    locks.release(this.treeLock);
    return alarm === 0 ? -E.INVAL : 0;
  }

  /** timer_gettime(2): 0 (`Alarms.remaining`, `interval`) or -EINVAL. */
  get(process: number, id: number, now: number): number {
    this.locks.acquire(this.treeLock);
    const alarm = this.findLocked(process, id);
    if (alarm !== 0) this.alarms.noteLocked(alarm, now);
    this.locks.release(this.treeLock);
    return alarm === 0 ? -E.INVAL : 0;
  }

  /** The clock of a timer, or -EINVAL. */
  clockOf(process: number, id: number): number {
    this.locks.acquire(this.treeLock);
    const alarm = this.findLocked(process, id);
    const result = alarm === 0 ? -E.INVAL : Alarm.clock.get(this.ram, alarm);
    this.locks.release(this.treeLock);
    return result;
  }

  /** timer_getoverrun(2), or -EINVAL. */
  overrun(process: number, id: number): number {
    this.locks.acquire(this.treeLock);
    const alarm = this.findLocked(process, id);
    const result = alarm === 0 ? -E.INVAL : Alarm.overrun.get(this.ram, alarm);
    this.locks.release(this.treeLock);
    return result;
  }

  /** timer_delete(2): 0 or -EINVAL. A signal of it that nobody has taken yet is gone with it. */
  remove(process: number, id: number): number {
    const { ram, locks } = this;
    locks.acquire(this.treeLock);
    const alarm = this.findLocked(process, id);
    if (alarm !== 0) {
      let before = Process.timers.get(ram, process);
      if (before === alarm) Process.timers.set(ram, process, Alarm.next.get(ram, alarm));
      else {
        while (Alarm.next.get(ram, before) !== alarm) before = Alarm.next.get(ram, before);
        Alarm.next.set(ram, before, Alarm.next.get(ram, alarm));
      }
      this.alarms.deleteLocked(process, alarm);
    }
    locks.release(this.treeLock);
    return alarm === 0 ? -E.INVAL : 0;
  }

  /** All POSIX timers of a process are gone: it executes another program. */
  removeAll(process: number): void {
    const { ram, locks } = this;
    locks.acquire(this.treeLock);
    for (let alarm = Process.timers.get(ram, process); alarm !== 0; alarm = Process.timers.get(ram, process)) {
      Process.timers.set(ram, process, Alarm.next.get(ram, alarm));
      this.alarms.deleteLocked(process, alarm);
    }
    Process.timerId.set(ram, process, 0);
    locks.release(this.treeLock);
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
}
