/*
 * The host's part in a machine under a schedule: it begins plans, has its turn when it is wanted or when nobody can go on, and reads what
 * a run was like.
 *
 * Only while it is its turn may the host touch anything that harts touch; no hart holds a lock then.
 */

import type { Ram } from '../../core/ram.ts';
import { doorbellIndex } from '../doorbell.ts';
import { HartControl } from '../hart-control.ts';
import type { SmpMap } from '../smp-map.ts';
import { type Choice, type Departure, PLAIN, type Plan, type ScheduleReport } from './plan.ts';
import { type PlanOptions, Schedule } from './schedule.ts';
import { ChoiceRecord, HostTurn, MadeRecord, ScheduleState as S } from './state.ts';
import { TurnTaking } from './turns.ts';
import { NOBODY } from './hart-turns.ts';

export class ScheduleHost {
  readonly schedule: Schedule;
  private readonly cpus: number;
  private readonly turns: TurnTaking;
  private atStart = true;
  /** Whether it has given the turn away and not got it back. */
  private away = true;

  /** @param turns address of the turns, `state` of the schedule's state */
  constructor(
    private readonly ram: Ram,
    turns: number,
    private readonly state: number,
    private readonly map: SmpMap,
  ) {
    this.schedule = new Schedule(ram, state, map.cpus, (hart) => doorbellIndex(map, hart));
    this.turns = new TurnTaking(ram, turns, map.cpus);
    this.cpus = map.cpus;
  }

  /** Once, before the harts start. */
  initialise(): void {
    this.turns.initialise();
    this.schedule.begin(PLAIN);
  }

  /** Once, before the harts start, when RAM comes from a snapshot: the plan in it goes on. */
  takeOver(): void {
    this.turns.initialise();
  }

  /** Resolves when it is the host's turn, with the reason (HostTurn). */
  async turn(): Promise<number> {
    await this.turns.awaitHost();
    this.away = false;
    return this.atStart ? HostTurn.Start : this.schedule.reason;
  }

  /** Whether it is the host's turn, as far as the host has noticed. */
  get hasTurn(): boolean {
    return !this.away;
  }

  /** Gives the turn to whoever can go on. False: nobody can, or nothing comes of it; it is still the host's. */
  resume(): boolean {
    const { schedule } = this;
    if (this.atStart) {
      schedule.hostServed();
      for (let hart = 0; hart < this.cpus; hart++) {
        if (this.wasParked(hart)) schedule.harts.sleepOn(hart);
        else schedule.harts.wake(hart);
      }
      schedule.running = 0;
      this.atStart = false;
      schedule.harts.wakeChanged();
    } else if (schedule.reason === HostTurn.NoProgress) {
      return false;
    } else if (schedule.reason !== HostTurn.Trace) {
      // Not after a turn for the trace: a run is the same with and without one.
      schedule.hostServed();
      schedule.harts.wakeChanged();
    }
    let next = schedule.running;
    if (!schedule.harts.isReady(next)) next = schedule.choose(next);
    if (next === NOBODY) return false;
    this.away = true;
    this.turns.give(next);
    return true;
  }

  /**
   * Whether RAM says of a hart at the start that it is parked: then it goes on sleeping, and begins when it is woken. It would park again at
   * once, and until then count as one that can go on, although there is nothing for it to do.
   */
  private wasParked(hart: number): boolean {
    const { ram, map } = this;
    const parked = HartControl.parked.peek(ram, map.hartControl(hart)) !== 0;
    return parked && this.schedule.harts.sleptOn(hart, doorbellIndex(map, hart));
  }

  /** Has all harts give up what they do and come back to the start; resolves when they have. It is the host's turn before and after. */
  async restart(): Promise<void> {
    this.away = true;
    this.turns.abandon();
    this.atStart = true;
    await this.turn();
    for (let hart = 0; hart < this.cpus; hart++) this.schedule.harts.off(hart);
  }

  /** Tells all harts to leave, whatever they do, and waits for nobody: the machine is turned off. */
  abandon(): void {
    this.turns.abandon(true);
  }

  /** All harts have left: it is the host's turn for good, for whoever still waits for it. */
  conclude(): void {
    this.turns.giveHost();
  }

  /** From here on the plan decides. */
  begin(plan: Plan = PLAIN, options: PlanOptions = {}): void {
    this.schedule.begin(plan, options);
  }

  /** What the run has been like since its plan began. */
  report(): ScheduleReport {
    const { ram, state } = this;
    const hash = [S.hash.at(ram, state, 0), S.hash.at(ram, state, 1)];
    return {
      moments: S.moments.get(ram, state),
      contended: S.contended.get(ram, state),
      departures: S.lost.get(ram, state) > 0 ? undefined : this.departures(),
      pcs: S.lost.get(ram, state) > 0 ? undefined : this.pcs(),
      choices: S.wantChoices.get(ram, state) === 0 ? undefined : this.choices(),
      interleaving: hash.map((word) => word.toString(16).padStart(8, '0')).join(''),
      occasions: {
        requests: S.requests.get(ram, state),
        sleeps: S.sleeps.get(ram, state),
        rings: S.rings.get(ram, state),
      },
      victimPoints: this.schedule.faults.victimPassed,
      ns: this.schedule.ns,
    };
  }

  /** Frames that have been freed since the plan began, in use again or not: not all if they were very many. */
  freedFrames(): number[] {
    const { ram, state } = this;
    return Array.from({ length: S.freedCount.get(ram, state) }, (_, i) => S.freed.at(ram, state, i));
  }

  private departures(): Departure[] {
    const { ram, state } = this;
    return Array.from({ length: S.made.get(ram, state) }, (_, i) => {
      const record = S.madeList.addr(state) + i * MadeRecord.SIZE;
      return {
        hart: MadeRecord.hart.get(ram, record),
        at: MadeRecord.at.get(ram, record),
        to: MadeRecord.to.get(ram, record),
      };
    });
  }

  private pcs(): number[] {
    const { ram, state } = this;
    const list = S.madeList.addr(state);
    return Array.from({ length: S.made.get(ram, state) }, (_, i) => MadeRecord.pc.get(ram, list + i * MadeRecord.SIZE));
  }

  private choices(): Choice[] {
    const { ram, state } = this;
    return Array.from({ length: S.choices.get(ram, state) }, (_, i) => {
      const record = S.choiceList.addr(state) + i * ChoiceRecord.SIZE;
      return {
        hart: ChoiceRecord.hart.get(ram, record),
        at: ChoiceRecord.at.get(ram, record),
        others: ChoiceRecord.others.get(ram, record),
      };
    });
  }
}
