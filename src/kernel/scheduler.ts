/*
 * Which thread runs where and when.
 *
 * Every hart has a run queue (run-queue.ts). A thread that becomes ready goes to the hart it ran on last if that one is idle, else to an
 * idle hart that it may run on, else to its last hart's queue; then an idle hart, if one has turned up meanwhile, is rung to steal it. A
 * hart with nothing to do steals from the others before it parks.
 *
 * No thread is stranded: a hart sets its idle bit before it looks at all queues for the last time and parks; `ready` fills a queue
 * before it looks at the idle bits for the last time. All four are sequentially consistent, so one of them sees the other.
 *
 * A time slice ends when it is used up and another thread of at least the same priority is queued here; a more urgent thread that is
 * queued here takes over at once (Ipi.Reschedule).
 */

import { NO_RESERVATION, Context } from '../core/context.ts';
import { struct, cacheLine } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import type { Clock } from '../devices/clock.ts';
import { atomicU32Array } from '../smp/atomics.ts';
import type { Doorbells } from '../smp/doorbell.ts';
import { Ipi } from '../smp/ipi.ts';
import { HartControl } from '../smp/hart-control.ts';
import type { SmpMap } from '../smp/smp-map.ts';
import type { Locks } from '../smp/spinlock.ts';
import { EventId, type Tracer } from '../trace/index.ts';
import { KernelPanic } from '../smp/panic.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { placed } from './oracles/places.ts';
import {
  dequeueLocked,
  enqueueLocked,
  initialiseRunQueue,
  mayRunOn,
  mostUrgentLevelLocked,
  RunQueue,
  stealLocked,
} from './run-queue.ts';
import { Process } from './process.ts';
import { Thread, ThreadState } from './thread.ts';

/** How long a thread runs before another of its priority gets its turn. */
export const SLICE_NS = 10e6;

const SchedulerState = struct(
  'Scheduler',
  {
    /** Harts without a thread: parked or about to park, or spinning. */
    idle: atomicU32Array(2),
    queues: cacheLine(),
  },
  { align: 64 },
);

export class Scheduler {
  /** When the slice of the running thread ends. */
  private sliceEnd = 0;
  /** The hart's time is accounted up to here. */
  private chargedUntil = 0;
  private readonly control: number;
  private readonly ownQueue: number;
  private readonly idleWord: number;
  private readonly idleBit: number;
  private victim = 0;

