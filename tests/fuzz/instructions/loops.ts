/*
 * Random programs of loops over memory: pointers that move by constants or by registers, ends that are met or missed, loops in loops,
 * breaks, calls. What the bodies do beside moving pointers is in loop-body.ts.
 *
 * A program runs over the same registers with ever other contents (roles.ts): none of its loops knows how often it turns, where its
 * pointers are, or what by.
 */

import { asm } from '../../core/helpers/assembler.ts';
import type { Dice } from './dice.ts';
import { C_EBREAK } from './encode.ts';
import { Assembly, CODE_PAGES, PAGE_BYTES, type Program } from './layout.ts';
import { BASES, Body, branchBetween, type Mover, POINTERS, temporary } from './loop-body.ts';
import type { Role } from './roles.ts';

/** Registers that keep where the pointers begin; where they end; how many turns there are; strides. */
const ORIGINS: readonly number[] = [18, 19, 20, 21, 22, 23];
const ENDS: readonly number[] = [24, 25, 26, 27];
const TURNS = 3;
const FEW = 4;
const STRIDES: readonly number[] = [16, 31];
/** One for each depth of loops. */
const COUNTERS: readonly number[] = [28, 29, 30];
const RETURN = 0x8082;

const STEPS: readonly number[] = [1, 2, 4, 8, 16, 24, 3, 12, 40, 64, 72, 2047, -2048];
const MOST_INSTRUCTIONS = 160;

/** How a loop is left: its count has become 0 or reached a bound; a pointer has; it is asked at the top; by what is in memory alone. */
const Control = { Down: 0, Up: 1, Pointer: 2, Top: 3, Data: 4 } as const;
const CONTROLS: readonly number[] = [6, 4, 8, 3, 2];

class LoopGenerator {
  readonly code = new Assembly();
  readonly roles = new Map<number, Role>();
  private readonly functions: number[] = [];
  private readonly body: Body;
  private readonly ends = [...ENDS];
  /** Whether each loop has another one in it, and few turns. */
  private readonly nested: boolean;

  constructor(private readonly dice: Dice) {
    this.nested = dice.oneIn(4);
    for (let i = dice.below(3); i > 0; i--) this.functions.push(this.code.label());
    this.body = new Body(dice, this.code, this.functions, (movers, depth) => this.loop(movers, depth));
    for (const register of [...ORIGINS, ...POINTERS, ...BASES]) this.roles.set(register, { kind: 'address' });
    for (const register of STRIDES) this.roles.set(register, { kind: 'stride' });
    this.roles.set(TURNS, { kind: 'turns' });
    this.roles.set(FEW, { kind: 'few' });
  }

  program(): void {
    const { dice, code } = this;
    const again = code.label();
    const repeated = dice.oneIn(3);
    if (repeated) code.bind(again);
    for (let loops = dice.below(3); loops >= 0; loops--) {
      this.loop([], 0);
      if (dice.oneIn(3)) this.body.part([this.mover([])], dice.below(3));
    }
    if (repeated) {
      code.long(asm('addi', { rd: FEW, rs1: FEW, imm: -1 }));
      code.branch(asm('bne', { rs1: FEW }), again);
    }
    code.long(asm('ecall'));
    for (const label of this.functions) {
      code.bind(label);
      for (let parts = dice.between(1, 3); parts > 0; parts--) this.body.leafPart(this.mover([]));
      code.short(RETURN);
    }
  }

  /** A pointer that is none of those given. */
  private mover(others: readonly Mover[]): Mover {
    const { dice } = this;
    let index: number;
    do index = dice.below(POINTERS.length);
    while (others.some(({ register }) => register === POINTERS[index]));
    const size = dice.oneIn(2) ? 8 : dice.pick(STEPS);
    const step = dice.oneIn(4) ? -size : size;
    // Two that begin at the same place overlap.
    const origin = dice.oneIn(8) ? dice.pick(ORIGINS) : ORIGINS[index]!;
    return { register: POINTERS[index]!, origin, step, by: dice.oneIn(6) ? dice.pick(STRIDES) : 0 };
  }

