/*
 * The translated regions of one hart: found by where they begin, made when they are wanted, dropped when there are too many.
 *
 * A translation depends on nothing but the bytes that it was made from and their virtual addresses. It keeps a copy of those bytes. The
 * entry cache finds it for a space once they have been compared with what the space has in memory, page by page as it may be executed;
 * whenever the code of the space may have changed, its entries go, and the comparison is made anew. So a stale
 * translation is not run: it is not found, and what is the same again (another process of the same program, a page that
 * came back) needs no new one.
 *
 * A region with a computed jump is made anew, with what is known of its targets by then, when one that it has not taken in is to be
 * translated: the first few times. A place that it has now is left to it.
 *
 * When the bound is reached, those that have not been entered since the last time go; all, if that is not enough.
 */

import { F_SLOT, xOffset } from '../context.ts';
import type { DecodeMemo } from '../decode-memo.ts';
import { isLong } from '../isa/decode.ts';
import { HartBlock, WINDOW_SLOTS, WindowSlot } from '../hart-block.ts';
import { PAGE_SIZE, type Ram } from '../ram.ts';
import { emitRegion } from './emit.ts';
import { type ComputedJumps, NO_JUMPS } from './computed-jumps.ts';
import { type EntryCache, NEVER_HOT } from './entry-cache.ts';
import { Flow } from './operation.ts';
import { type CodeRange, type CodeReader, findRegion, type Region } from './region.ts';
import { Level } from './word.ts';
import { Words } from './words.ts';

/** Whether and when code is translated: never, when it has become hot, or the first time it is reached. */
export const JIT_MODES = ['off', 'hot', 'always'] as const;
export type JitMode = (typeof JIT_MODES)[number];

/** Most regions of a hart: V8 keeps some kilobytes for each module. */
export const MAX_REGIONS = 1024;

/**
 * Times that the interpreter comes to a place before it is translated. Translating an instruction takes as long as interpreting a few
 * thousand: code that has not run so often so far is not worth it.
 */
export const THRESHOLDS: Readonly<Record<JitMode, number>> = { off: NEVER_HOT, hot: 4000, always: 1 };

/** So many translations made, given up or not, are enough for a table: it keeps what V8 has of each (Cpu.renew). */
const MOST_MADE = 2 * MAX_REGIONS;

/** Heat of what is no use translating: not asked again for a long while. */
const REFUSED = -0x4000_0000;

/** Times that a region is made anew. */
const MAX_REMAKES = 5;

/** Times that the registers at the entry of a region may refute what it assumes of them; after that it assumes nothing. */
const MAX_REFUTED = 1;

/**
 * A place behind a call has to be hot for so many times longer: mostly the loop or function around it is hot as well by then, of whose
 * region it becomes a part.
 */
const POSTPONED_BY = 2;
const MAX_POSTPONED = 4096;

/** Opcodes of calls. */
const [JAL, JALR, C_JALR] = [0x6f, 0x67, 0x9002];

const TWO_32 = 2 ** 32;

/** What a module of a region is instantiated with; see environment.ts. */
export type RegionImports = Record<string, Record<string, unknown>>;

interface Translation {
  readonly start: number;
  /** In the table of regions. */
  readonly index: number;
  readonly ranges: readonly CodeRange[];
  /** What lay in the ranges, halfword by halfword. */
  readonly code: Uint16Array;
  /** Its computed jumps with the targets that were known of each. */
  readonly computed: ReadonlyMap<number, readonly number[]>;
  /** Targets of them that it has. */
  readonly cases: ReadonlySet<number>;
  /** What may be assumed of the registers at its entry, and how often that has been too much. */
  readonly hopes: Words;
  refuted: number;
  /** Entered since the last clearing. */
  used: boolean;
}

/** What the host takes for compiling, in nanoseconds of any clock. */
type Clock = () => number;

export class Translations {
  private readonly byStart = new Map<number, Translation[]>();
  private readonly free: number[] = [];
  /** Translations made so far. */
  private made = 0;
  /** Window slots given out to regions since it began with the first. */
  private nextSlot = 0;
  /** Where calls return to that has been hot once. */
  private readonly postponed = new Set<number>();
  /** Where regions begin that are to be patient. */
  private readonly patient = new Set<number>();
  /** Times that the region at a start has been made anew. */
  private readonly remakes = new Map<number, number>();

  constructor(
    private readonly ram: Ram,
    private readonly hartBlock: number,
    private readonly entries: EntryCache,
    private readonly memo: DecodeMemo,
    /** The table of regions, of MAX_REGIONS. */
    private readonly table: WebAssembly.Table,
    private readonly imports: RegionImports,
    private readonly readCode: CodeReader,
    /** Where in RAM the code at a pc lies, −1 where nothing may be executed: good for its page. */
    private readonly placeOfCode: (pc: number) => number,
    private readonly jumps: ComputedJumps,
    /** Whether the instruction at a pc has been executed lately: what has not is not worth translating. */
    private readonly isUsed: (pc: number) => boolean,
    private readonly mode: JitMode,
    private readonly clock: Clock,
    readonly countAccesses: boolean,
  ) {
    for (let index = MAX_REGIONS - 1; index >= 0; index--) this.free.push(index);
  }

