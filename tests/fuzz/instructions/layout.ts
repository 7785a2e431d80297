/*
 * From a list of instructions with targets to an image of code.
 *
 * `Assembly` collects instructions; a jump names a label, which stands for an instruction (bound now or later) or, unbound, for any
 * one of them. `layOut` gives each its address and puts in the distances: a compressed jump that does not reach becomes a long one.
 */

import { placeImmediate } from '../../../src/core/isa/format.ts';
import { asm } from '../../core/helpers/assembler.ts';
import { CODE } from '../../core/helpers/hart.ts';
import type { Dice } from './dice.ts';
import { NOP, shortBranch, shortJump } from './encode.ts';
import type { Roles } from './roles.ts';

export const PAGE_BYTES = 4096;
export const CODE_PAGES = 2;
const CODE_BYTES = CODE_PAGES * PAGE_BYTES;

const LANDINGS = 6;

export interface Program {
  /** All code pages, as 16-bit parcels. */
  readonly image: Uint16Array;
  /** Addresses of the instructions, upwards. */
  readonly starts: readonly number[];
  /** Those that pointers to code point to: few, for each becomes a translation. */
  readonly landings: readonly number[];
  /** What registers are to begin with, if the program counts on it. */
  readonly roles?: Roles;
}

/** How an instruction's word depends on its label; Hi and Lo are AUIPC and what follows it. */
const Fix = { None: 0, Branch: 1, Jump: 2, Short: 3, Hi: 4, Lo: 5, Store: 6, Upper: 7, Gap: 8 } as const;
type Fix = (typeof Fix)[keyof typeof Fix];

interface Item {
  word: number;
  length: number;
  fix: Fix;
  readonly label: number;
  /** Of a Short that stands for a branch: the register; 0 for a jump. */
  readonly register: number;
}

export class Assembly {
  private readonly items: Item[] = [];
  /** Index of the item that a label stands for; −1 when unbound. */
  private readonly labels: number[] = [];
  /** Items that a label may not stand for, nor code that modifies code aim at. */
  private readonly closed = new Set<number>();

  get size(): number {
    return this.items.length;
  }

  label(): number {
    return this.labels.push(-1) - 1;
  }

  /** The label is the next instruction. */
  bind(label: number): void {
    this.labels[label] = this.items.length;
  }

  long(word: number): void {
    this.add(word, 4, Fix.None, 0);
  }

  short(half: number): void {
    this.add(half, 2, Fix.None, 0);
  }

  branch(word: number, label: number): void {
    this.add(word, 4, Fix.Branch, label);
  }

  jump(rd: number, label: number): void {
    this.add(asm('jal', { rd }), 4, Fix.Jump, label);
  }

  shortJump(label: number): void {
    this.add(asm('jal'), 2, Fix.Short, label);
  }

  /** C.BEQZ or C.BNEZ of a register of 8…15. */
  shortBranch(equal: boolean, register: number, label: number): void {
    this.add(asm(equal ? 'beq' : 'bne', { rs1: register }), 2, Fix.Short, label, register);
  }

  /** AUIPC of `base`, and `user` (an I-type instruction), which together make the address of the label. */
  far(base: number, user: number, label: number): void {
    this.add(asm('auipc', { rd: base }), 4, Fix.Hi, label);
    this.add(user, 4, Fix.Lo, label);
  }

  /** Bytes of zeros up to where an instruction fills a page boundary, or so. */
  gap(bytes: number): void {
    this.add(0, bytes, Fix.Gap, 0);
  }

  /**
   * Stores to the code at the label, through pages that begin `distance` bytes above the code: LUI of `base`, the store `word`, FENCE.I,
   * and LUI again, which forgets the address.
   */
  modify(base: number, word: number, label: number, distance: number): void {
    const first = this.items.length;
    this.add(asm('lui', { rd: base, imm: distance }), 4, Fix.Upper, label);
    this.add(word, 4, Fix.Store, label);
    this.long(asm('fence.i'));
    this.long(asm('lui', { rd: base }));
    for (let i = first; i < this.items.length; i++) this.closed.add(i);
  }

