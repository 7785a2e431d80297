/*
 * The translator's tier: registers are WebAssembly locals, operands that the instruction names are constants.
 *
 * Integer registers are i64 locals, or i32 ones where they are known to hold words (word.ts): only one of the two is right. Floating-point
 * registers are f64 locals that hold the same 64 bits. What is known at the point that is being emitted is in `here`: which registers are
 * dirty, which hold words, how many instructions have retired since the fuel was last reduced, and which pages have just been looked up
 * (memory.ts).
 *
 * Invariant of a region with floating point: frm is to nearest, ties to even. It is entered only then, and left behind an instruction
 * that sets another mode.
 * `limit` is a bound on results that need no look at their flags (float.ts) while NX is known to have accrued, else 0.
 */

import { Context, F_SLOT, SINK_SLOT } from '../context.ts';
import { fastFpu } from '../fpu/fast.ts';
import { Flag, type FpuOp, Rounding } from '../fpu/op.ts';
import { HartBlock } from '../hart-block.ts';
import { boxed } from '../isa/boxing.ts';
import type { Instruction } from '../isa/define.ts';
import { F_NAMES, X_NAMES } from '../isa/registers.ts';
import type { LoadKind, StoreKind, Tier } from '../isa/tier.ts';
import type { Access } from '../mmu.ts';
import { Cause } from '../trap.ts';
import { call, drop, rarely, sequence, yields } from '../wasm/control.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { f32, f64, i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt, ValType } from '../wasm/node.ts';
import { AccessCount } from './access-count.ts';
import { asDouble, asSingle, boxOf } from './bits.ts';
import type { RegionEnvironment } from './environment.ts';
import { Exits } from './exits.ts';
import { inlineArithmetic, LIMIT } from './float.ts';
import { inlineConversion } from './float-convert.ts';
import { Gates } from './gate.ts';
import { MemoryAccess } from './memory.ts';
import type { Here } from './here.ts';
import { Flow, isRounded, type Registers, writesFcsr, writesRounding } from './operation.ts';
import type { Region } from './region.ts';
import type { FloatSite, MemorySite } from './site.ts';
import { Level, levelOf, narrowed, read, smallOf, wordOf } from './word.ts';
import type { Words } from './words.ts';

const DYNAMIC_ROUNDING = 7;

export class TranslatorTier implements Tier, MemorySite, FloatSite {
  readonly context: Local<'i32'>;
  /** Instructions that may still be executed, as of the last commit. */
  readonly fuel: Local<'i32'>;
  readonly limit: Local<'i32'>;
  /** Where the indirect jump goes that has just been emitted. */
  readonly target: Local<'i64'>;
  readonly exits: Exits;
  /** Of the branch that has just been emitted. */
  condition: I32 | undefined;
  here!: Here;
  /** The instruction that is being emitted. */
  index = 0;

  /** Whether the region has floating-point arithmetic. */
  readonly rounds: boolean;

  /** Set when accesses are counted. */
  readonly accesses: AccessCount | undefined;

  private readonly x: (Local<'i64'> | undefined)[] = [];
  /** The words in integer registers, where `here` says that there are such. */
  private readonly w: (Local<'i32'> | undefined)[] = [];
  private readonly f: (Local<'f64'> | undefined)[] = [];
  /** The singles in floating-point registers, where `here` says that there are such. */
  private readonly s: (Local<'f32'> | undefined)[] = [];
  readonly gates: Gates;
  readonly memory: MemoryAccess;

  constructor(
    readonly env: RegionEnvironment,
    readonly func: FunctionBuilder<'i32'>,
    readonly region: Region,
    countAccesses: boolean,
  ) {
    this.accesses = countAccesses ? new AccessCount(func, region) : undefined;
    this.context = func.param('i32', 0, 'context');
    this.fuel = func.param('i32', 1, 'fuel');
    this.limit = func.local('i32', 'limit');
    this.rounds = region.op.some(isRounded);
    this.target = func.local('i64', 'jumpTarget');
    this.exits = new Exits(env, func, this.context, this.fuel, region.start);
    this.gates = new Gates(this);
    this.memory = new MemoryAccess(this, this.gates);
  }

