/*
 * Two harts that run the same random programs: the reference (interpreter, each budget in one run), and the subject (another tier, or
 * the same in pieces), compared after every run.
 *
 * A sequence is a program with one beginning state. It is run again and again, by budgets that end anywhere; between two runs both harts
 * see the same kernel, which does what kernels do: steps over what trapped, maps pages, takes permissions away, flushes, switches ASIDs,
 * moves the pc, puts a copy with a change in the place of a code page.
 *
 * Compared after each run: cause, trap value, and all of the context (registers, pc, fcsr, reservation, instret); after the last one (each
 * one, when `thorough`): all data and code pages, the entries of their page tables, and the instructions counted by the hart.
 */

import { Context, NO_RESERVATION } from '../../../src/core/context.ts';
import { HartBlock } from '../../../src/core/hart-block.ts';
import { isLong } from '../../../src/core/isa/decode.ts';
import type { JitMode } from '../../../src/core/jit/translations.ts';
import { Cause } from '../../../src/core/trap.ts';
import { CODE } from '../../core/helpers/hart.ts';
import { Dice } from './dice.ts';
import { plain16, plain32 } from './encode.ts';
import { CODE_PAGES, PAGE_BYTES, type Program } from './layout.ts';
import { ALLOW, CODE_FLAGS, DATA_FLAGS, FENCE_I, Space } from './space.ts';
import { State } from './state.ts';
import { ANYTHING, type Theme } from './theme.ts';

/** Sequences that share a program. */
export const STATES_PER_PROGRAM = 50;
const MOST_RUNS = 10;
/** Which of all streams of chance. */
const PROGRAM = 0;
const STATE = 1;
const KERNEL = 2;

const TICK = 1000;

/** The first thing in which the harts differ. */
export interface Difference {
  /** Number of the run after which it was seen, from 0. */
  readonly run: number;
  /** Address at which the run began; where the reference ended. */
  readonly from: number;
  readonly pc: number;
  readonly budget: number;
  readonly what: string;
  readonly reference: string;
  readonly subject: string;
}

/** The program of a sequence. */
export function programOf(sequence: number, theme = ANYTHING): Program {
  return theme.generate(new Dice(Math.floor(sequence / STATES_PER_PROGRAM), PROGRAM));
}

export class Lab {
  readonly state: State;
  /** Compare everything after every run. */
  thorough = false;
  /** Runs that ended so, by cause; instructions that the reference has retired. */
  readonly causes = new Uint32Array(64);
  instructions = 0;

  private harts!: { readonly reference: Space; readonly subject: Space };
  private sides: readonly Space[] = [];
  /** Translated by subjects that are gone. */
  private earlierRegions = 0;
  private readonly pages: readonly number[];
  private readonly pageOf = new Map<number, number>();
  private program: Program = { image: new Uint16Array(0), starts: [], landings: [] };
  private ticks = 0;
  /** Of the running budget. */
  private from = 0;
  private budget = 0;
  private runs = 0;

  constructor(
    readonly tier: JitMode,
    readonly theme: Theme = ANYTHING,
  ) {
    this.state = new State(theme.terrain);
    this.pages = theme.terrain.pages;
    this.pages.forEach((va, index) => this.pageOf.set(va / PAGE_BYTES, index));
    this.renew();
  }

  get reference(): Space {
    return this.harts.reference;
  }
  get subject(): Space {
    return this.harts.subject;
  }

  /** Goes on with fresh harts. */
  renew(): void {
    const { tier, theme } = this;
    if (this.sides.length > 0) this.earlierRegions = this.regions;
    this.harts = { reference: new Space('off', theme.terrain), subject: new Space(tier, theme.terrain) };
    this.sides = [this.reference, this.subject];
    // It stands still during a run: a translator reads it too.
    for (const { hart } of this.sides) hart.clock = () => this.ticks;
  }

  load(program: Program): void {
    this.program = program;
    for (const side of this.sides) side.load(program);
  }

  /** Draws the state of a sequence of the program that is loaded. */
  draw(sequence: number): void {
    this.state.draw(new Dice(sequence, STATE), this.program);
  }

