/*
 * The interpreter's main loop, emitted from the instruction table.
 *
 * run(context, budget) → cause. It keeps pc, the budget and what identifies the address space in locals; one turn of the loop finds the
 * decoded instruction of pc in the decode cache and branches by its operation number into its handler.
 *
 * Budget: `fuel` counts down to the next poll of the doorbell, `left` is what the budget has beyond that. At every moment
 * budget − left − fuel instructions have begun; a trap takes the last one back.
 *
 * Invariants: pc is even, and below USER_ADDRESS_LIMIT or about to miss. A tag is pc xor HartBlock.decodeTag, in which the ASID and epoch
 * take the bits from 39 up, and a hash of the ASID the low ones: the tag's low bits choose the slot, so that the same code in two spaces
 * does not compete for it. No entry is made for a pc with bit 38 set, and the few pcs that branches and running on reach from below the
 * limit all have it set; only an indirect jump (or the context's pc) may be anything, and is checked.
 */

import { Context } from '../context.ts';
import { DECODE_SLOTS, DecodeSlot, HartBlock } from '../hart-block.ts';
import type { Operation } from '../isa/table.ts';
import { OPERATIONS } from '../isa/table.ts';
import { Cause } from '../trap.ts';
import { block, branch, call, type Callable, Label, loop, ret, select, sequence, switchTo, when } from '../wasm/control.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import { type Environment, importEnvironment } from './environment.ts';
import { outline } from './outline.ts';
import { InterpreterTier, upperWord } from './tier.ts';

/** Instructions between two polls of the doorbell. */
const POLL_INTERVAL = 1024;

/** User addresses have nothing from this bit up. */
const USER_BITS = 38;

class LoopTier extends InterpreterTier {
  override readonly context: Local<'i32'>;
  readonly budget: Local<'i32'>;
  readonly pc: Local<'i64'>;
  readonly slot: Local<'i32'>;
  readonly fuel: Local<'i32'>;
  readonly left: Local<'i32'>;
  readonly cause: Local<'i32'>;
  readonly hartBlock: Local<'i32'>;
  readonly asid: Local<'i64'>;
  readonly decodeTag: Local<'i64'>;
  /** Tag of the instruction at pc. */
  readonly tag: Local<'i64'>;
  /** Next instruction; trap with `cause`; leave with `cause`, the instruction at pc not begun. */
  readonly again = new Label('again');
  readonly trapped = new Label('trapped');
  readonly done = new Label('done');
  /** Bytes of the instruction being emitted. */
  length: 2 | 4 = 4;

  constructor(env: Environment, func: FunctionBuilder<'i32'>) {
    const frame = {
      context: func.param('i32', 0),
      slot: func.local('i32'),
      hartBlock: func.local('i32'),
      asid: func.local('i64'),
    };
    super(env, func, frame);
    this.context = frame.context;
    this.budget = func.param('i32', 1);
    this.slot = frame.slot;
    this.hartBlock = frame.hartBlock;
    this.asid = frame.asid;
    this.pc = func.local('i64');
    this.fuel = func.local('i32');
    this.left = func.local('i32');
    this.cause = func.local('i32');
    this.decodeTag = func.local('i64');
    this.tag = func.local('i64');
  }

  get next(): I64 {
    return i64.add(this.pc, i64.const(this.length));
  }
  get instret(): I64 {
    return i64.add(i64.load(this.context, Context.instret.offset), i64.extendI32U(this.begun()));
  }

  /** Instructions begun in this run. */
  begun(): I32 {
    return i32.sub(i32.sub(this.budget, this.left), this.fuel);
  }

  protected leave(cause: I32): Stmt {
    return sequence(this.cause.set(cause), branch(this.trapped));
  }

  readonly jump = (target: I64): Stmt => sequence(this.pc.set(target), this.checkPc(), branch(this.again));

  /** Faults when pc is not a user address. */
  checkPc(): Stmt {
    return when(
      i64.ne(i64.shrU(this.pc, i64.const(USER_BITS)), i64.const(0)),
      this.trapValue(this.pc),
      this.cause.set(i32.const(Cause.InstructionPageFault)),
      branch(this.done),
    );
  }

  readonly branchIf = (condition: I32): Stmt =>
    sequence(this.pc.set(i64.add(this.pc, select(condition, this.imm, i64.const(this.length)))), branch(this.again));

  /** On to the instruction after this one. */
  advance(): Stmt {
    return sequence(this.pc.set(this.next), branch(this.again));
  }

  readonly flushCode = (): Stmt => sequence(call(this.env.flushCode), this.loadDecodeTag());

  loadDecodeTag(): Stmt {
    return this.decodeTag.set(i64.load(this.hartBlock, HartBlock.decodeTag.offset));
  }
}

