/*
 * Counters in RAM, as emitted code.
 */

import { Context } from './context.ts';
import { HartBlock } from './hart-block.ts';
import { sequence } from './wasm/control.ts';
import { i64 } from './wasm/ops.ts';
import type { I32, I64, Stmt } from './wasm/node.ts';

/** Adds to a 64-bit counter. */
export const count = (base: I32, offset: number, amount: I64): Stmt =>
  i64.store(base, offset, i64.add(i64.load(base, offset), amount));

/** Adds to the instructions retired of context and hart. */
export const retire = (hartBlock: I32, context: I32, amount: I64): Stmt =>
  sequence(count(context, Context.instret.offset, amount), count(hartBlock, HartBlock.instret.offset, amount));
