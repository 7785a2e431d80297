/*
 * One hart's CPU: runs the guest code of a context until something needs the kernel.
 *
 * The work is done by the interpreter (interpreter/loop.ts), one WebAssembly module for all harts; here are its slow paths: TLB misses,
 * accesses across pages, decoding, floating point. State lies in RAM (the hart block, the caches, the context); what this object
 * keeps beside it can be made anew from there, after a flush.
 *
 * User mode only: whatever is privileged is an illegal instruction.
 */

import { Context } from './context.ts';
import { DecodeCache } from './decode-cache.ts';
import { SoftFloat } from './fpu/soft.ts';
import type { FpuOp } from './fpu/op.ts';
import { DECODE_CACHE_BYTES, HartBlock, MAX_ASID } from './hart-block.ts';
import type { SlowPaths } from './interpreter/environment.ts';
import { emitInterpreter } from './interpreter/loop.ts';
import { Decoded, isLong } from './isa/decode.ts';
import { DecodeMemo } from './decode-memo.ts';
import { ComputedJumps } from './jit/computed-jumps.ts';
import { ENTRY_CACHE_BYTES, EntryCache } from './jit/entry-cache.ts';
import { type JitMode, MAX_REGIONS, THRESHOLDS, Translations } from './jit/translations.ts';
import { Access, type FrameLimit, Walk, Walker } from './mmu.ts';
import { PAGE_SIZE, type Ram } from './ram.ts';
import { Tlb } from './tlb.ts';
import { Cause } from './trap.ts';

/** `rdtime` counts at 10 MHz. */
const NANOSECONDS_PER_TICK = 100;

/** The upper word of a user address is below this: user addresses have 38 bits. */
const USER_HIGH = 1 << 6;

const TWO_32 = 2 ** 32;

/** RAM that a CPU needs for its caches. */
export const CPU_CACHE_BYTES = DECODE_CACHE_BYTES + ENTRY_CACHE_BYTES;

type Run = (context: number, budget: number) => Cause;

export class Cpu {
  private enter: Run;
  private translations: Translations;
  private readonly jumps = new ComputedJumps();
  private readonly tlb: Tlb;
  private readonly decodeCache: DecodeCache;
  private readonly entries: EntryCache;
  private readonly walker: Walker;
  private readonly decoded = new Decoded();
  private readonly memo = new DecodeMemo();
  private readonly soft = new SoftFloat();
  private root = 0;
  private context = 0;

  /** Called when the guest has executed FENCE.I, after this hart has forgotten its code: tells the others. */
  onFence: () => void = () => undefined;

  /** Compiles the interpreter: once, on any thread; the module can be sent to the others. */
  static compile(countAccesses = false): WebAssembly.Module {
    return new WebAssembly.Module(emitInterpreter(countAccesses));
  }

  /**
   * @param hartBlock physical address of this hart's HartBlock
   * @param caches physical address of CPU_CACHE_BYTES of RAM
   * @param frameLimit physical addresses that page tables may name; others are access faults
   * @param time the clock that `rdtime` shows, in nanoseconds
   * @param jit whether and when code is translated
   * @param countAccesses whether translated code counts its accesses to memory; `module` has to do as well
   */
  constructor(
    private readonly ram: Ram,
    private readonly hartBlock: number,
    private readonly caches: number,
    private readonly module: WebAssembly.Module,
    frameLimit: FrameLimit,
    private readonly time: () => number,
    private readonly jit: JitMode = 'off',
    private readonly countAccesses = false,
  ) {
    this.walker = new Walker(ram, frameLimit);
    this.tlb = new Tlb(ram, hartBlock, this.walker);
    this.decodeCache = new DecodeCache(ram, hartBlock, caches);
    this.entries = new EntryCache(ram, hartBlock, caches + DECODE_CACHE_BYTES);
    HartBlock.heatLimit.set(ram, hartBlock, THRESHOLDS[jit]);
    ({ enter: this.enter, translations: this.translations } = this.instantiate());
  }

