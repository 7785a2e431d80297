/*
 * A machine that is nothing but its schedule: harts that perform short programs on a RAM of their own, all on one thread. It does by hand
 * what a SeededHart does with the turn (its own tests run that one on workers), so a run costs microseconds, and says what it has decided.
 *
 * Words are counters: `wait` takes one off, and sleeps while there is none; `post` adds one and wakes one who sleeps.
 */

import { PAGE_SIZE, type Ram } from '../../../src/core/ram.ts';
import type { Plan, ScheduleReport } from '../../../src/smp/schedule/plan.ts';
import type { PlanOptions, Schedule } from '../../../src/smp/schedule/schedule.ts';
import { ScheduleHost } from '../../../src/smp/schedule/schedule-host.ts';
import { ScheduleState, turnBytes } from '../../../src/smp/schedule/state.ts';
import { doorbellIndex } from '../../../src/smp/doorbell.ts';
import { allocate, planSmp, smpMapOf } from '../bench.ts';

export type Step =
  /** So many synchronisation points. */
  | { readonly kind: 'points'; readonly count: number }
  /** So many instructions of guest code. */
  | { readonly kind: 'compute'; readonly count: number }
  | { readonly kind: 'wait'; readonly word: number; readonly ns?: number }
  | { readonly kind: 'post'; readonly word: number }
  /** Looks at the word, and leaves the others alone for a while, until it is not 0. */
  | { readonly kind: 'spin'; readonly word: number }
  /** Rings the doorbell of a hart; waits for its own, and clears it. */
  | { readonly kind: 'ring'; readonly hart: number; readonly bit?: number }
  | { readonly kind: 'answer'; readonly ns?: number }
  /** Asks for memory. */
  | { readonly kind: 'memory' };

export const points = (count: number): Step => ({ kind: 'points', count });
export const compute = (count: number): Step => ({ kind: 'compute', count });
export const wait = (word: number, ns?: number): Step => ({ kind: 'wait', word, ...(ns === undefined ? {} : { ns }) });
export const post = (word: number): Step => ({ kind: 'post', word });
export const spin = (word: number): Step => ({ kind: 'spin', word });
export const ring = (hart: number, bit = 1): Step => ({ kind: 'ring', hart, bit });
export const answer = (ns?: number): Step => ({ kind: 'answer', ...(ns === undefined ? {} : { ns }) });
export const memory = (): Step => ({ kind: 'memory' });

export type Program = readonly Step[];

/** Something that a hart has done, after `moments` of its own. */
export interface Deed {
  readonly hart: number;
  readonly moments: number;
  /** What its step is called, and what came of it. */
  readonly what: string;
  readonly ns: number;
}

/** The turn has gone to another hart. */
export interface Switch {
  readonly from: number;
  /** Moments of `from`. */
  readonly at: number;
  readonly to: number;
  /** `from` could have gone on. */
  readonly preempted: boolean;
}

export interface Outcome {
  readonly deeds: readonly Deed[];
  readonly switches: readonly Switch[];
  /** All programs are through; nobody can go on; the run goes nowhere. */
  readonly end: 'done' | 'rest' | 'no-progress';
  readonly report: ScheduleReport;
  /** Moments in which another hart could have gone on, counted one by one. */
  readonly contended: number;
  /** Everything that a run is, as text: two runs are the same if and only if this is. */
  readonly text: string;
}

/** What a hart hands on: the next hart, or -1. */
type Hart = Generator<number, void, undefined>;

const WORDS = 64;

export class Simulation {
  readonly cpus: number;
  readonly ram: Ram;
  readonly host: ScheduleHost;
  private readonly words: number;
  private readonly deeds: Deed[] = [];
  private readonly switches: Switch[] = [];
  private contended = 0;
  private readonly ended = new Set<number>();
  private readonly doorbell: (hart: number) => number;

  /** @param ram of another simulation with as many harts, to be used again */
  constructor(
    private readonly programs: readonly Program[],
    ram?: Ram,
  ) {
    this.cpus = programs.length;
    const plan = planSmp(this.cpus);
    const turns = plan.bytes;
    const state = turns + Math.ceil(turnBytes(this.cpus) / PAGE_SIZE) * PAGE_SIZE;
    const words = state + Math.ceil(ScheduleState.SIZE / PAGE_SIZE) * PAGE_SIZE;
    this.words = words >>> 2;
    this.ram = ram ?? allocate({ ...plan, bytes: words + 4 * WORDS });
    // The long lists at the end of the state are written before they are read.
    if (ram !== undefined) {
      ram.u8.fill(0, 0, ScheduleState.askedList.addr(state));
      ram.u8.fill(0, words, words + 4 * WORDS);
    }
    const map = smpMapOf(plan);
    this.host = new ScheduleHost(this.ram, turns, state, map);
    this.doorbell = (hart) => doorbellIndex(map, hart);
    this.host.initialise();
  }

  get schedule(): Schedule {
    return this.host.schedule;
  }

  /** Runs the programs to their end. */
  run(plan: Plan, options?: PlanOptions): Outcome {
    const { host, schedule } = this;
    host.begin(plan, options);
    const harts = this.programs.map((program, hart) => this.live(hart, program));
    const stuck = (): Outcome['end'] =>
      schedule.harts.anyReady ? 'no-progress' : this.ended.size === this.cpus ? 'done' : 'rest';
    if (!host.resume()) throw new Error('nobody can begin');
    for (let hart = schedule.running; hart >= 0;) {
      const next = harts[hart]!.next();
      if (next.done === true) throw new Error('a hart has left without handing on the turn');
      hart = next.value;
    }
    const { deeds, switches, contended } = this;
    const end = stuck();
    const report = host.report();
    const what = deeds.map((deed) => `${deed.hart}@${deed.moments}:${deed.what}:${deed.ns}`);
    const text = `${what.join(' ')} ${end} ${report.moments} ${report.ns} ${report.interleaving}`;
    return { deeds, switches, end, report, contended, text };
  }

