/*
 * A perfect hash of a few addresses: tells in a multiplication and a shift which of them another address may be.
 *
 * The search for the multiplier goes through the same numbers each time, so that equal sets have equal hashes on all harts.
 */

import { i32 } from '../wasm/ops.ts';
import type { I32 } from '../wasm/node.ts';

/** Multipliers that are tried for a size of the table: the first is odd and the step even, so that all are odd and lose no bits. */
const TRIES = 200;
const FIRST = 0x9e37_79b1 | 0;
const STEP = 0x3c6e_f370;
/** Enough for some hundred addresses. */
const MAX_BITS = 11;

export interface Hash {
  /** By hash: the index of the address that has it, or −1. */
  readonly slots: readonly number[];
  /** The hash of an address whose lower word is given. */
  emit(lo: I32): I32;
}

/** Undefined when none is found: two addresses may have the same lower word, or have been chosen by who knows the multipliers. */
export function hashOf(addresses: readonly number[]): Hash | undefined {
  const first = Math.max(1, 32 - Math.clz32(addresses.length - 1));
  for (let bits = first; bits <= MAX_BITS; bits++) {
    let factor = FIRST;
    for (let n = 0; n < TRIES; n++) {
      const slots = placed(addresses, factor, bits);
      if (slots !== undefined) {
        const chosen = factor;
        return { slots, emit: (lo) => i32.shrU(i32.mul(lo, i32.const(chosen)), i32.const(32 - bits)) };
      }
      factor = (factor + STEP) | 0;
    }
  }
  return undefined;
}

function placed(addresses: readonly number[], factor: number, bits: number): number[] | undefined {
  const slots = new Array<number>(1 << bits).fill(-1);
  for (let index = 0; index < addresses.length; index++) {
    const slot = Math.imul(addresses[index]!, factor) >>> (32 - bits);
    if (slots[slot] !== -1) return undefined;
    slots[slot] = index;
  }
  return slots;
}
