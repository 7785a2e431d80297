/*
 * Physical memory in frames of 4 KiB, counted by reference.
 *
 * A frame is its physical address. Whoever allocates it holds one reference; each further page table entry, image or kernel structure
 * that names it retains it; the last release frees it.
 *
 * Two kinds of memory are kept apart, so that long runs of free frames stay whole. Pages that want to lie beside others are allocated by
 * address (`findRun`, `allocAt`) and come back to the list many at a time (`releaseAll`). Single frames, which may lie anywhere, are
 * taken from the high end. So that harts rarely meet at the list for these, each participant (every hart, and the host) has a magazine of
 * them in RAM, from which it allocates and to which it frees; full and empty magazines exchange a batch with the list. What lies in a
 * magazine counts as free, and a participant that finds the list empty takes from other magazines: no free frame is out of reach.
 *
 * Locks, all of rank `frames`: a magazine's, then the list's (which lies above all magazines, as the order of equal ranks demands).
 * Reference counts are atomic words.
 *
 *   region: | magazines, one per participant | free list | reference counts, 4 bytes each | map of the list (frame-map.ts) |
 */

import { alignUp, CACHE_LINE, struct, u32, u32Array } from '../core/layout.ts';
import { PAGE_SHIFT, PAGE_SIZE, type Ram } from '../core/ram.ts';
import { addWord, loadWord, storeWord } from '../smp/atomics.ts';
import { KernelPanic } from '../smp/panic.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { scheduledHart } from '../smp/schedule/point.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';
import { FrameMap } from './frame-map.ts';
import { placed } from './oracles/places.ts';
import { poisonFrame, unpoisonFrame } from './oracles/poison.ts';

/** Frames a magazine holds at most, and how many it exchanges with the list. */
const MAGAZINE = 30;
const BATCH = 15;

const Magazine = struct('Magazine', {
  lock: spinlock(),
  count: u32('lock'),
  frames: u32Array('lock', MAGAZINE),
});

/** The map's lock. */
const FrameList = struct('FrameList', {
  lock: spinlock(),
});

export class Frames {
  /** Number of frames, free or not. */
  readonly total: number;
  private readonly list: number;
  private readonly listLock: number;
  private readonly mine: number;
  private readonly refs: number;
  private readonly map: FrameMap;

