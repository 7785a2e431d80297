/*
 * Which pages of a space are in memory, and keeping them there: mincore(2), mlock(2) and its kin, msync(2).
 *
 * Nothing is ever swapped out or written back, so locking means to make pages present, and synchronising nothing; what is left is to say
 * what is wrong with a range as Linux does.
 *
 * Guard: takes the space's lock, for a page or an area at a time.
 */

import { Access, USER_ADDRESS_LIMIT } from '../core/mmu.ts';
import { alignUp } from '../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Fault, Space, type AddressSpaces } from './address-space.ts';
import { Area, AreaKind } from './areas.ts';
import { E } from './errno.ts';
import type { Mappings } from './mappings.ts';
import { Prot } from './mman.ts';
import type { UserCopy } from './user-copy.ts';

const Sync = { Async: 1, Invalidate: 2, Sync: 4 } as const;
const LOCK_ON_FAULT = 1;
const LockAll = { Current: 1, Future: 2, OnFault: 4 } as const;

export class Residence {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly spaces: AddressSpaces,
    private readonly mappings: Mappings,
    private readonly copy: UserCopy,
  ) {}

  /** mlock2(2): 0, −EINVAL, −ENOMEM (not all is mapped, or may be accessed), −EAGAIN (no memory). */
  lock(space: number, address: number, length: number, flags: number): number {
    if ((flags & ~LOCK_ON_FAULT) !== 0) return -E.INVAL;
    const start = address - (address % PAGE_SIZE);
    const end = alignUp(address + length, PAGE_SIZE);
    const error = this.check(space, start, end, -E.INVAL);
    if (error < 0 || (flags & LOCK_ON_FAULT) !== 0) return error;
    return this.populate(space, start, end);
  }

  /** munlock(2): 0, −EINVAL, −ENOMEM. */
  unlock(space: number, address: number, length: number): number {
    return this.check(space, address - (address % PAGE_SIZE), alignUp(address + length, PAGE_SIZE), -E.INVAL);
  }

  /** mlockall(2): 0 or −EINVAL. Pages that cannot be had are passed over. */
  lockAll(flags: number): number {
    if ((flags & ~(LockAll.Current | LockAll.Future | LockAll.OnFault)) !== 0) return -E.INVAL;
    if (flags === 0 || flags === LockAll.OnFault) return -E.INVAL;
    return 0;
  }

  /** msync(2): 0, −EINVAL, or −ENOMEM when not all is mapped. */
  sync(space: number, address: number, length: number, flags: number): number {
    if ((flags & ~(Sync.Async | Sync.Invalidate | Sync.Sync)) !== 0) return -E.INVAL;
    if (address % PAGE_SIZE !== 0) return -E.INVAL;
    if ((flags & Sync.Async) !== 0 && (flags & Sync.Sync) !== 0) return -E.INVAL;
    return this.check(space, address, address + alignUp(length, PAGE_SIZE), -E.NOMEM);
  }

  /**
   * mincore(2): a byte for each page, 1 if it is in memory.
   *
   * @param vector user address of the bytes
   * @returns 0, −EINVAL, −ENOMEM (not all is mapped), −EFAULT
   */
  mincore(space: number, address: number, length: number, vector: number): number {
    if (address % PAGE_SIZE !== 0) return -E.INVAL;
    if (!(address <= USER_ADDRESS_LIMIT - length)) return -E.NOMEM;
    const pages = Math.ceil(length / PAGE_SIZE);
    if (!(vector <= USER_ADDRESS_LIMIT - pages)) return -E.FAULT;
    for (let page = 0; page < pages;) {
      const va = address + page * PAGE_SIZE;
      // Most of a large mapping may never have been touched.
      const absent = Math.min(pages - page, this.absentFrom(space, va));
      const there = absent > 0 ? 0 : this.isThere(space, va);
      if (there < 0) return there;
      const count = Math.max(1, absent);
      const error = absent > 0 ? this.copy.clear(space, vector + page, count) : this.copy.writeU8(space, vector + page, there);
      if (error < 0) return error;
      page += count;
    }
    return 0;
  }

  /** How many pages from `va` on are mapped but in no page table, nor filled from a content; not all of them, if they are many. */
  private absentFrom(space: number, va: number): number {
    const { ram, locks, spaces } = this;
    const lock = Space.lock.addr(space);
    locks.acquire(lock);
    const area = spaces.areas.find(Space.areas.addr(space), va);
    let count = 0;
    if (area !== 0 && Area.content.get(ram, area) === 0) {
      const page = va / PAGE_SIZE;
      const behind = spaces.tables.firstTabled(Space.root.get(ram, space), page);
      count = Math.min(behind, Area.end.get(ram, area) / PAGE_SIZE) - page;
    }
    locks.release(lock);
    return count;
  }

  /** 1 if a page is in memory, 0 if not, −ENOMEM where nothing is mapped. */
  private isThere(space: number, va: number): number {
    const { ram, locks, spaces } = this;
    const lock = Space.lock.addr(space);
    locks.acquire(lock);
    const area = spaces.areas.find(Space.areas.addr(space), va);
    let result: number = area === 0 ? -E.NOMEM : 0;
    if (area !== 0) {
      const slot = spaces.tables.slot(Space.root.get(ram, space), va / PAGE_SIZE);
      if (slot !== 0 && ram.u32[slot >>> 2] !== 0) result = 1;
      else if (Area.content.get(ram, area) !== 0)
        result = spaces.contents.frameAt(Area.content.get(ram, area), spaces.areas.contentPageAt(area, va)) === 0 ? 0 : 1;
    }
    locks.release(lock);
    return result;
  }

  /** Whether all of [start, end) is mapped: 0 or −ENOMEM; `tooLong` when it is no range. */
  private check(space: number, start: number, end: number, tooLong: number): number {
    if (!(end < 2 ** 64)) return tooLong;
    const { ram, locks, spaces } = this;
    const set = Space.areas.addr(space);
    const lock = Space.lock.addr(space);
    let at = start;
    locks.acquire(lock);
    while (at < end) {
      const area = spaces.areas.find(set, at);
      if (area === 0) break;
      at = Area.end.get(ram, area);
    }
    locks.release(lock);
    return at < end ? -E.NOMEM : 0;
  }

  /** Makes the pages of [start, end), which are mapped, present, and those that are private and writable the space's own. */
  private populate(space: number, start: number, end: number): number {
    for (let va = start; va < end; va += PAGE_SIZE) {
      const outcome = this.mappings.populate(space, va, va + PAGE_SIZE, this.accessFor(space, va));
      if (outcome === Fault.OutOfMemory) return -E.AGAIN;
      if (outcome !== Fault.Handled) return -E.NOMEM;
    }
    return 0;
  }

  private accessFor(space: number, va: number): Access {
    const { ram, locks, spaces } = this;
    const lock = Space.lock.addr(space);
    locks.acquire(lock);
    const area = spaces.areas.find(Space.areas.addr(space), va);
    const prot = area === 0 ? 0 : Area.prot.get(ram, area);
    const isShared = area !== 0 && Area.kind.get(ram, area) === AreaKind.Shared;
    locks.release(lock);
    if ((prot & Prot.Write) !== 0 && !isShared) return Access.Write;
    return (prot & (Prot.Read | Prot.Write)) !== 0 ? Access.Read : Access.Execute;
  }
}
