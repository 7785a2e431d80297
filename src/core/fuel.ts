/*
 * How a budget of instructions comes into emitted code: by portions, which count as retired when they are handed out (what is left of the
 * last one is taken back); between two of them the doorbell is polled.
 */

import { count, retire } from './counters.ts';
import { HartBlock } from './hart-block.ts';
import { select, when } from './wasm/control.ts';
import { i32, i64 } from './wasm/ops.ts';
import type { I32, Local, Stmt } from './wasm/node.ts';

/** Instructions between two polls of the doorbell. More than any region needs at once. */
const PORTION = 4096;

/** Sets `portion` to the next one of what is left of the budget, and takes it from there. */
export const handOut = (hartBlock: I32, context: I32, left: I32, portion: Local<'i32'>): readonly Stmt[] => [
  portion.set(select(i32.ltU(left, i32.const(PORTION)), left, i32.const(PORTION))),
  i32.store(hartBlock, HartBlock.left.offset, i32.sub(left, portion)),
  retire(hartBlock, context, i64.extendI32U(portion)),
];

/** Fuel is brought into translated code. */
export const enterWith = (hartBlock: I32, fuel: I32): Stmt =>
  count(hartBlock, HartBlock.translated.offset, i64.extendI32U(fuel));

/**
 * Adds a portion to the fuel of translated code that stays where it is, unless the doorbell has rung or the budget is used up. It calls
 * nothing: what the host keeps in registers stays there.
 */
export function addPortion(hartBlock: I32, context: I32, fuel: Local<'i32'>, left: Local<'i32'>, portion: Local<'i32'>): Stmt {
  return when(
    i32.eqz(i32.atomic.load(hartBlock, HartBlock.doorbell.offset)),
    left.set(i32.load(hartBlock, HartBlock.left.offset)),
    ...handOut(hartBlock, context, left, portion),
    enterWith(hartBlock, portion),
    fuel.set(i32.add(fuel, portion)),
  );
}
