/*
 * What bodies of loops do: accesses through pointers and fixed bases, tables by a masked index, arithmetic, conditions, breaks, calls,
 * loops again.
 */

import { asm } from '../../core/helpers/assembler.ts';
import { CODE, DATA } from '../../core/helpers/hart.ts';
import type { Dice } from './dice.ts';
import { illegal, plain16, plain32 } from './encode.ts';
import type { Assembly } from './layout.ts';
import { ALIAS } from './shapes.ts';

/** Registers that move; those of 8…15 serve compressed instructions too. */
export const POINTERS: readonly number[] = [8, 9, 12, 13, 14, 15];
/** Addresses that mostly stay. */
export const BASES: readonly number[] = [2, 17];
const TEMPORARIES: readonly number[] = [5, 6, 7, 10, 11];
const RA = 1;

const LOADS: readonly string[] = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld', 'ld', 'lw', 'lbu', 'flw', 'fld'];
const STORES: readonly string[] = ['sb', 'sh', 'sw', 'sd', 'sd', 'sw', 'fsw', 'fsd'];
const BRANCHES: readonly string[] = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'];
const SUMS: readonly string[] = ['add', 'sub', 'xor', 'or', 'and', 'addw', 'mul', 'sltu', 'sll', 'srlw'];
const FLOATS: readonly string[] = ['fadd.d', 'fmul.d', 'fmadd.d', 'fadd.s', 'fmul.s'];
/** Doubles are in f0 … f3; singles in these, and in all above. A register that holds now one and now the other keeps regions from being entered. */
export const SINGLES: readonly number[] = [4, 5, 6, 7];
const MASKS: readonly number[] = [1, 3, 7, 15, 31, 63, 255, 255, 0x7ff, 0x78, 0x100, -1, -8];

/** How often each part is drawn; the order is that of `Body.part`. */
const PARTS: readonly number[] = [40, 14, 5, 9, 12, 5, 5, 3, 4, 7, 2, 2, 1, 1];
const MOST_DEPTH = 2;

/** A pointer that moves by a constant, or by a register if `by` is not 0. */
export interface Mover {
  readonly register: number;
  /** Where what it begins with is kept. */
  readonly origin: number;
  readonly step: number;
  readonly by: number;
}

/** Labels of the loop around a part: its first instruction, what moves and counts at its end, and behind it. */
interface Around {
  readonly again: number;
  readonly next: number;
  readonly out: number;
}

export function temporary(dice: Dice): number {
  return dice.pick(TEMPORARIES);
}

export function branchBetween(dice: Dice, code: Assembly, rs1: number, rs2: number, label: number): void {
  if (dice.oneIn(4)) code.shortBranch(dice.oneIn(2), dice.between(10, 11), label);
  else code.branch(asm(dice.pick(BRANCHES), { rs1, rs2: dice.oneIn(3) ? 0 : rs2 }), label);
}

export class Body {
  constructor(
    private readonly dice: Dice,
    private readonly code: Assembly,
    private readonly functions: readonly number[],
    /** Emits a loop in those that the movers belong to. */
    private readonly loop: (movers: readonly Mover[], depth: number) => void,
  ) {}

  /** A few instructions in loops that the movers belong to. */
  part(movers: readonly Mover[], depth: number, around?: Around): void {
    const { dice, code } = this;
    const mover = dice.pick(movers);
    switch (dice.weighted(PARTS)) {
      case 0:
        return this.access(mover);
      case 1:
        return this.compute();
      case 2:
        return this.fixed();
      case 3:
        return this.lookUp(mover);
      case 4:
        return this.condition(movers, depth, around);
      case 5:
        return this.leave(mover, around);
      case 6:
        return depth < MOST_DEPTH ? this.nest(movers, depth) : this.access(mover);
      case 7:
        return this.functions.length > 0 ? code.jump(RA, dice.pick(this.functions)) : this.access(mover);
      case 8:
        return this.chain(mover);
      case 9:
        return this.several(mover);
      case 10:
        return this.change(mover);
      case 11:
        return dice.oneIn(3) ? code.short(plain16(dice)) : code.long(plain32(dice));
      case 12:
        return this.atomic(mover);
      default:
        return this.modify();
    }
  }

  /** A loop, at times behind accesses by a pointer that it may use too. */
  nest(movers: readonly Mover[], depth: number): void {
    const { dice } = this;
    if (dice.oneIn(2)) this.several(dice.pick(movers));
    this.loop(movers, depth + 1);
  }

  /** Something in a function that loops call. */
  leafPart(mover: Mover): void {
    switch (this.dice.weighted([4, 4, 2, 1])) {
      case 0:
        return this.compute();
      case 1:
        return this.access(mover);
      case 2:
        return this.move(mover);
      default:
        return this.chain(mover);
    }
  }

