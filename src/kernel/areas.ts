/*
 * Virtual memory areas: which address ranges of a space exist, with which protection, and what fills their pages.
 *
 * A space embeds an AreaSet; the areas themselves are slots of a pool that all spaces share, ordered in a treap (area-tree.ts). An
 * area that takes its pages from a content holds a reference to it.
 *
 * Invariants: areas of a set are disjoint and page-aligned, and neighbours that continue one another are one area (so a program
 * that maps page by page needs one area, not thousands).
 *
 * Guard: every function wants the lock of the space that the set lies in. Nothing here knows page tables.
 */

import { f64, struct, u32 } from '../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Area, AreaTree, PLACED_IN_PART } from './area-tree.ts';
import { E } from './errno.ts';
import { SlotPool } from './slots.ts';

export { Area, PLACED_IN_PART } from './area-tree.ts';

export const AreaKind = {
  /** Zero-filled on first touch. */
  Anonymous: 1,
  /** Filled with a copy from a content on first touch, or shown its page while that may not be written. */
  Content: 2,
  /** Never filled: no access succeeds. */
  Guard: 3,
  /** Shows the pages of a content, which others show too: what one stores all see. */
  Shared: 4,
} as const;

export const AreaFlag = {
  /** The initial stack, or mapped with MAP_GROWSDOWN. */
  GrowsDown: 1,
  /** madvise(2): a child does not get it (DontFork), or gets it empty (WipeOnFork). */
  DontFork: 2,
  WipeOnFork: 4,
  /** Being moved (remap.ts), while the lock is held: it must not become one with its neighbours. */
  Moving: 8,
  /** Shows a file that was opened for reading only: it can never be made writable. */
  ReadOnly: 16,
} as const;

/** What a space embeds. */
export const AreaSet = struct('AreaSet', {
  root: u32('Space.lock'),
  count: u32('Space.lock'),
  /** Sum of the areas. */
  bytes: f64('Space.lock'),
});

/** Areas that one space may have (vm.max_map_count). */
export const MAX_AREAS = 65530;
/** Of each GROUP of areas that there are, so many are left to others than the space that takes the most. */
const GROUP = 1024;
const LEFT_TO_OTHERS = 128;

/** So many pages of an area may lie elsewhere after fork before a place is looked for (placement.ts). */
const PATIENCE = 16;

/** References to what areas are filled from. */
export interface ContentReferences {
  retainForArea(content: number): void;
  releaseForArea(content: number): void;
}

export class Areas {
  private readonly pool: SlotPool;
  private readonly tree: AreaTree;
  private readonly perSet: number;

  constructor(
    private readonly ram: Ram,
    locks: Locks,
    private readonly contents: ContentReferences,
    base: number,
    count: number,
  ) {
    this.pool = new SlotPool(ram, locks, base, { name: 'area', count, size: Area.SIZE, layout: Area, order: 'lifo' });
    this.tree = new AreaTree(ram);
    this.perSet = Math.min(MAX_AREAS, count - Math.floor(count / GROUP) * LEFT_TO_OTHERS);
  }

