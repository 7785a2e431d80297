/*
 * Decides which hart goes on: the schedule proper, over its state in RAM. Harts use it while it is their turn, the host while it is its.
 *
 * Deciding is a function of the state and nothing else, so the same plan gives the same run. The plain order (plan.ts): a hart goes on until
 * it waits, or until its patience with others that can go on is at an end (MOST_PATIENCE); then the next one in the circle does. Whatever a strategy decides
 * otherwise is noted as a departure, and a replay asks for exactly those.
 *
 * `due` is what makes moments cheap: all before it need no look. Whoever changes what may be decided sets it to now.
 */

import type { Ram } from '../../core/ram.ts';
import { Faults } from './faults.ts';
import { HartTurns, NOBODY } from './hart-turns.ts';
import { Notes } from './notes.ts';
import type { Plan } from './plan.ts';
import { HartTurn, ScheduleState as S } from './state.ts';
import { Strategies } from './strategies.ts';
import { VirtualTime } from './virtual-time.ts';

/**
 * Moments after which a hart that never waits gives way, if another one can go on: patience, which becomes half of what it was whenever it
 * has been in vain. A long patience lets a hart be late by all that another one does meanwhile, which some mistakes need to show; a short
 * one keeps harts that spin until another one has done something from wasting the run.
 */
const MOST_PATIENCE = 2 ** 18;
const LEAST_PATIENCE = 2 ** 14;

/** Moments for which a hart that spins leaves the others alone. */
const SPIN_PAUSE = 16;

/** How often in a row nobody may be able to do anything but spin. */
const MAX_SPINS = 10_000;

export interface PlanOptions {
  /** Moments after which the run counts as going nowhere. */
  readonly limit?: number;
  /** Moments after which the host has a turn even if nobody has rung: for what is typed at a terminal. */
  readonly hostEvery?: number;
  /** Whether choices are noted. */
  readonly choices?: boolean;
  /** Addresses of the threads that have started already, in the order in which faults count them. */
  readonly threads?: readonly number[];
}

export class Schedule {
  readonly harts: HartTurns;
  readonly faults: Faults;
  readonly notes: Notes;
  private readonly strategies: Strategies;
  private readonly time: VirtualTime;

  /**
   * @param doorbellOf index of the word that is a hart's doorbell
   * @param pcOf where a hart is (plan.ts: `pcs`)
   */
  constructor(
    private readonly ram: Ram,
    private readonly state: number,
    readonly cpus: number,
    doorbellOf: (hart: number) => number,
    private readonly pcOf: (hart: number) => number = () => 0,
  ) {
    this.time = new VirtualTime(ram, state);
    this.harts = new HartTurns(ram, state, cpus, () => {
      this.count();
      this.changed();
    });
    this.faults = new Faults(ram, state, this.harts, doorbellOf);
    this.notes = new Notes(ram, state);
    this.strategies = new Strategies(ram, state, this.harts);
  }

  /**
   * Begins a plan: moments count from here; virtual time, and who can go on, stay.
   *
   * @throws RangeError when the plan has more departures or faults than there is room for
   */
  begin(
    { strategy, faults }: Plan,
    { limit = Infinity, choices = false, threads = [], hostEvery = Infinity }: PlanOptions = {},
  ): void {
    const { ram, state } = this;
    const { ns } = this;
    for (const field of [S.moments, S.contended, S.countedAt]) field.set(ram, state, 0);
    this.time.skipTo(ns);
    S.spins.set(ram, state, 0);
    S.limit.set(ram, state, limit);
    S.patience.set(ram, state, MOST_PATIENCE);
    S.fairAt.set(ram, state, MOST_PATIENCE);
    S.hostEvery.set(ram, state, hostEvery);
    S.hostAt.set(ram, state, hostEvery);
    for (let hart = 0; hart < this.cpus; hart++) {
      const turn = this.harts.turnOf(hart);
      HartTurn.moments.set(ram, turn, 0);
      HartTurn.cursor.set(ram, turn, 0);
      HartTurn.priority.set(ram, turn, 0);
    }
    this.notes.begin(choices);
    this.strategies.begin(strategy);
    this.faults.begin(faults, threads);
    this.changed();
  }

