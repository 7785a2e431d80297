/*
 * A fixed pool of equal slots: where kernel objects live.
 *
 * A kernel object is the address of its slot. The pool never touches a slot's content: whoever allocates initialises, and what must
 * outlive an owner (a TLB generation) stays. Every slot has a tag with a use count, so that a handle, index and count in one positive
 * 31-bit number, is told from the handle of an earlier owner. Freed slots come back last-in-first-out (warm in the cache) or
 * longest-free-first.
 *
 * The seeded build poisons free slots, and notes in the tag of a slot that is in use whose it is alone (oracles/): from `alloc` until
 * `publish`, and from `claim` on, one participant owns the object, and needs none of its locks.
 *
 * The free list is guarded by the pool's lock (rank `slots`: a leaf but for frames; nothing is taken while it is held). The tags are
 * atomic, so that a handle can be looked up without a lock; the finder then locks the object and calls `isLive` again.
 *
 *   region: | header | tags, 8 bytes each | slots, each a multiple of 64 bytes |
 */

import { alignUp, CACHE_LINE, struct, type StructInfo, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { atomicU32 } from '../smp/atomics.ts';
import { KernelPanic } from '../smp/panic.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { scheduledHart } from '../smp/schedule/point.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';
import { placed } from './oracles/places.ts';
import { SlotPoison } from './oracles/poison.ts';

const PoolHeader = struct('SlotPool', {
  lock: spinlock(),
  /** Index + 1 of the slot to hand out next, 0: none. */
  head: u32('lock'),
  tail: u32('lock'),
  inUse: u32('lock'),
});

const SlotTag = struct('SlotTag', {
  /** 2 × use count + (1 while in use). The count changes when a slot is freed. */
  state: atomicU32(),
  /** Index + 1 of the next free slot. Seeded build, while in use: OWNED + the participant whose it is alone; 0: it is shared. */
  next: u32('SlotPool.lock'),
});

const OWNED = 0x8000_0000;

/** What a pool is made of. */
export interface SlotPoolShape {
  /** For reports. */
  readonly name: string;
  readonly count: number;
  /** Bytes of an object. */
  readonly size: number;
  /** What the objects are, if they are a structure. */
  readonly layout?: StructInfo;
  /** Which free slot comes next: the one freed last, or the one free for longest. */
  readonly order: 'lifo' | 'fifo';
}

export class SlotPool {
  readonly count: number;
  /** Bytes from slot to slot. */
  readonly stride: number;
  private readonly lock: number;
  private readonly tags: number;
  private readonly slots: number;
  private readonly indexBits: number;
  private readonly countMask: number;
  private readonly poison: SlotPoison | undefined;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly base: number,
    private readonly shape: SlotPoolShape,
  ) {
    this.count = shape.count;
    this.stride = alignUp(shape.size, CACHE_LINE);
    this.lock = PoolHeader.lock.addr(base);
    this.tags = base + PoolHeader.SIZE;
    this.slots = alignUp(this.tags + shape.count * SlotTag.SIZE, CACHE_LINE);
    this.indexBits = Math.max(1, 32 - Math.clz32(shape.count - 1));
    this.countMask = 2 ** (31 - this.indexBits) - 1;
    if (SEEDED) {
      this.poison = new SlotPoison(shape.name, shape.layout, this.stride);
      placed(PoolHeader, base, this.slots - base, 1);
      if (shape.layout !== undefined) placed(shape.layout, this.slots, this.stride, shape.count, this);
    }
  }

  /** Bytes of the region (64-aligned) for `count` objects of `size` bytes. */
  static bytes(count: number, size: number): number {
    return alignUp(PoolHeader.SIZE + count * SlotTag.SIZE, CACHE_LINE) + count * alignUp(size, CACHE_LINE);
  }

  /** Makes every slot free, in order of index. Once, before the harts start. */
  initialise(): void {
    const { ram, base, count } = this;
    PoolHeader.lock.init(ram, base, Rank.slots);
    PoolHeader.head.set(ram, base, count === 0 ? 0 : 1);
    PoolHeader.tail.set(ram, base, count);
    PoolHeader.inUse.set(ram, base, 0);
    // Plain stores in a tight loop: this is a good part of power-on.
    const { u32 } = ram;
    const words = SlotTag.SIZE >>> 2;
    const state = SlotTag.state.addr(this.tags) >>> 2;
    const next = SlotTag.next.addr(this.tags) >>> 2;
    for (let index = 0; index < count; index++) {
      u32[state + index * words] = 2;
      u32[next + index * words] = index + 1 < count ? index + 2 : 0;
    }
  }

  /** A free slot's address, its content as the last owner left it; 0 when there is none. */
  alloc(): number {
    if (SEEDED && scheduledHart().refusesMemory()) return 0;
    return this.allocAlways();
  }

  /** The same, for an object that there is always room for: no schedule refuses it. */
  allocAlways(): number {
    const { ram, base } = this;
    this.locks.acquire(this.lock);
    const link = PoolHeader.head.get(ram, base);
    if (link === 0) {
      this.locks.release(this.lock);
      return 0;
    }
    const tag = this.tag(link - 1);
    const next = SlotTag.next.get(ram, tag);
    PoolHeader.head.set(ram, base, next);
    if (next === 0) PoolHeader.tail.set(ram, base, 0);
    PoolHeader.inUse.set(ram, base, PoolHeader.inUse.get(ram, base) + 1);
    SlotTag.state.or(ram, tag, 1);
    if (SEEDED) SlotTag.next.set(ram, tag, OWNED + this.locks.hart);
    this.locks.release(this.lock);
    if (SEEDED) this.poison!.verify(ram, this.at(link - 1));
    return this.at(link - 1);
  }

  /** Others can find the object from now on. Seeded build only. */
  publish(address: number): void {
    this.noteOwner(address, 0);
  }

  /** Nobody else can find the object from now on, until it is published or freed. Seeded build only. */
  claim(address: number): void {
    this.noteOwner(address, OWNED + this.locks.hart);
  }

  /** The participant whose object it is alone; -1 when it is shared, -2 when the slot is free. Seeded build only; a plain look. */
  ownerOf(address: number): number {
    const tag = this.tag(this.indexOf(address));
    if ((this.ram.u32[SlotTag.state.addr(tag) >>> 2]! & 1) === 0) return -2;
    const owner = SlotTag.next.peek(this.ram, tag);
    return owner >= OWNED ? owner - OWNED : -1;
  }

  private noteOwner(address: number, owner: number): void {
    this.locks.acquire(this.lock);
    SlotTag.next.set(this.ram, this.tag(this.indexOf(address)), owner);
    this.locks.release(this.lock);
  }

  /** Takes a slot back. From here on its handle names nothing. */
  free(address: number): void {
    const { ram, base } = this;
    const index = this.indexOf(address);
    const tag = this.tag(index);
    this.locks.acquire(this.lock);
    const state = SlotTag.state.load(ram, tag);
    if ((state & 1) === 0) throw new KernelPanic(`${this.shape.name} slot ${String(index)} freed twice`);
    if (SEEDED) this.poison!.poison(ram, address);
    // Count 0 is left out, so that no handle is 0.
    const uses = ((state >>> 1) + 1) & this.countMask;
    SlotTag.state.store(ram, tag, (uses === 0 ? 1 : uses) * 2);
    PoolHeader.inUse.set(ram, base, PoolHeader.inUse.get(ram, base) - 1);
    const head = PoolHeader.head.get(ram, base);
    const tail = PoolHeader.tail.get(ram, base);
    if (this.shape.order === 'lifo' || tail === 0) {
      SlotTag.next.set(ram, tag, head);
      PoolHeader.head.set(ram, base, index + 1);
      if (tail === 0) PoolHeader.tail.set(ram, base, index + 1);
    } else {
      SlotTag.next.set(ram, tag, 0);
      SlotTag.next.set(ram, this.tag(tail - 1), index + 1);
      PoolHeader.tail.set(ram, base, index + 1);
    }
    this.locks.release(this.lock);
  }

  /** Slots in use: a snapshot, hence without the lock. */
  inUse(): number {
    return PoolHeader.inUse.peek(this.ram, this.base);
  }

  /** Address of slot `index`, in use or not. */
  at(index: number): number {
    return this.slots + index * this.stride;
  }

  /** Index of the slot at `address`; panics when that is no slot of this pool. */
  indexOf(address: number): number {
    const index = (address - this.slots) / this.stride;
    if (!Number.isInteger(index) || index < 0 || index >= this.count)
      throw new KernelPanic(`0x${address.toString(16)} is no ${this.shape.name} slot`);
    return index;
  }

  /** Whether slot `index` is in use: a snapshot. */
  isUsed(index: number): boolean {
    return (SlotTag.state.load(this.ram, this.tag(index)) & 1) !== 0;
  }

  /** How often the slot has changed hands, from 1; wraps after 2^(31 − index bits). */
  generation(address: number): number {
    return SlotTag.state.load(this.ram, this.tag(this.indexOf(address))) >>> 1;
  }

  /** The handle of the slot's present owner: positive, below 2^31, never that of an earlier owner (until the count wraps). */
  handleOf(address: number): number {
    const index = this.indexOf(address);
    return (SlotTag.state.load(this.ram, this.tag(index)) >>> 1) * 2 ** this.indexBits + index;
  }

  /** Address of the object that `handle` (any number) names, or 0 when it is gone or never was. */
  resolve(handle: number): number {
    if (!(handle > 0 && handle < 2 ** 31) || !Number.isInteger(handle)) return 0;
    const index = handle & (2 ** this.indexBits - 1);
    if (index >= this.count) return 0;
    const state = SlotTag.state.load(this.ram, this.tag(index));
    return state === (handle >>> this.indexBits) * 2 + 1 ? this.at(index) : 0;
  }

  /** Whether `handle` still names the object at `address`: to be asked again once its lock is held. */
  isLive(address: number, handle: number): boolean {
    return this.resolve(handle) === address;
  }

  private tag(index: number): number {
    return this.tags + index * SlotTag.SIZE;
  }
}
