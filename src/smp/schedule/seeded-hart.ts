/*
 * A hart of a machine under a schedule: it runs only while it has the turn, and asks at every synchronisation point who goes on.
 *
 * It replaces what harts otherwise leave to the host's hardware and operating system: to sleep on a word and be woken is a matter of the
 * schedule's state, not of Atomics.wait; time is the schedule's. What it does between two points nobody else sees the middle of.
 */

import { Context } from '../../core/context.ts';
import type { Ram } from '../../core/ram.ts';
import { doorbellIndex } from '../doorbell.ts';
import { HartControl, Mode } from '../hart-control.ts';
import { Ipi } from '../ipi.ts';
import type { SmpMap } from '../smp-map.ts';
import { Point, type ScheduledHart, Slept } from './point.ts';
import { NOBODY } from './hart-turns.ts';
import { HASH_HIGH, HASH_LOW } from './notes.ts';
import { Schedule } from './schedule.ts';
import { HartTurn, HostTurn, ScheduleState } from './state.ts';
import { Abandoned, TurnTaking } from './turns.ts';

/** Points before which an exhaustive search switches: between them nothing happens that another hart could see. */
const BRANCHING = (1 << Point.Acquire) | (1 << Point.Load) | (1 << Point.Store) | (1 << Point.Modify) | (1 << Point.Sleep);

/** Moments until the host answers a ring of its bell. */
const HOST_WITHIN = 20_000;

export class SeededHart implements ScheduledHart {
  private readonly doorbell: number;
  // Where in the views of RAM the state lies that each point touches.
  private readonly ownMoments: number;
  private readonly moments: number;
  private readonly due: number;
  private readonly hash: number;
  private readonly victimWord: number;

  /** @param turns address of the turns, `state` of the schedule's state (schedule/state.ts) */
  constructor(
    private readonly ram: Ram,
    private readonly map: SmpMap,
    turns: number,
    state: number,
    private readonly hart: number,
  ) {
    this.schedule = new Schedule(
      ram,
      state,
      map.cpus,
      (target) => doorbellIndex(map, target),
      () => this.pc,
    );
    this.turns = new TurnTaking(ram, turns, map.cpus);
    this.doorbell = doorbellIndex(map, hart);
    this.ownMoments = HartTurn.moments.addr(this.schedule.harts.turnOf(hart)) >>> 3;
    this.moments = ScheduleState.moments.addr(state) >>> 3;
    this.due = ScheduleState.due.addr(state) >>> 3;
    this.hash = ScheduleState.hash.addr(state) >>> 2;
    this.victimWord = ScheduleState.victim.addr(state) >>> 2;
  }

  readonly schedule: Schedule;
  private readonly turns: TurnTaking;

  /** Where this hart is: see ScheduleReport.pcs. */
  private get pc(): number {
    const { ram, map } = this;
    const control = map.hartControl(this.hart);
    const thread = HartControl.thread.peek(ram, control);
    if (thread === 0) return 0;
    const at = (thread + Context.pc.offset) >>> 2;
    const pc = ram.u32[at + 1]! * 2 ** 32 + ram.u32[at]!;
    // Read past its accessor, which would be a synchronisation point.
    return ram.u32[HartControl.mode.addr(control) >>> 2] === Mode.Guest ? pc : -pc;
  }

  /** Waits at the start until the host lets the machine go and it is this hart's turn. */
  join(): void {
    this.turns.join();
    this.turns.await(this.hart);
  }

  point(kind: Point, address: number): void {
    // What schedule.pass, mix and leisure do, by hand: this is what a seeded machine does most.
    const { f64, i32, u32 } = this.ram;
    f64[this.ownMoments]! += 1;
    const now = f64[this.moments]! + 1;
    f64[this.moments] = now;
    const what = (address << 4) ^ kind;
    const low = Math.imul(i32[this.hash]! ^ this.hart ^ (what << 6), HASH_LOW);
    i32[this.hash] = low;
    i32[this.hash + 1] = Math.imul(i32[this.hash + 1]! ^ (low >>> 15) ^ what, HASH_HIGH) + this.hart;
    if (u32[this.victimWord] !== 0) this.watchVictim();
    if (f64[this.due]! <= now) this.look(((BRANCHING >>> kind) & 1) !== 0);
  }