  /**
   * Addresses for all: the first instruction is at CODE + `place(size)`, size being the bytes of all. Undefined when they are too many.
   *
   * @param fill parcel that stands where no instruction is
   */
  layOut(dice: Dice, fill: number, place: (size: number) => number): Program | undefined {
    this.labels.forEach((bound, label) => {
      if (bound >= 0 && bound < this.items.length) return;
      let index: number;
      do index = dice.below(this.items.length);
      while (this.closed.has(index) || this.items[index]!.fix === Fix.Gap);
      this.labels[label] = index;
    });
    const starts: number[] = [];
    do {
      let at = 0;
      this.items.forEach((item, index) => {
        starts[index] = at;
        at += item.length;
      });
      starts[this.items.length] = at;
    } while (this.lengthen(starts));
    const size = starts.pop()!;
    if (size > CODE_BYTES) return undefined;
    const base = CODE + Math.min(Math.max(place(size) & ~1, 0), CODE_BYTES - size);
    const image = new Uint16Array(CODE_BYTES / 2).fill(fill);
    this.items.forEach((item, index) => {
      const at = (base - CODE + starts[index]!) >>> 1;
      if (item.fix === Fix.Gap) return;
      const word = this.wordOf(item, index, starts, base);
      image[at] = word;
      if (item.length === 4) image[at + 1] = word >>> 16;
    });
    const real = starts.filter((_, index) => this.items[index]!.fix !== Fix.Gap).map((start) => base + start);
    return { image, starts: real, landings: Array.from({ length: LANDINGS }, () => dice.pick(real)) };
  }

  private add(word: number, length: number, fix: Fix, label: number, register = 0): void {
    this.items.push({ word, length, fix, label, register });
  }

  /** Makes those compressed jumps long that do not reach; tells whether there were any. */
  private lengthen(starts: readonly number[]): boolean {
    let changed = false;
    this.items.forEach((item, index) => {
      if (item.fix !== Fix.Short || this.shortForm(item, this.distance(item, index, starts)) !== undefined) return;
      item.length = 4;
      item.fix = item.register === 0 ? Fix.Jump : Fix.Branch;
      changed = true;
    });
    return changed;
  }

  private distance(item: Item, index: number, starts: readonly number[]): number {
    return starts[this.labels[item.label]!]! - starts[index]!;
  }

  private shortForm(item: Item, distance: number): number | undefined {
    if (item.register === 0) return shortJump(distance);
    return shortBranch((item.word & 0x1000) === 0, item.register, distance);
  }

  private wordOf(item: Item, index: number, starts: readonly number[], base: number): number {
    const { word, fix } = item;
    const target = starts[this.labels[item.label]!] ?? 0;
    switch (fix) {
      case Fix.Branch: {
        const distance = target - starts[index]!;
        return Math.abs(distance) < 4096 ? word | placeImmediate('B', distance) : NOP;
      }
      case Fix.Jump:
        return word | placeImmediate('J', target - starts[index]!);
      case Fix.Short:
        return this.shortForm(item, target - starts[index]!)!;
      case Fix.Hi:
        return word | placeImmediate('U', upper(target - starts[index]!));
      case Fix.Lo:
        return word | placeImmediate('I', target - starts[index - 1]!);
      case Fix.Upper:
        return (word & 0xfff) | placeImmediate('U', upper((word & ~0xfff) + base + target));
      case Fix.Store:
        return word | placeImmediate('S', base + target);
      default:
        return word;
    }
  }
}

/** What is left for LUI or AUIPC when the low 12 bits of an offset are added signed. */
function upper(offset: number): number {
  return (offset + 0x800) & ~0xfff;
}