  /** Runs a sequence from the state that was drawn, to its end or the first difference. */
  run(sequence: number): Difference | undefined {
    const dice = new Dice(sequence, KERNEL);
    const { reference, subject, program } = this;
    for (const side of this.sides) side.restore(this.state);
    this.ticks = 0;
    const retired = this.retired(reference) - this.retired(subject);
    // Rarely with a translator: each place where a budget ends becomes a translation.
    const inPieces = this.tier === 'off' || dice.oneIn(10);
    const last = dice.between(1, MOST_RUNS) - 1;
    let difference: Difference | undefined;
    for (this.runs = 0; this.runs <= last && difference === undefined; this.runs++) {
      this.budget = this.budgetFrom(dice);
      this.from = Context.pc.get(reference.hart.ram, reference.context);
      this.ticks += TICK;
      const cause = reference.hart.cpu.run(reference.context, this.budget);
      let other: Cause | undefined;
      try {
        other = inPieces ? this.pieces(dice) : subject.hart.cpu.run(subject.context, this.budget);
      } catch (error) {
        difference = this.difference(
          'outcome',
          nameOf(cause),
          error instanceof Error ? (error.stack ?? error.message) : String(error),
        );
      }
      this.causes[cause]!++;
      if (other !== undefined) difference = this.compare(cause, other);
      if (difference === undefined && (this.thorough || this.runs === last)) difference = this.compareMemory(retired);
      if (difference === undefined && this.runs < last) this.attend(cause, dice);
    }
    if (difference === undefined)
      this.instructions += Context.instret.get(reference.hart.ram, reference.context) - this.state.instret;
    if (difference !== undefined || reference.changed(program)) for (const side of this.sides) side.restoreCode(program);
    return difference;
  }

  /** The subject's budget, piece by piece. */
  private pieces(dice: Dice): Cause {
    const { cpu } = this.subject.hart;
    const most = dice.oneIn(2) ? 4 : 200;
    let left = this.budget;
    for (;;) {
      const piece = Math.min(left, dice.between(1, most));
      const cause = cpu.run(this.subject.context, piece);
      left -= piece;
      if (cause !== Cause.Budget || left === 0) return cause;
    }
  }

  private budgetFrom(dice: Dice): number {
    return 1 + dice.below(dice.pick(this.theme.budgets));
  }

  /** Regions that the subjects have translated. */
  get regions(): number {
    const { hart } = this.subject;
    return this.earlierRegions + HartBlock.regions.get(hart.ram, hart.hartBlock);
  }

  private retired({ hart }: Space): number {
    return HartBlock.instret.get(hart.ram, hart.hartBlock);
  }

  private difference(what: string, reference: string, subject: string): Difference {
    const pc = Context.pc.get(this.reference.hart.ram, this.reference.context);
    return { run: this.runs, from: this.from, pc, budget: this.budget, what, reference, subject };
  }

  private compare(cause: Cause, other: Cause): Difference | undefined {
    const { reference, subject } = this;
    if (cause !== other) return this.difference('cause', nameOf(cause), nameOf(other));
    const context = this.firstDifference(reference.context, Context.registers.offset, 8 * 64);
    if (context >= 0) {
      const slot = (context - reference.context - Context.registers.offset) >>> 3;
      const [a, b] = this.doubles(context & ~7);
      return this.difference(slot < 32 ? `x${String(slot)}` : `f${String(slot - 32)}`, a, b);
    }
    for (const name of ['pc', 'fcsr', 'reservation', 'reserved', 'instret'] as const) {
      const field = Context[name];
      if (this.firstDifference(reference.context, field.offset, field.size) < 0) continue;
      const a = field.get(reference.hart.ram, reference.context);
      return this.difference(name, hex(a), hex(field.get(subject.hart.ram, subject.context)));
    }
    if (cause !== Cause.Budget) {
      const value = HartBlock.trapValue.addr(0);
      if (this.firstDifference(reference.hart.hartBlock, value, 8) >= 0) {
        const [a, b] = this.doubles(reference.hart.hartBlock + value);
        return this.difference(`trap value of ${nameOf(cause)}`, a, b);
      }
    }
    return undefined;
  }

  private compareMemory(retired: number): Difference | undefined {
    const { reference, subject } = this;
    for (let i = 0; i < this.pages.length; i++) {
      const at = this.firstDifference(reference.data[i]!, 0, PAGE_BYTES);
      // A frame that no page is mapped to is compared all the same.
      if (at >= 0) return this.memory((this.pages[this.state.order.indexOf(i)] ?? 0) + at - reference.data[i]!, at);
      const slot = this.firstDifference(reference.dataSlots[i]!, 0, 8);
      if (slot >= 0) return this.memory(this.pages[i]!, slot, 'page table entry for');
    }
    for (let i = 0; i < CODE_PAGES; i++) {
      const va = CODE + i * PAGE_BYTES;
      const at = this.firstDifference(reference.code[i]!, 0, PAGE_BYTES);
      if (at >= 0) return this.memory(va + at - reference.code[i]!, at);
      const slot = this.firstDifference(reference.codeSlots[i]!, 0, 8);
      if (slot >= 0) return this.memory(va, slot, 'page table entry for');
    }
    const a = this.retired(reference);
    const b = this.retired(subject);
    return a - b === retired ? undefined : this.difference("the hart's instret", String(a), String(b + retired));
  }