  /** The code of an instruction, which becomes the one that is being emitted. */
  emit(index: number, instruction: Instruction): readonly Stmt[] {
    this.index = index;
    this.func.releaseScratch();
    const tableIndex = this.here.guard?.splits.get(index);
    const before = tableIndex === undefined ? [] : [this.memory.keepIndex(index, this.read(tableIndex))];
    const meaning = instruction.meaning(this);
    const code = [...before, ...(Array.isArray(meaning) ? (meaning as readonly Stmt[]) : [meaning as Stmt])];
    const op = this.region.op[index]!;
    const imm = this.region.imm[index]!;
    if (!this.rounds || !writesFcsr(op, imm)) return code;
    return [...code, this.readLimit(), ...(writesRounding(op, imm) ? [this.leaveUnlessToNearest()] : [])];
  }

  /** Goes on out of the region after an instruction that has set another rounding mode. */
  private leaveUnlessToNearest(): Stmt {
    const { here, region, index, fuel, exits } = this;
    const next = this.pcNumber + region.length[index]!;
    const commit = fuel.set(i32.sub(this.fuelLeft, i32.const(1)));
    return rarely(this.roundsOtherwise, commit, ...exits.onwardTo(next, here));
  }

  /** To be executed once, at the entry. */
  prologue(loaded: Registers): readonly Stmt[] {
    const out: Stmt[] = [this.memory.prologue()];
    for (const slot of loaded.slots()) {
      const offset = Context.registers.offset + 8 * slot;
      out.push(
        slot < F_SLOT
          ? this.integer(slot).set(i64.load(this.context, offset))
          : this.double(slot).set(f64.load(this.context, offset)),
      );
    }
    if (this.rounds) out.push(this.readLimit());
    return out;
  }

  /** Reads the words in registers; `refuse` when one is not what it is assumed to be. */
  checkWords(assumed: Words, refuse: Stmt): readonly Stmt[] {
    const out: Stmt[] = [];
    let wrong: I64 | undefined;
    for (const slot of assumed.slots()) {
      const [x, w] = [this.integer(slot), this.word(slot)];
      out.push(w.set(i32.wrap(x)));
      const excess = assumed.level(slot) === Level.Positive ? i64.shrU(x, i64.const(31)) : i64.xor(x, i64.extendI32S(w));
      wrong = wrong === undefined ? excess : i64.or(wrong, excess);
    }
    return wrong === undefined ? [] : [...out, rarely(i64.ne(wrong, i64.const(0)), refuse)];
  }

  /** Makes registers hold 64 bits of which `words` knows that they hold words, and `others` does not. */
  extend(words: Words, others: Words, registers: Registers): Stmt[] {
    return words
      .slots()
      .filter((slot) => registers.has(slot) && others.level(slot) === Level.Any)
      .map((slot) => this.integer(slot).set(this.read(slot, words)));
  }

  /** Reads the singles in registers; `refuse` when one is not boxed. */
  checkSingles(slots: ReadonlySet<number>, refuse: Stmt): readonly Stmt[] {
    const out: Stmt[] = [];
    let upper: I32 | undefined;
    for (const slot of slots) {
      const offset = Context.registers.offset + 8 * slot;
      const half = i32.load(this.context, offset + 4);
      out.push(this.single(slot).set(f32.load(this.context, offset)));
      upper = upper === undefined ? half : i32.and(upper, half);
    }
    return upper === undefined ? [] : [...out, rarely(i32.ne(upper, i32.const(-1)), refuse)];
  }

  /** Whether frm is anything but to nearest. */
  get roundsOtherwise(): I32 {
    return i32.and(this.fcsr, i32.const(0xe0));
  }

  /** Stores registers in the context, where so much is known of them. */
  writeBack(dirty: Registers, words: Words): Stmt[] {
    return dirty.slots().map((slot) => {
      const offset = Context.registers.offset + 8 * slot;
      return slot < F_SLOT
        ? i64.store(this.context, offset, this.read(slot, words))
        : f64.store(this.context, offset, this.double(slot));
    });
  }

