/*
 * What the interpreter's module imports: the RAM, where this hart's block and decode cache lie, and the slow paths in JS.
 *
 * The module is the same for all harts; only these imports differ. Addresses that may be any 64 bits cross as two words.
 */

import { ModuleBuilder } from '../wasm/module.ts';
import { REGION_PARAMS, REGION_RESULT } from '../jit/environment.ts';
import type { Callable, Indirect } from '../wasm/control.ts';
import type { I32 } from '../wasm/node.ts';

/** The JS side, see cpu.ts. Where a cause is returned, 0 means success; where an address, a negative number is minus the cause. */
export interface SlowPaths extends Record<string, unknown> {
  /** Decodes the instruction at a pc into its slot; returns a cause. */
  fetch(lo: number, hi: number): number;
  /** Physical address of the operand of a load, which is a copy if it crosses pages. */
  load(lo: number, hi: number, size: number): number;
  /** Physical address to store to; if the operand crosses pages, it has been stored and the address is that of a scratch place. */
  store(lo: number, hi: number, size: number, valueLo: number, valueHi: number): number;
  /** Physical address for an access. */
  translate(lo: number, hi: number, access: number): number;
  /** One floating-point operation; accrues flags in the running context. */
  fpu(op: number, a: bigint, b: bigint, c: bigint, rounding: number): bigint;
  /** Ticks of the clock. */
  time(): number;
  flushCode(): void;
  /** Enters the translated region that begins at a pc into the entry cache, if there is to be one: 1. */
  request(lo: number, hi: number, context: number): number;
  /** The region that begins at a pc had better look up the TLB for each access. */
  bePatient(lo: number, hi: number): void;
  /** The registers of a context are not what the region that begins at a pc assumes of them. */
  beWary(lo: number, hi: number, context: number): void;
  /** Notes that the computed jump at a pc goes to an address. */
  noteJump(fromLo: number, fromHi: number, toLo: number, toHi: number): void;
}

export interface Environment {
  readonly module: ModuleBuilder;
  /** Whether accesses to memory are counted. */
  readonly countAccesses: boolean;
  readonly hartBlock: I32;
  readonly decodeCache: I32;
  readonly fetch: Callable<'i32'>;
  readonly load: Callable<'i32'>;
  readonly store: Callable<'i32'>;
  readonly translate: Callable<'i32'>;
  readonly fpu: Callable<'i64'>;
  readonly time: Callable<'f64'>;
  readonly flushCode: Callable<'void'>;
  readonly request: Callable<'i32'>;
  readonly bePatient: Callable<'void'>;
  readonly beWary: Callable<'void'>;
  readonly noteJump: Callable<'void'>;
  /** The hart's translated regions. */
  readonly regions: Indirect;
}

/** The most a 32-bit memory can have; any RAM fits in. */
const MAX_WASM_PAGES = 65536;

/** A module with the imports declared. */
export function importEnvironment(countAccesses: boolean): Environment {
  const module = new ModuleBuilder();
  module.importMemory('ram', 'memory', 1, MAX_WASM_PAGES);
  const from = 'slow';
  return {
    module,
    countAccesses,
    hartBlock: module.importGlobal('hart', 'block', 'i32'),
    decodeCache: module.importGlobal('hart', 'decodeCache', 'i32'),
    fetch: module.importFunction(from, 'fetch', ['i32', 'i32'], 'i32'),
    load: module.importFunction(from, 'load', ['i32', 'i32', 'i32'], 'i32'),
    store: module.importFunction(from, 'store', ['i32', 'i32', 'i32', 'i32', 'i32'], 'i32'),
    translate: module.importFunction(from, 'translate', ['i32', 'i32', 'i32'], 'i32'),
    fpu: module.importFunction(from, 'fpu', ['i32', 'i64', 'i64', 'i64', 'i32'], 'i64'),
    time: module.importFunction(from, 'time', [], 'f64'),
    flushCode: module.importFunction(from, 'flushCode', [], 'void'),
    request: module.importFunction(from, 'request', ['i32', 'i32', 'i32'], 'i32'),
    bePatient: module.importFunction(from, 'bePatient', ['i32', 'i32'], 'void'),
    beWary: module.importFunction(from, 'beWary', ['i32', 'i32', 'i32'], 'void'),
    noteJump: module.importFunction(from, 'noteJump', ['i32', 'i32', 'i32', 'i32'], 'void'),
    regions: module.importTable('hart', 'regions', REGION_PARAMS, REGION_RESULT),
  };
}