  /** Whether it is time to begin anew, with a new table. */
  get areWorn(): boolean {
    return this.made >= MOST_MADE;
  }

  /**
   * Enters the region that begins at pc (lo, hi) of the active space; returns whether there is one now.
   *
   * @param context the registers, as they are at pc
   */
  request(lo: number, hi: number, context: number): boolean {
    const pc = (hi >>> 0) * TWO_32 + (lo >>> 0);
    let translation = this.mode === 'off' ? undefined : this.find(pc);
    if (translation === undefined && this.takeIntoOthers(pc)) {
      this.entries.setHeat(lo, 0);
      return false;
    }
    if (translation === undefined && this.mode === 'hot' && this.isBehindCall(pc) && !this.postponed.has(pc)) {
      this.postpone(pc);
      this.entries.setHeat(lo, -POSTPONED_BY * THRESHOLDS.hot);
      return false;
    }
    translation ??= this.mode === 'off' ? undefined : this.translate(pc, { hopes: this.hopesOf(context), refuted: 0 });
    if (translation === undefined) {
      this.entries.setHeat(lo, REFUSED);
      return false;
    }
    this.enter(translation);
    return true;
  }

  /** Whether a call returns to pc. */
  private isBehindCall(pc: number): boolean {
    return this.linksAt(pc - 4) || this.linksAt(pc - 2);
  }

  /** Whether a jump that keeps a link in ra stands at pc, as far as can be told from the bits. */
  private linksAt(pc: number): boolean {
    const low = this.readCode(pc);
    if (low < 0) return false;
    if (!isLong(low)) return (low & 0xf07f) === C_JALR;
    const opcode = low & 0x7f;
    return (opcode === JAL || opcode === JALR) && ((low >>> 7) & 31) === 1;
  }

  private postpone(pc: number): void {
    if (this.postponed.size >= MAX_POSTPONED) this.postponed.clear();
    this.postponed.add(pc);
  }

  /** Translates the region that begins at pc (lo, hi) anew when it is next requested: it stumbles too often (memory.ts). */
  bePatient(lo: number, hi: number): void {
    const pc = (hi >>> 0) * TWO_32 + (lo >>> 0);
    if (this.patient.has(pc)) return;
    this.patient.add(pc);
    this.entries.flush();
    for (const { index } of this.byStart.get(pc) ?? []) this.release(index);
    this.byStart.delete(pc);
  }

  /** Translates the region that begins at pc anew, without the assumptions that the registers of a context refute (word-flow.ts). */
  beWary(lo: number, hi: number, context: number): void {
    const pc = (hi >>> 0) * TWO_32 + (lo >>> 0);
    const translation = this.find(pc);
    if (translation === undefined) return;
    translation.refuted++;
    if (translation.refuted > MAX_REFUTED) translation.hopes.meet(Words.all(Level.Any));
    translation.hopes.meet(this.hopesOf(context));
    this.remake(translation);
  }

  /** What may be assumed of registers that are such now: that they hold words again, but not that these are positive again. */
  private hopesOf(context: number): Words {
    const hopes = Words.all(Level.Word);
    const { i32 } = this.ram;
    for (let slot = 1; slot < F_SLOT; slot++) {
      const at = (context + xOffset(slot)) >>> 2;
      hopes.refute(slot, i32[at]!, i32[at + 1]!);
    }
    return hopes;
  }

  /** Puts a new one in the place of a translation. */
  private remake(translation: Translation): Translation | undefined {
    this.drop((other) => other === translation);
    this.entries.remove(translation.index);
    return this.translate(translation.start, translation);
  }

  private enter(translation: Translation): void {
    const { start } = translation;
    translation.used = true;
    this.entries.enter(start >>> 0, Math.floor(start / TWO_32), translation.index);
  }

  /** Makes those regions anew that jump to pc, by computed jumps, without having known of it; returns whether one has it now. */
  private takeIntoOthers(pc: number): boolean {
    let taken = false;
    for (const list of [...this.byStart.values()]) {
      for (const translation of list) {
        if (!this.lacks(translation, pc) || !this.isCurrent(translation)) continue;
        const { start } = translation;
        const count = this.remakes.get(start) ?? 0;
        if (count >= MAX_REMAKES) continue;
        this.remakes.set(start, count + 1);
        const anew = this.remake(translation);
        if (anew === undefined) continue;
        this.enter(anew);
        // What has made the others nearly hot is over.
        for (const other of anew.cases) this.entries.setHeat(other >>> 0, 0);
        if (anew.cases.has(pc)) taken = true;
      }
    }
    return taken;
  }

