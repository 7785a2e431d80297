/*
 * A content that is mapped changes its size: what processes have of it behind the new end goes, copies included, so that accesses there end
 * in SIGBUS, as on Linux.
 *
 * Nobody keeps a list of who maps a content, for it is asked for only when a mapped file gets shorter; the areas are counted, so that this
 * does not look at any space when there is none. A child that is forked meanwhile may keep such pages: they are its own from then on.
 *
 * Locks: each space's in turn, for a batch of pages; none is held when the content changes its size, so callers may hold whatever is above.
 */

import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Space, type AddressSpaces } from './address-space.ts';
import { Area, type Areas } from './areas.ts';
import type { Contents } from './contents.ts';
import type { Mappings } from './mappings.ts';

export class Truncation {
  private readonly areas: Areas;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly contents: Contents,
    private readonly spaces: AddressSpaces,
    private readonly mappings: Mappings,
  ) {
    this.areas = spaces.areas;
  }

  /** ftruncate(2) of a content: grows it by a hole, or cuts off what is behind, also where it is mapped: 0, −EINVAL or −EFBIG. */
  setSize(content: number, bytes: number): number {
    const before = this.contents.size(content);
    const error = this.contents.setSize(content, bytes);
    if (error < 0 || bytes >= before || !this.contents.isMapped(content)) return error;
    const first = Math.ceil(bytes / PAGE_SIZE);
    for (let index = 0; index < this.spaces.count; index++) {
      const space = this.spaces.at(index);
      while (space !== 0 && !this.cutOff(space, content, first));
    }
    return 0;
  }

  /** Takes pages of a content from `first` on out of a space; false when there are more than a batch. */
  private cutOff(space: number, content: number, first: number): boolean {
    const { ram, locks, areas, spaces } = this;
    const lock = Space.lock.addr(space);
    locks.acquire(lock);
    let done = true;
    const set = Space.areas.addr(space);
    for (let area = spaces.isAliveLocked(space) ? areas.next(set, 0) : 0; area !== 0 && done;) {
      const end = Area.end.get(ram, area);
      if (Area.content.get(ram, area) === content) {
        const start = Area.start.get(ram, area);
        const from = start + Math.max(0, first - Area.contentPage.get(ram, area)) * PAGE_SIZE;
        if (from < end) done = this.mappings.zapLocked(space, from, end) === end;
      }
      area = areas.next(set, end);
    }
    spaces.flushLocked(space);
    locks.release(lock);
    return done;
  }
}