  /** @param base region of `Scheduler.bytes(cpus)` bytes */
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly doorbells: Doorbells,
    private readonly clock: Clock,
    private readonly trace: Tracer,
    private readonly map: SmpMap,
    private readonly base: number,
    readonly hart: number,
  ) {
    this.control = map.hartControl(hart);
    this.ownQueue = this.queueOf(hart);
    this.idleWord = hart >>> 5;
    this.idleBit = 1 << (hart & 31);
    if (SEEDED) placed(RunQueue, this.queueOf(0), RunQueue.SIZE, map.cpus);
  }

  static bytes(cpus: number): number {
    return SchedulerState.SIZE + cpus * RunQueue.SIZE;
  }

  initialise(): void {
    this.ram.fill(this.base, SchedulerState.SIZE);
    for (let hart = 0; hart < this.map.cpus; hart++) initialiseRunQueue(this.ram, this.queueOf(hart));
  }

  /** The hart starts its loop: its time counts from now. */
  start(): void {
    this.chargedUntil = this.clock.nowNs();
  }

  /**
   * Makes a thread ready: new, woken, or the running one that gives way. The caller owns it (nobody else can run or wake it) and does
   * not touch it afterwards.
   */
  ready(thread: number): void {
    const { ram, locks } = this;
    const target = this.place(thread);
    Thread.hart.put(ram, thread, target);
    Thread.state.put(ram, thread, ThreadState.Ready);
    const queue = this.queueOf(target);
    const priority = Thread.priority.peek(ram, thread);
    const affinityLow = Thread.affinityLow.peek(ram, thread);
    const affinityHigh = Thread.affinityHigh.peek(ram, thread);
    if (this.trace.on) this.trace.emit(EventId.wake, Thread.tid.get(ram, thread), this.runningTid(), target, 0, 0);
    locks.acquire(queue);
    enqueueLocked(ram, queue, thread);
    locks.release(queue);
    // From here on the thread may run, and even be gone: only what was read before is used.
    if (target !== this.hart && this.isIdle(target)) {
      // It has something to do now: the next thread that becomes ready goes to another idle hart.
      SchedulerState.idle.and(ram, this.base, target >>> 5, ~(1 << (target & 31)));
      this.interrupt(target);
    } else if (priority < this.runningPriority(target)) {
      this.interrupt(target);
    } else {
      this.callThief(affinityLow, affinityHigh);
    }
  }

  /** The next thread for this hart from its own queue or another's, made Running; 0 when there is none. */
  pick(): number {
    let thread = this.takeOwn();
    while (thread !== 0 && !mayRunOn(this.ram, thread, this.hart)) {
      // Its affinity has changed while it was queued here.
      this.ready(thread);
      thread = this.takeOwn();
    }
    if (thread === 0) thread = this.steal();
    if (thread === 0) return 0;
    const { ram } = this;
    if (Thread.state.peek(ram, thread) !== ThreadState.Ready)
      throw new KernelPanic(`thread ${String(Thread.tid.get(ram, thread))} is queued but not ready`);
    Thread.hart.put(ram, thread, this.hart);
    // Sequentially consistent: who kills a thread marks it and then looks whether it runs; it runs and then looks for the mark.
    Thread.state.store(ram, thread, ThreadState.Running);
    Context.reservation.set(ram, thread, NO_RESERVATION);
    HartControl.thread.set(ram, this.control, thread);
    HartControl.switches.set(ram, this.control, HartControl.switches.get(ram, this.control) + 1);
    this.sliceEnd = this.chargedUntil + SLICE_NS;
    if (this.trace.on)
      this.trace.emit(
        EventId.switch,
        Thread.tid.get(ram, thread),
        Process.pid.get(ram, Thread.process.get(ram, thread)),
        0,
        0,
        0,
      );
    return thread;
  }

  /** Accounts the running thread's time; call before it becomes Ready, Blocked or Dead. */
  leave(thread: number): void {
    this.charge(thread, this.clock.nowNs());
    HartControl.thread.set(this.ram, this.control, 0);
  }

  /** Adds the time since the last account to the running thread and to this hart's busy time. */
  charge(thread: number, now: number): void {
    const { ram } = this;
    const elapsed = now - this.chargedUntil;
    this.chargedUntil = now;
    Thread.cpuNs.set(ram, thread, Thread.cpuNs.get(ram, thread) + elapsed);
    HartControl.busyNs.set(ram, this.control, HartControl.busyNs.get(ram, this.control) + elapsed);
  }

  /** Accounts the time of the thread that this hart runs, if it runs one. */
  chargeRunning(): void {
    const thread = HartControl.thread.get(this.ram, this.control);
    if (thread !== 0) this.charge(thread, this.clock.nowNs());
  }

  /** The hart has been idle until `now`. */
  chargeIdle(now: number): void {
    const { ram } = this;
    HartControl.idleNs.set(ram, this.control, HartControl.idleNs.get(ram, this.control) + now - this.chargedUntil);
    this.chargedUntil = now;
  }

  /**
   * Whether the running thread must give way to a queued one. Starts a new slice when its own is used up and nobody waits.
   *
   * @param now nanoseconds since power-on
   */
  mustYield(thread: number, now: number): boolean {
    const { ram, locks } = this;
    const allowed = mayRunOn(ram, thread, this.hart);
    if (RunQueue.length.peek(ram, this.ownQueue) === 0) {
      if (now >= this.sliceEnd) this.sliceEnd = now + SLICE_NS;
      return !allowed;
    }
    locks.acquire(this.ownQueue);
    const level = mostUrgentLevelLocked(ram, this.ownQueue);
    locks.release(this.ownQueue);
    if (level < 0) return !allowed;
    return !allowed || level < Thread.priority.peek(ram, thread) || now >= this.sliceEnd;
  }

  /** Puts the running thread behind the others. It is not this hart's any more afterwards. */
  yield(thread: number): void {
    this.leave(thread);
    this.ready(thread);
  }

  /** When this hart last looked at the clock: at a switch, and whenever it was idle. */
  get now(): number {
    return this.chargedUntil;
  }

  /** Whether anything is queued at this hart. */
  get queued(): number {
    return RunQueue.length.peek(this.ram, this.ownQueue);
  }

  /** Threads queued at `hart`: statistics. */
  queueLength(hart: number): number {
    return RunQueue.length.peek(this.ram, this.queueOf(hart));
  }

  setIdle(): void {
    SchedulerState.idle.or(this.ram, this.base, this.idleWord, this.idleBit);
  }

  /** Costs a look when the hart that woke this one has cleared the bit already. */
  clearIdle(): void {
    if (this.isIdle(this.hart)) SchedulerState.idle.and(this.ram, this.base, this.idleWord, ~this.idleBit);
  }

  isIdle(hart: number): boolean {
    return (SchedulerState.idle.load(this.ram, this.base, hart >>> 5) & (1 << (hart & 31))) !== 0;
  }

  /** Makes a hart look at its queue, affinity or kill flags again, whatever it does. */
  interrupt(hart: number): void {
    if (this.trace.on) this.trace.emit(EventId.ipi, 0, hart, Ipi.Reschedule, 0, 0);
    this.doorbells.ring(hart, Ipi.Reschedule);
  }

  /** Where a thread that becomes ready should go: its last hart if it is idle, an idle one, its last hart, any that it may run on. */
  private place(thread: number): number {
    const { ram } = this;
    const last = Thread.hart.peek(ram, thread);
    const lastAllowed = last < this.map.cpus && mayRunOn(ram, thread, last);
    const low = Thread.affinityLow.peek(ram, thread);
    const high = Thread.affinityHigh.peek(ram, thread);
    // Hints: whether they were right shows after the thread has been queued.
    const idleLow = SchedulerState.idle.peek(ram, this.base, 0);
    const idleHigh = SchedulerState.idle.peek(ram, this.base, 1);
    if (lastAllowed && ((last < 32 ? idleLow : idleHigh) & (1 << (last & 31))) !== 0) return last;
    const idle = firstOf(idleLow & low, idleHigh & high);
    if (idle >= 0) return idle;
    if (lastAllowed) return last;
    return firstOf(low, high);
  }

  /** Rings an idle hart of a mask, if there is one, to look for a thread to steal. */
  callThief(low: number, high: number): void {
    const { ram, base } = this;
    const idleHigh = high === 0 ? 0 : SchedulerState.idle.load(ram, base, 1) & high;
    const idle = firstOf(SchedulerState.idle.load(ram, base, 0) & low, idleHigh);
    if (idle >= 0) this.interrupt(idle);
  }

  private runningPriority(hart: number): number {
    // Without being its hart, and the thread may have ended: a hint, and a wrong one costs a needless look or a late one.
    const thread = HartControl.thread.peek(this.ram, this.map.hartControl(hart));
    return thread === 0 ? Infinity : Thread.priority.peek(this.ram, thread);
  }

  /** The thread that this hart runs, 0 when it runs none. */
  private runningTid(): number {
    const thread = HartControl.thread.get(this.ram, this.control);
    return thread === 0 ? 0 : Thread.tid.get(this.ram, thread);
  }

  private takeOwn(): number {
    if (RunQueue.length.load(this.ram, this.ownQueue) === 0) return 0;
    this.locks.acquire(this.ownQueue);
    const thread = dequeueLocked(this.ram, this.ownQueue);
    this.locks.release(this.ownQueue);
    return thread;
  }

  private steal(): number {
    const { ram, locks } = this;
    const { cpus } = this.map;
    // A full round, itself left out: who has looked at all the others may park.
    for (let i = 0; i < cpus; i++) {
      this.victim = this.victim + 1 >= cpus ? 0 : this.victim + 1;
      if (this.victim === this.hart) continue;
      const queue = this.queueOf(this.victim);
      if (RunQueue.length.load(ram, queue) === 0) continue;
      locks.acquire(queue);
      const thread = stealLocked(ram, queue, this.hart);
      locks.release(queue);
      if (thread !== 0) {
        HartControl.steals.set(ram, this.control, HartControl.steals.get(ram, this.control) + 1);
        if (this.trace.on)
          this.trace.emit(
            EventId.steal,
            Thread.tid.get(ram, thread),
            this.victim,
            Process.pid.get(ram, Thread.process.get(ram, thread)),
            0,
            0,
          );
        return thread;
      }
    }
    return 0;
  }

  private queueOf(hart: number): number {
    return this.base + SchedulerState.SIZE + hart * RunQueue.SIZE;
  }
}

/** The first hart of a mask, or -1. */
function firstOf(low: number, high: number): number {
  if (low !== 0) return 31 - Math.clz32(low & -low);
  return high !== 0 ? 63 - Math.clz32(high & -high) : -1;
}