  /**
   * @param low first frame; `high` the end of the last one; both multiples of PAGE_SIZE
   * @param participants harts + 1: the host takes part, too
   * @param me number of this participant
   */
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly base: number,
    readonly low: number,
    readonly high: number,
    private readonly participants: number,
    private readonly me: number,
  ) {
    this.total = (high - low) / PAGE_SIZE;
    this.mine = base + me * Magazine.SIZE;
    this.list = base + participants * Magazine.SIZE;
    this.listLock = FrameList.lock.addr(this.list);
    this.refs = this.list + FrameList.SIZE;
    this.map = new FrameMap(ram, this.refs + this.total * 4, this.total);
    if (SEEDED) {
      placed(Magazine, base, Magazine.SIZE, participants);
      placed(FrameList, this.list, Frames.bytes(this.total, participants), 1);
    }
  }

  /** Bytes of the region (64-aligned) for so many frames and participants. */
  static bytes(frames: number, participants: number): number {
    return alignUp(participants * Magazine.SIZE + FrameList.SIZE + frames * 4 + FrameMap.bytes(frames), CACHE_LINE);
  }

  /** Makes all frames free. Once, before the harts start. */
  initialise(): void {
    const { ram, list } = this;
    for (let i = 0; i < this.participants; i++) {
      const magazine = this.base + i * Magazine.SIZE;
      Magazine.lock.init(ram, magazine, Rank.frames);
      Magazine.count.set(ram, magazine, 0);
    }
    FrameList.lock.init(ram, list, Rank.frames);
    ram.fill(this.refs, this.total * 4);
    this.map.initialise();
  }

  /** A zeroed frame with one reference, or 0 when memory is used up. */
  alloc(): number {
    const frame = this.allocRaw();
    if (frame !== 0) this.ram.fill(frame, PAGE_SIZE);
    return frame;
  }

  /** A frame with one reference and arbitrary content, or 0 when memory is used up. */
  allocRaw(): number {
    if (SEEDED && scheduledHart().refusesMemory()) return 0;
    const { ram, mine } = this;
    const lock = Magazine.lock.addr(mine);
    this.locks.acquire(lock);
    let count = Magazine.count.get(ram, mine);
    if (count === 0) count = this.refillLocked();
    let frame = 0;
    if (count !== 0) {
      frame = Magazine.frames.at(ram, mine, count - 1);
      Magazine.count.set(ram, mine, count - 1);
    }
    this.locks.release(lock);
    // Between the look at the list and that into the magazines frames may have gone from these to that.
    if (frame === 0) frame = this.steal() || this.takeFromList();
    if (frame !== 0) storeWord(ram, this.refOf(frame), 1);
    if (SEEDED && frame !== 0) unpoisonFrame(ram, frame);
    return frame;
  }

  /**
   * The frame at `wanted` (any number) with one reference and arbitrary content, or 0 when it is not in the list: in use, in a magazine,
   * or no frame at all.
   */
  allocAt(wanted: number): number {
    if (!(wanted >= this.low && wanted < this.high)) return 0;
    const { map } = this;
    const index = this.indexOf(wanted);
    // A look without the lock: to find out that it is not free costs nobody anything.
    if (!map.isFree(index)) return 0;
    this.locks.acquire(this.listLock);
    const free = map.isFree(index);
    if (free) map.takeLocked(index);
    this.locks.release(this.listLock);
    if (!free) return 0;
    storeWord(this.ram, this.refs + index * 4, 1);
    if (SEEDED) unpoisonFrame(this.ram, wanted);
    return wanted;
  }

  /**
   * The first of at least `count` free frames that lie in one piece, or of as many as were met; sets `runLength`. It takes none of them:
   * the next run that is found lies elsewhere, but anybody may take them meanwhile.
   *
   * @returns 0 when no free frame was met
   */
  findRun(count: number): number {
    const index = this.map.find(count);
    return index < 0 ? 0 : this.low + index * PAGE_SIZE;
  }

  /** Frames of the run that `findRun` returned last. */
  get runLength(): number {
    return this.map.runLength;
  }

  /** Whether `count` frames from `wanted` (any number) on are free: a run as if `findRun` had found it. */
  extendRun(wanted: number, count: number): boolean {
    return wanted >= this.low && wanted < this.high && this.map.extend(this.indexOf(wanted), count);
  }

  /** Adds a reference to a frame that the caller knows to be in use. */
  retain(frame: number): void {
    if (addWord(this.ram, this.refOf(frame), 1) === 0) throw new KernelPanic(`free frame ${hex(frame)} retained`);
  }

  /** Drops a reference; the last one frees the frame. */
  release(frame: number): void {
    const before = addWord(this.ram, this.refOf(frame), -1);
    if (before === 1) this.free(frame);
    else if (before === 0) throw new KernelPanic(`free frame ${hex(frame)} released`);
  }

  /** Drops a reference to each of the first `count` of `frames`, whose order and content are the caller's no more. */
  releaseAll(frames: Uint32Array, count: number): void {
    let last = 0;
    for (let i = 0; i < count; i++) {
      const frame = frames[i]!;
      const before = addWord(this.ram, this.refOf(frame), -1);
      if (before === 1) frames[last++] = frame;
      else if (before === 0) throw new KernelPanic(`free frame ${hex(frame)} released`);
    }
    if (last === 0) return;
    if (SEEDED) for (let i = 0; i < last; i++) this.poison(frames[i]!);
    this.locks.acquire(this.listLock);
    for (let i = 0; i < last; i++) this.map.putLocked(this.indexOf(frames[i]!));
    this.locks.release(this.listLock);
  }

  /** References to a frame: a snapshot, exact for 1 when the caller holds that one. */
  references(frame: number): number {
    return loadWord(this.ram, this.refOf(frame));
  }

  /** Free frames, magazines included: exact when nobody allocates or frees meanwhile. */
  freeCount(): number {
    let sum = this.map.freeNow();
    // Without the locks: a sum of moments.
    for (let i = 0; i < this.participants; i++) sum += Magazine.count.peek(this.ram, this.base + i * Magazine.SIZE);
    return sum;
  }

  /** Free frames that are in nobody's magazine: a lower bound, of a moment. */
  freeInList(): number {
    return this.map.freeNow();
  }

  private free(frame: number): void {
    const { ram, mine } = this;
    if (SEEDED) this.poison(frame);
    const lock = Magazine.lock.addr(mine);
    this.locks.acquire(lock);
    let count = Magazine.count.get(ram, mine);
    if (count === MAGAZINE) count = this.drainLocked();
    Magazine.frames.put(ram, mine, count, frame);
    Magazine.count.set(ram, mine, count + 1);
    this.locks.release(lock);
  }

  /** Moves a batch from the list into this participant's empty magazine; returns how many there are now. */
  private refillLocked(): number {
    const { ram, map, mine } = this;
    this.locks.acquire(this.listLock);
    const taken = Math.min(BATCH, map.free());
    // The magazine is a stack: the lowest of them comes out first, and the others, if they lie beside it, in ascending order.
    for (let i = 0; i < taken; i++) Magazine.frames.put(ram, mine, i, this.low + map.takeHighestLocked() * PAGE_SIZE);
    this.locks.release(this.listLock);
    Magazine.count.set(ram, mine, taken);
    return taken;
  }

  /** Moves a batch from this participant's full magazine into the list; returns how many are left. */
  private drainLocked(): number {
    const { ram, mine } = this;
    let count = Magazine.count.get(ram, mine);
    this.locks.acquire(this.listLock);
    for (let i = 0; i < BATCH; i++) this.map.putLocked(this.indexOf(Magazine.frames.at(ram, mine, --count)));
    this.locks.release(this.listLock);
    Magazine.count.set(ram, mine, count);
    return count;
  }

  /** One frame of the list, or 0. */
  private takeFromList(): number {
    this.locks.acquire(this.listLock);
    const frame = this.map.free() === 0 ? 0 : this.low + this.map.takeHighestLocked() * PAGE_SIZE;
    this.locks.release(this.listLock);
    return frame;
  }

  /** A frame out of somebody else's magazine, or 0. */
  private steal(): number {
    const { ram } = this;
    for (let step = 1; step < this.participants; step++) {
      const magazine = this.base + ((this.me + step) % this.participants) * Magazine.SIZE;
      // A look without the lock: another one follows.
      if (Magazine.count.peek(ram, magazine) === 0) continue;
      const lock = Magazine.lock.addr(magazine);
      this.locks.acquire(lock);
      const count = Magazine.count.get(ram, magazine);
      const frame = count === 0 ? 0 : Magazine.frames.at(ram, magazine, count - 1);
      if (count !== 0) Magazine.count.set(ram, magazine, count - 1);
      this.locks.release(lock);
      if (frame !== 0) return frame;
    }
    return 0;
  }

  private poison(frame: number): void {
    poisonFrame(this.ram, frame);
    scheduledHart().frameFreed(frame);
  }

  private refOf(frame: number): number {
    return this.refs + this.indexOf(frame) * 4;
  }

  private indexOf(frame: number): number {
    if (!(frame >= this.low && frame < this.high) || (frame & (PAGE_SIZE - 1)) !== 0)
      throw new KernelPanic(`${hex(frame)} is no frame`);
    return (frame - this.low) >>> PAGE_SHIFT;
  }
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