  /** Bytes of the region (64-aligned) for `count` areas in all. */
  static bytes(count: number): number {
    return SlotPool.bytes(count, Area.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
  }

  /** Areas in use in all spaces: a snapshot. */
  inUse(): number {
    return this.pool.inUse();
  }

  /** The area that contains `va`, or 0. */
  find(set: number, va: number): number {
    const area = this.next(set, va);
    return area !== 0 && Area.start.get(this.ram, area) <= va ? area : 0;
  }

  /** The area that contains `va`, or else the next one above; 0 when there is none. */
  next(set: number, va: number): number {
    return this.tree.firstEndingAfter(AreaSet.root.get(this.ram, set), va);
  }

  /** Where the area below `va` ends (at most `va`), or 0. */
  endBelow(set: number, va: number): number {
    const area = this.tree.lastStartingBefore(AreaSet.root.get(this.ram, set), va);
    return area === 0 ? 0 : Math.min(va, Area.end.get(this.ram, area));
  }

  /** Where the area above `va` starts (at least `va`), or `limit`. */
  startAbove(set: number, va: number, limit: number): number {
    const area = this.next(set, va);
    return area === 0 ? limit : Math.max(va, Area.start.get(this.ram, area));
  }

  /** Whether any area overlaps [start, end). */
  overlaps(set: number, start: number, end: number): boolean {
    const area = this.next(set, start);
    return area !== 0 && Area.start.get(this.ram, area) < end;
  }

  /** The highest free range of `length` bytes within [low, high), or −1. */
  highestHole(set: number, length: number, low: number, high: number): number {
    return this.tree.highestHole(AreaSet.root.get(this.ram, set), length, low, high);
  }

  /**
   * Adds [start, end), which is free.
   *
   * @param content retained for the area; 0 unless `kind` is Content or Shared
   * @returns 0, or −ENOMEM when no slot is left
   */
  add(
    set: number,
    start: number,
    end: number,
    prot: number,
    kind: number,
    flags: number,
    content: number,
    contentPage: number,
  ): number {
    const { ram } = this;
    const lower = this.tree.lastStartingBefore(AreaSet.root.get(ram, set), start);
    if (lower !== 0 && this.isContinuedBy(lower, start, prot, kind, flags, content, contentPage)) {
      Area.end.set(ram, lower, end);
      this.widenPlacement(lower);
      this.tree.refresh(AreaSet.root.get(ram, set), lower);
      AreaSet.bytes.set(ram, set, AreaSet.bytes.get(ram, set) + (end - start));
      this.join(set, end);
      return 0;
    }
    if (AreaSet.count.get(ram, set) >= this.perSet) return -E.NOMEM;
    const area = this.pool.alloc();
    if (area === 0) return -E.NOMEM;
    if (content !== 0) this.contents.retainForArea(content);
    Area.start.set(ram, area, start);
    Area.end.set(ram, area, end);
    Area.prot.set(ram, area, prot);
    Area.kind.set(ram, area, kind);
    Area.flags.set(ram, area, flags);
    Area.content.set(ram, area, content);
    Area.contentPage.set(ram, area, contentPage);
    Area.runEnd.set(ram, area, 0);
    Area.patience.set(ram, area, 0);
    this.insert(set, area);
    AreaSet.bytes.set(ram, set, AreaSet.bytes.get(ram, set) + (end - start));
    this.join(set, end);
    return 0;
  }

  /** Makes `va` (page-aligned) a boundary: an area that contains it is divided. Returns 0, or −ENOMEM. */
  cut(set: number, va: number): number {
    const { ram } = this;
    const area = this.find(set, va);
    if (area === 0) return 0;
    const start = Area.start.get(ram, area);
    if (start === va) return 0;
    if (AreaSet.count.get(ram, set) >= this.perSet) return -E.NOMEM;
    const upper = this.pool.alloc();
    if (upper === 0) return -E.NOMEM;
    const content = Area.content.get(ram, area);
    if (content !== 0) this.contents.retainForArea(content);
    Area.start.set(ram, upper, va);
    Area.end.set(ram, upper, Area.end.get(ram, area));
    Area.prot.set(ram, upper, Area.prot.get(ram, area));
    Area.kind.set(ram, upper, Area.kind.get(ram, area));
    Area.flags.set(ram, upper, Area.flags.get(ram, area));
    Area.content.set(ram, upper, content);
    Area.contentPage.set(ram, upper, Area.contentPage.get(ram, area) + (va - start) / PAGE_SIZE);
    this.copyPlacement(area, upper);
    Area.end.set(ram, area, va);
    this.tree.refresh(AreaSet.root.get(ram, set), area);
    this.insert(set, upper);
    return 0;
  }

  /** Joins the areas that meet at `va`, if the upper one continues the lower one. */
  join(set: number, va: number): void {
    const { ram } = this;
    const upper = this.find(set, va);
    if (upper === 0 || Area.start.get(ram, upper) !== va) return;
    const lower = this.tree.lastStartingBefore(AreaSet.root.get(ram, set), va);
    if (lower === 0 || !this.continues(lower, upper)) return;
    const end = Area.end.get(ram, upper);
    if (Area.runEnd.get(ram, lower) === 0) this.copyPlacement(upper, lower);
    this.drop(set, upper);
    Area.end.set(ram, lower, end);
    this.widenPlacement(lower);
    this.tree.refresh(AreaSet.root.get(ram, set), lower);
  }

  /** Removes all areas in [start, end), which are cut at both ends. */
  remove(set: number, start: number, end: number): void {
    const { ram } = this;
    for (;;) {
      const area = this.next(set, start);
      if (area === 0 || Area.start.get(ram, area) >= end) return;
      AreaSet.bytes.set(ram, set, AreaSet.bytes.get(ram, set) - (Area.end.get(ram, area) - Area.start.get(ram, area)));
      this.drop(set, area);
    }
  }

  /** Removes all areas of a set that nobody else can see any more. */
  clear(set: number): void {
    this.remove(set, 0, Infinity);
  }

  /**
   * Fills the empty set of a forked space with copies of all areas of another but those that a child does not get.
   *
   * @returns false when no slot is left: what has been copied by then stays
   */
  copySet(from: number, to: number): boolean {
    const { ram } = this;
    for (let area = this.next(from, 0); area !== 0; area = this.next(from, Area.end.get(ram, area))) {
      if ((Area.flags.get(ram, area) & AreaFlag.DontFork) !== 0) continue;
      const copy = this.pool.alloc();
      if (copy === 0) return false;
      const content = Area.content.get(ram, area);
      if (content !== 0) this.contents.retainForArea(content);
      const start = Area.start.get(ram, area);
      const end = Area.end.get(ram, area);
      Area.start.set(ram, copy, start);
      Area.end.set(ram, copy, end);
      Area.prot.set(ram, copy, Area.prot.get(ram, area));
      Area.kind.set(ram, copy, Area.kind.get(ram, area));
      Area.flags.set(ram, copy, Area.flags.get(ram, area));
      Area.content.set(ram, copy, content);
      Area.contentPage.set(ram, copy, Area.contentPage.get(ram, area));
      this.shareOutPlaces(area, copy);
      this.insert(to, copy);
      AreaSet.bytes.set(ram, to, AreaSet.bytes.get(ram, to) + (end - start));
    }
    return true;
  }

  /** Makes a set empty without regard to what it held: for a new space. */
  initialiseSet(set: number): void {
    AreaSet.root.set(this.ram, set, 0);
    AreaSet.count.set(this.ram, set, 0);
    AreaSet.bytes.set(this.ram, set, 0);
  }

  /** Page of the area's content that fills the page of `va`. */
  contentPageAt(area: number, va: number): number {
    return Area.contentPage.get(this.ram, area) + Math.floor((va - Area.start.get(this.ram, area)) / PAGE_SIZE);
  }

  /** What an area and its copy in a child know of places in RAM after fork: the frames are those of the parent's place. */
  private shareOutPlaces(parent: number, child: number): void {
    const { ram } = this;
    const isPlaced = Area.runEnd.get(ram, parent) !== 0;
    // Pages that the parent has to copy while the child has their frames say nothing about its own place, unless they are many.
    if (isPlaced) Area.patience.set(ram, parent, PATIENCE);
    Area.placement.set(ram, child, 0);
    Area.runStart.set(ram, child, 0);
    Area.runEnd.set(ram, child, 0);
    // Most children write to few pages before they end or execute a program: no place is looked for until there are more.
    Area.patience.set(ram, child, isPlaced ? PATIENCE : Area.patience.get(ram, parent));
  }

  /** What belongs to the pages of `from` lies as far from the addresses of `to` as these have moved. */
  movePlacement(from: number, to: number): void {
    const { ram } = this;
    this.copyPlacement(from, to);
    const distance = Area.start.get(ram, from) - Area.start.get(ram, to);
    Area.placement.set(ram, to, (Area.placement.get(ram, from) + distance) >>> 0);
  }

  private copyPlacement(from: number, to: number): void {
    const { ram } = this;
    Area.placement.set(ram, to, Area.placement.get(ram, from));
    Area.runStart.set(ram, to, Area.runStart.get(ram, from));
    Area.runEnd.set(ram, to, Area.runEnd.get(ram, from));
    Area.patience.set(ram, to, Area.patience.get(ram, from));
  }

  /** An area has grown: what is new may be placed anew. */
  private widenPlacement(area: number): void {
    Area.placement.set(this.ram, area, Area.placement.get(this.ram, area) & ~PLACED_IN_PART);
  }

  private continues(lower: number, upper: number): boolean {
    const { ram } = this;
    return this.isContinuedBy(
      lower,
      Area.start.get(ram, upper),
      Area.prot.get(ram, upper),
      Area.kind.get(ram, upper),
      Area.flags.get(ram, upper),
      Area.content.get(ram, upper),
      Area.contentPage.get(ram, upper),
    );
  }

  private isContinuedBy(
    lower: number,
    start: number,
    prot: number,
    kind: number,
    flags: number,
    content: number,
    contentPage: number,
  ): boolean {
    const { ram } = this;
    return (
      Area.end.get(ram, lower) === start &&
      Area.prot.get(ram, lower) === prot &&
      Area.kind.get(ram, lower) === kind &&
      Area.flags.get(ram, lower) === flags &&
      Area.content.get(ram, lower) === content &&
      (content === 0 || this.contentPageAt(lower, start) === contentPage)
    );
  }

  private insert(set: number, area: number): void {
    const { ram } = this;
    AreaSet.root.set(ram, set, this.tree.insert(AreaSet.root.get(ram, set), area));
    AreaSet.count.set(ram, set, AreaSet.count.get(ram, set) + 1);
  }

  private drop(set: number, area: number): void {
    const { ram } = this;
    AreaSet.root.set(ram, set, this.tree.remove(AreaSet.root.get(ram, set), area));
    AreaSet.count.set(ram, set, AreaSet.count.get(ram, set) - 1);
    const content = Area.content.get(ram, area);
    if (content !== 0) this.contents.releaseForArea(content);
    this.pool.free(area);
  }
}
