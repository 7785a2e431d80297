/*
 * How many guest instructions per second the interpreter executes, in loops of different kinds, without a kernel.
 *
 * Prints one line per loop: millions of instructions per second, the median of several runs. The first runs are not counted: V8 compiles
 * the main loop a second time, better, while they go on.
 */

import { asm } from '../tests/core/helpers/assembler.ts';
import { CODE, DATA, DATA_FLAGS, TestHart } from '../tests/core/helpers/hart.ts';

const INSTRUCTIONS = 20_000_000;
const WARM_UP = 3;
const RUNS = 7;

/** Registers: x5 and x6 counters, x7 a base address, x8… scratch. Each loop runs for ever. */
const LOOPS: Readonly<Record<string, readonly number[]>> = {
  'integer arithmetic': [
    asm('add', { rd: 8, rs1: 8, rs2: 5 }),
    asm('xor', { rd: 9, rs1: 8, rs2: 6 }),
    asm('slli', { rd: 10, rs1: 9, imm: 7 }),
    asm('mul', { rd: 11, rs1: 10, rs2: 8 }),
    asm('addiw', { rd: 5, rs1: 5, imm: 1 }),
    asm('jal', { imm: -20 }),
  ],
  'loads and stores': [
    asm('sd', { rs1: 7, rs2: 8 }),
    asm('ld', { rd: 9, rs1: 7, imm: 64 }),
    asm('lbu', { rd: 10, rs1: 7, imm: 3 }),
    asm('add', { rd: 8, rs1: 8, rs2: 10 }),
    asm('sw', { rs1: 7, rs2: 9, imm: 128 }),
    asm('jal', { imm: -20 }),
  ],
  'mixed, with a branch': [
    asm('add', { rd: 8, rs1: 8, rs2: 5 }),
    asm('sd', { rs1: 7, rs2: 8 }),
    asm('ld', { rd: 9, rs1: 7 }),
    asm('xor', { rd: 10, rs1: 9, rs2: 5 }),
    asm('addi', { rd: 5, rs1: 5, imm: 1 }),
    asm('bne', { rs1: 5, rs2: 0, imm: -20 }),
    asm('jal', { imm: -24 }),
  ],
  'calls and returns': [
    asm('jal', { rd: 1, imm: 12 }),
    asm('addi', { rd: 5, rs1: 5, imm: 1 }),
    asm('jal', { imm: -8 }),
    asm('add', { rd: 8, rs1: 8, rs2: 5 }),
    asm('jalr', { rs1: 1 }),
  ],
  'atomic additions': [
    asm('amoadd.d', { rd: 8, rs1: 7, rs2: 5 }),
    asm('addi', { rd: 5, rs1: 5, imm: 1 }),
    asm('jal', { imm: -8 }),
  ],
  'double arithmetic': [
    asm('fmul.d', { rd: 8, rs1: 9, rs2: 10 }),
    asm('fadd.d', { rd: 11, rs1: 11, rs2: 8 }),
    asm('fld', { rd: 12, rs1: 7, imm: 256 }),
    asm('fsub.d', { rd: 13, rs1: 11, rs2: 12 }),
    asm('jal', { imm: -16 }),
  ],
};

/** Bits of 1.5 and 0.1: products and sums that are inexact, like most. */
const DOUBLES: Readonly<Record<number, bigint>> = { 9: 0x3ff8_0000_0000_0000n, 10: 0x3fb9_9999_9999_999an };

function measure(words: readonly number[]): number {
  const hart = new TestHart();
  hart.map(DATA, DATA_FLAGS);
  hart.programAt(CODE, words);
  hart.setX(7, BigInt(DATA));
  for (const [register, bits] of Object.entries(DOUBLES)) hart.setF(Number(register), bits);
  const rates: number[] = [];
  for (let i = 0; i < WARM_UP + RUNS; i++) {
    const start = performance.now();
    hart.run(INSTRUCTIONS);
    rates.push(INSTRUCTIONS / (performance.now() - start) / 1000);
  }
  return rates.slice(WARM_UP).sort((a, b) => a - b)[RUNS >> 1]!;
}

for (const [name, words] of Object.entries(LOOPS)) {
  console.log(`${name.padEnd(24)}${measure(words).toFixed(0).padStart(6)} million instructions/s`);
}
