/*
 * The interpreter's tier: operands come from a decoded instruction in RAM, registers lie in the context.
 *
 * Two kinds share this class. The main loop's (loop.ts) may jump, and makes no calls: whatever it cannot do at once it hands to the
 * same instruction out of line (outline.ts), which is a function of its own, starts the instruction afresh, and cannot jump.
 */

import { Context, F_SLOT } from '../context.ts';
import { fastFpu, type FpuSite } from '../fpu/fast.ts';
import type { FpuOp } from '../fpu/op.ts';
import { DecodeSlot, HartBlock } from '../hart-block.ts';
import { LOADS, STORES } from '../isa/access.ts';
import type { Instruction } from '../isa/define.ts';
import type { LoadKind, StoreKind, Tier } from '../isa/tier.ts';
import { Access } from '../mmu.ts';
import { lookUp } from '../tlb-lookup.ts';
import { Cause } from '../trap.ts';
import { call, sequence, when, yields } from '../wasm/control.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, ResultType, Stmt, ValType } from '../wasm/node.ts';
import { count } from '../counters.ts';
import type { Environment } from './environment.ts';

const DYNAMIC_ROUNDING = 7;
const LAST_ROUNDING = 4;

export const upperWord = (value: I64): I32 => i32.wrap(i64.shrU(value, i64.const(32)));

/** The locals that a tier works with, in the function it emits into. */
export interface Frame {
  readonly context: I32;
  readonly slot: I32;
  readonly hartBlock: I32;
  /** HartBlock.tlbBase. */
  readonly tlbBase: I32;
}

export abstract class InterpreterTier implements Tier, FpuSite {
  readonly imm: I64;
  readonly imm32: I32;
  readonly uimm: I64;
  readonly context: I32;
  abstract readonly pc: I64;
  abstract readonly next: I64;
  abstract readonly instret: I64;

  constructor(
    protected readonly env: Environment,
    protected readonly func: FunctionBuilder<ResultType>,
    protected readonly frame: Frame,
  ) {
    const { slot } = frame;
    this.context = frame.context;
    this.imm = i64.load32S(slot, DecodeSlot.imm.offset);
    this.imm32 = i32.load(slot, DecodeSlot.imm.offset);
    this.uimm = i64.load8U(slot, DecodeSlot.rs1.offset);
  }

  /** The code of an instruction's meaning. */
  statements(instruction: Instruction): readonly Stmt[] {
    const meaning = instruction.meaning(this);
    return Array.isArray(meaning) ? (meaning as readonly Stmt[]) : [meaning as Stmt];
  }

  /** Leaves guest code with a cause, which is an expression; the instruction has not retired. */
  protected abstract leave(cause: I32): Stmt;
  abstract readonly jump: (target: I64) => Stmt;
  abstract readonly branchIf: (condition: I32) => Stmt;
  abstract readonly flushCode: () => Stmt;

  get rs1(): I64 {
    return i64.load(this.register(DecodeSlot.rs1.offset), Context.registers.offset);
  }
  get rs2(): I64 {
    return i64.load(this.register(DecodeSlot.rs2.offset), Context.registers.offset);
  }
  get fs1(): I64 {
    return this.rs1;
  }
  get fs2(): I64 {
    return this.rs2;
  }
  get fs3(): I64 {
    return i64.load(this.register(DecodeSlot.imm.offset), Context.registers.offset + 8 * F_SLOT);
  }
  get time(): I64 {
    return i64.truncSatF64U(call(this.env.time));
  }

  readonly rd = (value: I64): Stmt => i64.store(this.register(DecodeSlot.rd.offset), Context.registers.offset, value);
  readonly fd = (value: I64): Stmt => this.rd(value);
  readonly temp = <T extends ValType>(type: T): Local<T> => this.func.temp(type);

