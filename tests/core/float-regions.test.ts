import { describe, expect, it } from 'vitest';
import { Flag, Rounding } from '../../src/core/fpu/op.ts';
import { Csr } from '../../src/core/isa/csr.ts';
import { JIT_MODES } from '../../src/core/jit/translations.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { TestHart } from './helpers/hart.ts';

/** f1 + f2 and f1 × f2 are inexact; f3 and f4 are small integers. */
const [A, B, THREE, FOUR] = [1, 2, 3, 4];
const view = new DataView(new ArrayBuffer(8));

function bits(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function boxed(value: number): bigint {
  view.setFloat32(0, value);
  return 0xffff_ffff_0000_0000n | BigInt(view.getUint32(0));
}

const add = (rd: number, rs1: number, rs2: number): number => asm('fadd.d', { rd, rs1, rs2 });
const readFlags = (rd: number): number => asm('csrrs', { rd, imm: Csr.fflags });
const writeFlags = (value: number): number => asm('csrrwi', { rs1: value, imm: Csr.fflags });
const writeMode = (value: number): number => asm('csrrwi', { rs1: value, imm: Csr.frm });

describe.each(JIT_MODES)('floating point in the midst of code, translated: %s', (mode) => {
  const hart = new TestHart(undefined, mode);

  function prepare(): void {
    hart.fcsr = 0;
    for (const [register, value] of [
      [A, 1],
      [B, 2 ** -60],
      [THREE, 3],
      [FOUR, 4],
    ] as const) {
      hart.setF(register, bits(value));
    }
  }

  function run(...words: number[]): void {
    prepare();
    hart.program(...words);
    expect(hart.run()).toBe(Cause.EnvironmentCall);
  }

  it('the flags show what has been inexact so far', () => {
    run(
      add(5, THREE, FOUR),
      readFlags(10),
      add(5, A, B),
      readFlags(11),
      asm('fdiv.d', { rd: 5, rs1: A, rs2: 6 }),
      readFlags(12),
    );
    expect([hart.x(10), hart.x(11)]).toEqual([0n, BigInt(Flag.NX)]);
    expect(hart.x(12) & BigInt(Flag.NX)).toBe(BigInt(Flag.NX));
  });

  it('flags that were cleared accrue again, by what is inexact alone', () => {
    run(
      add(5, A, B),
      writeFlags(0),
      add(5, THREE, FOUR),
      readFlags(10),
      add(6, A, B),
      readFlags(11),
      writeFlags(Flag.NX | Flag.UF),
      add(6, A, B),
      writeFlags(0),
      asm('fcvt.w.d', { rd: 13, rs1: THREE }),
      asm('fcvt.s.d', { rd: 7, rs1: FOUR }),
      readFlags(12),
    );
    expect([hart.x(10), hart.x(11), hart.x(12)]).toEqual([0n, 1n, 0n]);
    expect([hart.f(5), hart.f(6), hart.f(7), hart.x(13)]).toEqual([bits(7), bits(1), boxed(4), 3n]);
  });

  it('a quiet comparison is bracketed by reading and restoring the flags', () => {
    const nan = 0x7ff8_0000_0000_0000n;
    hart.setF(8, nan);
    run(
      readFlags(10),
      asm('flt.d', { rd: 11, rs1: A, rs2: 8 }),
      asm('csrrs', { rd: 12, imm: Csr.fflags }),
      asm('csrrw', { rs1: 10, imm: Csr.fflags }),
    );
    expect([hart.x(11), hart.x(12), hart.fcsr]).toEqual([0n, BigInt(Flag.NV), 0]);
  });

  it('a rounding mode holds for what follows it', () => {
    for (const [csr, shift] of [
      [Csr.frm, 0],
      [Csr.fcsr, 5],
    ] as const) {
      hart.setX(20, BigInt(Rounding.RUP << shift));
      hart.setX(21, BigInt(Rounding.RNE << shift));
      run(
        add(5, A, B),
        asm('csrrw', { rd: 10, rs1: 20, imm: csr }),
        add(6, A, B),
        asm('csrrw', { rd: 11, rs1: 21, imm: csr }),
        add(7, A, B),
      );
      expect([hart.f(5), hart.f(6), hart.f(7)]).toEqual([bits(1), bits(1 + 2 ** -52), bits(1)]);
      // Reading frm shows the mode alone, fcsr the flags too.
      const flags = csr === Csr.fcsr ? 1n : 0n;
      expect([hart.x(10), hart.x(11)]).toEqual([flags, BigInt(Rounding.RUP << shift) | flags]);
    }
  });

  it('writing the mode that is in force changes nothing, and counts as an instruction', () => {
    const before = hart.instret;
    run(add(5, A, B), writeMode(Rounding.RNE), add(6, A, B), writeMode(Rounding.RTZ), add(7, A, B));
    expect(hart.instret - before).toBe(5);
    expect([hart.f(5), hart.f(6), hart.f(7)]).toEqual([bits(1), bits(1), bits(1)]);
  });

  it('a reserved mode makes the next operation illegal, and no earlier one', () => {
    prepare();
    hart.program(add(5, THREE, FOUR), writeMode(5), asm('addi', { rd: 10, imm: 7 }), add(5, A, A));
    expect(hart.run()).toBe(Cause.IllegalInstruction);
    expect([hart.f(5), hart.x(10)]).toEqual([bits(7), 7n]);
  });

  it('a mode set within a loop ends when the loop does', () => {
    // f5 += 2^-60 for 6 rounds, upwards in all but the first.
    hart.setX(10, 6n);
    run(
      add(5, A, B),
      add(5, 5, B),
      writeMode(Rounding.RUP),
      asm('addi', { rd: 10, rs1: 10, imm: -1 }),
      asm('bne', { rs1: 10, rs2: 0, imm: -12 }),
      writeMode(Rounding.RNE),
      add(6, A, B),
    );
    expect([hart.f(5), hart.f(6)]).toEqual([bits(1 + 5 * 2 ** -52), bits(1)]);
  });

  it('singles are carried through a loop, with what is not boxed counting as no number', () => {
    const rounds = 5;
    const loop = [
      asm('fadd.s', { rd: 8, rs1: 8, rs2: 9 }),
      asm('fmul.s', { rd: 7, rs1: 9, rs2: 9 }),
      asm('addi', { rd: 10, rs1: 10, imm: -1 }),
      asm('bne', { rs1: 10, rs2: 0, imm: -12 }),
      asm('fsgnjn.s', { rd: 6, rs1: 8, rs2: 8 }),
    ];
    hart.setX(10, BigInt(rounds));
    hart.setF(8, boxed(0.5));
    hart.setF(9, boxed(3));
    run(...loop);
    expect([hart.f(8), hart.f(7), hart.f(6)]).toEqual([boxed(0.5 + 3 * rounds), boxed(9), boxed(-0.5 - 3 * rounds)]);
    hart.setX(10, BigInt(rounds));
    hart.setF(8, boxed(0.5));
    hart.setF(9, bits(3));
    run(...loop);
    expect([hart.f(8), hart.f(7)]).toEqual([boxed(NaN), boxed(NaN)]);
    expect(hart.f(9)).toBe(bits(3));
  });

  it('a register holds a double on one way and a single on the other', () => {
    for (const taken of [0n, 1n]) {
      hart.setX(10, taken);
      hart.setF(8, boxed(2));
      run(
        asm('bne', { rs1: 10, rs2: 0, imm: 12 }),
        asm('fadd.s', { rd: 8, rs1: 8, rs2: 8 }),
        asm('jal', { imm: 8 }),
        add(8, THREE, FOUR),
        asm('fsgnj.d', { rd: 7, rs1: 8, rs2: 8 }),
        asm('fsgnjx.s', { rd: 6, rs1: 8, rs2: 8 }),
      );
      const sum = taken === 0n ? boxed(4) : bits(7);
      expect([hart.f(8), hart.f(7)]).toEqual([sum, sum]);
      expect(hart.f(6)).toBe(taken === 0n ? boxed(4) : 0xffff_ffff_7fc0_0000n);
    }
  });
});
