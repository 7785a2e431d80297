/*
 * The starting line: threads of any processes that wait until so many of them have arrived, and then go on together.
 *
 * Who arrives first says how many it takes; who says another number while somebody waits is refused. A thread that dies while it waits
 * leaves the line by that, so the line is what is in its queue and nothing else is counted. Once complete, the line is empty again.
 *
 * There are two lines, which know nothing of each other. The main one can be _held_: then its last arriver waits as well, all of them
 * move to a second queue, and the host is rung for (HostCall.Line). It finds every thread that took part asleep in the same system call, which
 * is the moment for a snapshot, and lets them go with `release`, in the order of their arrival. The one aside is never held: a program
 * gets itself into order with it before it goes to the main one.
 *
 * Waits are of the Complete form, under the line's lock.
 */

import { struct, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { HostCall, type HostBell } from '../smp/host-bell.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';
import { E } from './errno.ts';
import { placed } from './oracles/places.ts';
import { BLOCKED } from './result.ts';
import { Thread } from './thread.ts';
import { waitQueue, WaitForm, WaitReason } from './wait.ts';
import type { WaitQueues } from './wait-queue.ts';

const Line = struct(
  'StartingLine',
  {
    lock: spinlock(),
    /** How many threads complete it; counts only while somebody waits. */
    count: u32('lock'),
    /** 1: when it is complete, nobody goes on before `release`. */
    hold: u32('lock'),
    waiters: waitQueue('lock'),
    /** Those of complete lines that the host has not let go yet. */
    held: waitQueue('lock'),
  },
  { align: 64 },
);

const LINES = 2;

export class StartingLine {
  static readonly BYTES = LINES * Line.SIZE;

  /**
   * @param base region of BYTES bytes
   * @param threads how many threads there can be: a line for more could never be complete
   */
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly waits: WaitQueues,
    private readonly bell: HostBell,
    private readonly base: number,
    private readonly threads: number,
  ) {
    if (SEEDED) placed(Line, base, Line.SIZE, LINES);
  }

  initialise(): void {
    this.ram.fill(this.base, StartingLine.BYTES);
    for (let i = 0; i < LINES; i++) Line.lock.init(this.ram, this.base + i * Line.SIZE, Rank.object);
  }

  /**
   * `thread` has come to a line that takes `count` threads.
   *
   * @param aside at the line that is never held
   * @returns 0 (it was the last one), BLOCKED (0 when all may go on), -EINVAL: a count that cannot be, or not the one of those who wait
   */
  arrive(thread: number, count: number, aside: boolean): number {
    if (count < 1 || count > this.threads) return -E.INVAL;
    const { ram, locks } = this;
    const line = aside ? this.base + Line.SIZE : this.base;
    const lock = Line.lock.addr(line);
    locks.acquire(lock);
    const waiting = this.lengthLocked(Line.waiters.addr(line));
    let result = 0;
    let complete = false;
    if (waiting === 0) Line.count.set(ram, line, count);
    else if (Line.count.get(ram, line) !== count) result = -E.INVAL;
    if (result === 0) {
      const last = waiting + 1 === count;
      const held = Line.hold.get(ram, line) !== 0;
      if (!last || held) result = this.sleepLocked(thread, line);
      // Not if it is to die and so did not stay: then the line takes one more.
      complete = last && held && result === BLOCKED;
      if (complete) this.holdLocked(line);
      else if (last && !held) this.waits.endAllLocked(Line.waiters.addr(line), 0);
    }
    locks.release(lock);
    if (complete) this.bell.ring(HostCall.Line);
    return result;
  }

  /** From now on the main line is held when it is complete, or not. Whom it holds already, it holds until `release`. */
  hold(on: boolean): void {
    const lock = Line.lock.addr(this.base);
    this.locks.acquire(lock);
    Line.hold.set(this.ram, this.base, on ? 1 : 0);
    this.locks.release(lock);
  }

  /** How many threads a complete line holds. */
  heldCount(): number {
    return this.heldThreads().length;
  }

  /** The threads that a complete line holds, in the order of their tids. */
  heldThreads(): number[] {
    const { ram, locks, waits } = this;
    const lock = Line.lock.addr(this.base);
    const threads: number[] = [];
    locks.acquire(lock);
    const first = waits.firstLocked(Line.held.addr(this.base));
    for (let thread = first; thread !== 0; thread = waits.nextLocked(thread)) threads.push(thread);
    locks.release(lock);
    return threads.sort((a, b) => Thread.tid.get(ram, a) - Thread.tid.get(ram, b));
  }

  /** Lets those go on who are held, in the order of their arrival. */
  release(): void {
    const lock = Line.lock.addr(this.base);
    this.locks.acquire(lock);
    this.waits.endAllLocked(Line.held.addr(this.base), 0);
    this.locks.release(lock);
  }

  private sleepLocked(thread: number, line: number): number {
    const queue = Line.waiters.addr(line);
    return this.waits.sleepLocked(thread, queue, Line.lock.addr(line), WaitForm.Complete, WaitReason.line);
  }

  private holdLocked(line: number): void {
    const { waits } = this;
    const from = Line.waiters.addr(line);
    const to = Line.held.addr(line);
    for (let thread = waits.firstLocked(from); thread !== 0; thread = waits.firstLocked(from))
      waits.moveLocked(thread, to, Line.lock.addr(line));
  }

  private lengthLocked(queue: number): number {
    const { waits } = this;
    let length = 0;
    for (let thread = waits.firstLocked(queue); thread !== 0; thread = waits.nextLocked(thread)) length++;
    return length;
  }
}
