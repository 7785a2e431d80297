/*
 * A bare hart for tests: RAM, page tables, one context, no kernel.
 */

import { Context, fOffset, NO_RESERVATION, xOffset } from '../../../src/core/context.ts';
import { Cpu, CPU_CACHE_BYTES } from '../../../src/core/cpu.ts';
import { HartBlock } from '../../../src/core/hart-block.ts';
import {
  addressToPte,
  PTE_A,
  PTE_D,
  PTE_R,
  PTE_SIZE,
  PTE_U,
  PTE_V,
  PTE_W,
  PTE_X,
  pteToAddress,
  tableIndex,
} from '../../../src/core/mmu.ts';
import type { JitMode } from '../../../src/core/jit/translations.ts';
import { PAGE_SIZE, Ram } from '../../../src/core/ram.ts';
import type { Cause } from '../../../src/core/trap.ts';
import { enableWasmFeatures } from '../../../src/smp/wasm-features.ts';
import { asm } from './assembler.ts';

export const RAM_BYTES = 32 << 20;
/** Frames that page tables may name. */
export const FRAMES_LOW = 0x20_0000;
/** Below the frames, each hart's own: its context, decode cache and block lie one behind another. */
const HART_BYTES = 0xf_0000;

/** Where programs and data lie, virtually. */
export const CODE = 0x1_0000;
export const DATA = 0x4_0000;

export const ALL = PTE_V | PTE_U | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
export const DATA_FLAGS = PTE_V | PTE_U | PTE_R | PTE_W | PTE_A | PTE_D;

/** How the harts of this test run translate, unless a test says otherwise: the suite runs in both ways (vitest.config.ts). */
export const JIT = (process.env.HARTBEAT_JIT ?? 'off') as JitMode;

/** Arrivals at a place before it is translated on a hot hart of these tests: fewer than elsewhere, so that short loops are. */
const SOON_HOT = 300;

/** The interpreter, plain and counting accesses. */
const modules = new Map<boolean, WebAssembly.Module>();

export class TestHart {
  readonly ram: Ram;
  readonly cpu: Cpu;
  readonly hartBlock: number;
  readonly context: number;
  readonly asid: number;
  root: number;
  private frontier: number;
  /** The clock that rdtime reads, in nanoseconds. */
  clock = (): number => 0;

  /** @param beside another hart whose RAM to share */
  constructor(beside?: TestHart, jit = JIT, countAccesses = false) {
    this.ram = beside?.ram ?? Ram.allocate(RAM_BYTES);
    // Each hart has the lower or upper half of what is below the frames, and of the frames.
    const half = beside === undefined ? 0 : 1;
    this.context = PAGE_SIZE + half * HART_BYTES;
    const cache = this.context + PAGE_SIZE;
    this.hartBlock = cache + CPU_CACHE_BYTES;
    this.frontier = FRAMES_LOW + half * (RAM_BYTES / 2);
    this.asid = 5 + half;
    enableWasmFeatures();
    const module = modules.get(countAccesses) ?? Cpu.compile(countAccesses);
    modules.set(countAccesses, module);
    const frames = { low: FRAMES_LOW, high: RAM_BYTES };
    this.cpu = new Cpu(this.ram, this.hartBlock, cache, module, frames, () => this.clock(), jit, countAccesses);
    if (jit === 'hot') HartBlock.heatLimit.set(this.ram, this.hartBlock, SOON_HOT);
    this.root = beside?.root ?? this.frame();
    this.cpu.activate(this.root, this.asid);
    Context.reservation.set(this.ram, this.context, NO_RESERVATION);
  }

  /** A fresh zeroed frame. */
  frame(): number {
    const address = this.frontier;
    this.frontier += PAGE_SIZE;
    this.ram.fill(address, PAGE_SIZE);
    return address;
  }

