/*
 * Random programs: from straight runs, branches, loops, calls, indirect jumps, code that modifies code, and jumps to where none should go.
 *
 * Code is executed at CODE and written through another mapping of the same frames (ALIAS), which only `modify` names, with FENCE.I right
 * behind the store. So no program runs code that it has changed without a fence, which would leave open what is executed.
 */

import { asm } from '../../core/helpers/assembler.ts';
import { CODE, DATA } from '../../core/helpers/hart.ts';
import type { Dice } from './dice.ts';
import {
  ALIAS_PAGE_NUMBER,
  anyRegister,
  C_EBREAK,
  C_NOP,
  CODE_POINTERS,
  COUNTERS,
  destination,
  illegal,
  POINTERS,
  plain16,
  plain32,
} from './encode.ts';
import { Assembly, CODE_PAGES, PAGE_BYTES, type Program } from './layout.ts';

export const ALIAS = ALIAS_PAGE_NUMBER * PAGE_BYTES;

/** Addresses of code that stand at DATA, for indirect jumps. */
export const TABLE_ENTRIES = 16;

const BRANCHES: readonly string[] = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'];
const LOADS: readonly string[] = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld', 'flw', 'fld'];
const STORES: readonly string[] = ['sb', 'sh', 'sw', 'sd', 'fsw', 'fsd'];
const RA = 1;
const MOST_FUNCTIONS = 3;

/** How often each shape is drawn; the order is that of `Generator.shape`. */
const SHAPES: readonly number[] = [30, 14, 8, 14, 9, 5, 4, 5, 4, 3, 3, 8, 3];

class Generator {
  readonly code = new Assembly();
  private readonly functions: number[] = [];

  constructor(
    private readonly dice: Dice,
    private readonly most: number,
  ) {
    for (let i = dice.below(MOST_FUNCTIONS + 1); i > 0; i--) this.functions.push(this.code.label());
  }

  program(): void {
    const { dice, code } = this;
    while (code.size < this.most) this.shape(0);
    // The end, unless it is that of the code.
    if (!dice.oneIn(4)) code.long(asm('ecall'));
    for (const label of this.functions) {
      code.bind(label);
      this.body(1, 12);
      this.leave();
    }
    if (code.size === 0) code.long(asm('ecall'));
  }

  /** Some instructions without a jump. */
  private straight(count: number): void {
    for (; count > 0; count--) this.plain();
  }

  private plain(): void {
    if (this.dice.oneIn(3)) this.code.short(plain16(this.dice));
    else this.code.long(plain32(this.dice));
  }

  private body(depth: number, length: number): void {
    const end = this.code.size + 1 + this.dice.below(length);
    while (this.code.size < end) this.shape(depth);
  }

  private shape(depth: number): void {
    const { dice, code } = this;
    switch (dice.weighted(SHAPES)) {
      case 0:
        return this.straight(dice.between(1, 12));
      case 1:
        return this.forward(depth);
      case 2:
        return this.choice(depth);
      case 3:
        return depth < COUNTERS.length ? this.loop(depth) : this.straight(2);
      case 4:
        return this.call();
      case 5:
        return this.table();
      case 6:
        // Anywhere: into loops, out of them, backwards.
        return this.conditional(code.label());
      case 7:
        return this.retry();
      case 8:
        return this.modify();
      case 9:
        return this.indirect();
      case 10:
        return this.trap();
      case 11:
        return this.structure();
      default:
        return this.skip();
    }
  }

  private conditional(label: number): void {
    const { dice, code } = this;
    if (dice.oneIn(3)) code.shortBranch(dice.oneIn(2), dice.between(8, 15), label);
    else code.branch(asm(dice.pick(BRANCHES), { rs1: anyRegister(dice), rs2: anyRegister(dice) }), label);
  }

  private unconditional(label: number): void {
    if (this.dice.oneIn(2)) this.code.shortJump(label);
    else this.code.jump(0, label);
  }

  private forward(depth: number): void {
    const over = this.code.label();
    this.conditional(over);
    if (depth < 4) this.body(depth + 1, 8);
    else this.straight(2);
    this.code.bind(over);
  }

  private choice(depth: number): void {
    const { code } = this;
    const otherwise = code.label();
    const end = code.label();
    this.conditional(otherwise);
    this.straight(this.dice.below(6));
    this.unconditional(end);
    code.bind(otherwise);
    if (depth < 4) this.body(depth + 1, 6);
    code.bind(end);
  }

  private loop(depth: number): void {
    const { dice, code } = this;
    const counter = COUNTERS[depth]!;
    const turns = dice.oneIn(4) ? dice.between(20, 200) : dice.between(1, 20);
    const again = code.label();
    const out = code.label();
    code.long(asm('addi', { rd: counter, imm: turns }));
    code.bind(again);
    const atTop = dice.oneIn(3);
    if (atTop) code.branch(asm('beq', { rs1: counter }), out);
    this.body(depth + 1, 10);
    if (dice.oneIn(6)) this.conditional(dice.oneIn(2) ? out : again);
    code.long(asm('addi', { rd: counter, rs1: counter, imm: -1 }));
    if (atTop) this.unconditional(again);
    else code.branch(asm(dice.oneIn(2) ? 'bne' : 'blt', { rs1: dice.oneIn(2) ? counter : 0, rs2: counter }), again);
    code.bind(out);
  }

  private call(): void {
    const { dice, code } = this;
    const label = this.functions.length === 0 || dice.oneIn(8) ? code.label() : dice.pick(this.functions);
    const link = dice.oneIn(6) ? dice.pick([0, 5, RA]) : RA;
    if (dice.oneIn(2)) code.jump(link, label);
    else {
      const base = dice.oneIn(3) ? RA : destination(dice);
      code.far(base, asm('jalr', { rd: link, rs1: base }), label);
    }
  }

