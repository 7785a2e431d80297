/*
 * What a sequence begins with: registers, contents and mappings of pages, where it starts. One object is drawn anew each time.
 */

import { xOffset } from '../../../src/core/context.ts';
import { PAGE_BYTES, CODE_PAGES, type Program } from './layout.ts';
import type { Dice } from './dice.ts';
import { CODE_POINTERS, POINTERS } from './encode.ts';
import { TABLE_ENTRIES } from './shapes.ts';
import { DATA_PAGES, POOL_PAGES, SUPERPAGE } from './space.ts';
import { drawFloat, drawInteger } from './values.ts';

const F0 = 64;

/** How often each of DATA_FLAGS is drawn, and of CODE_FLAGS. */
const DATA_WEIGHTS: readonly number[] = [30, 6, 6, 4, 2, 4, 1, 1, 1];
const CODE_WEIGHTS: readonly number[] = [20, 2, 1];

export class State {
  /** x0…x31, f0…f31, as pairs of words. */
  readonly registers = new Uint32Array(128);
  /** Which page of the pool each data page is filled from. */
  readonly contents = new Uint8Array(DATA_PAGES.length);
  readonly flags = new Uint8Array(DATA_PAGES.length);
  readonly codeFlags = new Uint8Array(CODE_PAGES);
  /** Addresses of the instructions that the table points to. */
  readonly table = new Uint32Array(TABLE_ENTRIES);
  pc = 0;
  fcsr = 0;
  instret = 0;
  asid = 0;

  draw(dice: Dice, { starts, landings }: Program): void {
    const { registers } = this;
    for (let i = 0; i < this.contents.length; i++) {
      this.contents[i] = dice.below(POOL_PAGES);
      this.flags[i] = dice.weighted(DATA_WEIGHTS);
    }
    for (let i = 0; i < CODE_PAGES; i++) this.codeFlags[i] = dice.weighted(CODE_WEIGHTS);
    for (let i = 0; i < TABLE_ENTRIES; i++) this.table[i] = dice.pick(landings);
    for (let n = 1; n < 32; n++) drawInteger(dice, registers, 2 * n);
    for (let n = 0; n < 32; n++) drawFloat(dice, registers, F0 + 2 * n);
    for (const n of POINTERS) if (!dice.oneIn(16)) put(registers, n, dataAddress(dice));
    for (const n of CODE_POINTERS) put(registers, n, dice.pick(landings));
    this.pc = dice.oneIn(6) ? dice.pick(landings) : starts[0]!;
    this.fcsr = ((dice.oneIn(12) ? dice.below(8) : dice.below(5)) << 5) | (dice.oneIn(2) ? 0 : dice.below(32));
    this.instret = dice.oneIn(4) ? 2 ** 32 - dice.below(600) : 0;
    this.asid = dice.below(2);
  }
}

function put(registers: Uint32Array, n: number, value: number): void {
  const at = xOffset(n) >>> 2;
  registers[at] = value;
  registers[at + 1] = Math.floor(value / 2 ** 32);
}

/** An address in a data page, often near its end, mostly aligned. */
function dataAddress(dice: Dice): number {
  if (dice.oneIn(12)) return SUPERPAGE + dice.below(0x1f_ffff);
  const page = dice.pick(DATA_PAGES);
  const inside = dice.oneIn(3) ? PAGE_BYTES - dice.between(1, 4) * 8 : dice.below(PAGE_BYTES / 8) * 8;
  return page + inside + (dice.oneIn(4) ? dice.below(8) : 0);
}
