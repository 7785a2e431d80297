/*
 * fork(2) of an address space: the child gets the parent's areas, and its pages at the same addresses.
 *
 * Private pages are not copied but shared, for reading only, in both page tables (PTE_SHARED); who writes to one first gets a copy, and
 * who is left alone with it keeps it (`AddressSpaces.unshareLocked`). Pages that the program writes all the time are copied at once: so the
 * parent keeps its frames, which lie well for its translated code (placement.ts), and neither side faults. Those of shared memory
 * are left out: the child finds them through the content.
 *
 * Locks: the parent's space and the child's, for all of it. Other harts may write to the parent's pages until they have
 * been shot down, which happens before the lock is released, and before the child runs: a write that comes while fork goes on
 * may be seen by the child or not, as on Linux, but none that comes later.
 */

import type { Ram } from '../core/ram.ts';
import { PAGE_SIZE } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Space, type AddressSpaces } from './address-space.ts';
import { Area, AreaFlag, AreaKind } from './areas.ts';

/** Pages that are copied at once: of those that have been written since the last fork, which after the first one are few. */
const COPIES = 12;
const STACK_COPIES = 3;

export class SpaceForks {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly spaces: AddressSpaces,
  ) {}

  /**
   * A copy of a space, with one reference; 0 when slots, areas or memory are used up (the parent is as it was).
   *
   * @param isAlone whether the caller is the only thread that could write to the space meanwhile: then some pages are copied at once.
   *   Otherwise the child would see some writes of other threads and not others that came before.
   */
  fork(parent: number, isAlone: boolean): number {
    const { ram, locks, spaces } = this;
    const child = spaces.create();
    if (child === 0) return 0;
    const first = Space.lock.addr(Math.min(parent, child));
    const second = Space.lock.addr(Math.max(parent, child));
    locks.acquire(first);
    locks.acquire(second);
    Space.brkStart.set(ram, child, Space.brkStart.get(ram, parent));
    Space.brk.set(ram, child, Space.brk.get(ram, parent));
    for (const field of [Space.argStart, Space.argEnd, Space.envEnd]) field.set(ram, child, field.get(ram, parent));
    const done =
      spaces.areas.copySet(Space.areas.addr(parent), Space.areas.addr(child)) && this.sharePagesLocked(parent, child, isAlone);
    // Also when it has failed: pages may have lost the right to be written.
    spaces.flushLocked(parent);
    locks.release(second);
    locks.release(first);
    if (done) return child;
    spaces.release(child);
    return 0;
  }

  /** Enters the parent's private pages into the child's page table; false when memory is used up. */
  private sharePagesLocked(parent: number, child: number, isAlone: boolean): boolean {
    const { ram } = this;
    const { areas, tables } = this.spaces;
    const set = Space.areas.addr(child);
    const from = Space.root.get(ram, parent);
    const to = Space.root.get(ram, child);
    let copies = isAlone ? COPIES : 0;
    for (let area = areas.next(set, 0); area !== 0; area = areas.next(set, Area.end.get(ram, area))) {
      const kind = Area.kind.get(ram, area);
      const flags = Area.flags.get(ram, area);
      if (kind === AreaKind.Shared || kind === AreaKind.Guard || (flags & AreaFlag.WipeOnFork) !== 0) continue;
      const start = Area.start.get(ram, area) / PAGE_SIZE;
      const end = Area.end.get(ram, area) / PAGE_SIZE;
      // The lowest pages of a stack are those in use.
      const most = isAlone && (flags & AreaFlag.GrowsDown) !== 0 ? STACK_COPIES : copies;
      const done = tables.share(from, to, start, end, most);
      if ((flags & AreaFlag.GrowsDown) === 0) copies -= tables.pagesCopied;
      Space.residentPages.set(ram, child, Space.residentPages.get(ram, child) + tables.pagesShared);
      Space.tablePages.set(ram, child, Space.tablePages.get(ram, child) + tables.tablesMade);
      if (!done) return false;
    }
    return true;
  }
}
