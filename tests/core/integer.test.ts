import { describe, expect, it } from 'vitest';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { CODE, TestHart } from './helpers/hart.ts';

const MASK = (1n << 64n) - 1n;
const u = (x: bigint): bigint => BigInt.asUintN(64, x);
const s = (x: bigint): bigint => BigInt.asIntN(64, x);
const s32 = (x: bigint): bigint => BigInt.asIntN(32, x);
const u32 = (x: bigint): bigint => BigInt.asUintN(32, x);
const flag = (x: boolean): bigint => (x ? 1n : 0n);

/** Where carries, signs and widths change. */
const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  31n,
  32n,
  63n,
  64n,
  0x7fn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1234_5678_9abc_def0n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0x8000_0000_0000_0001n,
  0xffff_ffff_0000_0000n,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_ffff_fffen,
  MASK,
];
const IMMEDIATES: readonly number[] = [0, 1, 2, 63, 1024, 2047, -1, -2, -1024, -2048];

type Reference = (a: bigint, b: bigint) => bigint;

/** Truncating division with the results that RISC-V gives to the impossible cases; operands already of their width. */
const quotient = (a: bigint, b: bigint): bigint => (b === 0n ? -1n : a / b);
const remainder = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b);

const REGISTER: Readonly<Record<string, Reference>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  sll: (a, b) => a << (b & 63n),
  slt: (a, b) => flag(s(a) < s(b)),
  sltu: (a, b) => flag(a < b),
  xor: (a, b) => a ^ b,
  srl: (a, b) => a >> (b & 63n),
  sra: (a, b) => s(a) >> (b & 63n),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  addw: (a, b) => s32(a + b),
  subw: (a, b) => s32(a - b),
  sllw: (a, b) => s32(a << (b & 31n)),
  srlw: (a, b) => s32(u32(a) >> (b & 31n)),
  sraw: (a, b) => s32(a) >> (b & 31n),
  mul: (a, b) => a * b,
  mulh: (a, b) => (s(a) * s(b)) >> 64n,
  mulhsu: (a, b) => (s(a) * b) >> 64n,
  mulhu: (a, b) => (a * b) >> 64n,
  div: (a, b) => quotient(s(a), s(b)),
  divu: quotient,
  rem: (a, b) => remainder(s(a), s(b)),
  remu: remainder,
  mulw: (a, b) => s32(a * b),
  divw: (a, b) => s32(quotient(s32(a), s32(b))),
  divuw: (a, b) => s32(quotient(u32(a), u32(b))),
  remw: (a, b) => s32(remainder(s32(a), s32(b))),
  remuw: (a, b) => s32(remainder(u32(a), u32(b))),
};

const IMMEDIATE: Readonly<Record<string, Reference>> = {
  addi: (a, b) => a + b,
  slti: (a, b) => flag(s(a) < b),
  sltiu: (a, b) => flag(a < u(b)),
  xori: (a, b) => a ^ u(b),
  ori: (a, b) => a | u(b),
  andi: (a, b) => a & u(b),
  addiw: (a, b) => s32(a + b),
};

const SHIFT: Readonly<Record<string, { bits: number; reference: Reference }>> = {
  slli: { bits: 64, reference: (a, b) => a << b },
  srli: { bits: 64, reference: (a, b) => a >> b },
  srai: { bits: 64, reference: (a, b) => s(a) >> b },
  slliw: { bits: 32, reference: (a, b) => s32(a << b) },
  srliw: { bits: 32, reference: (a, b) => s32(u32(a) >> b) },
  sraiw: { bits: 32, reference: (a, b) => s32(a) >> b },
};

const hart = new TestHart();

/** Runs the one instruction at CODE with these registers, and returns x5. */
function execute(x6: bigint, x7 = 0n): bigint {
  hart.setX(6, x6);
  hart.setX(7, x7);
  hart.setX(5, 0xdead_beefn);
  hart.pc = CODE;
  expect(hart.step()).toBe(Cause.Budget);
  expect(hart.pc).toBe(CODE + 4);
  return hart.x(5);
}

describe('register-register instructions', () => {
  it.each(Object.entries(REGISTER))('%s computes what arithmetic says, at all extremes', (name, reference) => {
    hart.program(asm(name, { rd: 5, rs1: 6, rs2: 7 }));
    for (const a of EDGES) {
      for (const b of EDGES) expect(execute(a, b), `${name} ${a.toString(16)}, ${b.toString(16)}`).toBe(u(reference(a, b)));
    }
  });

  it.each(Object.keys(REGISTER))('%s may have its destination among its sources, and x0 anywhere', (name) => {
    const reference = REGISTER[name]!;
    const [a, b] = [0xffff_fff0_1234_5678n, 7n];
    const run = (rd: number, rs1: number, rs2: number): bigint => {
      hart.program(asm(name, { rd, rs1, rs2 }));
      execute(a, b);
      return hart.x(rd);
    };
    expect(run(6, 6, 7)).toBe(u(reference(a, b)));
    expect(run(7, 6, 7)).toBe(u(reference(a, b)));
    expect(run(6, 6, 6)).toBe(u(reference(a, a)));
    expect(run(5, 0, 7)).toBe(u(reference(0n, b)));
    expect(run(5, 6, 0)).toBe(u(reference(a, 0n)));
    expect(run(0, 6, 7)).toBe(0n);
  });
});

