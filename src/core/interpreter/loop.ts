/*
 * The interpreter, emitted from the instruction table.
 *
 * run(context, budget) → cause. The main loop is a function of its own, (context, pc, fuel): one turn finds the decoded instruction of pc
 * in the decode cache and branches by its operation number into its handler. It makes no calls, so that all it works with stays in
 * registers; whatever takes longer is a tail call to a function that in the end calls the loop again, in the same way.
 *
 * Budget: the loop is handed instructions by portions, its fuel, so that the doorbell is polled between two of them. A portion counts as
 * retired when it is handed out (Context.instret); what is left of it when the run ends is taken back.
 *
 * Invariants: pc is even, and below USER_ADDRESS_LIMIT or about to miss. A tag is pc xor HartBlock.decodeTag, in which the ASID and epoch
 * take the bits from 39 up, and a hash of the ASID the low ones: the tag's low bits choose the slot, so that the same code in two spaces
 * does not compete for it. No entry is made for a pc with bit 38 set, and the few pcs that branches and running on reach from below the
 * limit all have it set; only an indirect jump (or the context's pc) may be anything, and is checked.
 */

import { Context, SINK_SLOT } from '../context.ts';
import { DECODE_SLOTS, DecodeSlot, HartBlock } from '../hart-block.ts';
import type { Operation } from '../isa/table.ts';
import { OPERATIONS } from '../isa/table.ts';
import { NEVER_HOT } from '../jit/entry-cache.ts';
import { Cause } from '../trap.ts';
import {
  block,
  branch,
  call,
  type Callable,
  Label,
  loop,
  ret,
  select,
  sequence,
  switchTo,
  tailCall,
  when,
} from '../wasm/control.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import { addFuel, type Border, declareBorder, emitBorder, faultAt, isForeign, tryToEnter } from './border.ts';
import { retire } from '../counters.ts';
import { type Environment, importEnvironment } from './environment.ts';
import { outline } from './outline.ts';
import { InterpreterTier, upperWord } from './tier.ts';

/** The functions around the main loop. */
interface Functions {
  /** (context, pc, fuel): the main loop. */
  readonly loop: FunctionBuilder<'i32'>;
  /** (context, pc, fuel, cause): writes back the state and returns the cause. */
  readonly exit: FunctionBuilder<'i32'>;
  /** (context, pc): polls the doorbell, hands out the next portion of the budget, and goes on in the loop. */
  readonly refuel: FunctionBuilder<'i32'>;
  /** (context, pc, fuel): fills the decode cache. */
  readonly miss: FunctionBuilder<'i32'>;
}

class LoopTier extends InterpreterTier {
  override readonly context: Local<'i32'>;
  readonly pc: Local<'i64'>;
  readonly fuel: Local<'i32'>;
  readonly slot: Local<'i32'>;
  readonly hartBlock: Local<'i32'>;
  readonly tlbBase: Local<'i32'>;
  readonly decodeTag: Local<'i64'>;
  /** Tag of the instruction at pc. */
  readonly tag: Local<'i64'>;
  /** The next instruction. */
  readonly again = new Label('again');
  /** The same, after a jump or a branch backwards: where it may be translated, or become so. */
  readonly arrived = new Label('arrived');
  /** Bytes of the instruction being emitted. */
  length: 2 | 4 = 4;
  /** Its version out of line. */
  outlined: Callable<'i32'> | undefined;
  /** Whether it may be a computed jump. */
  isIndirect = false;

  constructor(
    env: Environment,
    func: FunctionBuilder<'i32'>,
    private readonly functions: Functions,
    private readonly border: Border,
  ) {
    const frame = {
      context: func.param('i32', 0),
      slot: func.local('i32'),
      hartBlock: func.local('i32'),
      tlbBase: func.local('i32'),
    };
    super(env, func, frame);
    this.context = frame.context;
    this.slot = frame.slot;
    this.hartBlock = frame.hartBlock;
    this.tlbBase = frame.tlbBase;
    this.pc = func.param('i64', 1);
    this.fuel = func.param('i32', 2);
    this.decodeTag = func.local('i64');
    this.tag = func.local('i64');
  }

  get next(): I64 {
    return i64.add(this.pc, i64.const(this.length));
  }
  get instret(): I64 {
    throw new Error('an instruction of the main loop reads instret');
  }

