/*
 * Who can go on: what each hart of a machine under a schedule is up to. It can go on, sleeps on a word (until it is woken or a time comes),
 * is paused for a number of moments, or is off.
 *
 * Whoever changes that makes the schedule look again at the next moment (`changed`).
 */

import type { Ram } from '../../core/ram.ts';
import { HartTurn, Life, ScheduleState as S } from './state.ts';

/** No hart. */
export const NOBODY = -1;

export class HartTurns {
  constructor(
    private readonly ram: Ram,
    private readonly state: number,
    readonly cpus: number,
    /** Called before the harts that can go on change. */
    private readonly changing: () => void,
  ) {}

  isReady(hart: number): boolean {
    return (S.ready.at(this.ram, this.state, hart >>> 5) & (1 << (hart & 31))) !== 0;
  }

  get anyReady(): boolean {
    return (S.ready.at(this.ram, this.state, 0) | S.ready.at(this.ram, this.state, 1)) !== 0;
  }

  /** Whether a hart beside this one can go on. */
  hasOthers(hart: number): boolean {
    const { ram, state } = this;
    const word = hart >>> 5;
    const own = S.ready.at(ram, state, word) & ~(1 << (hart & 31));
    return (own | S.ready.at(ram, state, 1 - word)) !== 0;
  }

  /** The next hart after this one, in a circle, that can go on; itself last; NOBODY. */
  following(hart: number): number {
    for (let i = 1; i <= this.cpus; i++) {
      const next = (hart + i) % this.cpus;
      if (this.isReady(next)) return next;
    }
    return NOBODY;
  }

  /** The hart can go on. `late`: because the time it wanted to sleep at most is over. */
  wake(hart: number, late = false): void {
    const { ram, state } = this;
    this.changing();
    const turn = this.turnOf(hart);
    HartTurn.life.set(ram, turn, Life.Ready);
    HartTurn.late.set(ram, turn, late ? 1 : 0);
    S.ready.put(ram, state, hart >>> 5, S.ready.at(ram, state, hart >>> 5) | (1 << (hart & 31)));
  }

  /** Whether no hart is in its loop. */
  get allOff(): boolean {
    for (let hart = 0; hart < this.cpus; hart++) {
      if (HartTurn.life.get(this.ram, this.turnOf(hart)) !== Life.Off) return false;
    }
    return true;
  }

  /** The hart has left its loop, or is to begin it anew. */
  off(hart: number): void {
    this.leave(hart, Life.Off);
  }

  /** The hart sleeps on a word until it is woken, or until `deadline` (virtual ns); `now`: the moment. */
  sleep(hart: number, index: number, expected: number, deadline: number, now: number): void {
    const { ram } = this;
    const turn = this.turnOf(hart);
    HartTurn.word.set(ram, turn, index);
    HartTurn.expected.set(ram, turn, expected);
    HartTurn.since.set(ram, turn, now);
    HartTurn.deadline.set(ram, turn, deadline);
    this.leave(hart, Life.Asleep);
  }

  /** Whether the last sleep of the hart, if it has begun one, was on this word. */
  sleptOn(hart: number, index: number): boolean {
    return HartTurn.word.get(this.ram, this.turnOf(hart)) === index;
  }

  /** The hart sleeps again as it did last: on the same word, until the same time. */
  sleepOn(hart: number): void {
    this.leave(hart, Life.Asleep);
  }

  /** Whether the sleep that the hart has been woken from was ended by its deadline. */
  wasLate(hart: number): boolean {
    return HartTurn.late.get(this.ram, this.turnOf(hart)) !== 0;
  }

  /** The hart does nothing until moment `until`. */
  pause(hart: number, until: number): void {
    HartTurn.wakeAt.set(this.ram, this.turnOf(hart), until);
    this.leave(hart, Life.Paused);
  }

  /** Wakes those who have slept on a word for longest, at most `count`. */
  notify(index: number, count: number): void {
    for (let woken = 0; woken < count; woken++) {
      const first = this.longestAsleepOn(index);
      if (first === NOBODY) return;
      this.wake(first);
    }
  }

  private longestAsleepOn(index: number): number {
    const { ram } = this;
    let first = NOBODY;
    let since = Infinity;
    for (let hart = 0; hart < this.cpus; hart++) {
      const turn = this.turnOf(hart);
      if (HartTurn.life.get(ram, turn) !== Life.Asleep || HartTurn.word.get(ram, turn) !== index) continue;
      if (HartTurn.since.get(ram, turn) >= since) continue;
      since = HartTurn.since.get(ram, turn);
      first = hart;
    }
    return first;
  }

  /** Wakes all whose word has changed: the host does not tell what it has changed. Returns whether anybody can go on. */
  wakeChanged(): boolean {
    const { ram } = this;
    for (let hart = 0; hart < this.cpus; hart++) {
      const turn = this.turnOf(hart);
      if (HartTurn.life.get(ram, turn) !== Life.Asleep) continue;
      if (ram.i32[HartTurn.word.get(ram, turn)] !== HartTurn.expected.get(ram, turn)) this.wake(hart);
    }
    return this.anyReady;
  }

  /** Wakes whom the time wakes: at virtual time `ns`, at moment `now`. */
  wakeDue(ns: number, now: number): void {
    const { ram } = this;
    for (let hart = 0; hart < this.cpus; hart++) {
      const turn = this.turnOf(hart);
      const life = HartTurn.life.get(ram, turn);
      if (life === Life.Asleep && HartTurn.deadline.get(ram, turn) <= ns) this.wake(hart, true);
      else if (life === Life.Paused && HartTurn.wakeAt.get(ram, turn) <= now) this.wake(hart);
    }
  }

  /** The earliest deadline of those who sleep, in virtual ns; Infinity. */
  firstDeadline(): number {
    const { ram } = this;
    let first = Infinity;
    for (let hart = 0; hart < this.cpus; hart++) {
      const turn = this.turnOf(hart);
      if (HartTurn.life.get(ram, turn) === Life.Asleep) first = Math.min(first, HartTurn.deadline.get(ram, turn));
    }
    return first;
  }

  /** The hart that is paused for the shortest time, or NOBODY. */
  firstPaused(): number {
    const { ram } = this;
    let first = NOBODY;
    for (let hart = 0; hart < this.cpus; hart++) {
      if (HartTurn.life.get(ram, this.turnOf(hart)) !== Life.Paused) continue;
      if (first === NOBODY || this.wakeAt(hart) < this.wakeAt(first)) first = hart;
    }
    return first;
  }

  /** Whether a hart is paused beyond the moment `until`. */
  pausedBeyond(until: number): boolean {
    for (let hart = 0; hart < this.cpus; hart++) {
      if (HartTurn.life.get(this.ram, this.turnOf(hart)) === Life.Paused && this.wakeAt(hart) > until) return true;
    }
    return false;
  }

  wakeAt(hart: number): number {
    return HartTurn.wakeAt.get(this.ram, this.turnOf(hart));
  }

  /** Moments of a hart since the plan began. */
  momentsOf(hart: number): number {
    return HartTurn.moments.get(this.ram, this.turnOf(hart));
  }

  /** Address of a hart's HartTurn. */
  turnOf(hart: number): number {
    return S.harts.addr(this.state) + hart * HartTurn.SIZE;
  }

  private leave(hart: number, life: number): void {
    const { ram, state } = this;
    this.changing();
    HartTurn.life.set(ram, this.turnOf(hart), life);
    S.ready.put(ram, state, hart >>> 5, S.ready.at(ram, state, hart >>> 5) & ~(1 << (hart & 31)));
  }
}
