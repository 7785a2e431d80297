/*
 * The page tables of address spaces, as the kernel edits them.
 *
 * An entry of the lowest level that is not zero owns a reference to its frame, also while PTE_V is clear: that is how a page keeps its
 * content under PROT_NONE. PTE_SHARED (a bit the hardware ignores) marks a frame that is to be copied before it is written.
 * Virtual pages are named by their number (address / 4096, 26 bits), so that all index arithmetic stays in small integers.
 *
 * What is taken out of a table goes into a FrameBatch: harts may still hold translations, and a walker may even be reading a table that
 * was just unlinked. The owner of the batch shoots these down before it releases the frames.
 *
 * Guard: the lock of the space whose root is given; walkers of other harts set A and D meanwhile.
 */

import {
  addressToPte,
  changePteFlags,
  exchangePte,
  loadPte,
  PTE_A,
  PTE_D,
  PTE_R,
  PTE_SIZE,
  PTE_SOFT0,
  PTE_U,
  PTE_V,
  PTE_W,
  PTE_X,
  PTES_PER_TABLE,
  pteToAddress,
  setPte,
} from '../core/mmu.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import type { Frames } from './frames.ts';
import { Prot } from './mman.ts';

/** The frame is shared: copy it before writing. */
export const PTE_SHARED = PTE_SOFT0;

/** What a page has that is private and has been written. */
const WRITTEN = PTE_W | PTE_D;
const PTE_FLAGS = 0x3ff;
const PERMISSIONS = PTE_V | PTE_R | PTE_W | PTE_X;
/** Pages that one table of level 0 or 1 covers: as powers of two. */
const L0_BITS = 9;
const L1_BITS = 18;
const INDEX_MASK = PTES_PER_TABLE - 1;

/** `openStretch`: how many pages in a row end it, and how many entries or tables it reads at most. */
const FULL = 16;
const LOOKS = 512;

/** Flags of a leaf with protection `prot`; writable implies readable, as on Linux. */
export function protToPte(prot: number): number {
  let flags = PTE_U;
  if ((prot & (Prot.Read | Prot.Write)) !== 0) flags |= PTE_V | PTE_R;
  if ((prot & Prot.Write) !== 0) flags |= PTE_W;
  if ((prot & Prot.Execute) !== 0) flags |= PTE_V | PTE_X;
  return flags;
}

/** Frames taken out of page tables and not released yet. */
export class FrameBatch {
  static readonly LIMIT = 512;
  readonly frames = new Uint32Array(FrameBatch.LIMIT);
  count = 0;

  get full(): boolean {
    return this.count === FrameBatch.LIMIT;
  }

  push(frame: number): void {
    this.frames[this.count++] = frame;
  }

  /** Drops the references. Every translation to the frames has been shot down. */
  release(frames: Frames): void {
    frames.releaseAll(this.frames, this.count);
    this.count = 0;
  }
}

export class PageTables {
  /** Tables made by the last `ensureSlot` or `share`. */
  tablesMade = 0;
  /** Pages entered by the last `share`, and how many of them are copies. */
  pagesShared = 0;
  pagesCopied = 0;
  /** Whether `protect` has taken a permission away since this was last set to false. */
  narrowed = false;
  /** Whether something executable has been taken out, replaced or narrowed since this was last set to false. */
  codeChanged = false;

  constructor(
    private readonly ram: Ram,
    private readonly frames: Frames,
  ) {}

  /** Address of the level-0 entry of a page, or 0 when there is no table for it. */
  slot(root: number, page: number): number {
    const upper = this.ram.u32[(root + (page >>> L1_BITS) * PTE_SIZE) >>> 2]!;
    if (upper === 0) return 0;
    const middle = this.ram.u32[(pteToAddress(upper) + ((page >>> L0_BITS) & INDEX_MASK) * PTE_SIZE) >>> 2]!;
    if (middle === 0) return 0;
    return pteToAddress(middle) + (page & INDEX_MASK) * PTE_SIZE;
  }

