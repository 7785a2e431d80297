/*
 * The calls that shape an address space: mmap, munmap, mprotect, brk, madvise, and the mapping of program files.
 *
 * Arguments are any numbers (a guest's registers); results are Linux's: an address or 0, or a negative errno. Memory that is mapped
 * shared is that of a content, anonymous memory too, so that children share it.
 *
 * Memory is promised freely, but a writable mapping of more than the whole RAM is refused (as Linux' heuristic overcommit does).
 *
 * Guard: takes the space's lock. munmap and madvise drop it after each batch of pages, being equal to a sequence of smaller calls;
 * what replaces a mapping does not.
 */

import { Access, USER_ADDRESS_LIMIT } from '../core/mmu.ts';
import { alignUp } from '../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Fault, Space, type AddressSpaces } from './address-space.ts';
import { Area, AreaFlag, AreaKind, type Areas } from './areas.ts';
import { E } from './errno.ts';
import { Advice, MapFlag, MIN_ADDRESS, MMAP_TOP, Prot } from './mman.ts';

const PROT_MASK = Prot.Read | Prot.Write | Prot.Execute;

export class Mappings {
  private readonly areas: Areas;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly spaces: AddressSpaces,
  ) {
    this.areas = spaces.areas;
  }

  /**
   * mmap(2) of anonymous memory.
   *
   * @returns the address, or −EINVAL, −ENOMEM, −EEXIST (MAP_FIXED_NOREPLACE), −EPERM (below MIN_ADDRESS), −EBADF (not anonymous)
   */
  map(space: number, address: number, length: number, prot: number, flags: number): number {
    if ((flags & MapFlag.Anonymous) === 0) return -E.BADF;
    if (!(length > 0)) return -E.INVAL;
    const type = flags & MapFlag.Type;
    if (type !== MapFlag.Private && type !== MapFlag.Shared) return -E.INVAL;
    if (type === MapFlag.Shared && (flags & MapFlag.GrowsDown) !== 0) return -E.INVAL;
    if ((flags & MapFlag.HugeTlb) !== 0) return -E.NOMEM;
    const size = alignUp(length, PAGE_SIZE);
    if (size > USER_ADDRESS_LIMIT) return -E.NOMEM;
    if ((prot & Prot.Write) !== 0 && (flags & MapFlag.NoReserve) === 0 && this.promisesTooMuch(size)) return -E.NOMEM;
    if (type === MapFlag.Private) return this.place(space, address, size, prot, flags, AreaKind.Anonymous, 0, 0);
    const content = this.spaces.contents.createShared(size);
    if (content < 0) return content;
    const result = this.place(space, address, size, prot, flags, AreaKind.Shared, content, 0);
    this.spaces.contents.release(content);
    return result;
  }

  /**
   * mmap(2) of pages of a content, MAP_SHARED or MAP_PRIVATE. Rights (EACCES) are looked after by who knows the descriptor.
   *
   * @param areaFlags AreaFlag bits of its area
   * @param pageOffset page of the content at the start; the mapping may go on behind the content's end, where accesses end in SIGBUS
   * @returns the address, or −EINVAL, −ENOMEM, −EOVERFLOW, −EEXIST (MAP_FIXED_NOREPLACE), −EPERM, −EOPNOTSUPP (MAP_SHARED_VALIDATE)
   */
  mapContent(
    space: number,
    address: number,
    length: number,
    prot: number,
    flags: number,
    content: number,
    pageOffset: number,
    areaFlags = 0,
  ): number {
    if (!(length > 0)) return -E.INVAL;
    const type = flags & MapFlag.Type;
    const isShared = type === MapFlag.Shared || type === MapFlag.SharedValidate;
    if (!isShared && type !== MapFlag.Private) return -E.INVAL;
    if (type === MapFlag.SharedValidate && (flags & ~MapFlag.Legacy) !== 0) return -E.OPNOTSUPP;
    if (isShared && (flags & MapFlag.GrowsDown) !== 0) return -E.INVAL;
    const size = alignUp(length, PAGE_SIZE);
    if (size > USER_ADDRESS_LIMIT) return -E.NOMEM;
    if (!(pageOffset + size / PAGE_SIZE <= 2 ** 32)) return -E.OVERFLOW;
    const promises = !isShared && (prot & Prot.Write) !== 0 && (flags & MapFlag.NoReserve) === 0;
    if (promises && this.promisesTooMuch(size)) return -E.NOMEM;
    const kind = isShared ? AreaKind.Shared : AreaKind.Content;
    return this.place(space, address, size, prot, flags, kind, content, pageOffset, areaFlags);
  }

  /**
   * Maps pages of an image at [start, end), private to the space, replacing what is there.
   *
   * @param contentPage page of the image at `start`
   */
  mapImage(space: number, start: number, end: number, prot: number, image: number, contentPage: number): number {
    return this.mapKind(space, start, end, prot, AreaKind.Content, 0, image, contentPage);
  }

  /** Maps zero-filled memory at [start, end), replacing what is there: stacks and bss. `flags` are AreaFlag bits. */
  mapAnonymous(space: number, start: number, end: number, prot: number, flags: number): number {
    return this.mapKind(space, start, end, prot, AreaKind.Anonymous, flags, 0, 0);
  }

  /** Occupies [start, end) so that every access faults. */
  mapGuard(space: number, start: number, end: number): number {
    return this.mapKind(space, start, end, Prot.None, AreaKind.Guard, 0, 0, 0);
  }

  /** munmap(2): 0, −EINVAL, or −ENOMEM when a split needs an area and none is left. */
  unmap(space: number, address: number, length: number): number {
    if (!(address >= 0 && address < USER_ADDRESS_LIMIT) || address % PAGE_SIZE !== 0) return -E.INVAL;
    if (!(length > 0 && length <= USER_ADDRESS_LIMIT - address)) return -E.INVAL;
    const end = address + alignUp(length, PAGE_SIZE);
    let from = address;
    for (;;) {
      const lock = this.lock(space);
      const stopped = this.removeLocked(space, from, end, false);
      this.locks.release(lock);
      if (stopped < 0) return stopped;
      if (stopped >= end) return 0;
      from = stopped;
    }
  }

  /**
   * mprotect(2): 0, −EINVAL, or −ENOMEM when part of the range is not mapped (what lies before the hole is changed nonetheless) or a
   * split needs an area and none is left.
   */
  protect(space: number, address: number, length: number, prot: number): number {
    if (!(address >= 0) || address % PAGE_SIZE !== 0 || !(length >= 0)) return -E.INVAL;
    if ((prot & ~(PROT_MASK | Prot.Sem | Prot.GrowsDown)) !== 0) return -E.INVAL;
    if (length === 0) return 0;
    const end = address + alignUp(length, PAGE_SIZE);
    const lock = this.lock(space);
    const result = this.protectLocked(space, address, end, prot);
    this.spaces.flushLocked(space);
    this.locks.release(lock);
    return result;
  }

  /** Sets where the heap starts, empty: program loading. `start` is page-aligned. */
  startHeap(space: number, start: number): void {
    const lock = this.lock(space);
    Space.brkStart.set(this.ram, space, start);
    Space.brk.set(this.ram, space, start);
    this.locks.release(lock);
  }

  /** Notes where arguments and environment lie on the stack (proc(5): cmdline, environ). */
  noteArguments(space: number, argStart: number, argEnd: number, envEnd: number): void {
    const lock = this.lock(space);
    Space.argStart.set(this.ram, space, argStart);
    Space.argEnd.set(this.ram, space, argEnd);
    Space.envEnd.set(this.ram, space, envEnd);
    this.locks.release(lock);
  }

  /** brk(2) as the kernel sees it: moves the break if that is possible, and returns where it is then. */
  setBrk(space: number, address: number): number {
    const { ram } = this;
    const lock = this.lock(space);
    const old = Space.brk.get(ram, space);
    let now = old;
    if (address >= Space.brkStart.get(ram, space) && address < MMAP_TOP && Number.isInteger(address)) {
      const oldEnd = alignUp(old, PAGE_SIZE);
      const end = alignUp(address, PAGE_SIZE);
      if (end <= oldEnd) {
        if (this.removeLocked(space, end, oldEnd, true) >= 0) now = address;
      } else {
        const set = Space.areas.addr(space);
        const free = !this.promisesTooMuch(end - oldEnd) && !this.areas.overlaps(set, oldEnd, end);
        if (free && this.areas.add(set, oldEnd, end, Prot.Read | Prot.Write, AreaKind.Anonymous, 0, 0, 0) === 0) now = address;
      }
      Space.brk.set(ram, space, now);
    }
    this.locks.release(lock);
    return now;
  }

  /** madvise(2). DONTNEED and FREE drop pages; most other advice is accepted without effect. */
  advise(space: number, address: number, length: number, advice: number): number {
    if (!(address >= 0) || address % PAGE_SIZE !== 0 || !(length >= 0)) return -E.INVAL;
    if (!isAdvice(advice)) return -E.INVAL;
    const end = address + alignUp(length, PAGE_SIZE);
    if (!(end <= 2 ** 64)) return -E.INVAL;
    const hole = this.adviseAreas(space, address, Math.min(end, USER_ADDRESS_LIMIT), advice);
    if (hole < 0) return hole;
    return end > USER_ADDRESS_LIMIT ? -E.NOMEM : 0;
  }

  /** Makes the pages of [start, end) present, as far as areas and memory allow: 0, or the Fault that ended it. */
  populate(space: number, start: number, end: number, access: Access): Fault {
    for (let va = start; va < end; va += PAGE_SIZE) {
      const outcome = this.spaces.fault(space, va, access);
      if (outcome !== Fault.Handled) return outcome;
    }
    return Fault.Handled;
  }

  private place(
    space: number,
    address: number,
    size: number,
    prot: number,
    flags: number,
    kind: number,
    content: number,
    contentPage: number,
    moreFlags = 0,
  ): number {
    const lock = this.lock(space);
    const fixed = (flags & (MapFlag.Fixed | MapFlag.FixedNoReplace)) !== 0;
    const start = fixed ? this.takeFixedLocked(space, address, size, flags) : this.placeLocked(space, address, size);
    let result = start;
    if (start >= 0) {
      const areaFlags = moreFlags | ((flags & MapFlag.GrowsDown) !== 0 ? AreaFlag.GrowsDown : 0);
      const set = Space.areas.addr(space);
      const error = this.areas.add(set, start, start + size, prot & PROT_MASK, kind, areaFlags, content, contentPage);
      if (error < 0) result = error;
    }
    this.locks.release(lock);
    if (result >= 0 && (flags & (MapFlag.Populate | MapFlag.Locked)) !== 0)
      this.populate(space, start, start + size, (prot & Prot.Write) !== 0 ? Access.Write : Access.Read);
    return result;
  }

  private mapKind(
    space: number,
    start: number,
    end: number,
    prot: number,
    kind: number,
    flags: number,
    image: number,
    contentPage: number,
  ): number {
    const lock = this.lock(space);
    let result = this.removeLocked(space, start, end, true);
    if (result >= 0) result = this.areas.add(Space.areas.addr(space), start, end, prot, kind, flags, image, contentPage);
    this.locks.release(lock);
    return result;
  }

  /** Where MAP_FIXED and MAP_FIXED_NOREPLACE put a mapping, freed of what was there. */
  private takeFixedLocked(space: number, address: number, size: number, flags: number): number {
    if (!(address >= 0 && address <= USER_ADDRESS_LIMIT - size)) return -E.NOMEM;
    if (address % PAGE_SIZE !== 0) return -E.INVAL;
    if (address < MIN_ADDRESS) return -E.PERM;
    if ((flags & MapFlag.FixedNoReplace) !== 0)
      return this.areas.overlaps(Space.areas.addr(space), address, address + size) ? -E.EXIST : address;
    const error = this.removeLocked(space, address, address + size, true);
    return error < 0 ? error : address;
  }

  /** The hint if it is free, else the highest hole. */
  placeLocked(space: number, hint: number, size: number): number {
    const set = Space.areas.addr(space);
    if (hint > 0 && hint < USER_ADDRESS_LIMIT) {
      const wish = Math.max(MIN_ADDRESS, alignUp(hint, PAGE_SIZE));
      if (wish <= USER_ADDRESS_LIMIT - size && !this.areas.overlaps(set, wish, wish + size)) return wish;
    }
    const hole = this.areas.highestHole(set, size, MIN_ADDRESS, MMAP_TOP);
    return hole < 0 ? -E.NOMEM : hole;
  }

  /**
   * Removes areas, pages and tables of [from, end), one batch of pages if not `whole`.
   *
   * @returns how far it came (`end`, or less), or −ENOMEM with nothing changed since the last batch
   */
  removeLocked(space: number, from: number, end: number, whole: boolean): number {
    const { ram, areas, spaces } = this;
    const { tables, batch } = spaces;
    const set = Space.areas.addr(space);
    if (!areas.overlaps(set, from, end)) return end;
    if (areas.cut(set, from) < 0) return -E.NOMEM;
    if (areas.cut(set, end) < 0) {
      areas.join(set, from);
      return -E.NOMEM;
    }
    const root = Space.root.get(ram, space);
    let stop = this.zapLocked(space, from, end);
    // Stopping early needs a cut; where none is to be had, or none is wanted, the rest follows under the same lock.
    while (stop < end && (whole || areas.cut(set, stop) < 0)) {
      spaces.flushLocked(space);
      stop = this.zapLocked(space, stop, end);
    }
    areas.remove(set, from, stop);
    const floor = Math.ceil(areas.endBelow(set, from) / PAGE_SIZE);
    const ceiling = areas.startAbove(set, stop, USER_ADDRESS_LIMIT) / PAGE_SIZE;
    for (let done = false; !done;) {
      if (batch.full) spaces.flushLocked(space);
      const before = batch.count;
      done = tables.takeTables(root, from / PAGE_SIZE, stop / PAGE_SIZE, floor, ceiling, batch);
      Space.tablePages.set(ram, space, Space.tablePages.get(ram, space) - (batch.count - before));
    }
    spaces.flushLocked(space);
    return stop;
  }

  /** Moves the pages of [from, end) into the batch; returns the address at which it is full, or `end`. */
  zapLocked(space: number, from: number, end: number): number {
    const { ram } = this;
    const { tables, batch } = this.spaces;
    const before = batch.count;
    const stop = tables.zap(Space.root.get(ram, space), from / PAGE_SIZE, end / PAGE_SIZE, batch);
    Space.residentPages.set(ram, space, Space.residentPages.get(ram, space) - (batch.count - before));
    return stop * PAGE_SIZE;
  }

  private protectLocked(space: number, address: number, end: number, prot: number): number {
    const { ram, areas } = this;
    const set = Space.areas.addr(space);
    const root = Space.root.get(ram, space);
    let at = address;
    if ((prot & Prot.GrowsDown) !== 0) {
      const stack = areas.find(set, address);
      if (stack === 0) return -E.NOMEM;
      if ((Area.flags.get(ram, stack) & AreaFlag.GrowsDown) === 0) return -E.INVAL;
      at = Area.start.get(ram, stack);
    }
    const bits = prot & PROT_MASK;
    let result = 0;
    while (at < end) {
      let area = areas.find(set, at);
      if (area === 0) {
        result = -E.NOMEM;
        break;
      }
      const stop = Math.min(end, Area.end.get(ram, area));
      if ((bits & Prot.Write) !== 0 && (Area.flags.get(ram, area) & AreaFlag.ReadOnly) !== 0) {
        result = -E.ACCES;
        break;
      }
      if (Area.prot.get(ram, area) !== bits) {
        if (areas.cut(set, at) < 0 || areas.cut(set, stop) < 0) {
          areas.join(set, at);
          result = -E.NOMEM;
          break;
        }
        area = areas.find(set, at);
        Area.prot.set(ram, area, bits);
        this.spaces.tables.protect(root, at / PAGE_SIZE, stop / PAGE_SIZE, bits);
      }
      areas.join(set, at);
      at = stop;
    }
    areas.join(set, at);
    return result;
  }

  /** Applies advice to each area of [address, end), a batch of pages at a time: 0, or −ENOMEM if there was a hole. */
  private adviseAreas(space: number, address: number, end: number, advice: number): number {
    const { ram, areas } = this;
    const set = Space.areas.addr(space);
    const drops = advice === Advice.DontNeed || advice === Advice.Free;
    const populates = advice === Advice.PopulateRead || advice === Advice.PopulateWrite;
    let result = 0;
    let at = address;
    while (at < end) {
      const lock = this.lock(space);
      const area = areas.next(set, at);
      const start = area === 0 ? end : Math.min(end, Area.start.get(ram, area));
      let stop = area === 0 ? end : Math.min(end, Area.end.get(ram, area));
      if (start > at) result = -E.NOMEM;
      if (drops && start < stop && Area.kind.get(ram, area) !== AreaKind.Shared) {
        stop = this.zapLocked(space, Math.max(at, start), stop);
        this.spaces.flushLocked(space);
      }
      const error =
        start < stop && isForkAdvice(advice) ? this.adviseForkLocked(set, area, Math.max(at, start), stop, advice) : 0;
      this.locks.release(lock);
      if (error < 0) return error;
      if (populates) {
        const access = advice === Advice.PopulateWrite ? Access.Write : Access.Read;
        const outcome = this.populate(space, Math.max(at, start), stop, access);
        if (result === 0 && outcome !== Fault.Handled) result = outcome === Fault.AccessError ? -E.INVAL : -E.NOMEM;
        if (result !== 0) return result;
      }
      at = stop;
    }
    return result;
  }

  /** What a child is to get of [start, stop), a part of `area`: 0, −EINVAL, or −EAGAIN when a split needs an area and none is left. */
  private adviseForkLocked(set: number, area: number, start: number, stop: number, advice: number): number {
    const { ram, areas } = this;
    const wipes = advice === Advice.WipeOnFork || advice === Advice.KeepOnFork;
    const bit = wipes ? AreaFlag.WipeOnFork : AreaFlag.DontFork;
    const isSet = advice === Advice.WipeOnFork || advice === Advice.DontFork;
    if (isSet && wipes && Area.kind.get(ram, area) !== AreaKind.Anonymous) return -E.INVAL;
    const before = Area.flags.get(ram, area);
    const flags = isSet ? before | bit : before & ~bit;
    if (flags === before) return 0;
    if (areas.cut(set, start) < 0 || areas.cut(set, stop) < 0) {
      areas.join(set, start);
      return -E.AGAIN;
    }
    Area.flags.set(ram, areas.find(set, start), flags);
    areas.join(set, start);
    areas.join(set, stop);
    return 0;
  }

  /** Whether more writable memory is asked for than there is at all. */
  promisesTooMuch(bytes: number): boolean {
    return bytes / PAGE_SIZE > this.spaces.frames.total;
  }

  private lock(space: number): number {
    const lock = Space.lock.addr(space);
    this.locks.acquire(lock);
    return lock;
  }
}

function isForkAdvice(advice: number): boolean {
  return advice === Advice.DontFork || advice === Advice.DoFork || advice === Advice.WipeOnFork || advice === Advice.KeepOnFork;
}

function isAdvice(advice: number): boolean {
  return (
    (advice >= Advice.Normal && advice <= Advice.DontNeed) ||
    advice === Advice.Free ||
    (advice >= Advice.DontFork && advice <= Advice.PopulateWrite)
  );
}
