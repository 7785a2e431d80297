/*
 * Sv39 page tables: the format of an entry, and the walker.
 *
 * A table is one page of 512 entries of 8 bytes; three levels, level 2 being the root. A leaf may stand at level 1 (2 MiB) or 2 (1 GiB).
 * Physical addresses are below 2^31, so the upper word of a valid entry is zero, and all that matters of an entry is its lower word:
 * bits 31:10 the page number, 7:0 the flags. Whoever edits a live table stores the lower word atomically: the walker of any hart may
 * be setting A and D in it by compare-exchange, and it reads the entry again when it loses.
 *
 * Guest code runs in user mode only: a leaf must have U. There is no MXR and no SUM.
 */

import type { Ram } from './ram.ts';
import { PAGE_SHIFT, PAGE_SIZE } from './ram.ts';

export const PTE_V = 1 << 0;
export const PTE_R = 1 << 1;
export const PTE_W = 1 << 2;
export const PTE_X = 1 << 3;
export const PTE_U = 1 << 4;
export const PTE_G = 1 << 5;
export const PTE_A = 1 << 6;
export const PTE_D = 1 << 7;
/** A bit the hardware ignores, for the kernel's own use (bit 9 is another). */
export const PTE_SOFT0 = 1 << 8;

/** Bytes of an entry. */
export const PTE_SIZE = 8;
export const PTES_PER_TABLE = PAGE_SIZE / PTE_SIZE;
export const PAGE_TABLE_LEVELS = 3;

/** User addresses are below this: the lower half of the Sv39 space. */
export const USER_ADDRESS_LIMIT = 2 ** 38;

/** Physical page address in an entry, from its lower word. May lie outside RAM if the entry is nonsense. */
export function pteToAddress(lo: number): number {
  return (lo >>> 10) * PAGE_SIZE;
}

/** The lower word of an entry for the page or table at physical `address`; a table has PTE_V alone. The upper word is zero. */
export function addressToPte(address: number, flags: number): number {
  return ((address >>> PAGE_SHIFT) << 10) | flags;
}

/** Bytes that one entry at `level` (0 = 4 KiB page, 1, 2 = root) covers. */
export function levelSpan(level: number): number {
  return PAGE_SIZE * 2 ** (9 * level);
}

/** Index of virtual address `va` (0 ≤ va < 2^39) in its table at `level`. */
export function tableIndex(va: number, level: number): number {
  return Math.floor(va / levelSpan(level)) % PTES_PER_TABLE;
}

/** What an access needs of a leaf; the value is the permission bit. */
export const Access = { Read: PTE_R, Write: PTE_W, Execute: PTE_X } as const;
export type Access = (typeof Access)[keyof typeof Access];

/** Outcome of a walk. */
export const Walk = { Mapped: 0, PageFault: 1, AccessFault: 2 } as const;
export type Walk = (typeof Walk)[keyof typeof Walk];

/** Physical addresses that entries may name: low ≤ address < high. */
export interface FrameLimit {
  readonly low: number;
  readonly high: number;
}

/** Walks page tables. The result of a successful walk is in its fields, so that a walk allocates nothing. */
export class Walker {
  /** Physical address of the 4 KiB page that holds the address, also inside a superpage. */
  page = 0;
  /** Flags of the leaf, A and D as they are after the walk. */
  flags = 0;
  /** Its place in RAM, in words, when it is in a table of pages. */
  private leaf = NO_LEAF;

  constructor(
    private readonly ram: Ram,
    private readonly limit: FrameLimit,
  ) {}