  /** Whether a region has pc as a target of a computed jump: then one that begins there need not have the rest once more. */
  private isTakenIn(pc: number): boolean {
    for (const list of this.byStart.values()) {
      for (const translation of list) if (translation.cases.has(pc) && this.isCurrent(translation)) return true;
    }
    return false;
  }

  /** Whether pc has become a target of one of its jumps since it was made. */
  private lacks({ computed }: Translation, pc: number): boolean {
    for (const [jump, known] of computed) if (!known.includes(pc) && this.jumps.targetsOf(jump).includes(pc)) return true;
    return false;
  }

  /** One whose code is what lies in memory now. */
  private find(pc: number): Translation | undefined {
    const list = this.byStart.get(pc);
    if (list === undefined) return undefined;
    for (const translation of list) if (this.isCurrent(translation)) return translation;
    return undefined;
  }

  private isCurrent({ ranges, code }: Translation): boolean {
    const { u16 } = this.ram;
    let at = 0;
    for (const { start, end } of ranges) {
      for (let pc = start; pc < end;) {
        const place = this.placeOfCode(pc);
        if (place < 0) return false;
        const stop = Math.min(end, pc - (pc % PAGE_SIZE) + PAGE_SIZE);
        for (let from = place >>> 1; pc < stop; pc += 2) if (u16[from++] !== code[at++]) return false;
      }
    }
    return true;
  }

  private translate(pc: number, { hopes, refuted }: Pick<Translation, 'hopes' | 'refuted'>): Translation | undefined {
    const began = this.clock();
    const jumps = this.isTakenIn(pc) ? NO_JUMPS : this.jumps;
    const region = findRegion(pc, this.readCode, this.memo, jumps, this.mode === 'hot' ? this.isUsed : undefined);
    if (region.size === 0 || region.flow(0) === Flow.Stop) return undefined;
    region.patient = this.patient.has(pc);
    region.hopes = hopes;
    if (this.free.length === 0) this.makeRoom();
    const index = this.free.pop()!;
    this.made++;
    const { bytes, slots } = emitRegion(region, this);
    const module = new WebAssembly.Module(bytes);
    new WebAssembly.Instance(module, { ...this.imports, region: { index, slots: this.takeSlots(slots) } });
    const ranges = region.ranges();
    const cases = new Set(
      region.blocks.flatMap(({ jump, computed }) =>
        jump === undefined ? [] : computed.flatMap((e) => (e.to === undefined ? [] : [e.pc])),
      ),
    );
    const translation = {
      start: pc,
      index,
      ranges,
      code: this.copyOf(ranges),
      computed: region.computed,
      cases,
      hopes,
      refuted,
      used: true,
    };
    const list = this.byStart.get(pc);
    if (list === undefined) this.byStart.set(pc, [translation]);
    else list.push(translation);
    this.account(region, this.clock() - began);
    return translation;
  }

  /** Offset of the first of `count` window slots; when all have been given out, it begins again with those that have been so for longest. */
  private takeSlots(count: number): number {
    if (this.nextSlot + count > WINDOW_SLOTS) this.nextSlot = 0;
    const first = this.nextSlot;
    this.nextSlot += count;
    return first * WindowSlot.SIZE;
  }

  private copyOf(ranges: readonly CodeRange[]): Uint16Array {
    const length = ranges.reduce((sum, { start, end }) => sum + (end - start) / 2, 0);
    const code = new Uint16Array(length);
    let at = 0;
    for (const { start, end } of ranges) for (let pc = start; pc < end; pc += 2) code[at++] = this.readCode(pc);
    return code;
  }

  private account(region: Region, ns: number): void {
    const { ram, hartBlock } = this;
    HartBlock.regions.set(ram, hartBlock, HartBlock.regions.get(ram, hartBlock) + 1);
    HartBlock.regionInstructions.set(ram, hartBlock, HartBlock.regionInstructions.get(ram, hartBlock) + region.size);
    HartBlock.translateNs.set(ram, hartBlock, HartBlock.translateNs.get(ram, hartBlock) + ns);
  }

  private makeRoom(): void {
    this.entries.flush();
    this.drop((translation) => !translation.used);
    if (this.free.length < MAX_REGIONS / 4) {
      this.drop(() => true);
      this.patient.clear();
    }
    for (const list of this.byStart.values()) for (const translation of list) translation.used = false;
  }

  private release(index: number): void {
    this.table.set(index, null);
    this.free.push(index);
  }

  private drop(which: (translation: Translation) => boolean): void {
    for (const [pc, list] of this.byStart) {
      const kept = list.filter((translation) => !which(translation));
      for (const translation of list) {
        if (kept.includes(translation)) continue;
        this.release(translation.index);
      }
      if (kept.length === 0) this.byStart.delete(pc);
      else this.byStart.set(pc, kept);
    }
  }
}
