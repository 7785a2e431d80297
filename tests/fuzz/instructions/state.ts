/*
 * What a sequence begins with: registers, contents and mappings of pages, where it starts. One object is drawn anew each time.
 */

import { xOffset } from '../../../src/core/context.ts';
import { PAGE_BYTES, CODE_PAGES, type Program } from './layout.ts';
import type { Dice } from './dice.ts';
import { CODE_POINTERS, POINTERS } from './encode.ts';
import { SINGLES } from './loop-body.ts';
import { drawOrder, drawRoles, drawRuns } from './roles.ts';
import { TABLE_ENTRIES } from './shapes.ts';
import { ALLOW, LIST_PAGES, POOL_PAGES } from './space.ts';
import { SUPERPAGE, type Terrain } from './terrain.ts';
import { drawFloat, drawInteger } from './values.ts';

const F0 = 64;

/** How often each of DATA_FLAGS is drawn, and of CODE_FLAGS. */
const DATA_WEIGHTS: readonly number[] = [30, 6, 6, 4, 2, 4, 1, 1, 1, 2];
/** The same for the rows that loops run over, where they do not allow all. */
const ROW_WEIGHTS: readonly number[] = [6, 6, 4, 8, 3, 6, 1, 1, 1, 5];
const CODE_WEIGHTS: readonly number[] = [20, 2, 1];

export class State {
  /** x0…x31, f0…f31, as pairs of words. */
  readonly registers = new Uint32Array(128);
  /** Which page of the pool each data page is filled from. */
  readonly contents: Uint8Array;
  readonly flags: Uint8Array;
  /** The frame each is mapped to, by index. */
  readonly order: Uint8Array;
  readonly codeFlags = new Uint8Array(CODE_PAGES);
  /** Addresses of the instructions that the table points to. */
  readonly table = new Uint32Array(TABLE_ENTRIES);
  pc = 0;
  fcsr = 0;
  instret = 0;
  asid = 0;

  constructor(private readonly terrain: Terrain) {
    const { length } = terrain.pages;
    this.contents = new Uint8Array(length);
    this.flags = new Uint8Array(length);
    this.order = Uint8Array.from({ length }, (_, n) => n);
  }

  draw(dice: Dice, { starts, landings, roles }: Program): void {
    const { registers } = this;
    for (let i = 0; i < this.contents.length; i++) {
      this.contents[i] = dice.below(POOL_PAGES);
      this.flags[i] = dice.weighted(DATA_WEIGHTS);
    }
    for (let i = 0; i < CODE_PAGES; i++) this.codeFlags[i] = dice.weighted(CODE_WEIGHTS);
    for (let i = 0; i < TABLE_ENTRIES; i++) this.table[i] = dice.pick(landings);
    for (let n = 1; n < 32; n++) drawInteger(dice, registers, 2 * n);
    for (let n = 0; n < 32; n++) drawFloat(dice, registers, F0 + 2 * n);
    for (const n of POINTERS) if (!dice.oneIn(16)) put(registers, n, this.dataAddress(dice));
    for (const n of CODE_POINTERS) put(registers, n, dice.pick(landings));
    this.pc = dice.oneIn(6) ? dice.pick(landings) : starts[0]!;
    this.fcsr = ((dice.oneIn(12) ? dice.below(8) : dice.below(5)) << 5) | (dice.oneIn(2) ? 0 : dice.below(32));
    this.instret = dice.oneIn(4) ? 2 ** 32 - dice.below(600) : 0;
    this.asid = dice.below(2);
    if (roles === undefined) return;
    drawRoles(dice, roles, registers);
    drawOrder(dice, this.order);
    drawRuns(dice, this.flags, ALLOW, () => dice.weighted(ROW_WEIGHTS));
    this.contents.forEach((_, page) => {
      if (dice.below(3) > 0) this.contents[page] = POOL_PAGES + dice.below(LIST_PAGES);
    });
    if (!dice.oneIn(8)) this.pc = starts[0]!;
    this.codeFlags.fill(ALLOW);
    // Most loops with floating point are to be translated.
    if (dice.oneIn(6)) return;
    this.fcsr &= 0x1f;
    for (let n = SINGLES[0]!; n < 32; n++) registers[F0 + 2 * n + 1] = 0xffff_ffff;
  }

  /** An address in a data page, often near its end, mostly aligned. */
  private dataAddress(dice: Dice): number {
    if (dice.oneIn(12)) return SUPERPAGE + dice.below(0x1f_ffff);
    const page = dice.pick(this.terrain.pages);
    const inside = dice.oneIn(3) ? PAGE_BYTES - dice.between(1, 4) * 8 : dice.below(PAGE_BYTES / 8) * 8;
    return page + inside + (dice.oneIn(4) ? dice.below(8) : 0);
  }
}

function put(registers: Uint32Array, n: number, value: number): void {
  const at = xOffset(n) >>> 2;
  registers[at] = value;
  registers[at + 1] = Math.floor(value / 2 ** 32);
}