  /**
   * Translates the virtual address given as two words, and marks the leaf accessed (and dirty, for a write).
   *
   * @param root physical address of the root table
   * @param mark whether a leaf may be marked; if not, one that would have to be is a page fault
   */
  walk(root: number, lo: number, hi: number, access: Access, mark = true): Walk {
    // Bits 63:39 must equal bit 38, which is bit 6 of the upper word.
    if ((hi << 25) >> 25 !== (hi | 0)) return Walk.PageFault;
    const i32 = this.ram.i32;
    let table = root;
    let level = PAGE_TABLE_LEVELS - 1;
    while (level >= 0) {
      const index = level === 2 ? ((hi & 0x7f) << 2) | (lo >>> 30) : (lo >>> (level === 1 ? 21 : 12)) & 0x1ff;
      const slot = (table + index * PTE_SIZE) >>> 2;
      const pte = Atomics.load(i32, slot);
      const upper = Atomics.load(i32, slot + 1);
      // W without R is reserved, and so are bits 63:54.
      if ((pte & PTE_V) === 0 || (pte & (PTE_R | PTE_W)) === PTE_W || upper >>> 22 !== 0) return Walk.PageFault;
      const address = pteToAddress(pte);
      const outside = upper !== 0 || address < this.limit.low || address >= this.limit.high;
      if ((pte & (PTE_R | PTE_W | PTE_X)) === 0) {
        if ((pte & (PTE_A | PTE_D | PTE_U)) !== 0) return Walk.PageFault;
        if (outside) return Walk.AccessFault;
        table = address;
        level--;
        continue;
      }
      if ((pte & PTE_U) === 0 || (pte & access) === 0) return Walk.PageFault;
      const inside = level === 0 ? 0 : level === 1 ? lo & 0x1f_f000 : lo & 0x3fff_f000;
      if (level !== 0 && (address & (level === 1 ? 0x1f_f000 : 0x3fff_f000)) !== 0) return Walk.PageFault;
      const page = address + inside;
      if (outside || page >= this.limit.high) return Walk.AccessFault;
      const marked = pte | PTE_A | (access === Access.Write ? PTE_D : 0);
      if (marked !== pte && !mark) return Walk.PageFault;
      // Losing the exchange means the entry changed under us: look at it afresh.
      if (marked !== pte && Atomics.compareExchange(i32, slot, pte, marked) !== pte) continue;
      this.page = page;
      this.flags = marked & 0xff;
      this.leaf = level === 0 ? slot : NO_LEAF;
      return Walk.Mapped;
    }
    return Walk.PageFault;
  }

  /**
   * How many pages in a row, from the one just walked to in a direction (1 or −1), lie beside each other in RAM too and have the same
   * permissions and marks, within its page table; it does not count itself.
   */
  run(direction: 1 | -1): number {
    const { leaf } = this;
    if (leaf === NO_LEAF) return 0;
    const { i32 } = this.ram;
    const words = PTE_SIZE / 4;
    const index = (leaf / words) & (PTES_PER_TABLE - 1);
    const most = direction === 1 ? PTES_PER_TABLE - 1 - index : index;
    const step = direction * PTE_OF_NEXT_PAGE;
    let wanted = i32[leaf]! & COMPARED;
    let slot = leaf;
    for (let count = 0; count < most; count++) {
      slot += direction * words;
      wanted = (wanted + step) & COMPARED;
      if ((i32[slot]! & COMPARED) !== wanted || i32[slot + 1] !== 0) return count;
    }
    return most;
  }
}

const NO_LEAF = -1;
/** What one page further in RAM adds to an entry. */
const PTE_OF_NEXT_PAGE = addressToPte(PAGE_SIZE, 0);
/** All of an entry but what says nothing about loads and stores: X, G and the two bits for software. */
const COMPARED = ~(PTE_X | PTE_G | (3 << 8));

/**
 * Access to the lower word of a live entry at physical address `slot`. The kernel edits tables under the lock of their space, against
 * nobody but the walkers, which only set A and D.
 */
export function loadPte(ram: Ram, slot: number): number {
  return Atomics.load(ram.i32, slot >>> 2);
}
export function setPte(ram: Ram, slot: number, pte: number): void {
  Atomics.store(ram.i32, slot >>> 2, pte);
}
/** Stores `pte` and returns the entry as it was, with all that walkers have marked in it. */
export function exchangePte(ram: Ram, slot: number, pte: number): number {
  return Atomics.exchange(ram.i32, slot >>> 2, pte);
}
/** Clears and sets flags of an entry, keeping what walkers mark meanwhile; returns the entry as it was. */
export function changePteFlags(ram: Ram, slot: number, clear: number, set: number): number {
  for (;;) {
    const pte = Atomics.load(ram.i32, slot >>> 2);
    if (Atomics.compareExchange(ram.i32, slot >>> 2, pte, (pte & ~clear) | set) === pte) return pte;
  }
}
