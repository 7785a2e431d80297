/*
 * NaN boxing: a single lies in a register of 64 bits with its upper 32 bits all ones.
 */

import { i64 } from '../wasm/ops.ts';
import type { I64, Node } from '../wasm/node.ts';

const UPPER = i64.const(0xffff_ffff_0000_0000n);
const OR = 0x84;

/** The register that holds the single in the low half of `value`. */
export const box = (value: I64): I64 => i64.or(value, UPPER);

/** What `box` was given, if this is what it made: the low half is that of the single. */
export function boxed(register: I64): I64 | undefined {
  if (register.kind !== 'op' || register.code[0] !== OR || register.args[1] !== UPPER) return undefined;
  return register.args[0] as I64;
}

/** Whether two operands are the same register, as far as their trees tell. */
export function isSame(a: Node | undefined, b: Node | undefined): boolean {
  if (a === b) return true;
  if (a?.kind !== 'op' || b?.kind !== 'op' || a.args.length === 0) return false;
  return (
    a.args.length === b.args.length &&
    a.code.every((byte, i) => byte === b.code[i]) &&
    a.args.every((operand, i) => isSame(operand, b.args[i]))
  );
}