  /**
   * Makes an instance of the interpreter and a table of regions, which is empty. V8 keeps every instance that has ever been put into a
   * table as long as the table lives: what becomes of given up regions goes with their table, when this is done again between two runs.
   */
  private instantiate(): { enter: Run; translations: Translations } {
    const { ram, hartBlock, module, caches, time, jumps } = this;
    const fpu = (op: number, a: bigint, b: bigint, c: bigint, rounding: number): bigint =>
      this.fpu(op as FpuOp, a, b, c, rounding);
    const ticks = (): number => Math.floor(time() / NANOSECONDS_PER_TICK);
    const slow: SlowPaths = {
      fetch: (lo, hi) => this.fetch(lo, hi),
      load: (lo, hi, size) => this.load(lo, hi, size),
      store: (lo, hi, size, valueLo, valueHi) => this.store(lo, hi, size, valueLo, valueHi),
      translate: (lo, hi, access) => this.translate(lo, hi, access),
      fpu,
      time: ticks,
      flushCode: () => {
        this.flushCode();
        this.onFence();
      },
      request: (lo, hi, context) => (this.translations.request(lo, hi, context) ? 1 : 0),
      bePatient: (lo, hi) => {
        this.translations.bePatient(lo, hi);
      },
      beWary: (lo, hi, context) => {
        this.translations.beWary(lo, hi, context);
      },
      noteJump: (fromLo, fromHi, toLo, toHi) => {
        if (toHi >>> 0 < USER_HIGH) jumps.record(fromHi * TWO_32 + (fromLo >>> 0), toHi * TWO_32 + (toLo >>> 0));
      },
    };
    const regions = new WebAssembly.Table({ element: 'anyfunc', initial: MAX_REGIONS });
    const hart = {
      block: new WebAssembly.Global({ value: 'i32' }, hartBlock),
      decodeCache: new WebAssembly.Global({ value: 'i32' }, caches),
      regions,
    };
    const imports = { ram: { memory: ram.memory }, hart, slow };
    const { exports } = new WebAssembly.Instance(module, imports);
    const translations = new Translations(
      ram,
      hartBlock,
      this.entries,
      this.memo,
      regions,
      { ...imports, interpreter: { ...exports, fpu, time: ticks } },
      (pc) => this.codeAt(pc),
      (pc) => this.placeOfCode(pc),
      jumps,
      (pc) => this.decodeCache.has(pc >>> 0, Math.floor(pc / TWO_32)),
      this.jit,
      time,
      this.countAccesses,
    );
    return { enter: exports.run as Run, translations };
  }

  /**
   * Makes an address space the current one. What is cached of it stays: the decode cache is tagged with the ASID, and a partition of
   * the TLB is flushed only when another space has had it since.
   *
   * @param root physical address of the root page table
   * @param asid at most MAX_ASID
   */
  activate(root: number, asid: number): void {
    if (asid > MAX_ASID) throw new RangeError(`ASID ${String(asid)} is above ${String(MAX_ASID)}`);
    this.root = root;
    HartBlock.root.set(this.ram, this.hartBlock, root);
    HartBlock.asid.set(this.ram, this.hartBlock, asid);
    this.tlb.activate(asid);
    this.decodeCache.activate(asid);
    this.entries.activate(asid);
  }

  /**
   * Runs a context until it traps, its budget of instructions is used up, or the doorbell rings. The context is precise afterwards: pc is
   * that of the instruction that trapped or comes next. HartBlock.trapValue has the address of a fault, or the bits of an illegal
   * instruction.
   *
   * @param context physical address of a Context
   * @param budget instructions, below 2^31
   */
  run(context: number, budget: number): Cause {
    this.context = context;
    if (this.translations.areWorn) {
      this.entries.flush();
      ({ enter: this.enter, translations: this.translations } = this.instantiate());
    }
    const cause = this.enter(context, budget);
    if (cause === Cause.IllegalInstruction) this.recordInstruction();
    return cause;
  }

  /** Forgets all translations and decoded instructions of this hart. */
  flushTlb(): void {
    this.tlb.flush();
    this.flushCode();
  }

  /** Forgets an address space's translations of addresses; not its code, for which nothing executable may have changed. */
  flushAsid(asid: number): void {
    this.tlb.flushAsid(asid);
  }

  /** Forgets what has been made of an address space's code. */
  flushCodeOf(asid: number): void {
    this.decodeCache.flushAsid(asid);
    this.entries.flushAsid(asid);
  }

  /** Forgets the instructions in one page of an address space, and its translation among those of the space. */
  flushPage(asid: number, va: number): void {
    this.tlb.flushAsid(asid);
    this.decodeCache.flushPage(asid, va);
    this.entries.flushAsid(asid);
  }

  /** Forgets decoded instructions: FENCE.I, on this hart alone. */
  flushCode(): void {
    this.decodeCache.flush();
    this.entries.flush();
  }

  private setTrapValue(lo: number, hi: number): void {
    const at = HartBlock.trapValue.addr(this.hartBlock) >>> 2;
    this.ram.u32[at] = lo;
    this.ram.u32[at + 1] = hi;
  }

  /** Walks the page tables and fills the TLB; returns the physical address, or minus the cause with trapValue set. */
  private translate(lo: number, hi: number, access: Access): number {
    const misses = HartBlock.tlbMisses;
    misses.set(this.ram, this.hartBlock, misses.get(this.ram, this.hartBlock) + 1);
    const outcome = this.walker.walk(this.root, lo, hi, access);
    if (outcome === Walk.Mapped) {
      this.tlb.fill(lo, hi, this.walker.page, this.walker.flags);
      return this.walker.page + (lo & (PAGE_SIZE - 1));
    }
    this.setTrapValue(lo, hi);
    return -(outcome === Walk.PageFault ? pageFault(access) : accessFault(access));
  }

  private load(lo: number, hi: number, size: number): number {
    const first = this.translate(lo, hi, Access.Read);
    const inFirst = PAGE_SIZE - (lo & (PAGE_SIZE - 1));
    if (first < 0 || size <= inFirst) return first;
    const second = this.translate(lo + inFirst, carry(lo, hi, inFirst), Access.Read);
    if (second < 0) return second;
    const { u8 } = this.ram;
    const scratch = HartBlock.scratch.addr(this.hartBlock);
    for (let i = 0; i < size; i++) u8[scratch + i] = u8[i < inFirst ? first + i : second + i - inFirst]!;
    return scratch;
  }