  /** The end of a function: a return, at times to the wrong place. */
  private leave(): void {
    const { dice, code } = this;
    if (dice.oneIn(8)) code.long(asm('addi', { rd: RA, rs1: RA, imm: dice.pick([-8, -4, -2, 1, 2, 4, 8]) }));
    if (dice.oneIn(2)) code.short(0x8082);
    else
      code.long(
        asm('jalr', { rd: dice.oneIn(6) ? dice.pick([RA, 5]) : 0, rs1: RA, imm: dice.oneIn(8) ? dice.pick([1, 2, 4]) : 0 }),
      );
  }

  /** A jump through the table at DATA, by a register's value. */
  private table(): void {
    const { dice, code } = this;
    const at = destination(dice);
    const target = destination(dice);
    code.long(asm('andi', { rd: at, rs1: anyRegister(dice), imm: TABLE_ENTRIES - 1 }));
    code.long(asm('slli', { rd: at, rs1: at, imm: 3 }));
    code.long(asm('lui', { rd: target, imm: DATA }));
    code.long(asm('add', { rd: at, rs1: at, rs2: target }));
    code.long(asm('ld', { rd: target, rs1: at }));
    code.long(asm('jalr', { rd: dice.oneIn(2) ? RA : 0, rs1: target }));
  }

  /** A jump to what a register has. */
  private indirect(): void {
    const { dice, code } = this;
    const base = dice.oneIn(8) ? dice.below(32) : dice.pick(CODE_POINTERS);
    if (dice.oneIn(3) && base !== 0) code.short((dice.oneIn(2) ? 0x8002 : 0x9002) | (base << 7));
    else code.long(asm('jalr', { rd: dice.pick([0, RA, base, 5]), rs1: base, imm: 2 * dice.between(-4, 4) }));
  }

  /** Accesses by the same base register to places near each other, while it moves. */
  private structure(): void {
    const { dice, code } = this;
    const base = dice.pick(POINTERS);
    const near = dice.oneIn(4) ? dice.between(-2000, 1900) : dice.between(-16, 16);
    for (let left = dice.between(2, 8); left > 0; left--) {
      const imm = near + (dice.oneIn(8) ? dice.between(-40, 100) : 4 * dice.between(-4, 6));
      switch (dice.below(6)) {
        case 0:
        case 1:
          code.long(asm(dice.pick(LOADS), { rd: dice.oneIn(10) ? base : destination(dice), rs1: base, imm }));
          break;
        case 2:
        case 3:
          code.long(asm(dice.pick(STORES), { rs1: base, rs2: dice.oneIn(10) ? base : anyRegister(dice), imm }));
          break;
        case 4:
          code.long(asm('addi', { rd: base, rs1: base, imm: 4 * dice.between(-3, 6) }));
          break;
        default:
          this.plain();
      }
    }
  }

  /** LR and SC, with a loop around them. */
  private retry(): void {
    const { dice, code } = this;
    const again = code.label();
    const width = dice.pick(['w', 'd']);
    const base = dice.pick([8, 9, 15]);
    const held = destination(dice);
    const order = dice.below(4) << 25;
    code.bind(again);
    code.long(asm(`lr.${width}`, { rd: held, rs1: base }) | order);
    if (dice.oneIn(2)) this.plain();
    code.long(asm(`sc.${dice.oneIn(8) ? 'w' : width}`, { rd: 5, rs1: base, rs2: held }) | order);
    if (dice.oneIn(2)) code.branch(asm('bne', { rs1: 5 }), again);
  }

  /** Makes another instruction of one. */
  private modify(): void {
    const { dice, code } = this;
    const [base, value] = dice.pick([
      [5, 6],
      [7, 10],
      [14, 5],
    ]);
    const word = dice.oneIn(8) ? illegal(dice, 4) : dice.oneIn(6) ? asm('jal', { imm: 4 }) : plain32(dice);
    code.long(asm('lui', { rd: value, imm: (word + 0x800) & ~0xfff }));
    code.long(asm('addiw', { rd: value, rs1: value, imm: word }));
    code.modify(base, asm('sw', { rs1: base, rs2: value }), code.label(), ALIAS - CODE);
  }

  private trap(): void {
    const { dice, code } = this;
    switch (dice.below(6)) {
      case 0:
        return code.long(asm('ecall'));
      case 1:
        return code.long(asm('ebreak'));
      case 2:
        return code.short(C_EBREAK);
      case 3:
        return code.short(illegal(dice, 2));
      case 4:
        return code.long(illegal(dice, 4));
      default:
        return code.long(asm('csrrs', { rd: destination(dice), imm: 0xc02 }));
    }
  }

  /** A jump over bytes that are no code. */
  private skip(): void {
    const { dice, code } = this;
    const over = code.label();
    this.unconditional(over);
    code.gap(2 * dice.between(1, dice.oneIn(4) ? 500 : 20));
    code.bind(over);
  }
}

/** A program that the dice fix. */
export function generate(dice: Dice): Program {
  for (;;) {
    const generator = new Generator(dice, dice.oneIn(4) ? dice.between(1, 12) : dice.between(10, 140));
    generator.program();
    const fill = dice.oneIn(20) ? C_NOP : dice.oneIn(2) ? 0 : C_EBREAK;
    const program = generator.code.layOut(dice, fill, (size) => {
      switch (dice.below(4)) {
        case 0:
          return dice.below(PAGE_BYTES);
        case 1:
          // Up to the end of all code.
          return CODE_PAGES * PAGE_BYTES - size;
        default:
          // Across the boundary of the pages.
          return PAGE_BYTES - dice.below(size + 1);
      }
    });
    if (program !== undefined) return program;
  }
}