  readonly load = (kind: LoadKind, address: I64): I64 => {
    const { size, read } = LOADS[kind];
    const va = this.temp('i64');
    const pa = this.temp('i32');
    const translated = this.translated(va, size, Access.Read, pa, () =>
      call(this.env.load, i32.wrap(va), upperWord(va), i32.const(size)),
    );
    return yields([va.set(address), translated], read(pa));
  };

  readonly store = (kind: StoreKind, address: I64, value: I64): Stmt => {
    const { size, write } = STORES[kind];
    const va = this.temp('i64');
    const v = this.temp('i64');
    const pa = this.temp('i32');
    const translated = this.translated(va, size, Access.Write, pa, () =>
      call(this.env.store, i32.wrap(va), upperWord(va), i32.const(size), i32.wrap(v), upperWord(v)),
    );
    return sequence(va.set(address), v.set(value), translated, write(pa, 0, v));
  };

  readonly physical = (address: I64, size: 4 | 8, access: Access): I32 => {
    const va = this.temp('i64');
    const pa = this.temp('i32');
    const misaligned = access === Access.Read ? Cause.LoadMisaligned : Cause.StoreMisaligned;
    const translated = this.translated(va, 1, access, pa, () =>
      call(this.env.translate, i32.wrap(va), upperWord(va), i32.const(access)),
    );
    return yields(
      [
        va.set(address),
        when(i32.and(i32.wrap(va), i32.const(size - 1)), this.trapValue(va), this.leave(i32.const(misaligned))),
        translated,
      ],
      pa,
    );
  };

  get rounding(): I32 {
    const mode = this.temp('i32');
    return yields(
      [
        mode.set(i32.load8U(this.frame.slot, DecodeSlot.imm.offset + 1)),
        when(
          i32.eq(mode, i32.const(DYNAMIC_ROUNDING)),
          mode.set(i32.and(i32.shrU(i32.load(this.context, Context.fcsr.offset), i32.const(5)), i32.const(7))),
          when(i32.gtU(mode, i32.const(LAST_ROUNDING)), this.trap(Cause.IllegalInstruction)),
        ),
      ],
      mode,
    );
  }

  readonly fpu = (op: FpuOp, a: I64, b: I64, c: I64, rounding: I32): I64 => fastFpu(op, a, b, c, rounding, this);

  /** The reference unit, for what the fast one cannot prove. */
  readonly slow = (op: FpuOp, a: I64, b: I64, c: I64, rounding: I32): I64 =>
    call(this.env.fpu, i32.const(op), a, b, c, rounding);

  readonly trap = (cause: Cause): Stmt => {
    // Of an illegal instruction Cpu.run finds the bits, since few of these have them at hand.
    const value = cause === Cause.Breakpoint ? this.pc : i64.const(0);
    return sequence(this.trapValue(value), this.leave(i32.const(cause)));
  };

  protected trapValue(value: I64): Stmt {
    return i64.store(this.frame.hartBlock, HartBlock.trapValue.offset, value);
  }

  /** Sets `pa` from the TLB. */
  private translated(va: Local<'i64'>, size: number, access: Access, pa: Local<'i32'>, slow: () => I32): Stmt {
    // Until the address is known, its local has the entry's.
    const { missed, physical } = lookUp(this.frame.tlbBase, va, size, access, pa);
    return this.onMiss(missed, sequence(pa.set(physical), this.countAccess()), pa, slow);
  }

  /** Counts an access whose address has been found. */
  protected countAccess(): Stmt {
    return this.env.countAccesses ? count(this.frame.hartBlock, HartBlock.accesses.offset, i64.const(1)) : sequence();
  }

  /** Executes `hit`, or when `missed` does what this tier does about it. `slow` yields the address or minus a cause. */
  protected abstract onMiss(missed: I32, hit: Stmt, pa: Local<'i32'>, slow: () => I32): Stmt;

  /** Address of the register whose slot is in the byte at `field` of the decoded instruction, less the file's offset. */
  private register(field: number): I32 {
    return i32.add(this.frame.context, i32.shl(i32.load8U(this.frame.slot, field), i32.const(3)));
  }
}