describe('register-immediate instructions', () => {
  it.each(Object.entries(IMMEDIATE))('%s sign-extends its 12 bits', (name, reference) => {
    for (const imm of IMMEDIATES) {
      hart.program(asm(name, { rd: 5, rs1: 6, imm }));
      for (const a of EDGES) expect(execute(a), `${name} ${a.toString(16)}, ${String(imm)}`).toBe(u(reference(a, BigInt(imm))));
    }
  });

  it.each(Object.entries(SHIFT))('%s shifts by 0 up to the width less one', (name, { bits, reference }) => {
    for (const imm of [0, 1, 15, 31, bits - 1]) {
      hart.program(asm(name, { rd: 5, rs1: 6, imm }));
      for (const a of EDGES) expect(execute(a), `${name} ${a.toString(16)}, ${String(imm)}`).toBe(u(reference(a, BigInt(imm))));
    }
  });

  it('lui and auipc sign-extend from bit 31', () => {
    for (const imm of [0, 0x1000, 0x7fff_f000, -0x8000_0000, -0x1000]) {
      hart.program(asm('lui', { rd: 5, imm }));
      expect(execute(0n)).toBe(u(BigInt(imm)));
      hart.program(asm('auipc', { rd: 5, imm }));
      expect(execute(0n)).toBe(u(BigInt(imm) + BigInt(CODE)));
    }
  });
});

describe('control transfer', () => {
  const BRANCHES: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
    beq: (a, b) => a === b,
    bne: (a, b) => a !== b,
    blt: (a, b) => s(a) < s(b),
    bge: (a, b) => s(a) >= s(b),
    bltu: (a, b) => a < b,
    bgeu: (a, b) => a >= b,
  };

  it.each(Object.entries(BRANCHES))('%s goes one way or the other', (name, taken) => {
    for (const imm of [8, -8, 4094, -4096]) {
      hart.program(asm(name, { rs1: 6, rs2: 7, imm }));
      for (const a of EDGES) {
        for (const b of EDGES) {
          hart.setX(6, a);
          hart.setX(7, b);
          hart.pc = CODE;
          hart.step();
          expect(hart.pc, `${name} ${a.toString(16)}, ${b.toString(16)}`).toBe(taken(a, b) ? CODE + imm : CODE + 4);
        }
      }
    }
  });

  it('jal links and jumps, both ways and far', () => {
    for (const imm of [2, 16, -16, 0xf_fffe, -0x1_0000]) {
      hart.program(asm('jal', { rd: 1, imm }));
      hart.step();
      expect(hart.pc).toBe(CODE + imm);
      expect(hart.x(1)).toBe(BigInt(CODE + 4));
    }
  });

  it('jalr clears the lowest bit of its target', () => {
    hart.program(asm('jalr', { rd: 1, rs1: 6, imm: 3 }));
    hart.setX(6, 0x2_0000n);
    hart.step();
    expect(hart.pc).toBe(0x2_0002);
    expect(hart.x(1)).toBe(BigInt(CODE + 4));
  });

  it('jalr takes its target before it links into the same register', () => {
    hart.program(asm('jalr', { rd: 6, rs1: 6, imm: -8 }));
    hart.setX(6, 0x2_0008n);
    hart.step();
    expect(hart.pc).toBe(0x2_0000);
    expect(hart.x(6)).toBe(BigInt(CODE + 4));
  });

  it('ecall and ebreak stop at their own address and do not count as retired', () => {
    hart.program(asm('addi'), asm('ebreak'));
    const before = hart.instret;
    expect(hart.run()).toBe(Cause.Breakpoint);
    expect(hart.pc).toBe(CODE + 4);
    expect(hart.trapValue).toBe(BigInt(CODE + 4));
    expect(hart.instret - before).toBe(1);
    hart.pc = CODE + 8;
    expect(hart.run()).toBe(Cause.EnvironmentCall);
    expect(hart.pc).toBe(CODE + 8);
    expect(hart.trapValue).toBe(0n);
    expect(hart.instret - before).toBe(1);
  });

  it('fence passes with any sets and any ignored fields', () => {
    hart.program(0x0ff0_000f, 0x8330_000f, 0x0100_000f, 0x0ff5_858f);
    expect(hart.run()).toBe(Cause.EnvironmentCall);
    expect(hart.pc).toBe(CODE + 16);
  });
});