  // --- time and moments ---------------------------------------------------------------------------------------------------------

  /** Virtual nanoseconds since power-on. */
  get ns(): number {
    return this.time.ns;
  }

  /** Moments of all harts since the plan began. */
  get moments(): number {
    return S.moments.get(this.ram, this.state);
  }

  /** How many moments may pass before the next look. */
  get leisure(): number {
    return S.due.get(this.ram, this.state) - this.moments;
  }

  /** `count` moments of a hart pass. (Points do the same by hand: seeded-hart.ts.) */
  pass(hart: number, count: number): void {
    const { ram, state } = this;
    const turn = this.harts.turnOf(hart);
    HartTurn.moments.set(ram, turn, HartTurn.moments.get(ram, turn) + count);
    S.moments.set(ram, state, S.moments.get(ram, state) + count);
  }

  /** Something has changed that a decision depends on: the next moment is looked at. */
  changed(): void {
    S.due.set(this.ram, this.state, this.moments);
  }

  /** Adds to the contended moments those that have passed since the last time; before the harts that can go on change. */
  private count(): void {
    const { ram, state, moments } = this;
    const passed = moments - S.countedAt.get(ram, state);
    if (passed === 0) return;
    S.countedAt.set(ram, state, moments);
    if (this.harts.hasOthers(S.running.get(ram, state))) S.contended.set(ram, state, S.contended.get(ram, state) + passed);
  }

  // --- deciding -----------------------------------------------------------------------------------------------------------------

  /**
   * A moment that is to be looked at: who goes on, `hart` or another one. NOBODY: it is up to the host, for nothing comes of it any more.
   *
   * @param branching whether a choice here is worth noting for an exhaustive search
   */
  look(hart: number, branching: boolean): number {
    const { ram, state, harts } = this;
    this.count();
    this.passTime();
    if (this.isStuck) return NOBODY;
    const turn = harts.turnOf(hart);
    if (HartTurn.moments.get(ram, turn) >= HartTurn.stallAt.get(ram, turn)) {
      HartTurn.stallAt.set(ram, turn, Infinity);
      harts.pause(hart, this.moments + HartTurn.stallFor.get(ram, turn));
      return this.choose(hart);
    }
    const others = harts.hasOthers(hart);
    if (branching && others && this.notes.wantsChoices) this.notes.choice(hart, harts.momentsOf(hart), hart);
    const inVain = others && this.moments >= S.fairAt.get(ram, state);
    if (inVain) S.patience.set(ram, state, Math.max(LEAST_PATIENCE, S.patience.get(ram, state) / 2));
    const plain = inVain ? harts.following(hart) : hart;
    S.spins.set(ram, state, 0);
    return this.goOn(hart, plain, true);
  }

  /** The hart cannot go on: who does. NOBODY: it is up to the host. */
  choose(hart: number): number {
    this.count();
    this.passTime();
    while (!this.harts.anyReady) {
      if (!this.skipTime()) return NOBODY;
    }
    if (this.isStuck) return NOBODY;
    const next = this.harts.following(hart);
    if (this.notes.wantsChoices && this.harts.hasOthers(next)) this.notes.choice(hart, this.harts.momentsOf(hart), next);
    return this.goOn(hart, next, false);
  }

  /** Whether the run's limit is reached, or all that can go on have only been spinning for long. */
  get isStuck(): boolean {
    const { ram, state } = this;
    return this.moments >= S.limit.get(ram, state) || S.spins.get(ram, state) > MAX_SPINS;
  }

  /** Lets one go on: the plain order's, or who the strategy wants; and notes it, and when the next look is due. */
  private goOn(hart: number, plain: number, mayStay: boolean): number {
    const { ram, state, harts, faults, moments } = this;
    let next = this.strategies.decide(hart, plain, mayStay);
    if (faults.executioner >= 0) next = faults.executioner;
    if (next !== plain) this.notes.departure(hart, harts.momentsOf(hart), next, this.pcOf(hart));
    if (next !== hart) this.notes.passed(next, harts.momentsOf(next));
    // From when on the hart that goes on is to give way.
    if (next !== hart || moments >= S.fairAt.get(ram, state)) S.fairAt.set(ram, state, moments + S.patience.get(ram, state));
    S.running.set(ram, state, next);
    this.setDue(next);
    return next;
  }