  slice(most: number): number {
    const { leisure } = this.schedule;
    return leisure < 1 ? 1 : Math.min(most, Math.ceil(leisure));
  }

  guestRan(instructions: number): void {
    const { schedule } = this;
    if (instructions === 0) return;
    schedule.pass(this.hart, instructions);
    if (schedule.leisure <= 0) this.look(true);
  }

  get rung(): boolean {
    return this.ram.i32[this.doorbell] !== 0;
  }

  sleep(index: number, expected: number, timeoutNs: number): number {
    const { schedule, hart } = this;
    this.point(Point.Sleep, index * 4);
    if (this.ram.i32[index] !== expected) return Slept.NotEqual;
    if (schedule.faults.isSpurious()) return Slept.Woken;
    schedule.faults.letOthersGo(hart);
    schedule.sleep(hart, index, expected, timeoutNs);
    this.yield();
    return schedule.harts.wasLate(hart) ? Slept.Late : Slept.Woken;
  }

  notify(index: number, count: number): void {
    this.point(Point.Wake, index * 4);
    this.schedule.harts.notify(index, count);
  }

  spin(): void {
    this.point(Point.Spin, 0);
    this.schedule.spin(this.hart);
    this.yield();
  }

  hostWanted(): void {
    this.schedule.wantHost(HOST_WITHIN);
  }

  awaitHost(): void {
    this.turnToHost(HostTurn.Trace);
  }

  /** This hart has failed: the host's turn, until the host calls all back to the start. Returns whether the machine stays on. */
  fail(): boolean {
    try {
      this.turnToHost(HostTurn.Failed);
    } catch (error) {
      if (error instanceof Abandoned) return !error.off;
      throw error;
    }
    return true;
  }

  /** This hart has left its loop, and waits to be called back to the start. */
  leave(): never {
    this.schedule.harts.off(this.hart);
    for (;;) this.yield();
  }

  holdsBack(hart: number, kinds: number): boolean {
    return this.schedule.holdsBack(hart, kinds);
  }

  refusesMemory(): boolean {
    return this.schedule.faults.refuses();
  }

  frameFreed(frame: number): void {
    this.schedule.notes.frameFreed(frame);
  }

  get victim(): number {
    return this.schedule.faults.victim;
  }

  executed(): void {
    this.schedule.faults.executed();
  }

  threadStarts(thread: number): void {
    this.schedule.faults.threadStarts(thread);
  }

  threadEnds(thread: number): void {
    if (this.schedule.faults.victim === thread) this.schedule.faults.executed();
  }

  private look(branching: boolean): void {
    const { schedule, hart } = this;
    if (schedule.hostIsDue && this.nobodyHoldsLocks()) this.turnToHost(HostTurn.Bell);
    const next = schedule.look(hart, branching);
    if (next === hart) return;
    if (next === NOBODY) this.rest();
    else this.turns.give(next);
    this.turns.await(hart);
  }

  /** This hart cannot go on: gives the turn away and comes back when it is its turn again. */
  private yield(): void {
    const { schedule, hart } = this;
    schedule.pass(hart, 1);
    const next = schedule.choose(hart);
    if (next === hart) return;
    if (next === NOBODY) this.rest();
    else this.turns.give(next);
    this.turns.await(hart);
  }

  /** Nobody can go on, or nothing comes of it. */
  private rest(): void {
    this.schedule.running = this.hart;
    this.schedule.reason = this.schedule.harts.anyReady ? HostTurn.NoProgress : HostTurn.Rest;
    this.turns.giveHost();
  }

  private turnToHost(reason: number): void {
    this.schedule.running = this.hart;
    this.schedule.reason = reason;
    this.turns.giveHost();
    this.turns.await(this.hart);
  }

  /** The host takes locks, and cannot wait for a hart that holds one. */
  private nobodyHoldsLocks(): boolean {
    for (let hart = 0; hart < this.map.cpus; hart++) {
      if (HartControl.heldCount.peek(this.ram, this.map.hartControl(hart)) !== 0) return false;
    }
    return true;
  }

  /** The thread that is to be killed may be the one that this hart runs: when it has passed its points, another hart kills it. */
  private watchVictim(): void {
    const { schedule, hart } = this;
    if (HartControl.thread.peek(this.ram, this.map.hartControl(hart)) !== schedule.faults.victim) return;
    if (schedule.faults.victimPasses(hart, Ipi.Kill)) schedule.changed();
  }
}