  /** `page` if there is a table for it, or else a page behind it before which there is none. */
  firstTabled(root: number, page: number): number {
    return this.slot(root, page) === 0 ? this.skip(root, page) : page;
  }

  /** As `slot`, making the tables that are missing; 0 when memory is used up. */
  ensureSlot(root: number, page: number): number {
    this.tablesMade = 0;
    const l1 = this.ensureTable(root + (page >>> L1_BITS) * PTE_SIZE);
    if (l1 === 0) return 0;
    const l0 = this.ensureTable(l1 + ((page >>> L0_BITS) & INDEX_MASK) * PTE_SIZE);
    if (l0 === 0) return 0;
    return l0 + (page & INDEX_MASK) * PTE_SIZE;
  }

  /**
   * Takes pages out of [from, to) until the batch is full.
   *
   * @returns the page at which it stopped: `to`, or less when the batch is full
   */
  zap(root: number, from: number, to: number, batch: FrameBatch): number {
    const { ram } = this;
    let page = from;
    while (page < to) {
      if (batch.full) return page;
      const slot = this.slot(root, page);
      if (slot === 0) {
        page = this.skip(root, page);
        continue;
      }
      if (ram.u32[slot >>> 2] !== 0) {
        const before = exchangePte(ram, slot, 0);
        if ((before & PTE_X) !== 0) this.codeChanged = true;
        batch.push(pteToAddress(before));
      }
      page++;
    }
    return to;
  }

  /** Gives the pages in [from, to) the protection `prot`; sets `narrowed` if translations must be shot down, `codeChanged` if code must. */
  protect(root: number, from: number, to: number, prot: number): void {
    const { ram } = this;
    const set = protToPte(prot);
    let page = from;
    while (page < to) {
      const slot = this.slot(root, page);
      if (slot === 0) {
        page = this.skip(root, page);
        continue;
      }
      const entry = ram.u32[slot >>> 2]!;
      if (entry !== 0) {
        const flags = (entry & PTE_SHARED) === 0 ? set : set & ~PTE_W;
        const before = changePteFlags(ram, slot, PERMISSIONS, flags);
        if ((before & ~flags & PERMISSIONS) !== 0) {
          this.narrowed = true;
          // Also when only the right to write goes: who has written code may think that this ends it.
          if ((before & PTE_X) !== 0) this.codeChanged = true;
        }
      }
      page++;
    }
  }

  /**
   * Enters the pages of [from, to) into a table of the same addresses that has none there, to be copied by who writes first; takes the right
   * to write from the table they come from, and sets `narrowed` if that had any. Sets `pagesShared`, `pagesCopied` and `tablesMade`.
   *
   * @param copies how many pages that have been written, and were not shared until now, are copied at once instead
   * @returns false when memory is used up: what has been entered by then stays
   */
  share(root: number, other: number, from: number, to: number, copies: number): boolean {
    const { ram, frames } = this;
    let made = 0;
    let pages = 0;
    let copied = 0;
    let page = from;
    let done = true;
    while (page < to) {
      let slot = this.slot(root, page);
      if (slot === 0) {
        page = this.skip(root, page);
        continue;
      }
      let target = this.ensureSlot(other, page);
      made += this.tablesMade;
      if (target === 0) {
        done = false;
        break;
      }
      for (const end = Math.min(to, (page | INDEX_MASK) + 1); page < end; page++, slot += PTE_SIZE, target += PTE_SIZE) {
        let entry = ram.u32[slot >>> 2]!;
        if (entry === 0) continue;
        if ((entry & (PTE_SHARED | WRITTEN)) === WRITTEN && copied < copies) {
          const frame = frames.allocRaw();
          if (frame !== 0) {
            ram.copy(frame, pteToAddress(entry), PAGE_SIZE);
            ram.u32[target >>> 2] = addressToPte(frame, entry & PTE_FLAGS);
            copied++;
            pages++;
            continue;
          }
        }
        if ((entry & PTE_SHARED) === 0) {
          entry = changePteFlags(ram, slot, PTE_W, PTE_SHARED);
          if ((entry & PTE_W) !== 0) this.narrowed = true;
          entry = (entry & ~PTE_W) | PTE_SHARED;
        }
        frames.retain(pteToAddress(entry));
        ram.u32[target >>> 2] = entry;
        pages++;
      }
    }
    this.tablesMade = made;
    this.pagesShared = pages;
    this.pagesCopied = copied;
    return done;
  }