  /** Moves a pointer by what it moves by. */
  move({ register, step, by }: Mover): void {
    const { dice, code } = this;
    if (by !== 0) {
      const name = dice.oneIn(8) ? dice.pick(['sub', 'addw']) : 'add';
      code.long(
        asm(
          name,
          name === 'add' && dice.oneIn(2) ? { rd: register, rs1: by, rs2: register } : { rd: register, rs1: register, rs2: by },
        ),
      );
    } else if (step >= -32 && step < 32 && step !== 0 && dice.oneIn(2)) {
      // C.ADDI
      code.short(0x0001 | (register << 7) | ((step & 31) << 2) | (step < 0 ? 0x1000 : 0));
    } else code.long(asm('addi', { rd: register, rs1: register, imm: step }));
  }

  /** Loads from where a pointer is, and jumps if that is something, or nothing. */
  loadAndBranch({ register }: Mover, label: number): void {
    const { dice, code } = this;
    const value = temporary(dice);
    code.long(asm(dice.pick(['lbu', 'lw', 'ld', 'lb']), { rd: value, rs1: register }));
    code.branch(asm(dice.oneIn(6) ? 'beq' : 'bne', { rs1: value }), label);
  }

  private access(mover: Mover, base = mover.register): void {
    const { dice, code } = this;
    const imm = this.offset(mover.step);
    if (dice.below(5) < 3) {
      const name = dice.pick(LOADS);
      const rd = dice.oneIn(25) ? base : name.startsWith('f') ? this.float(name) : temporary(dice);
      code.long(asm(name, { rd, rs1: base, imm }));
    } else {
      const name = dice.pick(STORES);
      const rs2 = dice.oneIn(12) ? base : name.startsWith('f') ? this.float(name) : temporary(dice);
      code.long(asm(name, { rs1: base, rs2, imm }));
    }
  }

  private offset(step: number): number {
    const { dice } = this;
    switch (dice.below(8)) {
      case 0:
      case 1:
      case 2:
        return 0;
      case 3:
      case 4:
        return 8 * dice.between(-3, 6);
      case 5:
        return step >= -2048 && step < 2048 ? Math.max(-step, -2048) % 2048 : 0;
      case 6:
        return dice.between(-16, 16);
      default:
        return dice.between(-2048, 2047);
    }
  }

  /** Accesses by a pointer near each other, at times with a move in between, or with another pointer in its place. */
  private several(mover: Mover): void {
    const { dice } = this;
    for (let left = dice.between(2, 5); left > 0; left--) {
      switch (dice.weighted([16, 2, 1])) {
        case 0:
          this.access(mover);
          break;
        case 1:
          this.move(mover);
          break;
        default:
          this.replace(mover);
      }
    }
  }

  /** An access by a register that mostly stays as it is; x0 is one. */
  private fixed(): void {
    const { dice } = this;
    const base = dice.oneIn(6) ? 0 : dice.pick(BASES);
    this.access({ register: base, origin: base, step: 0, by: 0 });
  }

  /** A table by an index of few bits. */
  private lookUp(mover: Mover): void {
    const { dice, code } = this;
    const index = temporary(dice);
    const from = dice.oneIn(3) ? dice.between(28, 30) : temporary(dice);
    const base = dice.oneIn(8) ? mover.register : dice.pick(BASES);
    switch (dice.below(6)) {
      case 0:
        code.long(asm(dice.pick(['lbu', 'lhu']), { rd: index, rs1: mover.register }));
        if (dice.oneIn(2)) code.long(asm('srli', { rd: index, rs1: index, imm: dice.between(1, 9) }));
        break;
      case 1: {
        // Zero-extended from fewer bits, or sign-extended.
        const imm = dice.between(48, 63);
        code.long(asm('slli', { rd: index, rs1: from, imm }));
        code.long(asm(dice.oneIn(5) ? 'srai' : 'srli', { rd: index, rs1: index, imm: dice.between(imm - 2, 63) }));
        break;
      }
      case 2:
        code.long(asm(dice.pick(['srliw', 'srli']), { rd: index, rs1: from, imm: dice.between(20, 31) }));
        break;
      default:
        code.long(asm('andi', { rd: index, rs1: from, imm: dice.pick(MASKS) }));
    }
    if (!dice.oneIn(4)) code.long(asm(dice.oneIn(12) ? 'slliw' : 'slli', { rd: index, rs1: index, imm: dice.between(0, 3) }));
    if (dice.oneIn(8)) code.long(asm('addi', { rd: index, rs1: index, imm: 8 * dice.between(-2, 2) }));
    const address = dice.oneIn(3) ? temporary(dice) : index;
    if (dice.oneIn(10)) {
      const high = temporary(dice);
      code.long(asm('lui', { rd: high, imm: DATA }));
      code.long(asm('add', { rd: address, rs1: index, rs2: high }));
    } else code.long(asm('add', { rd: address, ...(dice.oneIn(2) ? { rs1: index, rs2: base } : { rs1: base, rs2: index }) }));
    this.access({ ...mover, step: 8 }, address);
  }

