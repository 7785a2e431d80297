/*
 * What a translated module imports. Everything that is a hart's own comes in this way, so the bytes of a module are the same on all
 * harts, and the host compiles them once.
 *
 * The functions are the interpreter module's (interpreter/translated.ts); one is imported when the first call to it is emitted.
 */

import { FpuOp } from '../fpu/op.ts';
import { type Callable, type Indirect, tailCall } from '../wasm/control.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import type { I32, ResultType, ValType } from '../wasm/node.ts';

/** The most a 32-bit memory can have; any RAM fits in. */
const MAX_WASM_PAGES = 65536;

/** Type of a region: (context, fuel) → cause. */
export const REGION_PARAMS: readonly ValType[] = ['i32', 'i32'];
export const REGION_RESULT = 'i32';

/**
 * The functions by name: parameters, result. All but the last three groups end a region: they are tail-called with all registers
 * written back.
 */
const FUNCTIONS = {
  /** (context, pc, fuel): goes on at pc, translated or not. */
  cold: [['i32', 'i64', 'i32'], 'i32'],
  /** (context, jump, pc, fuel): the same, by the computed jump at an address. */
  jumped: [['i32', 'i64', 'i64', 'i32'], 'i32'],
  /** (context, pc, fuel): has the interpreter execute the instruction at pc, whatever there is. */
  interpret: [['i32', 'i64', 'i32'], 'i32'],
  /** (context, pc, fuel): the fuel does not suffice to go on at pc. */
  refuel: [['i32', 'i64', 'i32'], 'i32'],
  /** (context, pc, fuel): the registers are not what the region at pc assumes of them. */
  unlike: [['i32', 'i64', 'i32'], 'i32'],
  /** (context, pc, fuel, cause): leaves guest code. */
  leave: [['i32', 'i64', 'i32', 'i32'], 'i32'],
  /**
   * (context, pc, fuel, address, window, start): the access at pc is not in the window of its place, in the region at `start`. Mends the
   * window slot and has the interpreter go on.
   */
  stumbleReading: [['i32', 'i64', 'i32', 'i64', 'i32', 'i64'], 'i32'],
  stumbleWriting: [['i32', 'i64', 'i32', 'i64', 'i32', 'i64'], 'i32'],
  stumbleAhead: [['i32', 'i64', 'i32', 'i64', 'i32', 'i64'], 'i32'],
  /** (address): physical address to load so many bytes from, or minus a cause. */
  load1: [['i64'], 'i32'],
  load2: [['i64'], 'i32'],
  load4: [['i64'], 'i32'],
  load8: [['i64'], 'i32'],
  /** (address, value): physical address to store so many bytes to, or minus a cause. */
  store1: [['i64', 'i64'], 'i32'],
  store2: [['i64', 'i64'], 'i32'],
  store4: [['i64', 'i64'], 'i32'],
  store8: [['i64', 'i64'], 'i32'],
  /** (address): physical address for an atomic instruction, or minus a cause. */
  addressToRead: [['i64'], 'i32'],
  addressToWrite: [['i64'], 'i32'],
  /** (operation, a, b, c, rounding): the reference floating-point unit. */
  fpu: [['i32', 'i64', 'i64', 'i64', 'i32'], 'i64'],
  /** Ticks of the clock. */
  time: [[], 'f64'],
} as const satisfies Record<string, readonly [readonly ValType[], ResultType]>;

export type FunctionName = keyof typeof FUNCTIONS;

/** Operations that are inlined for the common case only (float.ts), and called for the others. */
export const OUT_OF_LINE: readonly FpuOp[] = Object.values(FpuOp).filter((op) => op <= FpuOp.NMADD_D);

/** Name of the function (context, a, b, c) → result of such an operation, rounding to nearest. */
export function fpuName(op: FpuOp): string {
  return `fpu${String(op)}`;
}

export class RegionEnvironment {
  readonly module = new ModuleBuilder();
  readonly hartBlock: I32;
  readonly regions: Indirect;
  /** Where in the table of regions this one goes. */
  readonly index: I32;
  /** Offset of the region's first window slot, of those for reading, from the partition's first. */
  readonly slots: I32;
  private readonly bridges = new Map<string, Callable<ResultType>>();

  constructor() {
    this.module.importMemory('ram', 'memory', 1, MAX_WASM_PAGES);
    this.hartBlock = this.module.importGlobal('hart', 'block', 'i32');
    this.index = this.module.importGlobal('region', 'index', 'i32');
    this.slots = this.module.importGlobal('region', 'slots', 'i32');
    this.regions = this.module.importTable('hart', 'regions', REGION_PARAMS, REGION_RESULT);
  }

  /** A function of the interpreter's module. */
  get<N extends FunctionName>(name: N): Callable<(typeof FUNCTIONS)[N][1]> {
    const [params, result] = FUNCTIONS[name];
    return this.bridge(name, params, result);
  }

  fpu(op: FpuOp): Callable<'i64'> {
    return this.bridge(fpuName(op), ['i32', 'i64', 'i64', 'i64'], 'i64');
  }

  /**
   * A function of this module that tail-calls the imported one. A direct call of an import needs addresses that V8 keeps in registers
   * through all loops of the caller; a call within the module needs none.
   */
  private bridge<R extends ResultType>(name: string, params: readonly ValType[], result: R): Callable<R> {
    const known = this.bridges.get(name);
    if (known !== undefined) return known as Callable<R>;
    const imported = this.module.importFunction('interpreter', name, params, result);
    const func = this.module.func(params, result, undefined, name);
    func.body([tailCall(imported, ...params.map((type, position) => func.param(type, position)))]);
    this.bridges.set(name, func);
    return func;
  }
}