  protected leave(cause: I32): Stmt {
    return tailCall(this.functions.exit, this.context, this.pc, i32.add(this.fuel, i32.const(1)), cause);
  }

  /** On to the instruction after this one. */
  advance(): Stmt {
    return sequence(this.pc.set(this.next), branch(this.again));
  }

  /** Executes the instruction out of line. */
  bail(): Stmt {
    if (this.outlined === undefined) throw new Error('the instruction has no version out of line');
    return tailCall(this.outlined, this.context, this.slot, this.pc, this.next, this.fuel);
  }

  protected onMiss(missed: I32, hit: Stmt): Stmt {
    return sequence(when(missed, this.bail()), hit);
  }

  readonly jump = (target: I64): Stmt => {
    const plain = sequence(this.pc.set(target), branch(this.arrived));
    return this.isIndirect ? sequence(this.noteJump(target), plain) : plain;
  };

  /** Where a computed jump goes is noted for the translator, if there is one; see isComputedJump in jit/region.ts. */
  private noteJump(target: I64): Stmt {
    const { slot, hartBlock, context, pc, fuel } = this;
    const keepsNoLink = i32.eq(i32.load8U(slot, DecodeSlot.rd.offset), i32.const(SINK_SLOT));
    const isNoReturn = i32.ne(i32.and(i32.load8U(slot, DecodeSlot.rs1.offset), i32.const(~4)), i32.const(1));
    const mayBeHot = i32.ne(i32.load(hartBlock, HartBlock.heatLimit.offset), i32.const(NEVER_HOT));
    return when(i32.and(i32.and(keepsNoLink, isNoReturn), mayBeHot), tailCall(this.border.arriveBy, context, pc, target, fuel));
  }

  readonly branchIf = (condition: I32): Stmt => {
    const offset = this.temp('i64');
    return sequence(
      offset.set(select(condition, this.imm, i64.const(this.length))),
      this.pc.set(i64.add(this.pc, offset)),
      branch(this.again, i64.gtS(offset, i64.const(0))),
      branch(this.arrived),
    );
  };

  readonly flushCode = (): Stmt => {
    throw new Error('an instruction of the main loop flushes code');
  };
}

/** Code of one operation, up to and including the way to the next instruction. */
function handler(tier: LoopTier, operation: Operation, outlines: ReadonlyMap<string, Callable<'i32'>>): Stmt {
  const { instruction, length } = operation;
  tier.length = length;
  tier.isIndirect = instruction.name === 'jalr';
  tier.outlined = outlines.get(instruction.name);
  if (instruction.outOfLine) return tier.bail();
  return sequence(...tier.statements(instruction), tier.advance());
}

/** Finds the decoded instruction of pc, or leaves the loop to make it. */
function fetch(tier: LoopTier, env: Environment, miss: Callable<'i32'>): Stmt {
  const { context, pc, fuel, slot, tag } = tier;
  // The tag is even: tag/2 slots of 16 bytes are 8 × tag.
  const offset = i32.and(
    i32.shl(i32.wrap(tag), i32.const(Math.log2(DecodeSlot.SIZE) - 1)),
    i32.const((DECODE_SLOTS - 1) * DecodeSlot.SIZE),
  );
  return sequence(
    tag.set(i64.xor(pc, tier.decodeTag)),
    slot.set(i32.add(env.decodeCache, offset)),
    when(i64.ne(i64.load(slot, DecodeSlot.tag.offset), tag), tailCall(miss, context, pc, fuel)),
  );
}