  /** When the next look is due, while `hart` goes on and nothing changes. */
  private setDue(hart: number): void {
    const { ram, state, harts, moments } = this;
    let due = Math.min(S.limit.get(ram, state), S.hostAt.get(ram, state), this.faults.nextDue());
    if (harts.hasOthers(hart)) {
      if (this.notes.wantsChoices) {
        this.changed();
        return;
      }
      const preemptIn = Math.max(1, S.preemptAt.get(ram, state) - S.contended.get(ram, state));
      due = Math.min(due, moments + preemptIn, S.fairAt.get(ram, state));
    }
    const turn = harts.turnOf(hart);
    const own = HartTurn.moments.get(ram, turn);
    due = Math.min(due, moments + HartTurn.stallAt.get(ram, turn) - own, moments + this.strategies.nextAsked(hart) - own);
    const paused = harts.firstPaused();
    if (paused !== NOBODY) due = Math.min(due, harts.wakeAt(paused));
    due = Math.min(due, this.time.momentOf(harts.firstDeadline()));
    S.due.set(ram, state, due);
  }

  /** Lets happen what is due: deadlines, ends of pauses, rings that were held back. */
  private passTime(): void {
    this.harts.wakeDue(this.ns, this.moments);
    this.faults.deliverDue(this.moments);
  }

  /** Nobody can go on now: time passes until somebody can. False: there is nothing to wait for. */
  private skipTime(): boolean {
    const { ram, state, harts } = this;
    if (this.faults.deliverAny()) return true;
    const paused = harts.firstPaused();
    if (paused !== NOBODY) {
      // A hart that stalls does something again some time.
      if (!harts.pausedBeyond(this.moments + SPIN_PAUSE)) S.spins.set(ram, state, S.spins.get(ram, state) + 1);
      harts.wake(paused);
      return true;
    }
    const deadline = harts.firstDeadline();
    if (deadline === Infinity) return false;
    if (deadline > this.ns) this.time.skipTo(deadline);
    // Far in the future what time it is is not exact: whose deadline it is wakes all the same.
    harts.wakeDue(Math.max(deadline, this.ns), this.moments);
    return true;
  }

  // --- what harts do ------------------------------------------------------------------------------------------------------------

  /** The hart sleeps on a word, at most `timeoutNs`: whole ones, for what time it is tells a clock of whole nanoseconds. */
  sleep(hart: number, index: number, expected: number, timeoutNs: number): void {
    this.harts.sleep(hart, index, expected, this.ns + Math.round(timeoutNs), this.moments);
  }

  /** The hart waits for something that others do without telling: they go first. */
  spin(hart: number): void {
    this.harts.pause(hart, this.moments + SPIN_PAUSE);
  }

  /** A doorbell is about to be rung: whether the ring is held back. */
  holdsBack(hart: number, kinds: number): boolean {
    if (!this.faults.holdBack(hart, kinds, this.moments)) return false;
    this.changed();
    return true;
  }

  // --- the host's turn ----------------------------------------------------------------------------------------------------------

  /** The host is to have its turn within so many moments, at one when no lock is held. */
  wantHost(within: number): void {
    const { ram, state } = this;
    const at = this.moments + within;
    if (at >= S.hostAt.get(ram, state)) return;
    S.hostAt.set(ram, state, at);
    S.due.set(ram, state, Math.min(S.due.get(ram, state), at));
  }

  get hostIsDue(): boolean {
    return this.moments >= S.hostAt.get(this.ram, this.state);
  }

  /** The host has had its turn. */
  hostServed(): void {
    S.hostAt.set(this.ram, this.state, this.moments + S.hostEvery.get(this.ram, this.state));
    this.changed();
  }

  /** The hart whose turn it is or was last. */
  get running(): number {
    return S.running.get(this.ram, this.state);
  }

  set running(hart: number) {
    S.running.set(this.ram, this.state, hart);
  }

  /** Why it is the host's turn: HostTurn. */
  get reason(): number {
    return S.reason.get(this.ram, this.state);
  }

  set reason(reason: number) {
    S.reason.set(this.ram, this.state, reason);
  }
}
