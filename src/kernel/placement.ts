/*
 * Where the private pages of an area lie in RAM: in one piece if possible, whatever the order in which they are touched.
 *
 * Translated code reaches memory through windows (core/tlb.ts), stretches that lie in one piece both virtually and physically; so the
 * larger these are, the less it has to look up. An area therefore has a placement, the distance from its virtual to its physical
 * addresses, chosen at the first touch such that all its pages find a run of free frames there, and from then on each page takes the
 * frame at that distance.
 *
 * Nothing is reserved: others may take frames of the run. Where a page finds its frame taken, any frame will do; after some of these
 * another placement is chosen. What lies outside, since no run was long enough for the whole area, gets runs of its own, at most one page
 * table (2 MiB) long, which are not noted: a page there follows the nearest in the table. All this is advice: the caller takes any frame
 * when there is none here, so memory is used up no sooner.
 *
 * Guard: the lock of the area's space.
 */

import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import { Area, PLACED_IN_PART } from './areas.ts';
import type { Frames } from './frames.ts';
import type { PageTables } from './page-table.ts';

/** Pages that a run is looked for at most, and what it has to have to be worth keeping to. */
const MOST = 65536;
const LEAST = 16;
/** How many pages may find no place before another is looked for; a look costs as much as some page faults. */
const MISSES = 16;
const POOR_MISSES = 128;
const TABLE = 512;
/** A first touch so near to an area's end is taken for a stack's, of which so much is placed at first. */
const STACK_BASE = 16;
const STACK_PART = 64;
/** Pages by which a heap may grow in place. */
const HEAP_ROOM = 1024;

export class Placement {
  private readonly most: number;

  constructor(
    private readonly ram: Ram,
    private readonly frames: Frames,
    private readonly tables: PageTables,
  ) {
    this.most = Math.min(MOST, frames.total);
  }

  /**
   * A frame, its content arbitrary, that suits a page of `area` which has none of its own; 0 when any will do.
   *
   * @param slot the page's entry
   * @param heapEnd the page behind the heap of the space
   */
  alloc(root: number, area: number, page: number, slot: number, heapEnd: number): number {
    const { ram, frames } = this;
    const runStart = Area.runStart.get(ram, area);
    const runEnd = Area.runEnd.get(ram, area);
    const placement = Area.placement.get(ram, area);
    const patience = Area.patience.get(ram, area);
    if (runEnd === 0) {
      if (patience === 0) return this.choose(root, area, page, heapEnd);
      Area.patience.set(ram, area, patience - 1);
      return frames.allocAt(this.tables.frameByNearest(slot, TABLE, TABLE));
    }
    const wanted = (page * PAGE_SIZE + (placement & ~PLACED_IN_PART)) >>> 0;
    if (wanted >= runStart && wanted < runEnd) {
      const frame = frames.allocAt(wanted);
      if (frame !== 0) return frame;
      if (patience === 0) return this.choose(root, area, page, heapEnd);
      Area.patience.set(ram, area, patience - 1);
      return 0;
    }
    // The area has grown since.
    if ((placement & PLACED_IN_PART) === 0) return this.choose(root, area, page, heapEnd);
    return this.allocOutside(
      area,
      page,
      slot,
      wanted < runStart,
      (wanted < runStart ? runStart - wanted : wanted - runEnd) / PAGE_SIZE,
    );
  }

  /**
   * The frame where a page of `area` would best lie, if it lies elsewhere and that frame is free; else 0. Pages that have been copied because
   * a child had their frames come home by this, when they are written after the next fork.
   */
  allocHome(area: number, page: number, frame: number): number {
    const { ram } = this;
    const home = (page * PAGE_SIZE + (Area.placement.get(ram, area) & ~PLACED_IN_PART)) >>> 0;
    if (home === frame || home < Area.runStart.get(ram, area) || home >= Area.runEnd.get(ram, area)) return 0;
    return this.frames.allocAt(home);
  }

  /** A frame for a page that lies `distance` pages below or above what the area's run serves. */
  private allocOutside(area: number, page: number, slot: number, isBelow: boolean, distance: number): number {
    const { ram, frames } = this;
    const below = isBelow ? TABLE : distance;
    const above = isBelow ? distance - 1 : TABLE;
    const wanted = this.tables.frameByNearest(slot, below, above);
    const frame = frames.allocAt(wanted);
    if (frame !== 0) return frame;
    const patience = Area.patience.get(ram, area);
    if (wanted !== 0 && patience !== 0) {
      Area.patience.set(ram, area, patience - 1);
      return 0;
    }
    Area.patience.set(ram, area, MISSES);
    const index = page % TABLE;
    const before = Math.min(below, index, page - Area.start.get(ram, area) / PAGE_SIZE);
    const after = Math.min(above + 1, TABLE - index, Area.end.get(ram, area) / PAGE_SIZE - page);
    const run = frames.findRun(before + after);
    return frames.allocAt(run + Math.min(before, Math.max(0, frames.runLength - after)) * PAGE_SIZE);
  }

  /** Chooses a placement for a page, and as much of the area around it as is not there yet. */
  private choose(root: number, area: number, page: number, heapEnd: number): number {
    const { ram, frames, tables, most } = this;
    const start = Area.start.get(ram, area) / PAGE_SIZE;
    const end = Area.end.get(ram, area) / PAGE_SIZE;
    let after = tables.openStretch(root, page, 1, Math.min(most, end - page));
    let before = tables.openStretch(root, page - 1, -1, Math.min(most, page - start));
    if (page >= heapEnd) {
      if (after <= STACK_BASE) before = Math.min(before, STACK_PART);
    } else if (heapEnd - page < most) {
      // The data of a program, what follows it without being in the file, and the heap are to become one stretch.
      after = Math.max(after, heapEnd - page + HEAP_ROOM);
    }
    if (before + after > most) before = Math.min(before, most >>> 1);
    after = Math.min(after, most - before);

    // It goes on where the pages below it end, if it can: the data of a program and its heap become one stretch.
    let run = tables.frameBehind(root, page - before - 1);
    let length = before + after;
    if (run === 0 || !frames.extendRun(run, length)) {
      run = frames.findRun(length);
      length = Math.min(length, frames.runLength);
    }
    // When the run is too short, the pages above the first one have more use of it than those below.
    const frame = run + Math.min(before, Math.max(0, length - after)) * PAGE_SIZE;
    const poor = length < LEAST && length < before + after;
    const part = length < end - start ? PLACED_IN_PART : 0;
    Area.placement.set(ram, area, frame - page * PAGE_SIZE + part);
    Area.runStart.set(ram, area, run);
    Area.runEnd.set(ram, area, poor ? 0 : run + length * PAGE_SIZE);
    Area.patience.set(ram, area, poor ? POOR_MISSES : MISSES);
    return frames.allocAt(frame);
  }
}
