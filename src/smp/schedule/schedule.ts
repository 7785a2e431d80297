/*
 * Decides which hart goes on: the schedule proper, over its state in RAM. Harts use it while it is their turn, the host while it is its.
 *
 * Deciding is a function of the state and nothing else, so the same plan gives the same run. The plain order (plan.ts): a hart goes on until
 * it waits, or until others have been able to go on for FAIR moments; then the next one in the circle does. Whatever a strategy decides
 * otherwise is noted as a departure, and a replay asks for exactly those.
 *
 * `due` is what makes moments cheap: all before it need no look. Whoever changes what may be decided sets it to now.
 */

import type { Ram } from '../../core/ram.ts';
import type { Fault, Strategy } from './plan.ts';
import {
  ChoiceRecord,
  DepartureRecord,
  HartTurn,
  LateRing,
  Life,
  MAX_ASKED,
  MAX_CHOICES,
  MAX_FAULTS,
  MAX_MADE,
  ScheduleKind,
  ScheduleState as S,
} from './state.ts';

/** Virtual nanoseconds of a moment: a hart executes 100 million instructions a second. */
export const NS_PER_MOMENT = 10;

/** Moments after which a hart that never waits gives way, if another one can go on. */
const FAIR = 50_000;

/** Moments for which a hart that spins leaves the others alone. */
const SPIN_PAUSE = 16;

/** How often in a row nobody may be able to do anything but spin. */
const MAX_SPINS = 10_000;

/** A random schedule's mean distance of preemptions is 2^LEAST_LOG … 2^MOST_LOG contended moments. */
const LEAST_LOG = 2;
const MOST_LOG = 12;

/** Points of a victim that has got its sentence. */
const NEVER = 0xffff_ffff;

/** A decision: no hart can go on. */
export const NOBODY = -1;

export class Schedule {
  constructor(
    private readonly ram: Ram,
    private readonly base: number,
    readonly cpus: number,
  ) {}

  // --- the plan -----------------------------------------------------------------------------------------------------------------

  /**
   * Begins a plan: moments count from here; virtual time, and who can go on, stay. Without anything being asked for: the plain order.
   *
   * @param limit moments after which the run counts as going nowhere
   * @throws RangeError when the plan has more departures or faults than there is room for
   */
  begin(strategy: Strategy, faults: readonly Fault[] = [], { limit = Infinity, choices = false } = {}): void {
    const { ram, base } = this;
    S.ns.set(ram, base, this.ns);
    for (const field of [S.moments, S.contended, S.countedAt]) field.set(ram, base, 0);
    for (const field of [S.asked, S.made, S.lost, S.choices, S.spins]) field.set(ram, base, 0);
    S.wantChoices.set(ram, base, choices ? 1 : 0);
    S.hash.put(ram, base, 0, 0x811c9dc5);
    S.hash.put(ram, base, 1, 0x9e3779b9);
    S.limit.set(ram, base, limit);
    S.fairAt.set(ram, base, FAIR);
    S.preemptAt.set(ram, base, Infinity);
    S.hostAt.set(ram, base, Infinity);
    S.lowest.set(ram, base, 0);
    for (let hart = 0; hart < this.cpus; hart++) {
      const turn = this.turnOf(hart);
      HartTurn.moments.set(ram, turn, 0);
      HartTurn.cursor.set(ram, turn, 0);
      HartTurn.priority.set(ram, turn, 0);
      HartTurn.stallAt.set(ram, turn, Infinity);
    }
    this.beginStrategy(strategy);
    this.beginFaults(faults);
    this.changed();
  }

  /** Limits the run to so many moments more. */
  limitTo(moments: number): void {
    S.limit.set(this.ram, this.base, this.moments + moments);
    this.changed();
  }