  /** A loop, in those that the movers `outer` belong to. */
  private loop(outer: readonly Mover[], depth: number): void {
    const { dice, code } = this;
    const movers: Mover[] = [];
    for (let i = dice.weighted([6, 5, 2]); i >= 0; i--) movers.push(this.mover([...outer.slice(0, 2), ...movers]));
    // One that goes on through both loops.
    const further = outer.length > 0 && dice.oneIn(3) ? dice.pick(outer) : undefined;
    const control = this.nested && depth === 0 ? Control.Down : dice.weighted(CONTROLS);
    const bound = movers[0]!;
    const end = control === Control.Pointer || control === Control.Top ? this.endOf(bound) : 0;
    for (const mover of movers) this.begin(mover, outer);
    const counter = COUNTERS[depth]!;
    if (control === Control.Down) this.beginCount(counter, depth);
    else if (control === Control.Up) code.long(asm('addi', { rd: counter, imm: dice.oneIn(4) ? dice.between(-3, 3) : 0 }));

    const [again, next, out] = [code.label(), code.label(), code.label()];
    code.bind(again);
    if (control === Control.Top) this.branchAtEnd(bound, end, out, false);
    const counts = control === Control.Down || control === Control.Up;
    const count = (): void => code.long(asm('addi', { rd: counter, rs1: counter, imm: control === Control.Down ? -1 : 1 }));
    const parts: (() => void)[] = [];
    for (let i = dice.between(dice.oneIn(8) ? 0 : 1, dice.oneIn(3) ? 8 : 4); i > 0; i--) {
      parts.push(() => this.body.part([...movers, ...movers, ...outer], depth, { again, next, out }));
    }
    if (depth === 0 && this.nested) parts.push(() => this.body.nest(movers, depth));
    const behind: (() => void)[] = [];
    // At the end, where compilers put them, or anywhere.
    const place = (emit: () => void): void => {
      if (dice.below(5) < 3) behind.push(emit);
      else parts.splice(dice.below(parts.length + 1), 0, emit);
    };
    for (const mover of movers) this.moves(mover, place);
    if (further !== undefined) this.moves(further, place);
    if (counts) place(count);
    for (const emit of parts) emit();
    code.bind(next);
    for (const emit of behind) emit();

    if (control === Control.Down)
      code.branch(asm(dice.oneIn(4) ? 'blt' : 'bne', dice.oneIn(2) ? { rs1: counter } : { rs2: counter }), again);
    else if (control === Control.Up) code.branch(asm(dice.pick(['bne', 'blt', 'bltu']), { rs1: counter, rs2: TURNS }), again);
    else if (control === Control.Pointer) this.branchAtEnd(bound, end, again, true);
    else if (control === Control.Top) code.shortJump(again);
    else this.body.loadAndBranch(bound, again);
    code.bind(out);
  }

  /** How a pointer moves in each turn: once as a rule, or in parts, under a condition, not at all. */
  private moves(mover: Mover, place: (emit: () => void) => void): void {
    const { dice, code } = this;
    const move = (): void => this.body.move(mover);
    switch (dice.weighted([14, 2, 2, 2])) {
      case 0:
        return place(move);
      case 1:
        place(move);
        return place(() => this.body.move({ ...mover, step: dice.pick(STEPS) }));
      case 2:
        return place(() => {
          const over = code.label();
          branchBetween(dice, code, temporary(dice), temporary(dice), over);
          move();
          code.bind(over);
        });
      default:
    }
  }

  /** Puts a pointer where it begins. */
  private begin({ register, origin }: Mover, outer: readonly Mover[]): void {
    const { dice, code } = this;
    switch (dice.weighted([10, 2, 1, outer.length > 0 ? 4 : 0])) {
      case 0:
        return code.long(asm('addi', { rd: register, rs1: origin }));
      case 1:
        return code.long(asm('addi', { rd: register, rs1: origin, imm: dice.between(-64, 64) }));
      case 2:
        // It goes on where it is.
        return;
      default:
        return code.long(
          asm('addi', { rd: register, rs1: dice.pick(outer).register, imm: dice.oneIn(2) ? 0 : 8 * dice.between(-4, 4) }),
        );
    }
  }

  private beginCount(counter: number, depth: number): void {
    const { dice, code } = this;
    if (depth > 0 && dice.oneIn(2)) code.long(asm('addi', { rd: counter, imm: dice.between(1, dice.oneIn(4) ? 400 : 12) }));
    else code.long(asm('addi', { rd: counter, rs1: (this.nested && depth === 0) || dice.oneIn(6) ? FEW : TURNS }));
  }

  /** A register with where a pointer is to end. */
  private endOf({ origin, step, by }: Mover): number {
    const { dice, ends, roles } = this;
    const free = ends.pop();
    if (free === undefined) return dice.pick(ENDS);
    roles.set(free, { kind: 'end', of: origin, step, by });
    return free;
  }

  /** A branch if a pointer has not reached its end, or if it has. */
  private branchAtEnd({ register, step, by }: Mover, end: number, label: number, unless: boolean): void {
    const { dice, code } = this;
    const down = step < 0 && by === 0 && !dice.oneIn(8);
    const [low, high] = down ? [end, register] : [register, end];
    const name = dice.pick(unless ? ['bne', 'bne', 'bltu', 'blt', 'bgeu'] : ['beq', 'beq', 'bgeu', 'bge']);
    // `bgeu` end ≥ pointer, which is one turn more.
    const swapped = unless && name === 'bgeu';
    code.branch(asm(name, { rs1: swapped ? high : low, rs2: swapped ? low : high }), label);
  }
}

/** A program of loops that the dice fix. */
export function generateLoops(dice: Dice): Program {
  for (;;) {
    const generator = new LoopGenerator(dice);
    generator.program();
    const { code, roles } = generator;
    if (code.size > MOST_INSTRUCTIONS) continue;
    const program = code.layOut(dice, C_EBREAK, (size) =>
      dice.oneIn(6) ? PAGE_BYTES - dice.below(size + 1) : dice.below(CODE_PAGES * PAGE_BYTES - size),
    );
    if (program !== undefined) return { ...program, roles };
  }
}
