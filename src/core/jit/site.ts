/*
 * What the parts of the translator see of the tier they work for: the place in the region that is being emitted, and what can be done there.
 */

import type { FpuOp } from '../fpu/op.ts';
import type { FpuSite } from '../fpu/fast.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import type { RegionEnvironment } from './environment.ts';
import type { Exits } from './exits.ts';
import type { Here } from './here.ts';
import type { Region } from './region.ts';

/** For accesses to memory. */
export interface MemorySite {
  readonly env: RegionEnvironment;
  readonly func: FunctionBuilder<'i32'>;
  readonly region: Region;
  readonly exits: Exits;
  readonly here: Here;
  /** The instruction, and its address. */
  readonly index: number;
  readonly pcNumber: number;
  /** Of the access: slot and value of the base register, the offset from it. */
  readonly baseSlot: number;
  readonly rs1: I64;
  readonly offset: number;
  /** Whether the region looks up the TLB for each access. */
  readonly patient: boolean;
  readonly temp: FpuSite['temp'];
  /** Makes the fuel exact on a way out of the block. */
  commit(): Stmt[];
  setTrapValue(value: I64): Stmt;
  /** Leaves guest code at the instruction, which has not retired. */
  leave(cause: I32): Stmt;
  /** The same if a physical address is minus a cause. */
  leaveIfFault(pa: Local<'i32'>): Stmt;
}

/** For floating-point arithmetic. */
export interface FloatSite extends FpuSite {
  /** See tier.ts. */
  readonly limit: Local<'i32'>;
  readonly inexactKnown: I32;
  /** An operation called instead of inlined, rounding to nearest. */
  outOfLine(op: FpuOp, a: I64, b: I64, c: I64): I64;
}
