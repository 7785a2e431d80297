/*
 * Faults that a plan asks for (plan.ts), as they come true: rings of doorbells that arrive late, requests for memory that find none, sleeps
 * that end for no reason, a thread that is killed at a point of its own. (A stall is the schedule's: a hart that is paused.)
 */

import type { Ram } from '../../core/ram.ts';
import type { HartTurns } from './hart-turns.ts';
import type { Fault } from './plan.ts';
import { HartTurn, LateRing, MAX_FAULTS, ScheduleState as S } from './state.ts';

/** Points of a victim that has got its sentence. */
const NEVER = 0xffff_ffff;

/** What is counted in 32 bits gets no further than this. */
const most = (count: number): number => Math.min(count, NEVER - 1);

export class Faults {
  constructor(
    private readonly ram: Ram,
    private readonly state: number,
    private readonly harts: HartTurns,
    /** Index of the word that is a hart's doorbell. */
    private readonly doorbellOf: (hart: number) => number,
  ) {}

  /** @param threads addresses of the threads that have started already, in order */
  begin(faults: readonly Fault[], threads: readonly number[]): void {
    const { ram, state, harts } = this;
    for (const field of [S.rings, S.lateCount, S.heldBack, S.requests, S.refuseCount, S.sleeps, S.spuriousCount]) {
      field.set(ram, state, 0);
    }
    for (const field of [S.victim, S.victimPoints, S.victimPassed, S.executioner, S.victimNth]) field.set(ram, state, 0);
    S.started.set(ram, state, threads.length);
    for (let hart = 0; hart < harts.cpus; hart++) HartTurn.stallAt.set(ram, harts.turnOf(hart), Infinity);
    for (const fault of faults) {
      switch (fault.kind) {
        case 'stall': {
          if (fault.hart >= harts.cpus) break;
          const turn = harts.turnOf(fault.hart);
          HartTurn.stallAt.set(ram, turn, fault.at);
          HartTurn.stallFor.set(ram, turn, fault.moments);
          break;
        }
        case 'late-ipi': {
          const slot = this.another(S.lateCount);
          S.lateNth.put(ram, state, slot, most(fault.nth));
          S.lateMoments.put(ram, state, slot, most(fault.moments));
          break;
        }
        case 'no-memory':
          S.refuse.put(ram, state, this.another(S.refuseCount), most(fault.nth));
          break;
        case 'spurious':
          S.spurious.put(ram, state, this.another(S.spuriousCount), most(fault.nth));
          break;
        case 'kill':
          S.victimNth.set(ram, state, most(fault.thread) + 1);
          S.victimPoints.set(ram, state, most(fault.at));
          S.victimPassed.set(ram, state, 0);
          S.victim.set(ram, state, threads[fault.thread] ?? 0);
          break;
      }
    }
  }

  private another(count: typeof S.lateCount): number {
    const index = count.get(this.ram, this.state);
    if (index === MAX_FAULTS) throw new RangeError(`a plan has at most ${String(MAX_FAULTS)} faults of a kind`);
    count.set(this.ram, this.state, index + 1);
    return index;
  }

  // --- late rings ---------------------------------------------------------------------------------------------------------------

  /** A doorbell is about to be rung, at moment `now`: whether the ring is held back. */
  holdBack(hart: number, kinds: number, now: number): boolean {
    const { ram, state } = this;
    const nth = S.rings.get(ram, state);
    S.rings.set(ram, state, nth + 1);
    for (let i = 0; i < S.lateCount.get(ram, state); i++) {
      if (S.lateNth.at(ram, state, i) !== nth) continue;
      const count = S.heldBack.get(ram, state);
      const record = this.lateRing(count);
      LateRing.due.set(ram, record, now + S.lateMoments.at(ram, state, i));
      LateRing.hart.set(ram, record, hart);
      LateRing.kinds.set(ram, record, kinds);
      S.heldBack.set(ram, state, count + 1);
      return true;
    }
    return false;
  }

  /** Delivers the rings that are due at moment `now`. */
  deliverDue(now: number): void {
    for (let i = S.heldBack.get(this.ram, this.state) - 1; i >= 0; i--) {
      if (LateRing.due.get(this.ram, this.lateRing(i)) <= now) this.deliver(i);
    }
  }

