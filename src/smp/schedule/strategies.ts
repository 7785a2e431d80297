/*
 * The strategies: who goes on where a schedule has a choice. The plain order, which is what happens otherwise, comes from the schedule.
 *
 * What each needs from one choice to the next lies in RAM. A preemption is due when `preemptAt` contended moments have passed: moments in
 * which nobody else could go on decide nothing, and do not count.
 */

import type { Ram } from '../../core/ram.ts';
import { draw, seedDraws } from './draw.ts';
import { type HartTurns, NOBODY } from './hart-turns.ts';
import type { Departure, Strategy } from './plan.ts';
import { DepartureRecord, HartTurn, MAX_ASKED, ScheduleKind, ScheduleState as S } from './state.ts';

/** A random schedule's mean distance of preemptions is 2^LEAST_LOG … 2^MOST_LOG contended moments. */
const LEAST_LOG = 2;
const MOST_LOG = 12;

/** As many moments as no run has. */
const MAX_QUANTUM = 2 ** 32 - 1;

export class Strategies {
  constructor(
    private readonly ram: Ram,
    private readonly state: number,
    private readonly harts: HartTurns,
  ) {}

  begin(strategy: Strategy): void {
    const { ram, state } = this;
    S.kind.set(ram, state, ScheduleKind.Plain);
    S.asked.set(ram, state, 0);
    S.lowest.set(ram, state, 0);
    S.preemptAt.set(ram, state, Infinity);
    switch (strategy.kind) {
      case 'replay':
        this.ask(strategy.departures);
        break;
      case 'round-robin':
        S.kind.set(ram, state, ScheduleKind.RoundRobin);
        S.parameter.set(ram, state, Math.min(strategy.quantum, MAX_QUANTUM));
        S.preemptAt.set(ram, state, strategy.quantum);
        break;
      case 'random': {
        seedDraws(ram, state, strategy.seed);
        S.kind.set(ram, state, ScheduleKind.Random);
        const distance = 2 ** (LEAST_LOG + draw(ram, state, MOST_LOG - LEAST_LOG + 1));
        S.parameter.set(ram, state, 2 * distance);
        S.preemptAt.set(ram, state, 1 + draw(ram, state, 2 * distance));
        break;
      }
      case 'pct':
        seedDraws(ram, state, strategy.seed);
        S.kind.set(ram, state, ScheduleKind.Pct);
        this.beginPct(strategy.depth, Math.max(1, strategy.steps));
        break;
    }
  }

