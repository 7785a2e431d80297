/*
 * What an instruction's meaning is written in terms of.
 *
 * A meaning is a function from a Tier to WebAssembly trees. The tier decides how abstract operands become code: the interpreter reads
 * register numbers and immediates from a decoded instruction in RAM and keeps registers in the context; a translator knows the
 * numbers when it emits, and may keep registers in locals. So a meaning must not assume that reading an operand is free of memory
 * accesses, nor that it is one; an operand that is needed twice goes into a `temp`.
 *
 * Rules for meanings: statements run in order; rd is written last, once everything that can trap is done (a trap must leave no trace);
 * `jump`, `branchIf` and `trap` end the instruction.
 */

import type { FpuOp } from '../fpu/op.ts';
import type { Access } from '../mmu.ts';
import type { Cause } from '../trap.ts';
import type { I32, I64, Local, Stmt, ValType } from '../wasm/node.ts';

/** Shape of a guest memory access. */
export type LoadKind = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'i64';
export type StoreKind = '8' | '16' | '32' | '64';

export interface Tier {
  /** Integer source registers, 64 bits. */
  readonly rs1: I64;
  readonly rs2: I64;
  /** Floating-point source registers as bit patterns. */
  readonly fs1: I64;
  readonly fs2: I64;
  readonly fs3: I64;
  /** The immediate, sign-extended: of loads, branches, shifts, … */
  readonly imm: I64;
  /** The immediate's low word: shift amounts, CSR numbers. */
  readonly imm32: I32;
  /** The 5-bit immediate in the place of rs1 (CSRRWI …). */
  readonly uimm: I64;
  /** Address of this instruction, and of the one after it. */
  readonly pc: I64;
  readonly next: I64;
  /** Address of the running context, for the state that is not a register. */
  readonly context: I32;
  /** Instructions this hart's context has retired before this one. */
  readonly instret: I64;
  /** The clock of `rdtime`, in its ticks. */
  readonly time: I64;

  readonly rd: (value: I64) => Stmt;
  readonly fd: (value: I64) => Stmt;
  /** A local for the instruction's own use; its first value is undefined. */
  readonly temp: <T extends ValType>(type: T) => Local<T>;

  /** Guest memory; traps when the address may not be accessed. */
  readonly load: (kind: LoadKind, address: I64) => I64;
  readonly store: (kind: StoreKind, address: I64, value: I64) => Stmt;
  /** Physical address of `size` naturally aligned bytes, for host atomics; traps when misaligned or not accessible. */
  readonly physical: (address: I64, size: 4 | 8, access: Access) => I32;

  /** The rounding mode in force: the instruction's, or frm; traps when it is a reserved one. */
  readonly rounding: I32;
  /** The floating-point unit. Operands and result are bit patterns, unboxed; accrues fflags. */
  readonly fpu: (op: FpuOp, a: I64, b: I64, c: I64, rounding: I32) => I64;

  readonly jump: (target: I64) => Stmt;
  /** Continues at pc + imm when the condition is non-zero, else after this instruction. */
  readonly branchIf: (condition: I32) => Stmt;
  readonly trap: (cause: Cause) => Stmt;
  /** Forgets decoded instructions. */
  readonly flushCode: () => Stmt;
}

export type Meaning = (tier: Tier) => Stmt | readonly Stmt[];