  /** Makes the tables that pages moved from `from` to `to` will need: false when memory is used up. Sets `tablesMade`. */
  prepareMove(root: number, from: number, count: number, to: number): boolean {
    let made = 0;
    let done = true;
    for (let page = from; done && page < from + count;) {
      const slot = this.slot(root, page);
      if (slot === 0) {
        page = this.skip(root, page);
        continue;
      }
      if (this.ram.u32[slot >>> 2] !== 0) {
        done = this.ensureSlot(root, to + page - from) !== 0;
        made += this.tablesMade;
      }
      page++;
    }
    this.tablesMade = made;
    return done;
  }

  /** Moves `count` entries from page `from` on to places that are empty and have tables; sets `narrowed` and `codeChanged`. */
  move(root: number, from: number, count: number, to: number): void {
    const { ram } = this;
    for (let page = from; page < from + count;) {
      const slot = this.slot(root, page);
      if (slot === 0) {
        page = this.skip(root, page);
        continue;
      }
      if (ram.u32[slot >>> 2] !== 0) {
        const entry = exchangePte(ram, slot, 0);
        if ((entry & PTE_X) !== 0) this.codeChanged = true;
        this.narrowed = true;
        setPte(ram, this.slot(root, to + page - from), entry);
      }
      page++;
    }
  }

  /** Makes `slot` map `frame`, whose reference the entry takes over; returns the entry as it was. */
  install(slot: number, frame: number, prot: number, shared: boolean, dirty: boolean): number {
    let flags = protToPte(prot) | PTE_A;
    if (shared) flags = (flags & ~PTE_W) | PTE_SHARED;
    else if (dirty) flags |= PTE_D;
    return exchangePte(this.ram, slot, addressToPte(frame, flags));
  }

  /** Makes a slot that maps a page map a `frame` of its own instead, to be written; returns the entry as it was. */
  replace(slot: number, frame: number, prot: number): number {
    const before = this.install(slot, frame, prot, false, true);
    if ((before & PTE_X) !== 0) this.codeChanged = true;
    return before;
  }

  /**
   * Takes out the tables that serve [from, to) and nothing else: those whose span lies in [floor, ceiling), where no area is left.
   * Stops when the batch is full; call it again until it returns true.
   */
  takeTables(root: number, from: number, to: number, floor: number, ceiling: number, batch: FrameBatch): boolean {
    const { ram } = this;
    let page = from;
    while (page < to) {
      const upperSlot = root + (page >>> L1_BITS) * PTE_SIZE;
      const upper = ram.u32[upperSlot >>> 2]!;
      const upperStart = (page >>> L1_BITS) * 2 ** L1_BITS;
      const upperEnd = upperStart + 2 ** L1_BITS;
      if (upper === 0) {
        page = upperEnd;
        continue;
      }
      const l1 = pteToAddress(upper);
      for (; page < to && page < upperEnd; page = ((page >>> L0_BITS) + 1) << L0_BITS) {
        const start = page & ~INDEX_MASK;
        if (start < floor || start + PTES_PER_TABLE > ceiling) continue;
        const slot = l1 + ((page >>> L0_BITS) & INDEX_MASK) * PTE_SIZE;
        if (ram.u32[slot >>> 2] === 0) continue;
        if (batch.full) return false;
        batch.push(pteToAddress(exchangePte(ram, slot, 0)));
      }
      if (upperStart >= floor && upperEnd <= ceiling) {
        if (batch.full) return false;
        batch.push(pteToAddress(exchangePte(ram, upperSlot, 0)));
      }
    }
    return true;
  }

  /**
   * Releases every page and table of a space that no hart can enter any more, the root included; uses `batch`, which is empty.
   *
   * @returns how many they were
   */
  destroy(root: number, batch: FrameBatch): number {
    const frames = this.destroyTable(root, 2, batch);
    batch.release(this.frames);
    return frames;
  }

