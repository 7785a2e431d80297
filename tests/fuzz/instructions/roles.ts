/*
 * What the registers of a program of loops begin with, by what it uses them for; and the pages that go with that.
 */

import type { Dice } from './dice.ts';
import { PAGE_BYTES } from './layout.ts';
import { ARRAY, ROWS, SUPERPAGE } from './terrain.ts';

/**
 * `address`: of data. `end`: where a pointer that begins with what register `of` has, and moves by `step` or by register `by` each
 * turn, is after some turns. `turns`: of a loop; `few` for one around others. `stride`: what a pointer moves by.
 */
export type Role =
  | { readonly kind: 'address' | 'turns' | 'few' | 'stride' }
  | { readonly kind: 'end'; readonly of: number; readonly step: number; readonly by: number };

/** Registers with their roles; an end comes behind what it depends on. */
export type Roles = ReadonlyMap<number, Role>;

const STRIDES: readonly bigint[] = [1n, 2n, 4n, 8n, 16n, 24n, 64n, 3n, 7n, 12n, 0n, 4096n, 4088n, 2n ** 33n, 2n ** 63n - 1n];

export function drawRoles(dice: Dice, roles: Roles, registers: Uint32Array): void {
  const wide = new BigUint64Array(registers.buffer, 0, 32);
  for (const [register, role] of roles) wide[register] = BigInt.asUintN(64, valueOf(dice, role, wide));
}

function valueOf(dice: Dice, role: Role, wide: BigUint64Array): bigint {
  switch (role.kind) {
    case 'address':
      return BigInt(address(dice));
    case 'turns':
      return BigInt(turns(dice));
    case 'few':
      return BigInt(dice.between(1, dice.oneIn(4) ? 40 : 6));
    case 'stride': {
      const stride = dice.oneIn(2) ? 8n : dice.pick(STRIDES);
      return dice.oneIn(4) ? -stride : stride;
    }
    case 'end': {
      const step = role.by === 0 ? BigInt(role.step) : wide[role.by]!;
      const off = dice.oneIn(6) ? BigInt(dice.between(-9, 9)) : 0n;
      return wide[role.of]! + step * BigInt(turns(dice)) + off;
    }
  }
}

function turns(dice: Dice): number {
  switch (dice.weighted([2, 3, 5, 6, 6, 2, 1])) {
    case 0:
      return 0;
    case 1:
      return dice.between(1, 3);
    case 2:
      return dice.between(4, 40);
    case 3:
      return dice.between(40, 400);
    case 4:
      return dice.between(400, 2000);
    case 5:
      return dice.between(2000, 9000);
    default:
      return dice.pick([-1, -5, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 40]);
  }
}

/** An address of data: mostly in the array, often close to where a page ends or begins, mostly aligned. */
function address(dice: Dice): number {
  if (dice.oneIn(40)) return dice.pick([2 ** 38, 2 ** 38 - 64, 2 ** 63, 2 ** 64 - 2 ** 38, 2 ** 47]);
  if (dice.oneIn(20)) return SUPERPAGE + dice.pick([0, 0x1f_f000, dice.below(0x1f_fff8)]);
  const page = dice.oneIn(8) ? dice.pick(ROWS.pages) : dice.pick(ARRAY);
  const byte = dice.oneIn(5) ? dice.below(8) : 0;
  switch (dice.below(4)) {
    case 0:
      return page + byte;
    case 1:
      // 2^64 is 0 on its way to a register.
      return page + PAGE_BYTES - 8 * dice.between(0, 8) + byte;
    default:
      return page + 8 * dice.below(PAGE_BYTES / 8) + byte;
  }
}

/** Which frame each page is mapped to: mostly its own, at times pieces of the row in another order, or two pages to one frame. */
export function drawOrder(dice: Dice, order: Uint8Array): void {
  order.forEach((_, page) => (order[page] = page));
  if (dice.oneIn(2)) return;
  for (let changes = dice.between(1, 6); changes > 0; changes--) {
    const length = dice.between(1, 6);
    const a = dice.below(order.length - length);
    const b = dice.below(order.length - length);
    if (dice.oneIn(4)) order.copyWithin(a, b, b + length);
    else if (dice.oneIn(3)) order.subarray(a, a + length).reverse();
    else for (let i = 0; i < length; i++) [order[a + i], order[b + i]] = [order[b + i]!, order[a + i]!];
  }
}

/** What each page allows, by `draw`: the same for several in a row; often all allow all. */
export function drawRuns(dice: Dice, flags: Uint8Array, usual: number, draw: () => number): void {
  flags.fill(usual);
  if (dice.oneIn(3)) return;
  for (let page = 0; page < flags.length;) {
    const end = page + dice.between(1, dice.oneIn(2) ? 4 : 16);
    flags.fill(dice.oneIn(2) ? usual : draw(), page, end);
    page = end;
  }
}
