/*
 * The address space that a random program runs in, on one hart: the same frames in the same places on every hart it is made on.
 *
 *   0           data, so that x0 is a pointer too
 *   CODE        two pages, executable and never writable; each may be mapped to a copy (`spares`) instead
 *   DATA        pages in a row; what each allows is drawn for every sequence (and so for other data pages: terrain.ts)
 *   SUPERPAGE   2 MiB at once, read-only: all frames below here
 *   ALIAS       the code, writable
 *
 * Two ASIDs have the same page tables. What is restored for a sequence is flushed page by page, so that what a hart remembers of the code
 * outlives it, as far as the code does.
 */

import { Context, NO_RESERVATION, xOffset } from '../../../src/core/context.ts';
import { isLong } from '../../../src/core/isa/decode.ts';
import type { JitMode } from '../../../src/core/jit/translations.ts';
import { addressToPte, PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../../src/core/mmu.ts';
import { CODE, TestHart } from '../../core/helpers/hart.ts';
import { Dice } from './dice.ts';
import { CODE_PAGES, PAGE_BYTES, type Program } from './layout.ts';
import { ALIAS, TABLE_ENTRIES } from './shapes.ts';
import type { State } from './state.ts';
import { SUPERPAGE, type Terrain } from './terrain.ts';
import { drawFloat, drawInteger, drawListPage } from './values.ts';

const USER = PTE_V | PTE_U;
export const FULL = USER | PTE_R | PTE_W | PTE_A | PTE_D;

/** What a data page may be mapped with; 0 is not at all, OUTSIDE a page that is no frame. */
const OUTSIDE = -1;
export const DATA_FLAGS: readonly number[] = [
  FULL,
  USER | PTE_R | PTE_W | PTE_A,
  USER | PTE_R | PTE_W,
  USER | PTE_R | PTE_A,
  USER | PTE_R,
  0,
  FULL & ~PTE_U,
  USER | PTE_W | PTE_A | PTE_D,
  OUTSIDE,
  // Written once, and since then read-only.
  FULL & ~PTE_W,
];
export function nameOfFlags(choice: number): string {
  const flags = DATA_FLAGS[choice]!;
  if (flags === OUTSIDE) return 'outside RAM';
  return (
    Array.from('VRWXUGAD')
      .filter((_, bit) => (flags >> bit) & 1)
      .join('') || 'unmapped'
  );
}

/** Index of the flags that allow all, among either. */
export const ALLOW = 0;
const OUTSIDE_FRAME = 0x8_0000;

/** And a code page: A is set, since nothing says that a hart may not look ahead. */
export const CODE_FLAGS: readonly number[] = [USER | PTE_R | PTE_X | PTE_A, USER | PTE_X | PTE_A, 0];

/** The first parcel of FENCE.I, which programs have only behind a store to code. */
export const FENCE_I = 0x100f;

/** Different contents of data pages: any values, and what lists have, of each kind. */
export const POOL_PAGES = 16;
export const LIST_PAGES = 8;

export class Space {
  readonly hart: TestHart;
  readonly context: number;
  readonly asids: readonly number[];
  /** Frames. */
  readonly code: readonly number[];
  readonly spares: readonly number[];
  readonly data: readonly number[];
  /** Page table entries. */
  readonly codeSlots: readonly number[];
  readonly dataSlots: readonly number[];
  private readonly pool: readonly number[];
  /** The frame that each data page is mapped to, by index. */
  private order: Uint8Array = new Uint8Array(0);

  constructor(
    tier: JitMode,
    private readonly terrain: Terrain,
  ) {
    const hart = new TestHart(undefined, tier);
    this.hart = hart;
    const upwards = (count: number): number[] => Array.from({ length: count }, () => hart.frame());
    // Pages that follow each other virtually do not physically.
    const frames = (count: number): number[] => upwards(count).reverse();
    const { pages } = terrain;
    this.context = hart.frame();
    this.asids = [hart.asid, hart.asid + 0x21];
    this.code = frames(CODE_PAGES);
    this.spares = frames(CODE_PAGES);
    this.data = (terrain.upwards ? upwards : frames)(pages.length);
    this.pool = frames(POOL_PAGES + LIST_PAGES);
    this.codeSlots = this.code.map((_, n) => hart.entry(CODE + n * PAGE_BYTES));
    this.dataSlots = pages.map((va) => hart.entry(va));
    this.code.forEach((frame, n) => hart.map(ALIAS + n * PAGE_BYTES, FULL, frame));
    // The 2 MiB beyond the frames in use: all zeros.
    hart.writePte(hart.entry(SUPERPAGE, 1), addressToPte(0x40_0000, USER | PTE_R | PTE_A));
    const dice = new Dice(1, 1);
    this.pool.forEach((frame, n) => {
      if (n >= POOL_PAGES) return drawListPage(dice, hart.ram.u32.subarray(frame >>> 2, (frame + PAGE_BYTES) >>> 2), n);
      for (let at = frame >>> 2; at < (frame + PAGE_BYTES) >>> 2; at += 2) {
        if (dice.oneIn(3)) drawFloat(dice, hart.ram.u32, at);
        else drawInteger(dice, hart.ram.u32, at);
      }
    });
  }

  /** Puts the program in place. */
  load(program: Program): void {
    this.restoreCode(program);
    this.hart.cpu.flushTlb();
  }

  /** Whether the program has changed itself. */
  changed({ image }: Program): boolean {
    for (let i = 0; i < image.length; i++) if (this.parcel(2 * i) !== image[i]) return true;
    return false;
  }

  restoreCode({ image }: Program): void {
    const { hart } = this;
    this.code.forEach((frame, n) => {
      hart.ram.u16.set(image.subarray((n * PAGE_BYTES) / 2, ((n + 1) * PAGE_BYTES) / 2), frame >>> 1);
    });
    hart.cpu.flushCode();
  }

  /** Memory, mappings and registers of the beginning. */
  restore(state: State): void {
    const { hart, context } = this;
    const { ram, cpu } = hart;
    const { table } = this.terrain;
    this.order = state.order;
    for (let i = 0; i < this.data.length; i++) {
      ram.copy(this.data[i]!, this.pool[state.contents[i]!]!, PAGE_BYTES);
      this.mapData(i, state.flags[i]!);
    }
    for (let i = 0; i < TABLE_ENTRIES && table !== undefined; i++) {
      const at = (this.data[table]! + 8 * i) >>> 2;
      ram.u32[at] = state.table[i]!;
      ram.u32[at + 1] = 0;
    }
    for (let i = 0; i < CODE_PAGES; i++) this.mapCode(i, this.code[i]!, state.codeFlags[i]!);
    ram.u32.set(state.registers, (context + Context.registers.offset) >>> 2);
    Context.pc.set(ram, context, state.pc);
    Context.fcsr.set(ram, context, state.fcsr);
    Context.reservation.set(ram, context, NO_RESERVATION);
    Context.reserved.set(ram, context, 0);
    Context.instret.set(ram, context, state.instret);
    cpu.activate(hart.root, this.asids[state.asid]!);
  }

  /** Maps a data page with the flags of an index into DATA_FLAGS. */
  mapData(index: number, choice: number): void {
    const flags = DATA_FLAGS[choice]!;
    const frame = flags === OUTSIDE ? OUTSIDE_FRAME : this.data[this.order[index]!]!;
    const pte = flags === 0 ? 0 : addressToPte(frame, flags === OUTSIDE ? FULL : flags);
    this.hart.writePte(this.dataSlots[index]!, pte);
    this.flushPage(this.terrain.pages[index]!);
  }

  /** Maps a code page to a frame with the flags of an index into CODE_FLAGS. */
  mapCode(index: number, frame: number, choice: number): void {
    const flags = CODE_FLAGS[choice]!;
    const pte = flags === 0 ? 0 : addressToPte(frame, flags);
    const slot = this.codeSlots[index]!;
    if (this.hart.ram.u32[slot >>> 2] === pte) return;
    this.hart.writePte(slot, pte);
    this.flushPage(CODE + index * PAGE_BYTES);
  }

  /** Maps a code page to a copy of it, in which the instruction at `offset` from CODE is another one, if it is in that page. */
  replaceCode(index: number, offset: number, word: number): void {
    const { hart } = this;
    const { u16 } = hart.ram;
    hart.ram.copy(this.spares[index]!, this.code[index]!, PAGE_BYTES);
    const inside = offset - index * PAGE_BYTES;
    if (inside >= 0 && inside < PAGE_BYTES - 2 && !this.nearFence(offset)) {
      const at = (this.spares[index]! + inside) >>> 1;
      u16[at] = word;
      if (isLong(word)) u16[at + 1] = word >>> 16;
    }
    hart.writePte(this.codeSlots[index]!, 0);
    this.mapCode(index, this.spares[index]!, ALLOW);
  }

  /** The parcel of the program at an offset from CODE; 0 outside. */
  parcel(offset: number): number {
    const frame = this.code[Math.floor(offset / PAGE_BYTES)];
    return frame === undefined ? 0 : this.hart.ram.u16[(frame + (offset & (PAGE_BYTES - 1))) >>> 1]!;
  }

  /** Takes addresses of the pages that alias the code out of the registers. */
  disarm(): void {
    const { u32 } = this.hart.ram;
    for (let n = 1; n < 32; n++) {
      const at = (this.context + xOffset(n)) >>> 2;
      if (u32[at + 1] === 0 && Math.abs(u32[at]! - ALIAS) < 4 * PAGE_BYTES) u32[at] = 0;
    }
  }

  /** Whether the instruction at an offset belongs to a store to code: it is not to be taken apart. */
  private nearFence(offset: number): boolean {
    for (let at = offset - 4; at <= offset + 8; at += 2) if (this.parcel(at) === FENCE_I) return true;
    return false;
  }

  private flushPage(va: number): void {
    this.hart.cpu.flushPage(this.asids[0]!, va);
    this.hart.cpu.flushPage(this.asids[1]!, va);
  }
}