  /**
   * How many of the pages from `page` on, going up (step 1) or down (−1), come before a row of FULL pages with frames of their own; at most
   * `limit`. Where there is more than is worth reading, the rest counts as not there.
   */
  openStretch(root: number, page: number, step: number, limit: number): number {
    const stop = page + step * limit;
    let looks = LOOKS;
    let row = 0;
    for (let at = page; looks > 0 && (stop - at) * step > 0; looks--) {
      const slot = this.slot(root, at);
      if (slot === 0) {
        row = 0;
        at = step > 0 ? this.skip(root, at) : (at & ~INDEX_MASK) - 1;
        continue;
      }
      row = this.isOwn(slot) ? row + 1 : 0;
      at += step;
      if (row === FULL) return (at - page) * step - FULL;
    }
    return limit;
  }

  /**
   * The frame that the page of `slot` would have if it lay in RAM as it does virtually to the nearest page that has a frame of its own,
   * at most `below` pages down or `above` up, in the same table: 0 when there is none, and maybe no frame at all.
   */
  frameByNearest(slot: number, below: number, above: number): number {
    const index = (slot & (PAGE_SIZE - 1)) / PTE_SIZE;
    const down = Math.min(index, below);
    const up = Math.min(INDEX_MASK - index, above);
    for (let away = 1; away <= down || away <= up; away++) {
      const lower = slot - away * PTE_SIZE;
      if (away <= down && this.isOwn(lower)) return this.frameOf(lower) + away * PAGE_SIZE;
      const upper = slot + away * PTE_SIZE;
      if (away <= up && this.isOwn(upper)) return this.frameOf(upper) - away * PAGE_SIZE;
    }
    return 0;
  }

  /** The frame behind that of a page, if it has one of its own; or 0. */
  frameBehind(root: number, page: number): number {
    const slot = page < 0 ? 0 : this.slot(root, page);
    return slot !== 0 && this.isOwn(slot) ? this.frameOf(slot) + PAGE_SIZE : 0;
  }

  private frameOf(slot: number): number {
    return pteToAddress(this.ram.u32[slot >>> 2]!);
  }

  private isOwn(slot: number): boolean {
    const entry = this.ram.u32[slot >>> 2]!;
    return entry !== 0 && (entry & PTE_SHARED) === 0;
  }

  private destroyTable(table: number, level: number, batch: FrameBatch): number {
    const { ram } = this;
    let frames = 1;
    for (let slot = table; slot < table + PAGE_SIZE; slot += PTE_SIZE) {
      const entry = ram.u32[slot >>> 2]!;
      if (entry === 0) continue;
      if (level > 0) {
        frames += this.destroyTable(pteToAddress(entry), level - 1, batch);
      } else {
        this.releaseLater(pteToAddress(entry), batch);
        frames++;
      }
    }
    this.releaseLater(table, batch);
    return frames;
  }

  private releaseLater(frame: number, batch: FrameBatch): void {
    if (batch.full) batch.release(this.frames);
    batch.push(frame);
  }

  private ensureTable(slot: number): number {
    const entry = this.ram.u32[slot >>> 2]!;
    if (entry !== 0) return pteToAddress(entry);
    const table = this.frames.alloc();
    if (table === 0) return 0;
    this.tablesMade++;
    // The exchange publishes the zeroes before the pointer to them.
    setPte(this.ram, slot, addressToPte(table, PTE_V));
    return table;
  }

  /** The first page behind the span of the table that is missing for `page`. */
  private skip(root: number, page: number): number {
    const bits = this.ram.u32[(root + (page >>> L1_BITS) * PTE_SIZE) >>> 2] === 0 ? L1_BITS : L0_BITS;
    return ((page >>> bits) + 1) * 2 ** bits;
  }
}

/** Whether an entry allows `access` (an Access bit) right now. */
export function allows(pte: number, access: number): boolean {
  return (pte & PTE_V) !== 0 && (pte & access) !== 0;
}

export { loadPte };
