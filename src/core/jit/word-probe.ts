/*
 * Asks the meaning of an instruction whether its result is a word, given what its operands are; and whether it compares words.
 *
 * The probe is a tier whose registers are locals that stand for nothing but what is known of them. Its answers are those that the translator's
 * tier will find (`wordOf` in word.ts sees the same trees), or more careful ones.
 */

import { LOADS } from '../isa/access.ts';
import { ILLEGAL, OPERATIONS } from '../isa/table.ts';
import type { LoadKind, Tier } from '../isa/tier.ts';
import { sequence } from '../wasm/control.ts';
import { i32, i64 } from '../wasm/ops.ts';
import { type I32, type I64, Local, type Stmt, type ValType } from '../wasm/node.ts';
import type { Region } from './region.ts';
import { Level, levelOf, narrowed, read, wordOf } from './word.ts';

const WIDE = new Local('i64', 0);
const NARROW = new Local('i32', 0);
const NOTHING = sequence();

const OPERANDS: Readonly<Record<Level, I64>> = {
  [Level.Any]: WIDE,
  [Level.Word]: read(NARROW, false),
  [Level.Positive]: read(NARROW, true),
};

export class WordProbe implements Tier {
  readonly context: I32 = NARROW;
  readonly instret: I64 = WIDE;
  readonly time: I64 = WIDE;
  readonly fs1: I64 = WIDE;
  readonly fs2: I64 = WIDE;
  readonly fs3: I64 = WIDE;
  readonly rounding: I32 = NARROW;

  private index = 0;
  private first: Level = Level.Any;
  private second: Level = Level.Any;
  private result: Level = Level.Any;
  private computed = false;

  constructor(private readonly region: Region) {}

  /** Whether an instruction makes words that the host has to extend: no constants, and nothing that is positive anyway. */
  computesWord(index: number): boolean {
    return this.resultOf(index, Level.Word, Level.Word) === Level.Word && this.computed;
  }

  /** The level of what an instruction writes to its register, or compares, from those of its two operands. */
  resultOf(index: number, first: Level, second: Level): Level {
    this.index = index;
    this.first = first;
    this.second = second;
    this.result = Level.Any;
    this.computed = false;
    const op = this.region.op[index]!;
    if (op !== ILLEGAL) OPERATIONS[op - 1]!.instruction.meaning(this);
    return this.result;
  }

  get rs1(): I64 {
    return this.region.rs1[this.index] === 0 ? i64.const(0) : OPERANDS[this.first];
  }
  get rs2(): I64 {
    return this.region.rs2[this.index] === 0 ? i64.const(0) : OPERANDS[this.second];
  }
  get imm(): I64 {
    return i64.const(this.region.imm[this.index]!);
  }
  get imm32(): I32 {
    return i32.const(this.region.imm[this.index]!);
  }
  get uimm(): I64 {
    return i64.const(this.region.rs1[this.index]!);
  }
  get pc(): I64 {
    return i64.const(this.region.pc[this.index]!);
  }
  get next(): I64 {
    return i64.const(this.region.pc[this.index]! + this.region.length[this.index]!);
  }

  readonly rd = (value: I64): Stmt => {
    const word = wordOf(value);
    this.result = levelOf(word);
    this.computed = word !== undefined && word.low.kind !== 'const';
    return NOTHING;
  };
  readonly fd = (): Stmt => NOTHING;
  readonly temp = <T extends ValType>(type: T): Local<T> => new Local(type, 0);
  readonly load = (kind: LoadKind): I64 => LOADS[kind].read(NARROW);
  readonly store = (): Stmt => NOTHING;
  readonly physical = (): I32 => NARROW;
  readonly fpu = (): I64 => WIDE;
  readonly jump = (): Stmt => NOTHING;
  readonly branchIf = (condition: I32): Stmt => {
    if (narrowed(condition) !== condition) this.result = Level.Word;
    return NOTHING;
  };
  readonly trap = (): Stmt => NOTHING;
  readonly flushCode = (): Stmt => NOTHING;
}