  /** Fuel as it is here. */
  get fuelLeft(): I32 {
    const { retired, guard } = this.here;
    const inLoop = retired === 0 ? this.fuel : i32.sub(this.fuel, i32.const(retired));
    return guard === undefined ? inLoop : i32.add(inLoop, this.gates.spare);
  }

  /** Address of the instruction being emitted. */
  get pcNumber(): number {
    return this.region.pc[this.index]!;
  }
  get baseSlot(): number {
    return this.region.rs1[this.index]!;
  }
  get offset(): number {
    return this.region.imm[this.index]!;
  }

  get rs1(): I64 {
    return this.read(this.region.rs1[this.index]!);
  }
  get rs2(): I64 {
    return this.read(this.region.rs2[this.index]!);
  }
  get fs1(): I64 {
    return this.rs1;
  }
  get fs2(): I64 {
    return this.rs2;
  }
  get fs3(): I64 {
    return this.read(F_SLOT + (this.region.imm[this.index]! & 0x1f));
  }
  get imm(): I64 {
    return i64.const(this.region.imm[this.index]!);
  }
  get imm32(): I32 {
    return i32.const(this.region.imm[this.index]!);
  }
  get uimm(): I64 {
    return i64.const(this.region.rs1[this.index]!);
  }
  get pc(): I64 {
    return i64.const(this.pcNumber);
  }
  get next(): I64 {
    return i64.const(this.pcNumber + this.region.length[this.index]!);
  }
  get time(): I64 {
    return i64.truncSatF64U(call(this.env.get('time')));
  }
  /** The context counts what has been handed out, which the fuel is the rest of. */
  get instret(): I64 {
    return i64.sub(i64.load(this.context, Context.instret.offset), i64.extendI32U(this.fuelLeft));
  }

  readonly rd = (value: I64): Stmt => {
    const slot = this.region.rd[this.index]!;
    if (slot === SINK_SLOT) return drop(value);
    this.memory.written(slot);
    if (slot < F_SLOT) return this.setInteger(slot, value);
    const content = boxed(value);
    if (content === undefined) {
      this.here.singles.delete(slot);
      return this.double(slot).set(asDouble(value));
    }
    this.here.singles.add(slot);
    const single = this.single(slot);
    return sequence(single.set(asSingle(content)), this.double(slot).set(f64.reinterpretI64(boxOf(single))));
  };
  readonly fd = (value: I64): Stmt => this.rd(value);
  readonly temp = <T extends ValType>(type: T): Local<T> => this.func.temp(type);

  readonly load = (kind: LoadKind, address: I64): I64 => this.memory.load(kind, address);
  readonly store = (kind: StoreKind, address: I64, value: I64): Stmt => this.memory.store(kind, address, value);
  readonly physical = (address: I64, size: 4 | 8, access: Access): I32 => this.memory.physical(address, size, access);

  get rounding(): I32 {
    return i32.const(this.mode);
  }

  private get mode(): number {
    const mode = (this.region.imm[this.index]! >> 8) & 7;
    return mode === DYNAMIC_ROUNDING ? Rounding.RNE : mode;
  }

  readonly fpu = (op: FpuOp, a: I64, b: I64, c: I64, rounding: I32): I64 => {
    // The mode is a constant, whatever local the meaning keeps it in.
    const mode = isRounded(this.region.op[this.index]!) ? this.mode : undefined;
    const inline =
      (mode === Rounding.RNE ? inlineArithmetic(this, op, a, b, c) : undefined) ??
      inlineConversion({ tier: this, op, a, b, mode: mode ?? Rounding.RNE });
    return inline ?? fastFpu(op, a, b, c, mode === undefined ? rounding : i32.const(mode), this);
  };

  /** Whether NX is known to have accrued. */
  get inexactKnown(): I32 {
    return i32.ne(this.limit, i32.const(0));
  }