function emitLoop(env: Environment, functions: Functions, border: Border): void {
  const func = functions.loop;
  const outlines = new Map<string, Callable<'i32'>>();
  for (const { instruction } of OPERATIONS) {
    const { name, outOfLine, format } = instruction;
    // Loads and stores have a version out of line beside that in the loop.
    if (!outlines.has(name) && (outOfLine || /[oq]/.test(format)) && name !== 'jalr') {
      outlines.set(name, outline(env, instruction, functions));
    }
  }

  const tier = new LoopTier(env, func, functions, border);
  const { context, pc, fuel, hartBlock } = tier;
  const illegal = new Label('illegal');
  const labels = OPERATIONS.map(({ instruction }) => new Label(instruction.name));
  let code: Stmt = block(
    illegal,
    when(i32.eqz(fuel), tailCall(functions.refuel, context, pc)),
    fetch(tier, env, functions.miss),
    fuel.set(i32.sub(fuel, i32.const(1))),
    switchTo(i32.load8U(tier.slot, DecodeSlot.op.offset), [illegal, ...labels], illegal),
  );
  // A label's block ends where its handler begins; so the handler of one stands in the block of the next.
  let before: Stmt = tier.trap(Cause.IllegalInstruction);
  OPERATIONS.forEach((operation, index) => {
    code = block(labels[index]!, code, before);
    func.releaseScratch();
    before = handler(tier, operation, outlines);
  });
  func.body([
    hartBlock.set(env.hartBlock),
    tier.tlbBase.set(i32.load(hartBlock, HartBlock.tlbBase.offset)),
    tier.decodeTag.set(i64.load(hartBlock, HartBlock.decodeTag.offset)),
    loop(
      tier.again,
      block(tier.arrived, code, before),
      when(isForeign(pc), ...faultAt(hartBlock, functions.exit, context, pc, fuel)),
      tryToEnter(hartBlock, border, context, pc, fuel, func.local('i32'), func.local('i32')),
      branch(tier.again),
    ),
  ]);
}

function emitExit(env: Environment, { exit }: Functions): void {
  const context = exit.param('i32', 0);
  const unused = i64.extendI32U(exit.param('i32', 2));
  exit.body([
    i64.store(context, Context.pc.offset, exit.param('i64', 1)),
    retire(env.hartBlock, context, i64.sub(i64.const(0), unused)),
    ret(exit.param('i32', 3)),
  ]);
}

function emitRefuel(env: Environment, { refuel, exit, loop: main }: Functions): void {
  const context = refuel.param('i32', 0);
  const pc = refuel.param('i64', 1);
  const [fuel, left, portion] = [refuel.local('i32'), refuel.local('i32'), refuel.local('i32')];
  refuel.body(addFuel(env, { loop: main, exit }, context, pc, fuel, left, portion, main));
}

function emitMiss(env: Environment, { miss, exit, loop: main }: Functions): void {
  const context = miss.param('i32', 0);
  const pc = miss.param('i64', 1);
  const fuel = miss.param('i32', 2);
  const cause = miss.local('i32');
  miss.body([
    cause.set(call(env.fetch, i32.wrap(pc), upperWord(pc))),
    when(cause, tailCall(exit, context, pc, fuel, cause)),
    tailCall(main, context, pc, fuel),
  ]);
}

function emitRun(env: Environment, { exit }: Functions, { supply }: Border): void {
  const run = env.module.func(['i32', 'i32'], 'i32', 'run');
  const context = run.param('i32', 0);
  const budget = run.param('i32', 1);
  const pc = run.local('i64');
  run.body([
    when(i32.leS(budget, i32.const(0)), ret(i32.const(Cause.Budget))),
    i32.store(env.hartBlock, HartBlock.left.offset, budget),
    pc.set(i64.and(i64.load(context, Context.pc.offset), i64.const(-2))),
    when(isForeign(pc), ...faultAt(env.hartBlock, exit, context, pc, i32.const(0))),
    tailCall(supply, context, pc, i32.const(0)),
  ]);
}

/**
 * The binary of the interpreter's module.
 *
 * @param countAccesses whether it counts in HartBlock.accesses
 */
export function emitInterpreter(countAccesses = false): Uint8Array {
  const env = importEnvironment(countAccesses);
  const functions: Functions = {
    loop: env.module.func(['i32', 'i64', 'i32'], 'i32'),
    exit: env.module.func(['i32', 'i64', 'i32', 'i32'], 'i32'),
    refuel: env.module.func(['i32', 'i64'], 'i32'),
    miss: env.module.func(['i32', 'i64', 'i32'], 'i32'),
  };
  const border = declareBorder(env);
  emitLoop(env, functions, border);
  emitExit(env, functions);
  emitRefuel(env, functions);
  emitMiss(env, functions);
  emitRun(env, functions, border);
  emitBorder(env, border, functions);
  return env.module.encode();
}
