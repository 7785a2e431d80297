/*
 * Physical memory in frames of 4 KiB, counted by reference.
 *
 * A frame is its physical address. Whoever allocates it holds one reference; each further page table entry, image or kernel structure
 * that names it retains it; the last release frees it.
 *
 * So that harts rarely meet at the free list, each participant (every hart, and the host) has a magazine of free frames in RAM, from
 * which it allocates and to which it frees; full and empty magazines exchange a batch with the list. What lies in a magazine counts as
 * free, and a participant that finds the list empty takes from other magazines: no free frame is out of reach.
 *
 * Locks, all of rank `frames`: a magazine's, then the list's (which lies above all magazines, as the order of equal ranks demands).
 * Reference counts are atomic words.
 *
 *   region: | magazines, one per participant | free list | reference counts, 4 bytes each | links, 4 bytes each |
 */

import { alignUp, CACHE_LINE, struct, u32, u32Array } from '../core/layout.ts';
import { PAGE_SHIFT, PAGE_SIZE, type Ram } from '../core/ram.ts';
import { addWord, loadWord, storeWord } from '../smp/atomics.ts';
import { KernelPanic } from '../smp/panic.ts';
import { Rank } from '../smp/ranks.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';

/** Frames a magazine holds at most, and how many it exchanges with the list. */
const MAGAZINE = 30;
const BATCH = 15;

const Magazine = struct('Magazine', {
  lock: spinlock(),
  count: u32('lock'),
  frames: u32Array('lock', MAGAZINE),
});

const FrameList = struct('FrameList', {
  lock: spinlock(),
  /** First frame of the list, linked through the table of links; 0: empty. */
  head: u32('lock'),
  /** Frames from here up to the end of memory have never been used and are in no list. */
  fresh: u32('lock'),
  /** Free frames, in the list or fresh. */
  free: u32('lock'),
});

export class Frames {
  /** Number of frames, free or not. */
  readonly total: number;
  private readonly list: number;
  private readonly listLock: number;
  private readonly mine: number;
  private readonly refs: number;
  private readonly links: number;

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
    this.links = this.refs + this.total * 4;
  }

  /** Bytes of the region (64-aligned) for so many frames and participants. */
  static bytes(frames: number, participants: number): number {
    return alignUp(participants * Magazine.SIZE + FrameList.SIZE + frames * 8, CACHE_LINE);
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
    FrameList.head.set(ram, list, 0);
    FrameList.fresh.set(ram, list, this.low);
    FrameList.free.set(ram, list, this.total);
    ram.fill(this.refs, this.total * 8);
  }

  /** A zeroed frame with one reference, or 0 when memory is used up. */
  alloc(): number {
    const frame = this.allocRaw();
    if (frame !== 0) this.ram.fill(frame, PAGE_SIZE);
    return frame;
  }

  /** A frame with one reference and arbitrary content, or 0 when memory is used up. */
  allocRaw(): number {
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
    return frame;
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

  /** References to a frame: a snapshot, exact for 1 when the caller holds that one. */
  references(frame: number): number {
    return loadWord(this.ram, this.refOf(frame));
  }

  /** Free frames, magazines included: exact when nobody allocates or frees meanwhile. */
  freeCount(): number {
    let sum = FrameList.free.get(this.ram, this.list);
    for (let i = 0; i < this.participants; i++) sum += Magazine.count.get(this.ram, this.base + i * Magazine.SIZE);
    return sum;
  }

  /** Free frames that are in nobody's magazine: a lower bound, of a moment. */
  freeInList(): number {
    return FrameList.free.get(this.ram, this.list);
  }

  private free(frame: number): void {
    const { ram, mine } = this;
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
    const { ram, list, mine } = this;
    this.locks.acquire(this.listLock);
    const taken = Math.min(BATCH, FrameList.free.get(ram, list));
    let head = FrameList.head.get(ram, list);
    let fresh = FrameList.fresh.get(ram, list);
    for (let i = 0; i < taken; i++) {
      // The magazine is a stack: filled from the top, it hands the frames out in this order.
      const place = taken - 1 - i;
      if (head !== 0) {
        Magazine.frames.put(ram, mine, place, head);
        head = ram.u32[this.linkOf(head) >>> 2]!;
      } else {
        Magazine.frames.put(ram, mine, place, fresh);
        fresh += PAGE_SIZE;
      }
    }
    FrameList.head.set(ram, list, head);
    FrameList.fresh.set(ram, list, fresh);
    FrameList.free.set(ram, list, FrameList.free.get(ram, list) - taken);
    this.locks.release(this.listLock);
    Magazine.count.set(ram, mine, taken);
    return taken;
  }

  /** Moves a batch from this participant's full magazine into the list; returns how many are left. */
  private drainLocked(): number {
    const { ram, list, mine } = this;
    this.locks.acquire(this.listLock);
    let head = FrameList.head.get(ram, list);
    let count = Magazine.count.get(ram, mine);
    for (let i = 0; i < BATCH; i++) {
      const frame = Magazine.frames.at(ram, mine, --count);
      ram.u32[this.linkOf(frame) >>> 2] = head;
      head = frame;
    }
    FrameList.head.set(ram, list, head);
    FrameList.free.set(ram, list, FrameList.free.get(ram, list) + BATCH);
    this.locks.release(this.listLock);
    Magazine.count.set(ram, mine, count);
    return count;
  }

  /** One frame of the list, or 0. */
  private takeFromList(): number {
    const { ram, list } = this;
    this.locks.acquire(this.listLock);
    const free = FrameList.free.get(ram, list);
    let frame = 0;
    if (free > 0) {
      frame = FrameList.head.get(ram, list);
      if (frame !== 0) {
        FrameList.head.set(ram, list, ram.u32[this.linkOf(frame) >>> 2]!);
      } else {
        frame = FrameList.fresh.get(ram, list);
        FrameList.fresh.set(ram, list, frame + PAGE_SIZE);
      }
      FrameList.free.set(ram, list, free - 1);
    }
    this.locks.release(this.listLock);
    return frame;
  }

  /** A frame out of somebody else's magazine, or 0. */
  private steal(): number {
    const { ram } = this;
    for (let step = 1; step < this.participants; step++) {
      const magazine = this.base + ((this.me + step) % this.participants) * Magazine.SIZE;
      if (Magazine.count.get(ram, magazine) === 0) continue;
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

  private refOf(frame: number): number {
    return this.refs + this.indexOf(frame) * 4;
  }

  private linkOf(frame: number): number {
    return this.links + this.indexOf(frame) * 4;
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