  private beginStrategy(strategy: Strategy): void {
    const { ram, base } = this;
    S.kind.set(ram, base, ScheduleKind.Plain);
    switch (strategy.kind) {
      case 'replay':
        this.ask(strategy.departures);
        break;
      case 'round-robin':
        S.kind.set(ram, base, ScheduleKind.RoundRobin);
        S.parameter.set(ram, base, strategy.quantum);
        S.preemptAt.set(ram, base, strategy.quantum);
        break;
      case 'random': {
        this.seed(strategy.seed);
        S.kind.set(ram, base, ScheduleKind.Random);
        const distance = 2 ** (LEAST_LOG + this.draw(MOST_LOG - LEAST_LOG + 1));
        S.parameter.set(ram, base, 2 * distance);
        S.preemptAt.set(ram, base, 1 + this.draw(2 * distance));
        break;
      }
      case 'pct':
        this.seed(strategy.seed);
        S.kind.set(ram, base, ScheduleKind.Pct);
        this.beginPct(strategy.depth, Math.max(1, strategy.steps));
        break;
    }
  }

  /** Random priorities above all that changes hand out. The moments of the changes are drawn one after the other, in ascending order. */
  private beginPct(depth: number, steps: number): void {
    const { ram, base } = this;
    const order = Array.from({ length: this.cpus }, (_, hart) => hart);
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.draw(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    order.forEach((hart, rank) => HartTurn.priority.set(ram, this.turnOf(hart), 1 + rank));
    const changes = Array.from({ length: Math.min(depth - 1, MAX_ASKED) }, () => this.draw(steps)).sort((a, b) => a - b);
    // They share the list of departures that are asked for: a replay has no changes, and PCT asks for no departures.
    changes.forEach((at, i) => DepartureRecord.at.set(ram, this.asked(i), at));
    S.parameter.set(ram, base, changes.length);
    S.preemptAt.set(ram, base, changes[0] ?? Infinity);
  }

  /** Notes the departures that are asked for, each hart's together and in order. */
  private ask(departures: Extract<Strategy, { kind: 'replay' }>['departures']): void {
    const { ram, base } = this;
    if (departures.length > MAX_ASKED) throw new RangeError(`a schedule has at most ${String(MAX_ASKED)} departures`);
    const sorted = [...departures].sort((a, b) => a.hart - b.hart || a.at - b.at);
    sorted.forEach(({ hart, at, to }, i) => {
      const record = this.asked(i);
      DepartureRecord.hart.set(ram, record, hart);
      DepartureRecord.at.set(ram, record, at);
      DepartureRecord.to.set(ram, record, to);
    });
    S.asked.set(ram, base, sorted.length);
    for (let hart = 0; hart < this.cpus; hart++) {
      const first = sorted.findIndex((departure) => departure.hart === hart);
      HartTurn.cursor.set(ram, this.turnOf(hart), first < 0 ? sorted.length : first);
    }
  }

  private beginFaults(faults: readonly Fault[]): void {
    const { ram, base } = this;
    for (const field of [S.rings, S.lateCount, S.heldBack, S.requests, S.refuseCount, S.sleeps, S.spuriousCount]) {
      field.set(ram, base, 0);
    }
    for (const field of [S.victim, S.victimPoints, S.executioner, S.started, S.victimNth]) field.set(ram, base, 0);
    for (const fault of faults) {
      switch (fault.kind) {
        case 'stall': {
          const turn = this.turnOf(fault.hart);
          HartTurn.stallAt.set(ram, turn, fault.at);
          HartTurn.stallFor.set(ram, turn, fault.moments);
          break;
        }
        case 'late-ipi': {
          const slot = this.another(S.lateCount);
          S.lateNth.put(ram, base, slot, fault.nth);
          S.lateMoments.put(ram, base, slot, fault.moments);
          break;
        }
        case 'no-memory':
          S.refuse.put(ram, base, this.another(S.refuseCount), fault.nth);
          break;
        case 'spurious':
          S.spurious.put(ram, base, this.another(S.spuriousCount), fault.nth);
          break;
        case 'kill':
          S.victimNth.set(ram, base, fault.thread + 1);
          S.victimPoints.set(ram, base, fault.at);
          break;
      }
    }
  }

  private another(count: typeof S.lateCount): number {
    const index = count.get(this.ram, this.base);
    if (index === MAX_FAULTS) throw new RangeError(`a plan has at most ${String(MAX_FAULTS)} faults of a kind`);
    count.set(this.ram, this.base, index + 1);
    return index;
  }

  // --- time and moments ---------------------------------------------------------------------------------------------------------

  /** Virtual nanoseconds since power-on. */
  get ns(): number {
    return S.ns.get(this.ram, this.base) + this.moments * NS_PER_MOMENT;
  }

  get moments(): number {
    return S.moments.get(this.ram, this.base);
  }

  /** Moments that nobody needs to look at: how many may pass before the next look. */
  get leisure(): number {
    return S.due.get(this.ram, this.base) - this.moments;
  }

  /** `count` moments of a hart pass. */
  pass(hart: number, count: number): void {
    const { ram, base } = this;
    const turn = this.turnOf(hart);
    HartTurn.moments.set(ram, turn, HartTurn.moments.get(ram, turn) + count);
    S.moments.set(ram, base, S.moments.get(ram, base) + count);
  }

  /** Something has changed that a decision depends on: the next moment is looked at. */
  changed(): void {
    S.due.set(this.ram, this.base, this.moments);
  }

  /** Adds to the contended moments those that have passed since the last time; before the harts that can go on change. */
  private count(): void {
    const { ram, base } = this;
    const { moments } = this;
    const passed = moments - S.countedAt.get(ram, base);
    if (passed === 0) return;
    S.countedAt.set(ram, base, moments);
    if (this.hasOthers(S.running.get(ram, base))) S.contended.set(ram, base, S.contended.get(ram, base) + passed);
  }

  // --- who can go on ------------------------------------------------------------------------------------------------------------

  isReady(hart: number): boolean {
    return (S.ready.at(this.ram, this.base, hart >>> 5) & (1 << (hart & 31))) !== 0;
  }

  /** The hart can go on. */
  wake(hart: number, late = false): void {
    const { ram, base } = this;
    this.count();
    const turn = this.turnOf(hart);
    HartTurn.life.set(ram, turn, Life.Ready);
    HartTurn.late.set(ram, turn, late ? 1 : 0);
    S.ready.put(ram, base, hart >>> 5, S.ready.at(ram, base, hart >>> 5) | (1 << (hart & 31)));
    this.changed();
  }

  private leave(hart: number, life: number): void {
    const { ram, base } = this;
    this.count();
    HartTurn.life.set(ram, this.turnOf(hart), life);
    S.ready.put(ram, base, hart >>> 5, S.ready.at(ram, base, hart >>> 5) & ~(1 << (hart & 31)));
    this.changed();
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

  /** The hart sleeps on a word until it is woken, or until `deadline` (virtual ns). */
  sleep(hart: number, index: number, expected: number, deadline: number): void {
    const { ram } = this;
    const turn = this.turnOf(hart);
    HartTurn.word.set(ram, turn, index);
    HartTurn.expected.set(ram, turn, expected);
    HartTurn.since.set(ram, turn, this.moments);
    HartTurn.deadline.set(ram, turn, deadline);
    this.leave(hart, Life.Asleep);
  }

  /** Whether the sleep that the hart has been woken from was ended by its deadline. */
  wasLate(hart: number): boolean {
    return HartTurn.late.get(this.ram, this.turnOf(hart)) !== 0;
  }

  /** The hart does nothing for so many moments of the others. */
  pause(hart: number, moments = SPIN_PAUSE): void {
    HartTurn.wakeAt.set(this.ram, this.turnOf(hart), this.moments + moments);
    this.leave(hart, Life.Paused);
  }

  /** Wakes those who have slept on a word for longest, at most `count`. Returns how many. */
  notify(index: number, count: number): number {
    const { ram } = this;
    for (let woken = 0; ; woken++) {
      let first = NOBODY;
      let since = Infinity;
      for (let hart = 0; hart < this.cpus && woken < count; hart++) {
        const turn = this.turnOf(hart);
        if (HartTurn.life.get(ram, turn) !== Life.Asleep || HartTurn.word.get(ram, turn) !== index) continue;
        if (HartTurn.since.get(ram, turn) >= since) continue;
        since = HartTurn.since.get(ram, turn);
        first = hart;
      }
      if (first === NOBODY) return woken;
      this.wake(first);
    }
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

  get anyReady(): boolean {
    return (S.ready.at(this.ram, this.base, 0) | S.ready.at(this.ram, this.base, 1)) !== 0;
  }

  private hasOthers(hart: number): boolean {
    const { ram, base } = this;
    const word = hart >>> 5;
    const own = S.ready.at(ram, base, word) & ~(1 << (hart & 31));
    return (own | S.ready.at(ram, base, 1 - word)) !== 0;
  }

  /** The next hart after this one, in a circle, that can go on; itself last; NOBODY. */
  private following(hart: number): number {
    for (let i = 1; i <= this.cpus; i++) {
      const next = (hart + i) % this.cpus;
      if (this.isReady(next)) return next;
    }
    return NOBODY;
  }

  // --- deciding -----------------------------------------------------------------------------------------------------------------

  /**
   * A moment that is to be looked at: who goes on, `hart` or another one. NOBODY: it is up to the host (nobody can go on, or nothing
   * comes of it any more: `isStuck`).
   *
   * @param branching whether a choice here is worth noting for an exhaustive search
   */
  look(hart: number, branching: boolean): number {
    const { ram, base } = this;
    this.count();
    this.passTime();
    if (this.isStuck) return NOBODY;
    const turn = this.turnOf(hart);
    if (HartTurn.moments.get(ram, turn) >= HartTurn.stallAt.get(ram, turn)) {
      HartTurn.stallAt.set(ram, turn, Infinity);
      this.pause(hart, HartTurn.stallFor.get(ram, turn));
      return this.choose(hart);
    }
    if (branching && S.wantChoices.get(ram, base) !== 0) this.noteChoice(hart);
    const fair = this.moments >= S.fairAt.get(ram, base) && this.hasOthers(hart);
    const plain = fair ? this.following(hart) : hart;
    const next = this.decide(hart, plain, true);
    S.spins.set(ram, base, 0);
    return this.goOn(hart, plain, next);
  }

  /** The hart cannot go on: who does. NOBODY: it is up to the host. */
  choose(hart: number): number {
    this.count();
    this.passTime();
    while (!this.anyReady) {
      if (!this.skipTime()) return NOBODY;
    }
    if (this.isStuck) return NOBODY;
    const plain = this.following(hart);
    return this.goOn(hart, plain, this.decide(hart, plain, false));
  }

  /** Whether the run's limit is reached, or all that can go on have only been spinning for long. */
  get isStuck(): boolean {
    const { ram, base } = this;
    return this.moments >= S.limit.get(ram, base) || S.spins.get(ram, base) > MAX_SPINS;
  }

  /** What the strategy says: `plain`, or another hart that can go on. */
  private decide(hart: number, plain: number, mayStay: boolean): number {
    const { ram, base } = this;
    const executioner = S.executioner.get(ram, base);
    if (executioner !== 0 && this.isReady(executioner - 1)) return executioner - 1;
    const asked = this.takeAsked(hart);
    if (asked !== NOBODY) return asked;
    const due = S.contended.get(ram, base) >= S.preemptAt.get(ram, base);
    switch (S.kind.get(ram, base)) {
      case ScheduleKind.RoundRobin:
        if (!due || !mayStay) return plain;
        S.preemptAt.set(ram, base, S.contended.get(ram, base) + S.parameter.get(ram, base));
        return this.following(hart);
      case ScheduleKind.Random:
        if (!due && mayStay) return plain;
        if (due) S.preemptAt.set(ram, base, S.contended.get(ram, base) + 1 + this.draw(S.parameter.get(ram, base)));
        return this.anyOf(hart, mayStay);
      case ScheduleKind.Pct:
        if (due) this.changePriority(hart);
        else if (plain !== hart && mayStay) this.lower(hart);
        return this.mostUrgent();
      default:
        return plain;
    }
  }

  /** The hart's departure that is asked for now, if it can be had. */
  private takeAsked(hart: number): number {
    const { ram, base } = this;
    const turn = this.turnOf(hart);
    const asked = S.asked.get(ram, base);
    const now = HartTurn.moments.get(ram, turn);
    let to = NOBODY;
    let cursor = HartTurn.cursor.get(ram, turn);
    for (; cursor < asked; cursor++) {
      const record = this.asked(cursor);
      if (DepartureRecord.hart.get(ram, record) !== hart || DepartureRecord.at.get(ram, record) > now) break;
      if (DepartureRecord.at.get(ram, record) === now) to = DepartureRecord.to.get(ram, record);
    }
    HartTurn.cursor.set(ram, turn, cursor);
    return to !== NOBODY && to < this.cpus && this.isReady(to) ? to : NOBODY;
  }

  private changePriority(hart: number): void {
    const { ram, base } = this;
    this.lower(hart);
    const left = S.parameter.get(ram, base) - 1;
    S.parameter.set(ram, base, left);
    // Those that have been used are taken from the front.
    for (let i = 0; i < left; i++) {
      DepartureRecord.at.set(ram, this.asked(i), DepartureRecord.at.get(ram, this.asked(i + 1)));
    }
    S.preemptAt.set(ram, base, left === 0 ? Infinity : DepartureRecord.at.get(ram, this.asked(0)));
  }

  private lower(hart: number): void {
    const { ram, base } = this;
    const lowest = S.lowest.get(ram, base) - 1;
    S.lowest.set(ram, base, lowest);
    HartTurn.priority.set(ram, this.turnOf(hart), lowest);
  }

  private mostUrgent(): number {
    let best = NOBODY;
    let priority = -Infinity;
    for (let hart = 0; hart < this.cpus; hart++) {
      if (!this.isReady(hart)) continue;
      const own = HartTurn.priority.get(this.ram, this.turnOf(hart));
      if (own > priority) [best, priority] = [hart, own];
    }
    return best;
  }

  /** Any hart that can go on, but not `hart` if it may stay (it would not be a preemption) and there is another. */
  private anyOf(hart: number, mayStay: boolean): number {
    const candidates: number[] = [];
    for (let other = 0; other < this.cpus; other++) {
      if (this.isReady(other) && !(mayStay && other === hart)) candidates.push(other);
    }
    return candidates.length === 0 ? hart : candidates[this.draw(candidates.length)]!;
  }

  /** Notes what has been decided, and when the next look is due. */
  private goOn(hart: number, plain: number, next: number): number {
    const { ram, base } = this;
    if (next !== plain) this.noteDeparture(hart, next);
    if (next !== hart) {
      this.mix(next, HartTurn.moments.get(ram, this.turnOf(next)));
      S.fairAt.set(ram, base, this.moments + FAIR);
    } else if (this.moments >= S.fairAt.get(ram, base)) S.fairAt.set(ram, base, this.moments + FAIR);
    S.running.set(ram, base, next);
    this.setDue(next);
    return next;
  }

  /** When the next look is due, while `hart` goes on and nothing changes. */
  private setDue(hart: number): void {
    const { ram, base } = this;
    const { moments } = this;
    let due = Math.min(S.limit.get(ram, base), S.hostAt.get(ram, base));
    if (this.hasOthers(hart)) {
      const preempt = moments + Math.max(1, S.preemptAt.get(ram, base) - S.contended.get(ram, base));
      due = Math.min(due, preempt, S.fairAt.get(ram, base));
      if (S.wantChoices.get(ram, base) !== 0) due = moments;
    }
    const turn = this.turnOf(hart);
    const own = HartTurn.moments.get(ram, turn);
    due = Math.min(due, moments + HartTurn.stallAt.get(ram, turn) - own);
    const cursor = HartTurn.cursor.get(ram, turn);
    if (cursor < S.asked.get(ram, base) && DepartureRecord.hart.get(ram, this.asked(cursor)) === hart) {
      due = Math.min(due, moments + DepartureRecord.at.get(ram, this.asked(cursor)) - own);
    }
    S.due.set(ram, base, Math.min(due, this.nextEvent()));
  }

  // --- time ---------------------------------------------------------------------------------------------------------------------

  /** Lets happen what is due: deadlines, ends of pauses, rings that were held back. */
  private passTime(): void {
    const { ram, base } = this;
    const { moments, ns } = this;
    for (let hart = 0; hart < this.cpus; hart++) {
      const turn = this.turnOf(hart);
      const life = HartTurn.life.get(ram, turn);
      if (life === Life.Asleep && HartTurn.deadline.get(ram, turn) <= ns) this.wake(hart, true);
      else if (life === Life.Paused && HartTurn.wakeAt.get(ram, turn) <= moments) this.wake(hart);
    }
    for (let i = S.heldBack.get(ram, base) - 1; i >= 0; i--) {
      if (LateRing.due.get(ram, this.lateRing(i)) <= moments) this.deliver(i);
    }
  }

  /** The moment of the next of those. */
  private nextEvent(): number {
    const { ram, base } = this;
    let next = Infinity;
    for (let hart = 0; hart < this.cpus; hart++) {
      const turn = this.turnOf(hart);
      const life = HartTurn.life.get(ram, turn);
      if (life === Life.Paused) next = Math.min(next, HartTurn.wakeAt.get(ram, turn));
      else if (life === Life.Asleep) {
        next = Math.min(next, Math.ceil((HartTurn.deadline.get(ram, turn) - S.ns.get(ram, base)) / NS_PER_MOMENT));
      }
    }
    for (let i = 0; i < S.heldBack.get(ram, base); i++) next = Math.min(next, LateRing.due.get(ram, this.lateRing(i)));
    return next;
  }

  /** Nobody can go on now: time passes until somebody can. False: there is nothing to wait for. */
  private skipTime(): boolean {
    const { ram, base } = this;
    let first = NOBODY;
    let at = Infinity;
    for (let hart = 0; hart < this.cpus; hart++) {
      const turn = this.turnOf(hart);
      if (HartTurn.life.get(ram, turn) !== Life.Paused || HartTurn.wakeAt.get(ram, turn) >= at) continue;
      first = hart;
      at = HartTurn.wakeAt.get(ram, turn);
    }
    if (S.heldBack.get(ram, base) > 0) {
      this.deliver(0);
      return true;
    }
    if (first !== NOBODY) {
      S.spins.set(ram, base, S.spins.get(ram, base) + 1);
      this.wake(first);
      return true;
    }
    let deadline = Infinity;
    for (let hart = 0; hart < this.cpus; hart++) {
      const turn = this.turnOf(hart);
      if (HartTurn.life.get(ram, turn) === Life.Asleep) deadline = Math.min(deadline, HartTurn.deadline.get(ram, turn));
    }
    if (deadline === Infinity) return false;
    if (deadline > this.ns) S.ns.set(ram, base, deadline - this.moments * NS_PER_MOMENT);
    this.passTime();
    return true;
  }

  // --- faults -------------------------------------------------------------------------------------------------------------------

  /** A doorbell is about to be rung: whether the ring is held back. */
  holdBack(hart: number, kinds: number): boolean {
    const { ram, base } = this;
    const nth = S.rings.get(ram, base);
    S.rings.set(ram, base, nth + 1);
    for (let i = 0; i < S.lateCount.get(ram, base); i++) {
      if (S.lateNth.at(ram, base, i) !== nth) continue;
      const count = S.heldBack.get(ram, base);
      const record = this.lateRing(count);
      LateRing.due.set(ram, record, this.moments + S.lateMoments.at(ram, base, i));
      LateRing.hart.set(ram, record, hart);
      LateRing.kinds.set(ram, record, kinds);
      S.heldBack.set(ram, base, count + 1);
      this.changed();
      return true;
    }
    return false;
  }

  /** Tells how rings are delivered: which word to set, for a hart. */
  doorbellOf: (hart: number) => number = () => 0;

  private deliver(i: number): void {
    const { ram, base } = this;
    const record = this.lateRing(i);
    const index = this.doorbellOf(LateRing.hart.get(ram, record));
    ram.i32[index] = ram.i32[index]! | LateRing.kinds.get(ram, record);
    const last = this.lateRing(S.heldBack.get(ram, base) - 1);
    ram.copy(record, last, LateRing.SIZE);
    S.heldBack.set(ram, base, S.heldBack.get(ram, base) - 1);
    this.notify(index, Infinity);
  }

  /** A request for memory: whether it is to be refused. */
  refuses(): boolean {
    const { ram, base } = this;
    const nth = S.requests.get(ram, base);
    S.requests.set(ram, base, nth + 1);
    for (let i = 0; i < S.refuseCount.get(ram, base); i++) if (S.refuse.at(ram, base, i) === nth) return true;
    return false;
  }

  /** A sleep begins: whether it is to end at once. */
  isSpurious(): boolean {
    const { ram, base } = this;
    const nth = S.sleeps.get(ram, base);
    S.sleeps.set(ram, base, nth + 1);
    for (let i = 0; i < S.spuriousCount.get(ram, base); i++) if (S.spurious.at(ram, base, i) === nth) return true;
    return false;
  }

  /** A thread has started: perhaps it is the one to be killed. */
  threadStarts(thread: number): void {
    const { ram, base } = this;
    const nth = S.started.get(ram, base) + 1;
    S.started.set(ram, base, nth);
    if (nth === S.victimNth.get(ram, base)) S.victim.set(ram, base, thread);
  }

  /** The thread to be killed, or 0. */
  get victim(): number {
    return S.victim.get(this.ram, this.base);
  }

  /** The victim passes a point on `hart`: true when another hart (or itself, if there is no other) is to kill it now: `executioner`. */
  victimPasses(hart: number): boolean {
    const { ram, base } = this;
    const left = S.victimPoints.get(ram, base);
    if (left === NEVER) return false;
    if (left > 0) {
      S.victimPoints.set(ram, base, left - 1);
      return false;
    }
    S.victimPoints.set(ram, base, NEVER);
    S.executioner.set(ram, base, ((hart + 1) % this.cpus) + 1);
    this.changed();
    return true;
  }

  get executioner(): number {
    return S.executioner.get(this.ram, this.base) - 1;
  }

  /** The hart that is to kill has to wait for another one: they go on as usual. */
  letOthersGo(hart: number): void {
    if (this.executioner === hart) S.executioner.set(this.ram, this.base, 0);
  }

  /** The victim has been killed, or is gone. */
  executed(): void {
    S.victim.set(this.ram, this.base, 0);
    S.executioner.set(this.ram, this.base, 0);
  }

  // --- notes --------------------------------------------------------------------------------------------------------------------

  /** Takes into the hash of the interleaving that `hart` passed something. */
  mix(hart: number, what: number): void {
    const { ram, base } = this;
    const at = S.hash.addr(base) >>> 2;
    const low = Math.imul(ram.u32[at]! ^ hart ^ (what << 6), 0x01000193);
    ram.u32[at] = low;
    ram.u32[at + 1] = Math.imul(ram.u32[at + 1]! ^ (low >>> 15) ^ what, 0x85ebca6b) + hart;
  }

  private noteDeparture(hart: number, to: number): void {
    const { ram, base } = this;
    const made = S.made.get(ram, base);
    if (made === MAX_MADE) {
      S.lost.set(ram, base, S.lost.get(ram, base) + 1);
      return;
    }
    const record = S.madeList.addr(base) + made * DepartureRecord.SIZE;
    DepartureRecord.hart.set(ram, record, hart);
    DepartureRecord.at.set(ram, record, HartTurn.moments.get(ram, this.turnOf(hart)));
    DepartureRecord.to.set(ram, record, to);
    S.made.set(ram, base, made + 1);
  }

  private noteChoice(hart: number): void {
    const { ram, base } = this;
    const count = S.choices.get(ram, base);
    if (count === MAX_CHOICES || !this.hasOthers(hart)) return;
    const record = S.choiceList.addr(base) + count * ChoiceRecord.SIZE;
    ChoiceRecord.hart.set(ram, record, hart);
    ChoiceRecord.at.set(ram, record, HartTurn.moments.get(ram, this.turnOf(hart)));
    const others = S.ready.at(ram, base, 0) & ~(hart < 32 ? 1 << hart : 0);
    ChoiceRecord.others.set(ram, record, others);
    S.choices.set(ram, base, count + 1);
  }

  /** The host is to have its turn soon, at a moment when no lock is held. */
  wantHost(within: number): void {
    const { ram, base } = this;
    const at = this.moments + within;
    if (at >= S.hostAt.get(ram, base)) return;
    S.hostAt.set(ram, base, at);
    S.due.set(ram, base, Math.min(S.due.get(ram, base), at));
  }

  get hostIsDue(): boolean {
    return this.moments >= S.hostAt.get(this.ram, this.base);
  }

  /** The host has had its turn. */
  hostServed(): void {
    S.hostAt.set(this.ram, this.base, Infinity);
    this.changed();
  }

  get running(): number {
    return S.running.get(this.ram, this.base);
  }

  set running(hart: number) {
    S.running.set(this.ram, this.base, hart);
  }

  get reason(): number {
    return S.reason.get(this.ram, this.base);
  }

  set reason(reason: number) {
    S.reason.set(this.ram, this.base, reason);
  }

  /** Moments of a hart since the plan began. */
  momentsOf(hart: number): number {
    return HartTurn.moments.get(this.ram, this.turnOf(hart));
  }

  turnOf(hart: number): number {
    return S.harts.addr(this.base) + hart * HartTurn.SIZE;
  }

  private asked(index: number): number {
    return S.askedList.addr(this.base) + index * DepartureRecord.SIZE;
  }

  private lateRing(index: number): number {
    return S.late.addr(this.base) + index * LateRing.SIZE;
  }

  // --- random numbers -----------------------------------------------------------------------------------------------------------

  private seed(seed: number): void {
    let x = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) >>> 0;
      let z = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      S.random.put(this.ram, this.base, i, (z ^ (z >>> 15)) >>> 0 || 1);
    }
  }

  /** A whole number below `limit` (at most 2^31): xorshift128. */
  private draw(limit: number): number {
    const { ram, base } = this;
    let t = S.random.at(ram, base, 3);
    const s = S.random.at(ram, base, 0);
    S.random.put(ram, base, 3, S.random.at(ram, base, 2));
    S.random.put(ram, base, 2, S.random.at(ram, base, 1));
    S.random.put(ram, base, 1, s);
    t ^= t << 11;
    t ^= t >>> 8;
    const next = (t ^ s ^ (s >>> 19)) >>> 0;
    S.random.put(ram, base, 0, next);
    return Math.floor((next / 2 ** 32) * limit);
  }
}