  /** Delivers a ring that is not due yet, for nobody can go on without it. False: there is none. */
  deliverAny(): boolean {
    if (S.heldBack.get(this.ram, this.state) === 0) return false;
    this.deliver(0);
    return true;
  }

  /** The moment at which the next ring is due; Infinity. */
  nextDue(): number {
    let next = Infinity;
    for (let i = 0; i < S.heldBack.get(this.ram, this.state); i++) {
      next = Math.min(next, LateRing.due.get(this.ram, this.lateRing(i)));
    }
    return next;
  }

  private deliver(i: number): void {
    const { ram, state } = this;
    const record = this.lateRing(i);
    this.ring(LateRing.hart.get(ram, record), LateRing.kinds.get(ram, record));
    const last = S.heldBack.get(ram, state) - 1;
    ram.copy(record, this.lateRing(last), LateRing.SIZE);
    S.heldBack.set(ram, state, last);
  }

  private ring(hart: number, kinds: number): void {
    const index = this.doorbellOf(hart);
    this.ram.i32[index]! |= kinds;
    this.harts.notify(index, Infinity);
  }

  // --- memory, sleeps -----------------------------------------------------------------------------------------------------------

  /** A request for memory: whether it is to be refused. */
  refuses(): boolean {
    return this.isNext(S.requests, S.refuse, S.refuseCount);
  }

  /** A sleep begins: whether it is to end at once. */
  isSpurious(): boolean {
    return this.isNext(S.sleeps, S.spurious, S.spuriousCount);
  }

  private isNext(counter: typeof S.requests, list: typeof S.refuse, length: typeof S.refuseCount): boolean {
    const { ram, state } = this;
    const nth = counter.get(ram, state);
    counter.set(ram, state, nth + 1);
    for (let i = 0; i < length.get(ram, state); i++) if (list.at(ram, state, i) === nth) return true;
    return false;
  }

  // --- a thread that is killed --------------------------------------------------------------------------------------------------

  /** A thread has started: perhaps it is the one to be killed. */
  threadStarts(thread: number): void {
    const { ram, state } = this;
    const nth = S.started.get(ram, state) + 1;
    S.started.set(ram, state, nth);
    if (nth === S.victimNth.get(ram, state)) S.victim.set(ram, state, thread);
  }

  /** The thread to be killed, or 0. */
  get victim(): number {
    return S.victim.get(this.ram, this.state);
  }

  /** Points that it has passed. */
  get victimPassed(): number {
    return S.victimPassed.get(this.ram, this.state);
  }

  /**
   * The victim passes a point on `hart`. When it has passed as many as it was to, the next hart (itself, if there is no other) is told to
   * kill it, and goes on before all others until it has.
   *
   * @returns whether that is now
   */
  victimPasses(hart: number, kill: number): boolean {
    const { ram, state } = this;
    const left = S.victimPoints.get(ram, state);
    if (left === NEVER) return false;
    S.victimPassed.set(ram, state, S.victimPassed.get(ram, state) + 1);
    S.victimPoints.set(ram, state, left === 0 ? NEVER : left - 1);
    if (left > 0) return false;
    const executioner = (hart + 1) % this.harts.cpus;
    S.executioner.set(ram, state, executioner + 1);
    this.ring(executioner, kill);
    return true;
  }

  /** The hart that is about to kill, if it can go on; else −1. */
  get executioner(): number {
    const hart = S.executioner.get(this.ram, this.state) - 1;
    return hart >= 0 && this.harts.isReady(hart) ? hart : -1;
  }

  /** The hart that is to kill has to wait for another one: they go on as usual. */
  letOthersGo(hart: number): void {
    if (S.executioner.get(this.ram, this.state) === hart + 1) S.executioner.set(this.ram, this.state, 0);
  }

  /** The victim has been killed, or was gone. */
  executed(): void {
    S.victim.set(this.ram, this.state, 0);
    S.executioner.set(this.ram, this.state, 0);
  }

  private lateRing(index: number): number {
    return S.late.addr(this.state) + index * LateRing.SIZE;
  }
}
