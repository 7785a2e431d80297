/*
 * Registers that hold words, as the translator keeps them in 32 bits: what it finds in trees, and that no register ever shows it.
 */

import { describe, expect, it } from 'vitest';
import { HartBlock } from '../../src/core/hart-block.ts';
import { narrowed, read, wordOf } from '../../src/core/jit/word.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Cause } from '../../src/core/trap.ts';
import { ModuleBuilder } from '../../src/core/wasm/module.ts';
import { i32, i64 } from '../../src/core/wasm/ops.ts';
import type { Expr, I32, I64, Local, ValType } from '../../src/core/wasm/node.ts';
import { asm } from './helpers/assembler.ts';
import { CODE, DATA, TestHart } from './helpers/hart.ts';

const WORDS = [0n, 1n, -1n, 0x7fff_ffffn, -0x8000_0000n, 0x1234_5678n, -0x1234_5679n];
const WIDE = [0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, -0x8000_0001n, 0x7fff_ffff_ffff_ffffn, -0x8000_0000_0000_0000n];
const ALL = [...WORDS, ...WIDE];

/** A reproducible choice. */
class Dice {
  constructor(private state: number) {}
  below(n: number): number {
    this.state = (Math.imul(this.state, 0x6c07_8965) + 0x3039) | 0;
    return ((this.state >>> 8) * n) >>> 24;
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

describe('a word found in a tree', () => {
  const LOGIC = [i64.and, i64.or, i64.xor, i64.add, i64.sub, i64.mul];
  const SHIFTS = [i64.shrU, i64.shrS, i64.shl];
  const AMOUNTS = [0, 1, 7, 31, 32, 32, 33, 40, 63];
  const COMPARISONS = [i64.eq, i64.ne, i64.ltS, i64.ltU, i64.gtS, i64.gtU, i64.leS, i64.leU, i64.geS, i64.geU];
  const SHORT = [i32.add, i32.sub, i32.mul, i32.and, i32.or, i32.xor, i32.shl, i32.shrS, i32.shrU];

  interface Operands {
    readonly any: Local<'i64'>;
    readonly word: Local<'i32'>;
    readonly positive: Local<'i32'>;
  }

  function tree(dice: Dice, operands: Operands, depth: number): I64 {
    const next = (): I64 => tree(dice, operands, depth - 1);
    switch (dice.below(depth === 0 ? 4 : 9)) {
      case 0:
        return operands.any;
      case 1:
        return read(operands.word, false);
      case 2:
        return read(operands.positive, true);
      case 3:
        return i64.const(dice.of(ALL));
      case 4:
        return i64.extendI32S(
          dice.of(SHORT)(i32.wrap(next()), dice.below(2) === 0 ? i32.wrap(next()) : i32.const(dice.below(40))),
        );
      case 5:
        return i64.extendI32U(dice.below(2) === 0 ? compared(dice, next(), next()) : i32.wrap(next()));
      case 6:
        return dice.of(SHIFTS)(next(), i64.const(dice.of(AMOUNTS)));
      default:
        return dice.of(LOGIC)(next(), next());
    }
  }

  function compared(dice: Dice, a: I64, b: I64): I32 {
    const which = dice.below(COMPARISONS.length + 1);
    return which === COMPARISONS.length ? i64.eqz(a) : COMPARISONS[which]!(a, b);
  }

  /** Compiles what a tree of the operands yields. */
  function compile<T extends ValType>(
    type: T,
    body: (operands: Operands) => Expr<T>,
  ): (...args: (bigint | number)[]) => bigint | number {
    const module = new ModuleBuilder();
    const func = module.func(['i64', 'i32', 'i32'], type, 'f');
    func.body([], body({ any: func.param('i64', 0), word: func.param('i32', 1), positive: func.param('i32', 2) }));
    return new WebAssembly.Instance(new WebAssembly.Module(module.encode())).exports.f as never;
  }

  const OPERANDS = ALL.flatMap((any) =>
    [...WORDS].map((word, i) => [any, Number(word), [0, 0x7fff_ffff, 1, 255][i & 3]!] as const),
  );

  it('is extended by what the tree yields', () => {
    let [words, positives] = [0, 0];
    for (let seed = 1; seed <= 600; seed++) {
      let found: ReturnType<typeof wordOf>;
      const whole = compile('i64', (operands) => {
        const value = tree(new Dice(seed), operands, 3);
        found = wordOf(value);
        return value;
      });
      if (found === undefined) continue;
      words++;
      if (found.isPositive) positives++;
      const low = compile('i32', (operands) => wordOf(tree(new Dice(seed), operands, 3))!.low);
      for (const args of OPERANDS) {
        const value = whole(...args) as bigint;
        expect(BigInt(low(...args)), `seed ${String(seed)}`).toBe(value);
        if (found.isPositive) expect(value, `seed ${String(seed)}`).toBeGreaterThanOrEqual(0n);
      }
    }
    expect(words).toBeGreaterThan(100);
    expect(positives).toBeGreaterThan(50);
  });

  it('compares as the 64 bits do', () => {
    let narrow = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const condition = (operands: Operands): I32 => {
        const dice = new Dice(seed);
        return compared(dice, tree(dice, operands, 1), tree(dice, operands, 1));
      };
      const whole = compile('i32', condition);
      const short = compile('i32', (operands) => {
        const before = condition(operands);
        const after = narrowed(before);
        if (after !== before) narrow++;
        return after;
      });
      for (const args of OPERANDS) expect(short(...args), `seed ${String(seed)}`).toBe(whole(...args));
    }
    expect(narrow).toBeGreaterThan(100);
  });
});

describe('words in translated code', () => {
  const interpreter = new TestHart(undefined, 'off');
  let translator = new TestHart(undefined, 'always');
  const regions = (): number => HartBlock.regions.get(translator.ram, translator.hartBlock);
  const translated = (): number => HartBlock.translated.get(translator.ram, translator.hartBlock);

  /** How a run ended, and all registers. */
  function outcome(hart: TestHart, registers: ReadonlyMap<number, bigint>, budget: number): unknown {
    for (let n = 1; n < 32; n++) hart.setX(n, registers.get(n) ?? 0xdead_0000_0000_0000n + BigInt(n));
    hart.pc = CODE;
    const before = hart.instret;
    const cause = hart.run(budget);
    return { cause, pc: hart.pc, retired: hart.instret - before, x: Array.from({ length: 32 }, (_, n) => hart.x(n)) };
  }

  function compare(registers: Record<number, bigint>, budget = 10_000): Cause {
    const map = new Map(Object.entries(registers).map(([n, value]) => [Number(n), value]));
    const expected = outcome(interpreter, map, budget);
    expect(outcome(translator, map, budget)).toEqual(expected);
    return (expected as { cause: Cause }).cause;
  }

  /** For a translator that has not seen anything yet. */
  function program(...words: number[]): void {
    translator = new TestHart(undefined, 'always');
    for (const hart of [interpreter, translator]) hart.program(...words);
  }

  /** x5 is a checksum, x6 the count of rounds, x7 and x8 are other words, x9 is none. */
  const CHECKSUM = [
    asm('srliw', { rd: 10, rs1: 5, imm: 7 }),
    asm('slliw', { rd: 11, rs1: 5, imm: 25 }),
    asm('or', { rd: 10, rs1: 10, rs2: 11 }),
    asm('xor', { rd: 5, rs1: 10, rs2: 7 }),
    asm('andi', { rd: 12, rs1: 5, imm: 0xff }),
    asm('slli', { rd: 12, rs1: 12, imm: 3 }),
    asm('add', { rd: 9, rs1: 9, rs2: 12 }),
    asm('addiw', { rd: 6, rs1: 6, imm: -1 }),
    asm('bne', { rs1: 6, imm: -32 }),
  ];

  it('a loop may be entered with anything in its registers, each time', () => {
    program(...CHECKSUM);
    for (let round = 0; round < 2; round++) {
      for (const x5 of ALL) for (const x7 of ALL) compare({ 5: x5, 6: 5n, 7: x7, 8: 3n, 9: -1n, 10: x7, 11: x5, 12: x5 });
    }
  });

  it('a region whose registers are never what it hoped for is translated all the same, and not anew for ever', () => {
    program(...CHECKSUM);
    const registers = { 5: 0x1_0000_0000n, 6: 7n, 7: 0x5_0000_0001n, 10: 1n << 40n, 11: 1n << 41n, 12: -1n << 40n };
    for (let i = 0; i < 10; i++) compare(registers);
    const [made, before] = [regions(), translated()];
    for (let i = 0; i < 10; i++) compare(registers);
    expect(regions()).toBe(made);
    expect(translated() - before).toBeGreaterThanOrEqual(10 * 7 * CHECKSUM.length);
  });

  it('a register that is wide at one entry only costs one more translation', () => {
    const fresh = new TestHart(undefined, 'always');
    fresh.program(...CHECKSUM);
    const made = (x5: bigint): number => {
      const before = HartBlock.regions.get(fresh.ram, fresh.hartBlock);
      const registers = new Map<number, bigint>([6, 7, 8, 9, 10, 11, 12].map((n) => [n, 2n]));
      outcome(fresh, registers.set(5, x5), 1000);
      return HartBlock.regions.get(fresh.ram, fresh.hartBlock) - before;
    };
    made(3n);
    expect(made(3n)).toBe(0);
    expect(made(1n << 50n)).toBe(1);
    expect(made(1n << 50n)).toBe(0);
    expect(made(3n)).toBe(0);
  });

  it('a place where ever more turns out otherwise is given up hoping for', () => {
    const fresh = new TestHart(undefined, 'always');
    const loop = [10, 11, 12, 13, 14, 15, 16].map((n) => asm('addw', { rd: n, rs1: n, rs2: 5 }));
    const again = -4 * (loop.length + 1);
    fresh.program(...loop, asm('addiw', { rd: 6, rs1: 6, imm: -1 }), asm('bne', { rs1: 6, imm: again }));
    const before = HartBlock.regions.get(fresh.ram, fresh.hartBlock);
    for (let wide = 10; wide <= 16; wide++) {
      const registers = new Map<number, bigint>(
        [5, 6, 10, 11, 12, 13, 14, 15, 16].map((n) => [n, n === wide ? 1n << 40n : 3n]),
      );
      outcome(fresh, registers, 1000);
    }
    // The loop, what follows it, and the loop again five times.
    expect(HartBlock.regions.get(fresh.ram, fresh.hartBlock) - before).toBeLessThanOrEqual(7);
  });

  it('what a loop carries as positive was so when it was entered', () => {
    program(
      asm('slli', { rd: 10, rs1: 12, imm: 1 }),
      asm('add', { rd: 9, rs1: 9, rs2: 10 }),
      asm('andi', { rd: 12, rs1: 9, imm: 0x7f }),
      asm('addiw', { rd: 6, rs1: 6, imm: -1 }),
      asm('bne', { rs1: 6, imm: -16 }),
    );
    for (let round = 0; round < 2; round++) {
      for (const x12 of [...ALL].reverse()) compare({ 6: 3n, 9: 1n, 10: 0n, 12: x12 });
    }
    // Not refuted by anything before.
    for (const x12 of [0x8000_0000n, -1n]) {
      program(
        asm('srli', { rd: 10, rs1: 12, imm: 1 }),
        asm('add', { rd: 9, rs1: 9, rs2: 10 }),
        asm('andi', { rd: 12, rs1: 9, imm: 0x7f }),
        asm('addiw', { rd: 6, rs1: 6, imm: -1 }),
        asm('bne', { rs1: 6, imm: -16 }),
      );
      compare({ 6: 3n, 9: 1n, 10: 0n, 12: x12 });
    }
  });

  it('is left after any number of instructions with the registers exact', () => {
    program(...CHECKSUM);
    for (const x5 of [3n, -1n, 1n << 35n]) {
      for (let budget = 0; budget < 4 * CHECKSUM.length; budget++) compare({ 5: x5, 6: 3n, 7: -5n, 9: -1n }, budget);
    }
  });

  it('a register that is a word on one way and wide on the other is wide where they meet', () => {
    program(
      asm('addi', { rd: 6, imm: 4 }),
      asm('andi', { rd: 8, rs1: 6, imm: 1 }),
      asm('bne', { rs1: 8, imm: 12 }),
      asm('addw', { rd: 5, rs1: 5, rs2: 7 }),
      asm('jal', { imm: 8 }),
      asm('add', { rd: 5, rs1: 5, rs2: 7 }),
      asm('add', { rd: 9, rs1: 9, rs2: 5 }),
      asm('srli', { rd: 10, rs1: 5, imm: 4 }),
      asm('addi', { rd: 6, rs1: 6, imm: -1 }),
      asm('bne', { rs1: 6, imm: -32 }),
    );
    for (const x5 of ALL) for (const x7 of ALL) compare({ 5: x5, 7: x7, 9: 0n });
  });

  it('what is known to be positive is so on both ways, or extended by its sign', () => {
    program(
      asm('addi', { rd: 6, imm: 4 }),
      asm('andi', { rd: 8, rs1: 6, imm: 1 }),
      asm('bne', { rs1: 8, imm: 12 }),
      asm('srliw', { rd: 5, rs1: 7, imm: 1 }),
      asm('jal', { imm: 8 }),
      asm('sraiw', { rd: 5, rs1: 7, imm: 1 }),
      asm('slli', { rd: 10, rs1: 5, imm: 2 }),
      asm('add', { rd: 9, rs1: 9, rs2: 10 }),
      asm('srli', { rd: 11, rs1: 5, imm: 3 }),
      asm('addi', { rd: 6, rs1: 6, imm: -1 }),
      asm('bne', { rs1: 6, imm: -36 }),
    );
    for (const x5 of ALL) for (const x7 of ALL) compare({ 5: x5, 7: x7, 9: 0n });
  });

  it.each(['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'])('%s orders words as it orders 64 bits', (name) => {
    program(
      asm('addw', { rd: 5, rs1: 5 }),
      asm('addw', { rd: 6, rs1: 6 }),
      asm(name, { rs1: 5, rs2: 6, imm: 8 }),
      asm('addi', { rd: 7, imm: 1 }),
      asm(name, { rs1: 5, rs2: 8, imm: 8 }),
      asm('addi', { rd: 9, imm: 1 }),
      asm('slt', { rd: 10, rs1: 5, rs2: 6 }),
      asm('sltu', { rd: 11, rs1: 5, rs2: 6 }),
    );
    for (const a of WORDS)
      for (const b of WORDS) for (const x8 of [a, a + (1n << 32n)]) compare({ 5: a, 6: b, 7: 0n, 8: x8, 9: 0n });
  });

  it('a register that is now a word, now wide is exact wherever the loop is left', () => {
    program(
      asm('lw', { rd: 5, rs1: 9 }),
      asm('lw', { rd: 10, rs1: 7 }),
      asm('add', { rd: 5, rs1: 5, rs2: 8 }),
      asm('sd', { rs1: 9, rs2: 5, imm: 8 }),
      asm('lw', { rd: 5, rs1: 11 }),
      asm('addi', { rd: 7, rs1: 7, imm: 8 }),
      asm('addi', { rd: 9, rs1: 9, imm: 16 }),
      asm('addi', { rd: 11, rs1: 11, imm: 24 }),
      asm('addiw', { rd: 6, rs1: 6, imm: -1 }),
      asm('bne', { rs1: 6, imm: -36 }),
    );
    for (const hart of [interpreter, translator]) hart.map(DATA);
    const end = BigInt(DATA + PAGE_SIZE);
    for (const [x7, x9, x11] of [
      [end - 40n, end - 800n, end - 1200n],
      [end - 400n, end - 80n, end - 1200n],
      [end - 400n, end - 88n, end - 1200n],
      [end - 400n, end - 800n, end - 120n],
    ] as const) {
      const registers = { 5: -7n, 6: 90n, 7: x7, 8: 1n << 40n, 9: x9, 10: 3n, 11: x11 };
      for (let i = 0; i < 3; i++) compare(registers);
      for (let budget = 1; budget < 40; budget++) compare(registers, budget);
    }
  });

  it('a fault in the midst of a loop finds all registers as they are', () => {
    program(
      asm('lw', { rd: 10, rs1: 9 }),
      asm('addw', { rd: 5, rs1: 5, rs2: 10 }),
      asm('srliw', { rd: 11, rs1: 5, imm: 3 }),
      asm('sw', { rs1: 9, rs2: 11, imm: 4 }),
      asm('sb', { rs1: 9, rs2: 5, imm: 9 }),
      asm('sh', { rs1: 9, rs2: 5, imm: 10 }),
      asm('xor', { rd: 12, rs1: 11, rs2: 7 }),
      asm('addi', { rd: 9, rs1: 9, imm: 8 }),
      asm('addiw', { rd: 6, rs1: 6, imm: -1 }),
      asm('bne', { rs1: 6, imm: -36 }),
    );
    for (const hart of [interpreter, translator]) {
      hart.map(DATA);
      hart.map(DATA + PAGE_SIZE);
    }
    const bytes = (hart: TestHart): Uint8Array =>
      hart.ram.u8.slice(hart.physical(DATA + PAGE_SIZE), hart.physical(DATA + PAGE_SIZE) + PAGE_SIZE);
    for (const x5 of [5n, -3n, 1n << 33n]) {
      for (const x7 of [9n, -1n, 1n << 60n]) {
        const from = BigInt(DATA + 2 * PAGE_SIZE - 96);
        const registers = { 5: x5, 6: 100n, 7: x7, 9: from };
        // What is stored is not unmapped: the load is what faults, 12 rounds later, or the store before it.
        expect(compare(registers)).toBe(Cause.StorePageFault);
        expect(compare({ ...registers, 9: from + 4n })).toBe(Cause.StorePageFault);
        expect(bytes(translator)).toEqual(bytes(interpreter));
      }
    }
  });
});
