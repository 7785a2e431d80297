/*
 * Instructions out of line: each a function (context, slot, done) → cause, 0 when it went well. `done` is the number of instructions
 * retired in this run. They neither jump nor know their pc.
 */

import { Context } from '../context.ts';
import { HartBlock } from '../hart-block.ts';
import type { Instruction } from '../isa/define.ts';
import { type Callable, ret } from '../wasm/control.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Stmt } from '../wasm/node.ts';
import type { Environment } from './environment.ts';
import { InterpreterTier } from './tier.ts';

class OutlineTier extends InterpreterTier {
  readonly instret: I64;

  constructor(env: Environment, func: FunctionBuilder<'i32'>) {
    super(env, func, {
      context: func.param('i32', 0),
      slot: func.param('i32', 1),
      hartBlock: env.hartBlock,
      asid: i64.load32U(env.hartBlock, HartBlock.asid.offset),
    });
    this.instret = i64.add(i64.load(this.context, Context.instret.offset), i64.extendI32U(func.param('i32', 2)));
  }

  protected leave(cause: I32): Stmt {
    return ret(cause);
  }

  get pc(): I64 {
    return unavailable('pc');
  }
  get next(): I64 {
    return unavailable('next');
  }
  readonly jump = (): Stmt => unavailable('jump');
  readonly branchIf = (): Stmt => unavailable('branchIf');
  readonly flushCode = (): Stmt => unavailable('flushCode');
}

function unavailable(what: string): never {
  throw new Error(`an instruction out of line uses ${what}`);
}

/** Emits the function for one instruction. */
export function outline(env: Environment, instruction: Instruction): Callable<'i32'> {
  const func = env.module.func(['i32', 'i32', 'i32'], 'i32');
  const meaning = instruction.meaning(new OutlineTier(env, func));
  func.body(Array.isArray(meaning) ? meaning : [meaning as Stmt], i32.const(0));
  return func;
}