  private store(lo: number, hi: number, size: number, valueLo: number, valueHi: number): number {
    const first = this.translate(lo, hi, Access.Write);
    const inFirst = PAGE_SIZE - (lo & (PAGE_SIZE - 1));
    if (first < 0 || size <= inFirst) return first;
    const second = this.translate(lo + inFirst, carry(lo, hi, inFirst), Access.Write);
    if (second < 0) return second;
    const { u8 } = this.ram;
    for (let i = 0; i < size; i++) {
      u8[i < inFirst ? first + i : second + i - inFirst] = (i < 4 ? valueLo : valueHi) >>> (8 * (i & 3));
    }
    return HartBlock.scratch.addr(this.hartBlock);
  }

  /** Physical address of the halfword of code at (lo, hi), or minus the cause. */
  private translateCode(lo: number, hi: number): number {
    if (hi >>> 0 >= USER_HIGH) {
      this.setTrapValue(lo, hi);
      return -Cause.InstructionPageFault;
    }
    const known = this.tlb.execute(lo, hi);
    return known >= 0 ? known : this.translate(lo, hi, Access.Execute);
  }

  /** The halfword of code at a pc, without a trace in the page tables; −1 when it could not be executed without one. */
  private codeAt(pc: number): number {
    const place = this.placeOfCode(pc);
    return place < 0 ? -1 : this.ram.u16[place >>> 1]!;
  }

  /** Physical address of the code at a pc, without a trace in the page tables; −1 when it could not be executed without one. */
  private placeOfCode(pc: number): number {
    const lo = pc >>> 0;
    const hi = Math.floor(pc / TWO_32);
    if (pc < 0 || hi >= USER_HIGH) return -1;
    const known = this.tlb.execute(lo, hi);
    if (known >= 0) return known;
    if (this.walker.walk(this.root, lo, hi, Access.Execute, false) !== Walk.Mapped) return -1;
    return this.walker.page + (lo & (PAGE_SIZE - 1));
  }

  private fetch(lo: number, hi: number): number {
    const misses = HartBlock.decodeMisses;
    misses.set(this.ram, this.hartBlock, misses.get(this.ram, this.hartBlock) + 1);
    const cause = this.decode(lo, hi);
    if (cause !== 0) return cause;
    this.decodeCache.fill(lo, hi, this.decoded);
    return 0;
  }

  /** Decodes the instruction at (lo, hi) into `decoded`; returns a cause. */
  private decode(lo: number, hi: number): number {
    const { u16 } = this.ram;
    const first = this.translateCode(lo, hi);
    if (first < 0) return -first;
    const half = u16[first >>> 1]!;
    if (!isLong(half)) {
      this.memo.decode(half, this.decoded);
      return 0;
    }
    let second = first + 2;
    if ((second & (PAGE_SIZE - 1)) === 0) {
      second = this.translateCode(lo + 2, carry(lo, hi, 2));
      if (second < 0) return -second;
    }
    this.memo.decode((u16[second >>> 1]! << 16) | half, this.decoded);
    return 0;
  }

  /** Puts the bits of the instruction at the context's pc into trapValue, as an illegal instruction trap has them. */
  private recordInstruction(): void {
    const { ram } = this;
    const at = Context.pc.addr(this.context) >>> 2;
    const lo = ram.u32[at]!;
    const hi = ram.u32[at + 1]!;
    const first = this.translateCode(lo, hi);
    let bits = first < 0 ? 0 : ram.u16[first >>> 1]!;
    if (isLong(bits)) {
      const second = (first + 2) & (PAGE_SIZE - 1) ? first + 2 : this.translateCode(lo + 2, carry(lo, hi, 2));
      bits |= second < 0 ? 0 : ram.u16[second >>> 1]! << 16;
    }
    this.setTrapValue(bits, 0);
  }

  private fpu(op: FpuOp, a: bigint, b: bigint, c: bigint, rounding: number): bigint {
    const { soft, ram } = this;
    soft.flags = 0;
    const result = soft.execute(op, a, b, c, rounding);
    ram.u32[Context.fcsr.addr(this.context) >>> 2]! |= soft.flags;
    return result;
  }
}

/** Upper word of (lo, hi) + addend. */
function carry(lo: number, hi: number, addend: number): number {
  return (lo >>> 0) + addend >= 2 ** 32 ? hi + 1 : hi;
}

function pageFault(access: Access): Cause {
  if (access === Access.Read) return Cause.LoadPageFault;
  return access === Access.Write ? Cause.StorePageFault : Cause.InstructionPageFault;
}

function accessFault(access: Access): Cause {
  if (access === Access.Read) return Cause.LoadAccessFault;
  return access === Access.Write ? Cause.StoreAccessFault : Cause.InstructionAccessFault;
}