/** Code of one operation, up to and including the way to the next instruction. */
function handler(tier: LoopTier, operation: Operation, outlines: ReadonlyMap<string, Callable<'i32'>>): Stmt {
  tier.length = operation.length;
  const { instruction } = operation;
  const outlined = outlines.get(instruction.name);
  if (outlined !== undefined) {
    const done = i32.sub(tier.begun(), i32.const(1));
    return sequence(
      tier.cause.set(call(outlined, tier.context, tier.slot, done)),
      branch(tier.trapped, tier.cause),
      tier.advance(),
    );
  }
  const meaning = instruction.meaning(tier);
  return sequence(...(Array.isArray(meaning) ? (meaning as readonly Stmt[]) : [meaning as Stmt]), tier.advance());
}

/** Polls the doorbell and takes the next portion of the budget; leaves when there is a reason to. */
function refuel(tier: LoopTier): Stmt {
  const { fuel, left, cause, done, hartBlock } = tier;
  const leaveWith = (reason: Cause): readonly Stmt[] => [cause.set(i32.const(reason)), branch(done)];
  return when(
    i32.eqz(fuel),
    // An atomic load: a plain one might be taken out of the loop.
    when(i32.atomic.load(hartBlock, HartBlock.doorbell.offset), ...leaveWith(Cause.Doorbell)),
    when(i32.eqz(left), ...leaveWith(Cause.Budget)),
    fuel.set(select(i32.ltS(left, i32.const(POLL_INTERVAL)), left, i32.const(POLL_INTERVAL))),
    left.set(i32.sub(left, fuel)),
  );
}

/** Finds, or makes, the decoded instruction of pc. */
function fetch(tier: LoopTier, env: Environment): Stmt {
  const { pc, slot, tag, cause } = tier;
  // The tag is even: tag/2 slots of 16 bytes are 8 × tag.
  const offset = i32.and(
    i32.shl(i32.wrap(tag), i32.const(Math.log2(DecodeSlot.SIZE) - 1)),
    i32.const((DECODE_SLOTS - 1) * DecodeSlot.SIZE),
  );
  return sequence(
    tag.set(i64.xor(pc, tier.decodeTag)),
    slot.set(i32.add(env.decodeCache, offset)),
    when(
      i64.ne(i64.load(slot, DecodeSlot.tag.offset), tag),
      cause.set(call(env.fetch, i32.wrap(pc), upperWord(pc), slot)),
      branch(tier.trapped, cause),
    ),
  );
}

/** The binary of the interpreter's module. */
export function emitInterpreter(): Uint8Array {
  const env = importEnvironment();
  const outlines = new Map<string, Callable<'i32'>>();
  for (const { instruction } of OPERATIONS) {
    if (instruction.outOfLine && !outlines.has(instruction.name)) outlines.set(instruction.name, outline(env, instruction));
  }

  const func = env.module.func(['i32', 'i32'], 'i32', 'run');
  const tier = new LoopTier(env, func);
  const { pc, fuel, left, cause, context, hartBlock } = tier;

  const illegal = new Label('illegal');
  const labels = OPERATIONS.map(({ instruction }) => new Label(instruction.name));
  let code: Stmt = block(
    illegal,
    refuel(tier),
    fuel.set(i32.sub(fuel, i32.const(1))),
    fetch(tier, env),
    switchTo(i32.load8U(tier.slot, DecodeSlot.op.offset), [illegal, ...labels], illegal),
  );
  // A label's block ends where its handler begins; so the handler of one stands in the block of the next.
  let before: Stmt = tier.trap(Cause.IllegalInstruction);
  OPERATIONS.forEach((operation, index) => {
    code = block(labels[index]!, code, before);
    func.releaseScratch();
    before = handler(tier, operation, outlines);
  });
  code = loop(tier.again, code, before);

  const addRetired = (base: I32, offset: number): Stmt =>
    i64.store(base, offset, i64.add(i64.load(base, offset), i64.extendI32U(tier.begun())));
  func.body([
    hartBlock.set(env.hartBlock),
    when(i32.leS(tier.budget, i32.const(0)), ret(i32.const(Cause.Budget))),
    tier.loadDecodeTag(),
    tier.asid.set(i64.load32U(hartBlock, HartBlock.asid.offset)),
    pc.set(i64.and(i64.load(context, Context.pc.offset), i64.const(-2))),
    left.set(tier.budget),
    block(
      tier.done,
      tier.checkPc(),
      block(tier.trapped, code),
      // The instruction that trapped has not retired.
      fuel.set(i32.add(fuel, i32.const(1))),
    ),
    i64.store(context, Context.pc.offset, pc),
    addRetired(context, Context.instret.offset),
    addRetired(hartBlock, HartBlock.instret.offset),
    ret(cause),
  ]);
  return env.module.encode();
}