  /** Random priorities above all that changes hand out, and the moments of the changes. */
  private beginPct(depth: number, steps: number): void {
    const { ram, state, harts } = this;
    const order = Array.from({ length: harts.cpus }, (_, hart) => hart);
    for (let i = order.length - 1; i > 0; i--) {
      const j = draw(ram, state, i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    order.forEach((hart, rank) => {
      HartTurn.priority.set(ram, harts.turnOf(hart), 1 + rank);
    });
    const count = Math.min(depth - 1, MAX_ASKED);
    const changes = Array.from({ length: count }, () => draw(ram, state, steps)).sort((a, b) => a - b);
    // They share the list of departures that are asked for: PCT asks for none.
    changes.forEach((at, i) => {
      DepartureRecord.at.set(ram, this.record(i), at);
    });
    S.parameter.set(ram, state, changes.length);
    S.preemptAt.set(ram, state, changes[0] ?? Infinity);
  }

  /** Notes the departures that are asked for, each hart's together and in order. */
  private ask(departures: readonly Departure[]): void {
    const { ram, state, harts } = this;
    if (departures.length > MAX_ASKED) throw new RangeError(`a schedule has at most ${String(MAX_ASKED)} departures`);
    const sorted = departures
      .filter(({ hart, to }) => hart < harts.cpus && to < harts.cpus)
      .sort((a, b) => a.hart - b.hart || a.at - b.at);
    sorted.forEach(({ hart, at, to }, i) => {
      const record = this.record(i);
      DepartureRecord.hart.set(ram, record, hart);
      DepartureRecord.at.set(ram, record, at);
      DepartureRecord.to.set(ram, record, to);
    });
    S.asked.set(ram, state, sorted.length);
    for (let hart = 0; hart < harts.cpus; hart++) {
      const first = sorted.findIndex((departure) => departure.hart === hart);
      HartTurn.cursor.set(ram, harts.turnOf(hart), first < 0 ? sorted.length : first);
    }
  }

  /**
   * Who goes on after `hart`: `plain`, or another one that can.
   *
   * @param mayStay whether `hart` itself could go on, so that another one would be a preemption
   */
  decide(hart: number, plain: number, mayStay: boolean): number {
    const { ram, state, harts } = this;
    const asked = this.takeAsked(hart);
    if (asked !== NOBODY) return asked;
    const contended = S.contended.get(ram, state);
    const due = contended >= S.preemptAt.get(ram, state);
    switch (S.kind.get(ram, state)) {
      case ScheduleKind.RoundRobin:
        if (!due || !mayStay) return plain;
        S.preemptAt.set(ram, state, contended + S.parameter.get(ram, state));
        return harts.following(hart);
      case ScheduleKind.Random:
        if (!due && mayStay) return plain;
        if (due) S.preemptAt.set(ram, state, contended + 1 + draw(ram, state, S.parameter.get(ram, state)));
        return this.anyOf(hart, mayStay);
      case ScheduleKind.Pct:
        if (due) this.changePriority(hart);
        else if (plain !== hart && mayStay) this.lower(hart);
        return this.mostUrgent();
      default:
        return plain;
    }
  }

  /** The moment of `hart` at which it wants to depart next; Infinity. */
  nextAsked(hart: number): number {
    const { ram, state, harts } = this;
    const cursor = HartTurn.cursor.get(ram, harts.turnOf(hart));
    if (S.kind.get(ram, state) !== ScheduleKind.Plain || cursor >= S.asked.get(ram, state)) return Infinity;
    const record = this.record(cursor);
    return DepartureRecord.hart.get(ram, record) === hart ? DepartureRecord.at.get(ram, record) : Infinity;
  }

  /** The hart's departure that is asked for now, if it can be had; those whose moment has passed are dropped. */
  private takeAsked(hart: number): number {
    const { ram, harts } = this;
    const now = harts.momentsOf(hart);
    const turn = harts.turnOf(hart);
    let to = NOBODY;
    while (this.nextAsked(hart) <= now) {
      const cursor = HartTurn.cursor.get(ram, turn);
      const record = this.record(cursor);
      if (DepartureRecord.at.get(ram, record) === now) to = DepartureRecord.to.get(ram, record);
      HartTurn.cursor.set(ram, turn, cursor + 1);
    }
    return to !== NOBODY && harts.isReady(to) ? to : NOBODY;
  }

  private changePriority(hart: number): void {
    const { ram, state } = this;
    this.lower(hart);
    const left = S.parameter.get(ram, state) - 1;
    S.parameter.set(ram, state, left);
    // Those that have been used are taken from the front.
    for (let i = 0; i < left; i++) {
      DepartureRecord.at.set(ram, this.record(i), DepartureRecord.at.get(ram, this.record(i + 1)));
    }
    S.preemptAt.set(ram, state, left === 0 ? Infinity : DepartureRecord.at.get(ram, this.record(0)));
  }

  /** The hart goes behind all others. */
  private lower(hart: number): void {
    const { ram, state, harts } = this;
    const lowest = S.lowest.get(ram, state) - 1;
    S.lowest.set(ram, state, lowest);
    HartTurn.priority.set(ram, harts.turnOf(hart), lowest);
  }

  private mostUrgent(): number {
    const { ram, harts } = this;
    let best = NOBODY;
    let priority = -Infinity;
    for (let hart = 0; hart < harts.cpus; hart++) {
      if (!harts.isReady(hart)) continue;
      const own = HartTurn.priority.get(ram, harts.turnOf(hart));
      if (own <= priority) continue;
      best = hart;
      priority = own;
    }
    return best;
  }

  /** Any hart that can go on, but not `hart` if it may stay (it would not be a preemption) and there is another. */
  private anyOf(hart: number, mayStay: boolean): number {
    const { harts } = this;
    const counts = (other: number): boolean => harts.isReady(other) && !(mayStay && other === hart);
    let candidates = 0;
    for (let other = 0; other < harts.cpus; other++) if (counts(other)) candidates++;
    if (candidates === 0) return hart;
    let left = draw(this.ram, this.state, candidates);
    for (let other = 0; ; other++) if (counts(other) && left-- === 0) return other;
  }

  private record(index: number): number {
    return S.askedList.addr(this.state) + index * DepartureRecord.SIZE;
  }
}