  private memory(va: number, physical: number, what = 'memory at'): Difference {
    const [a, b] = this.doubles(physical & ~7);
    return this.difference(`${what} ${hex(va)}`, a, b);
  }

  /** Physical address of the first word in which the harts' RAMs differ, or −1. */
  private firstDifference(base: number, offset: number, length: number): number {
    const a = this.reference.hart.ram.u32;
    const b = this.subject.hart.ram.u32;
    const end = (base + offset + length) >>> 2;
    for (let i = (base + offset) >>> 2; i < end; i++) if (a[i] !== b[i]) return 4 * i;
    return -1;
  }

  private doubles(physical: number): [string, string] {
    return [this.reference, this.subject].map(({ hart }) => `0x${hart.u64(physical).toString(16)}`) as [string, string];
  }

  /** What the kernel does after a run. */
  private attend(cause: Cause, dice: Dice): void {
    switch (cause) {
      case Cause.InstructionPageFault:
      case Cause.InstructionAccessFault:
        this.supplyCode(dice);
        break;
      case Cause.LoadPageFault:
      case Cause.LoadAccessFault:
      case Cause.StorePageFault:
      case Cause.StoreAccessFault:
        if (dice.oneIn(2) || !this.supplyData()) this.stepOver();
        break;
      case Cause.Budget:
        break;
      default:
        this.stepOver();
    }
    if (dice.oneIn(3)) this.disturb(dice);
  }

  /** Page number of the trap value. */
  private faultPage(): number {
    const { hart } = this.reference;
    return Math.floor(HartBlock.trapValue.get(hart.ram, hart.hartBlock) / PAGE_BYTES);
  }

  private supplyData(): boolean {
    const page = this.pageOf.get(this.faultPage());
    if (page === undefined) return false;
    for (const side of this.sides) side.mapData(page, ALLOW);
    return true;
  }

  private supplyCode(dice: Dice): void {
    const page = this.faultPage() - CODE / PAGE_BYTES;
    if (page >= 0 && page < CODE_PAGES && !dice.oneIn(4)) {
      for (const side of this.sides) side.mapCode(page, side.code[page]!, ALLOW);
    } else this.movePc(dice.pick(this.program.landings));
  }

  /** On to the instruction after the one at pc. */
  private stepOver(): void {
    const { hart, context } = this.reference;
    const pc = Context.pc.get(hart.ram, context);
    this.movePc(pc + (isLong(this.reference.parcel(pc - CODE)) ? 4 : 2));
  }

  /**
   * Goes on elsewhere. That may be away from between a store to code and its fence: then it is the kernel that flushes, and the address
   * by which code can be written is taken out of the registers.
   */
  private movePc(pc: number): void {
    const old = Context.pc.get(this.reference.hart.ram, this.reference.context) - CODE;
    const fence = old >= 0 && old < CODE_PAGES * PAGE_BYTES && this.reference.parcel(old) === FENCE_I;
    for (const side of this.sides) {
      Context.pc.set(side.hart.ram, side.context, pc);
      if (!fence) continue;
      side.hart.cpu.flushCode();
      side.disarm();
    }
  }

  /** Something that has nothing to do with the program. */
  private disturb(dice: Dice): void {
    const what = dice.below(9);
    const page = dice.below(this.pages.length);
    const flags = dice.below(DATA_FLAGS.length);
    const codePage = dice.below(CODE_PAGES);
    const codeFlags = dice.below(CODE_FLAGS.length);
    const start = dice.pick(this.program.landings);
    const asid = dice.below(2);
    const changed = dice.pick(this.program.starts);
    const word = dice.oneIn(2) ? plain16(dice) : plain32(dice);
    for (const side of this.sides) {
      const { hart, context } = side;
      switch (what) {
        case 0:
          side.mapData(page, flags);
          break;
        case 1:
          hart.cpu.flushTlb();
          break;
        case 2:
          hart.cpu.flushCode();
          break;
        case 3:
          hart.cpu.flushAsid(side.asids[asid]!);
          break;
        case 4:
          Context.reservation.set(hart.ram, context, NO_RESERVATION);
          break;
        case 5:
          hart.cpu.activate(hart.root, side.asids[asid]!);
          break;
        case 6:
          if (this.theme.codeComesAndGoes) side.mapCode(codePage, side.code[codePage]!, codeFlags);
          break;
        case 7:
          side.replaceCode(codePage, changed - CODE, word);
          break;
        default:
      }
    }
    if (what === 8) this.movePc(start);
  }
}

export function nameOf(cause: Cause): string {
  return Object.entries(Cause).find(([, number]) => number === cause)?.[0] ?? `cause ${String(cause)}`;
}

export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