  private compute(): void {
    const { dice, code } = this;
    const [rd, rs1, rs2] = [temporary(dice), temporary(dice), temporary(dice)];
    switch (dice.below(6)) {
      case 0: {
        const name = dice.pick(FLOATS);
        const float = (): number => this.float(name);
        return code.long(asm(name, { rd: float(), rs1: float(), rs2: float(), rs3: float() }));
      }
      case 1:
        return code.long(asm(dice.pick(['addi', 'andi', 'addiw', 'xori']), { rd, rs1, imm: dice.between(-16, 16) }));
      case 2:
        // Of what moves and counts.
        return code.long(asm(dice.pick(SUMS), { rd, rs1: dice.oneIn(2) ? dice.pick(POINTERS) : dice.between(28, 30), rs2 }));
      default:
        return code.long(asm(dice.pick(SUMS), { rd, rs1, rs2 }));
    }
  }

  private float(name: string): number {
    return /\.s|w$/.test(name) ? this.dice.pick(SINGLES) : this.dice.below(4);
  }

  private condition(movers: readonly Mover[], depth: number, around: Around | undefined): void {
    const { dice, code } = this;
    const over = code.label();
    const mover = dice.pick(movers);
    // What is done by one pointer before the condition is gone on with behind it.
    const together = dice.oneIn(2);
    if (together) for (let left = dice.between(1, 3); left > 0; left--) this.access(mover);
    this.test(dice.pick(movers), over);
    for (let parts = dice.between(1, 3); parts > 0; parts--) {
      if (together && dice.below(3) > 0) this.access(mover);
      else this.part(movers, depth, around);
    }
    if (dice.oneIn(4)) {
      const end = code.label();
      code.shortJump(end);
      code.bind(over);
      this.part(movers, depth, around);
      code.bind(end);
    } else code.bind(over);
  }

  /** A branch that is taken now and then. */
  private test({ register }: Mover, label: number): void {
    const { dice, code } = this;
    const bits = temporary(dice);
    if (dice.oneIn(2)) return branchBetween(dice, code, bits, temporary(dice), label);
    const from = dice.pick([register, 28, 29, temporary(dice)]);
    code.long(asm('andi', { rd: bits, rs1: from, imm: 2 ** dice.between(0, 10) }));
    code.branch(asm(dice.oneIn(2) ? 'beq' : 'bne', { rs1: bits }), label);
  }

  /** Out of the loop, or on to its next turn. */
  private leave(mover: Mover, around: Around | undefined): void {
    const { dice, code } = this;
    const { again, next, out } = around ?? { again: code.label(), next: code.label(), out: code.label() };
    const label = dice.pick([out, out, next, next, again]);
    if (dice.oneIn(3)) this.loadAndBranch(mover, label);
    else if (dice.oneIn(2))
      code.branch(asm(dice.pick(['beq', 'blt']), { rs1: temporary(dice), rs2: dice.between(28, 30) }), label);
    else this.test(mover, label);
  }

  /** Another value in the place of a pointer, at times. */
  private chain(mover: Mover): void {
    const { dice, code } = this;
    const over = code.label();
    const seldom = dice.oneIn(2);
    if (seldom) branchBetween(dice, code, temporary(dice), temporary(dice), over);
    this.replace(mover);
    if (seldom) code.bind(over);
  }

  /** A pointer becomes what it points to, where it began, or something near another one. */
  private replace({ register, origin }: Mover): void {
    const { dice, code } = this;
    if (dice.oneIn(2)) code.long(asm('ld', { rd: register, rs1: register, imm: dice.oneIn(2) ? 0 : 8 * dice.below(4) }));
    else {
      const from = dice.oneIn(2) ? dice.pick(POINTERS) : origin;
      code.long(asm('addi', { rd: register, rs1: from, imm: dice.between(-8, 8) }));
    }
  }

  /** Something that mostly stays as it is in a loop becomes another. */
  private change({ origin }: Mover): void {
    const { dice, code } = this;
    const register = dice.pick([...BASES, 16, 31, 24, 25, origin]);
    if (dice.oneIn(2)) code.long(asm('addi', { rd: register, rs1: register, imm: dice.between(-8, 8) }));
    else code.long(asm('add', { rd: register, rs1: register, rs2: temporary(dice) }));
  }

  private atomic({ register }: Mover): void {
    const { dice, code } = this;
    const name = dice.pick(['amoadd.w', 'amoswap.d', 'amomaxu.w', 'lr.w', 'sc.w']);
    code.long(asm(name, { rd: temporary(dice), rs1: register, rs2: name === 'lr.w' ? 0 : temporary(dice) }));
  }

  /** Makes another instruction of one, as in shapes.ts. */
  private modify(): void {
    const { dice, code } = this;
    const word = dice.oneIn(8) ? illegal(dice, 4) : plain32(dice);
    code.long(asm('lui', { rd: 6, imm: (word + 0x800) & ~0xfff }));
    code.long(asm('addiw', { rd: 6, rs1: 6, imm: word }));
    code.modify(5, asm('sw', { rs1: 5, rs2: 6 }), code.label(), ALIAS - CODE);
  }
}