  /** Address of the leaf entry for `va` at `level`, making tables on the way. */
  entry(va: number, level = 0, root = this.root): number {
    let table = root;
    for (let l = 2; l > level; l--) {
      const slot = table + tableIndex(va, l) * PTE_SIZE;
      if ((this.ram.u32[slot >>> 2]! & PTE_V) === 0) this.writePte(slot, addressToPte(this.frame(), PTE_V));
      table = pteToAddress(this.ram.u32[slot >>> 2]!);
    }
    return table + tableIndex(va, level) * PTE_SIZE;
  }

  writePte(slot: number, lo: number, hi = 0): void {
    this.ram.u32[slot >>> 2] = lo;
    this.ram.u32[(slot + 4) >>> 2] = hi;
  }

  /** Maps one page to `physical`, by default a new frame; returns the physical address. */
  map(va: number, flags = ALL, physical = this.frame(), root = this.root): number {
    this.writePte(this.entry(va, 0, root), addressToPte(physical, flags));
    return physical;
  }

  flags(va: number, level = 0): number {
    return this.ram.u32[this.entry(va, level) >>> 2]! & 0xff;
  }

  /** Physical address by the page tables alone. */
  physical(va: number): number {
    return pteToAddress(this.ram.u32[this.entry(va) >>> 2]!) + (va % PAGE_SIZE);
  }

  /** Puts words at CODE (mapping it if need be), an `ecall` behind them, sets pc. */
  program(...words: number[]): this {
    return this.programAt(CODE, words);
  }

  programAt(va: number, words: readonly number[]): this {
    this.halves(
      va,
      [...words, asm('ecall')].flatMap((w) => [w & 0xffff, w >>> 16]),
    );
    this.pc = va;
    return this;
  }

  /** Puts 16-bit parcels at `va`, forgetting decoded ones. */
  halves(va: number, parcels: readonly number[]): void {
    parcels.forEach((half, index) => {
      const at = va + 2 * index;
      if ((this.ram.u32[this.entry(at) >>> 2]! & PTE_V) === 0) this.map(at);
      this.ram.u16[this.physical(at) >>> 1] = half;
    });
    this.cpu.flushCode();
  }

  run(budget = 100_000): Cause {
    return this.cpu.run(this.context, budget);
  }

  /** Runs one instruction. */
  step(): Cause {
    return this.run(1);
  }

  get pc(): number {
    return Context.pc.get(this.ram, this.context);
  }
  set pc(value: number) {
    Context.pc.set(this.ram, this.context, value);
  }
  get fcsr(): number {
    return Context.fcsr.get(this.ram, this.context);
  }
  set fcsr(value: number) {
    Context.fcsr.set(this.ram, this.context, value);
  }
  get instret(): number {
    return Context.instret.get(this.ram, this.context);
  }
  get trapValue(): bigint {
    return this.u64(HartBlock.trapValue.addr(this.hartBlock));
  }
  ring(bits: number): void {
    Atomics.store(this.ram.i32, HartBlock.doorbell.addr(this.hartBlock) >>> 2, bits);
  }

  /** What a program can tell two harts apart by, beside memory and floating-point registers. */
  state(): { x: bigint[]; pc: number; instret: number; value: bigint } {
    const x = Array.from({ length: 32 }, (_, n) => this.x(n));
    return { x, pc: this.pc, instret: this.instret, value: this.trapValue };
  }

  x(n: number): bigint {
    return this.u64(this.context + xOffset(n));
  }
  setX(n: number, value: bigint): void {
    this.setU64(this.context + xOffset(n), value);
  }
  f(n: number): bigint {
    return this.u64(this.context + fOffset(n));
  }
  setF(n: number, value: bigint): void {
    this.setU64(this.context + fOffset(n), value);
  }

  /** Unsigned 64 bits at a physical address, of any alignment. */
  u64(address: number): bigint {
    let value = 0n;
    for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(this.ram.u8[address + i]!);
    return value;
  }
  setU64(address: number, value: bigint): void {
    for (let i = 0; i < 8; i++) this.ram.u8[address + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
}
