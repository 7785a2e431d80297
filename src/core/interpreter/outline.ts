/*
 * Instructions out of line: each a function (context, slot, pc, next, fuel) that executes the instruction whole and goes on to the main
 * loop, by a tail call; or leaves.
 *
 * Here are the instructions that are rare or long, and the slow version of those that the main loop cannot always finish: loads and
 * stores that miss the TLB.
 */

import { Context } from '../context.ts';
import { HartBlock } from '../hart-block.ts';
import type { Instruction } from '../isa/define.ts';
import { call, type Callable, either, sequence, tailCall, when } from '../wasm/control.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import type { Environment } from './environment.ts';
import { InterpreterTier } from './tier.ts';

/** Where an instruction goes when it is done: functions (context, pc, fuel) and (context, pc, fuel, cause). */
export interface Continuations {
  readonly loop: Callable<'i32'>;
  readonly exit: Callable<'i32'>;
}

class OutlineTier extends InterpreterTier {
  readonly pc: Local<'i64'>;
  readonly next: Local<'i64'>;
  private readonly fuel: Local<'i32'>;

  constructor(
    env: Environment,
    func: FunctionBuilder<'i32'>,
    private readonly continuations: Continuations,
  ) {
    super(env, func, {
      context: func.param('i32', 0),
      slot: func.param('i32', 1),
      hartBlock: env.hartBlock,
      tlbBase: i32.load(env.hartBlock, HartBlock.tlbBase.offset),
    });
    this.pc = func.param('i64', 2);
    this.next = func.param('i64', 3);
    this.fuel = func.param('i32', 4);
  }

  /** The context counts what has been handed to the loop; the fuel that is left, and this instruction, have not retired. */
  get instret(): I64 {
    const begun = i64.sub(i64.load(this.context, Context.instret.offset), i64.extendI32U(this.fuel));
    return i64.sub(begun, i64.const(1));
  }

  protected leave(cause: I32): Stmt {
    return tailCall(this.continuations.exit, this.context, this.pc, i32.add(this.fuel, i32.const(1)), cause);
  }

  advance(): Stmt {
    return tailCall(this.continuations.loop, this.context, this.next, this.fuel);
  }

  protected onMiss(missed: I32, hit: Stmt, pa: Local<'i32'>, slow: () => I32): Stmt {
    const failed = i32.ltS(pa, i32.const(0));
    return either(
      missed,
      sequence(pa.set(slow()), when(failed, this.leave(i32.sub(i32.const(0), pa))), this.countAccess()),
      hit,
    );
  }

  readonly flushCode = (): Stmt => call(this.env.flushCode);
  readonly jump = (): Stmt => unavailable('jump');
  readonly branchIf = (): Stmt => unavailable('branchIf');
}

function unavailable(what: string): never {
  throw new Error(`an instruction out of line uses ${what}`);
}

/** Emits the function for one instruction. */
export function outline(env: Environment, instruction: Instruction, continuations: Continuations): Callable<'i32'> {
  const func = env.module.func(['i32', 'i32', 'i64', 'i64', 'i32'], 'i32');
  const tier = new OutlineTier(env, func, continuations);
  func.body([...tier.statements(instruction), tier.advance()]);
  return func;
}
