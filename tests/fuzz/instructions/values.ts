/*
 * Values for registers and data: what has the edges of arithmetic in it, as pairs of words (lower, upper).
 */

import { FpuOp } from '../../../src/core/fpu/op.ts';
import { edges } from '../../core/fpu-cases.ts';
import type { Dice } from './dice.ts';
import { PAGE_BYTES } from './layout.ts';
import { ARRAY } from './terrain.ts';

const BOX = 0xffff_ffff_0000_0000n;

function words(values: readonly bigint[]): Uint32Array {
  return new Uint32Array(new BigUint64Array(values).buffer);
}

const integers = edges(FpuOp.CVT_S_L);
const singles = edges(FpuOp.ADD_S);
const doubles = edges(FpuOp.ADD_D);

const INTEGERS = words([
  ...integers,
  ...[-1n, -2n, 1n << 63n, (1n << 63n) - 1n, 0x8000_0000n, -0x8000_0000n].map((x) => BigInt.asUintN(64, x)),
]);
/** Boxed singles, some that are not, and doubles. */
const FLOATS = words([...singles.map((x) => x | BOX), ...singles.filter((_, i) => i % 8 === 0), ...doubles]);

/** Draws a value into words[at], words[at + 1]. */
export function drawInteger(dice: Dice, into: Uint32Array, at: number): void {
  switch (dice.below(8)) {
    case 0:
      into[at] = dice.word();
      into[at + 1] = dice.word();
      break;
    case 1:
      into[at] = dice.word();
      into[at + 1] = into[at] >> 31;
      break;
    case 2:
    case 3:
      into[at] = dice.between(-4, 64);
      into[at + 1] = (into[at] | 0) >> 31;
      break;
    case 4:
      draw(dice, FLOATS, into, at);
      break;
    default:
      draw(dice, INTEGERS, into, at);
  }
}

export function drawFloat(dice: Dice, into: Uint32Array, at: number): void {
  switch (dice.below(8)) {
    case 0:
      into[at] = dice.word();
      into[at + 1] = dice.word();
      break;
    case 1:
      into[at] = dice.word();
      into[at + 1] = 0xffff_ffff;
      break;
    case 2:
      // A number of moderate size: most of their sums and products are finite.
      into[at] = (dice.word() & 0x83ff_ffff) | 0x3c00_0000;
      into[at + 1] = dice.oneIn(2) ? 0xffff_ffff : (dice.word() & 0x803f_ffff) | 0x3fc0_0000;
      break;
    default:
      draw(dice, FLOATS, into, at);
  }
}

/** Fills a page, the `kind`th: with text that seldom ends, small numbers, flags that are mostly zero, or pointers to the like. */
export function drawListPage(dice: Dice, words: Uint32Array, kind: number): void {
  for (let at = 0; at < words.length; at++) {
    switch (kind % 4) {
      case 0:
        words[at] = dice.oneIn(100) ? 0 : dice.word() | 0x0101_0101;
        break;
      case 1:
        words[at] = at % 2 === 0 ? dice.between(-4, 300) : 0;
        break;
      case 2:
        words[at] = dice.oneIn(60) ? 1 << dice.below(32) : 0;
        break;
      default:
        words[at] = at % 2 === 0 ? dice.pick(ARRAY) + 8 * dice.below(PAGE_BYTES / 8) : 0;
    }
  }
}

function draw(dice: Dice, from: Uint32Array, into: Uint32Array, at: number): void {
  const index = dice.below(from.length / 2) * 2;
  into[at] = from[index]!;
  into[at + 1] = from[index + 1]!;
}
