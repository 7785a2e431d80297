/*
 * mremap(2): a mapping grows, shrinks or moves, with its pages.
 *
 * Pages are moved from one place of the page table to another, so nothing is copied and memory stays where it lies in RAM. All that can
 * fail (areas to be divided or made, page tables for the new place) comes first; then the entries are moved, and the old ones shot
 * down before the lock is released.
 *
 * Guard: the space's lock, for the whole of it.
 */

import { USER_ADDRESS_LIMIT } from '../core/mmu.ts';
import { alignUp } from '../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Space, type AddressSpaces } from './address-space.ts';
import { Area, AreaFlag, AreaKind, type Areas } from './areas.ts';
import { E } from './errno.ts';
import type { Mappings } from './mappings.ts';
import { MIN_ADDRESS, Prot, Remap } from './mman.ts';

const ALL = Remap.MayMove | Remap.Fixed | Remap.DontUnmap;

export class Remaps {
  private readonly areas: Areas;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly spaces: AddressSpaces,
    private readonly mappings: Mappings,
  ) {
    this.areas = spaces.areas;
  }

  /**
   * mremap(2).
   *
   * @param wanted new address, with Fixed; with DontUnmap a wish
   * @returns the address, −EINVAL, −EFAULT (what is to be moved is not mapped by one area), −ENOMEM, or −EPERM (below MIN_ADDRESS)
   */
  remap(space: number, address: number, oldBytes: number, newBytes: number, flags: number, wanted: number): number {
    if ((flags & ~ALL) !== 0) return -E.INVAL;
    const moves = (flags & Remap.MayMove) !== 0;
    if ((flags & Remap.Fixed) !== 0 && !moves) return -E.INVAL;
    // Sums wrap as Linux' do.
    const from = alignUp(oldBytes, PAGE_SIZE) % 2 ** 64;
    const to = alignUp(newBytes, PAGE_SIZE) % 2 ** 64;
    if ((flags & Remap.DontUnmap) !== 0 && (!moves || oldBytes !== newBytes)) return -E.INVAL;
    if (address % PAGE_SIZE !== 0 || to === 0) return -E.INVAL;
    const lock = Space.lock.addr(space);
    this.locks.acquire(lock);
    const result = this.remapLocked(space, address, from, to, flags, wanted);
    this.locks.release(lock);
    return result;
  }

  private remapLocked(space: number, address: number, from: number, to: number, flags: number, wanted: number): number {
    const { ram, areas, mappings } = this;
    const set = Space.areas.addr(space);
    if (areas.find(set, address) === 0) return -E.FAULT;
    if ((flags & (Remap.Fixed | Remap.DontUnmap)) !== 0) return this.moveToLocked(space, address, from, to, flags, wanted);
    if (to <= from) {
      if (to === from) return address;
      const error = this.cutOffLocked(space, address + to, address + from);
      return error < 0 ? error : address;
    }
    const refusal = this.refusalLocked(space, address, from, to);
    if (refusal < 0) return refusal;
    const area = areas.find(set, address);
    const end = Area.end.get(ram, area);
    const grown = address + to;
    if (address + from === end && grown <= USER_ADDRESS_LIMIT && !areas.overlaps(set, end, grown)) {
      const error = this.addLike(set, area, end, grown, areas.contentPageAt(area, end));
      if (error === 0) return address;
    }
    if ((flags & Remap.MayMove) === 0) return -E.NOMEM;
    const target = mappings.placeLocked(space, 0, to);
    return target < 0 ? target : this.moveLocked(space, address, from, to, flags, target);
  }

  /** To a place that is asked for. */
  private moveToLocked(space: number, address: number, from: number, to: number, flags: number, wanted: number): number {
    const { mappings } = this;
    if (wanted % PAGE_SIZE !== 0 || to > USER_ADDRESS_LIMIT || !(wanted <= USER_ADDRESS_LIMIT - to)) return -E.INVAL;
    if (address + from > wanted && wanted + to > address) return -E.INVAL;
    let kept = from;
    if ((flags & Remap.Fixed) !== 0) {
      if (wanted < MIN_ADDRESS) return -E.PERM;
      const error = mappings.removeLocked(space, wanted, wanted + to, true);
      if (error < 0) return error;
    }
    if (from > to) {
      const error = this.cutOffLocked(space, address + to, address + from);
      if (error < 0) return error;
      kept = to;
    }
    const refusal = this.refusalLocked(space, address, kept, to);
    if (refusal < 0) return refusal;
    const target = (flags & Remap.Fixed) !== 0 ? wanted : mappings.placeLocked(space, wanted, to);
    return target < 0 ? target : this.moveLocked(space, address, kept, to, flags, target);
  }

  private cutOffLocked(space: number, start: number, end: number): number {
    return end > USER_ADDRESS_LIMIT ? -E.INVAL : this.mappings.removeLocked(space, start, end, true);
  }

  /** Why what is at `address` cannot become `to` bytes long, or 0. */
  private refusalLocked(space: number, address: number, from: number, to: number): number {
    const { ram, areas } = this;
    const area = areas.find(Space.areas.addr(space), address);
    if (area === 0) return -E.FAULT;
    const kind = Area.kind.get(ram, area);
    if (from === 0 && kind !== AreaKind.Shared) return -E.INVAL;
    if (from > Area.end.get(ram, area) - address) return -E.FAULT;
    if (to > USER_ADDRESS_LIMIT) return -E.NOMEM;
    if (kind !== AreaKind.Anonymous && !(areas.contentPageAt(area, address) + to / PAGE_SIZE <= 2 ** 32)) return -E.INVAL;
    const writable = (Area.prot.get(ram, area) & Prot.Write) !== 0;
    return writable && to > from && this.mappings.promisesTooMuch(to - from) ? -E.NOMEM : 0;
  }

  /** Moves [address, address + from) to `target`, where `to` bytes are free. */
  private moveLocked(space: number, address: number, from: number, to: number, flags: number, target: number): number {
    const { ram, areas, spaces, mappings } = this;
    const { tables } = spaces;
    const set = Space.areas.addr(space);
    if (areas.cut(set, address) < 0 || areas.cut(set, address + from) < 0) {
      areas.join(set, address);
      return -E.NOMEM;
    }
    const area = areas.find(set, address);
    const flagsBefore = Area.flags.get(ram, area);
    Area.flags.set(ram, area, flagsBefore | AreaFlag.Moving);
    const pages = from / PAGE_SIZE;
    const error = this.makeRoomLocked(space, area, address / PAGE_SIZE, pages, target, target + to);
    if (error === 0) {
      this.movePlacement(set, area, target, target + to);
      tables.move(Space.root.get(ram, space), address / PAGE_SIZE, pages, target / PAGE_SIZE);
    }
    if (error === 0 && (flags & Remap.DontUnmap) === 0 && from > 0) {
      // It is cut at both ends, so this cannot fail.
      mappings.removeLocked(space, address, address + from, true);
    } else {
      Area.flags.set(ram, area, flagsBefore);
      spaces.flushLocked(space);
      areas.join(set, address + from);
      areas.join(set, address);
    }
    return error < 0 ? error : target;
  }

  /** Makes an area at [start, end) like `area`, and the page tables for what is to move there: 0 or −ENOMEM. */
  private makeRoomLocked(space: number, area: number, from: number, pages: number, start: number, end: number): number {
    const { ram, spaces, mappings } = this;
    const { tables } = spaces;
    const error = this.addLike(Space.areas.addr(space), area, start, end, Area.contentPage.get(ram, area));
    if (error < 0) return error;
    const room = tables.prepareMove(Space.root.get(ram, space), from, pages, start / PAGE_SIZE);
    Space.tablePages.set(ram, space, Space.tablePages.get(ram, space) + tables.tablesMade);
    if (room) return 0;
    mappings.removeLocked(space, start, end, true);
    return -E.NOMEM;
  }

  /** Adds [start, end) with all that makes `area` what it is. */
  private addLike(set: number, area: number, start: number, end: number, contentPage: number): number {
    const { ram, areas } = this;
    return areas.add(
      set,
      start,
      end,
      Area.prot.get(ram, area),
      Area.kind.get(ram, area),
      Area.flags.get(ram, area) & ~AreaFlag.Moving,
      Area.content.get(ram, area),
      contentPage,
    );
  }

  /** Pages that come later are to lie beside those that have been moved. */
  private movePlacement(set: number, area: number, start: number, end: number): void {
    const { ram, areas } = this;
    const moved = areas.find(set, start);
    if (Area.start.get(ram, moved) !== start || Area.end.get(ram, moved) !== end) return;
    areas.movePlacement(area, moved);
  }
}