  private *live(hart: number, program: Program): Hart {
    for (const step of program) yield* this.perform(hart, step);
    this.schedule.harts.off(hart);
    this.ended.add(hart);
    for (;;) yield* this.giveWay(hart);
  }

  private *perform(hart: number, step: Step): Hart {
    const { i32 } = this.ram;
    switch (step.kind) {
      case 'points':
        for (let i = 0; i < step.count; i++) {
          yield* this.point(hart);
          this.note(hart, 'point');
        }
        return;
      case 'compute':
        for (let left = step.count; left > 0;) {
          const { leisure } = this.schedule;
          const slice = leisure < 1 ? 1 : Math.min(left, Math.ceil(leisure));
          left -= slice;
          this.pass(hart, slice);
          if (this.schedule.leisure <= 0) yield* this.look(hart, true);
        }
        this.note(hart, 'computed');
        return;
      case 'wait':
        yield* this.await(hart, this.words + step.word, step.ns ?? Infinity, () => i32[this.words + step.word]!--);
        return;
      case 'post':
        yield* this.point(hart);
        i32[this.words + step.word]!++;
        yield* this.point(hart);
        this.schedule.harts.notify(this.words + step.word, 1);
        this.note(hart, 'posted');
        return;
      case 'spin':
        for (;;) {
          yield* this.point(hart);
          if (i32[this.words + step.word] !== 0) break;
          yield* this.point(hart, false);
          this.schedule.spin(hart);
          yield* this.giveWay(hart);
        }
        this.note(hart, 'spun');
        return;
      case 'ring': {
        yield* this.point(hart);
        if (this.schedule.holdsBack(step.hart, step.bit ?? 1)) {
          this.note(hart, 'held back');
          return;
        }
        const bell = this.doorbell(step.hart);
        i32[bell]! |= step.bit ?? 1;
        yield* this.point(hart);
        this.schedule.harts.notify(bell, Infinity);
        this.note(hart, 'rung');
        return;
      }
      case 'answer': {
        const bell = this.doorbell(hart);
        yield* this.await(hart, bell, step.ns ?? Infinity, () => (i32[bell] = 0));
        return;
      }
      case 'memory':
        this.note(hart, this.schedule.faults.refuses() ? 'refused' : 'granted');
    }
  }

  private isUp(index: number): boolean {
    return this.ram.i32[index] !== 0;
  }

  private *await(hart: number, index: number, ns: number, take: () => void): Hart {
    const { schedule } = this;
    for (;;) {
      yield* this.point(hart);
      if (this.isUp(index)) break;
      yield* this.point(hart);
      if (this.isUp(index)) continue;
      if (schedule.faults.isSpurious()) {
        this.note(hart, 'woken for no reason');
        continue;
      }
      schedule.faults.letOthersGo(hart);
      schedule.sleep(hart, index, 0, ns);
      yield* this.giveWay(hart);
      if (!schedule.harts.wasLate(hart)) continue;
      this.note(hart, 'late');
      return;
    }
    take();
    this.note(hart, 'woken');
  }

  // --- what a SeededHart does ---------------------------------------------------------------------------------------------------

  private *point(hart: number, branching = true): Hart {
    this.pass(hart, 1);
    this.schedule.notes.passed(hart, 1);
    if (this.schedule.leisure <= 0) yield* this.look(hart, branching);
  }

  private *look(hart: number, branching: boolean): Hart {
    const next = this.schedule.look(hart, branching);
    if (next !== hart) yield* this.handOn(hart, next, true);
  }

  private *giveWay(hart: number): Hart {
    this.pass(hart, 1);
    const next = this.schedule.choose(hart);
    if (next !== hart) yield* this.handOn(hart, next, false);
  }

  private *handOn(from: number, to: number, preempted: boolean): Hart {
    const { harts } = this.schedule;
    if (to >= 0) this.switches.push({ from, at: harts.momentsOf(from), to, preempted: preempted && harts.isReady(from) });
    yield to;
  }

  private pass(hart: number, count: number): void {
    if (this.schedule.harts.hasOthers(hart)) this.contended += count;
    this.schedule.pass(hart, count);
  }

  private note(hart: number, what: string): void {
    this.deeds.push({ hart, moments: this.schedule.harts.momentsOf(hart), what, ns: this.schedule.ns });
  }
}

let rams = new Map<number, Ram>();

/** Runs programs on a simulation of their own. RAM is used again: a RAM for each run would be most of it. */
export function simulate(programs: readonly Program[], plan: Plan, options?: PlanOptions): Outcome {
  const simulation = new Simulation(programs, rams.get(programs.length));
  if (!rams.has(programs.length)) rams = new Map([[programs.length, simulation.ram]]);
  return simulation.run(plan, options);
}

/** Who did something, in order, each turn once: 'aabba' is 'aba'. */
export function order(outcome: Outcome): string {
  const letters = outcome.deeds.map(({ hart }) => String.fromCharCode(97 + hart));
  return letters.filter((letter, i) => letter !== letters[i - 1]).join('');
}