  /** The reference unit, for what the inlined code cannot prove. */
  readonly slow = (op: FpuOp, a: I64, b: I64, c: I64, rounding: I32): I64 =>
    this.andLimit(call(this.env.get('fpu'), i32.const(op), a, b, c, rounding));

  /** One of OUT_OF_LINE, called. */
  outOfLine(op: FpuOp, a: I64, b: I64, c: I64): I64 {
    return this.andLimit(call(this.env.fpu(op), this.context, a, b, c));
  }

  readonly trap = (cause: Cause): Stmt => {
    const value = cause === Cause.Breakpoint ? this.pc : i64.const(0);
    return sequence(this.setTrapValue(value), this.leave(i32.const(cause)));
  };

  /** The target of a direct jump is an edge of the region. */
  readonly jump = (target: I64): Stmt =>
    this.region.flow(this.index) === Flow.Indirect ? this.target.set(target) : sequence();
  readonly branchIf = (condition: I32): Stmt => {
    this.condition = narrowed(condition);
    return sequence();
  };
  readonly flushCode = (): Stmt => {
    throw new Error('code is flushed by the interpreter');
  };

  setTrapValue(value: I64): Stmt {
    return i64.store(this.env.hartBlock, HartBlock.trapValue.offset, value);
  }

  /** Leaves guest code at the instruction that is being emitted, which has not retired. */
  leave(cause: I32): Stmt {
    return sequence(...this.commit(), ...this.exits.trap(this.pcNumber, cause, this.here));
  }

  /** Makes the fuel and the count of accesses exact on a way out of the block before the instruction that is being emitted. */
  commit(): Stmt[] {
    const fuel = this.fuelLeft === this.fuel ? [] : [this.fuel.set(this.fuelLeft)];
    return [...fuel, ...(this.accesses?.takeBack(this.index) ?? [])];
  }

  get patient(): boolean {
    return this.region.patient;
  }

  /** Leaves guest code if a physical address is minus a cause. */
  leaveIfFault(pa: Local<'i32'>): Stmt {
    return rarely(i32.ltS(pa, i32.const(0)), this.leave(i32.sub(i32.const(0), pa)));
  }

  /** A register as it is now. */
  register(slot: number): I64 {
    return this.read(slot);
  }

  private read(slot: number, words = this.here.words): I64 {
    if (slot === 0) return i64.const(0);
    if (slot < F_SLOT) {
      const level = words.level(slot);
      return level === Level.Any ? this.integer(slot) : read(this.word(slot), level === Level.Positive);
    }
    return this.here.singles.has(slot) ? boxOf(this.single(slot)) : i64.reinterpretF64(this.double(slot));
  }

  private setInteger(slot: number, value: I64): Stmt {
    const word = wordOf(value) ?? (this.here.guard?.small.has(this.index) === true ? smallOf(value) : undefined);
    this.here.words.set(slot, levelOf(word));
    return word === undefined ? this.integer(slot).set(value) : this.word(slot).set(word.low);
  }

  private integer(slot: number): Local<'i64'> {
    return (this.x[slot] ??= this.func.local('i64', X_NAMES[slot]));
  }

  private word(slot: number): Local<'i32'> {
    return (this.w[slot] ??= this.func.local('i32', `${X_NAMES[slot]!}.w`));
  }

  private double(slot: number): Local<'f64'> {
    return (this.f[slot - F_SLOT] ??= this.func.local('f64', F_NAMES[slot - F_SLOT]));
  }

  private single(slot: number): Local<'f32'> {
    return (this.s[slot - F_SLOT] ??= this.func.local('f32'));
  }

  private get fcsr(): I32 {
    return i32.load(this.context, Context.fcsr.offset);
  }

  /** The value of a call that may have raised flags. */
  private andLimit(value: I64): I64 {
    const result = this.temp('i64');
    return yields([result.set(value), this.readLimit()], result);
  }

  private readLimit(): Stmt {
    const all = i32.sub(i32.const(0), i32.and(this.fcsr, i32.const(Flag.NX)));
    return this.limit.set(i32.and(all, i32.const(LIMIT)));
  }
}
