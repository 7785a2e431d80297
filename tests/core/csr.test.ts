import { describe, expect, it } from 'vitest';
import { Cause } from '../../src/core/trap.ts';
import { Csr } from '../../src/core/isa/csr.ts';
import { asm } from './helpers/assembler.ts';
import { CODE, TestHart } from './helpers/hart.ts';

const hart = new TestHart();

function execute(word: number): Cause {
  hart.program(word);
  return hart.step();
}

describe('floating-point control and status', () => {
  const VIEWS = [
    ['fflags', Csr.fflags, 0, 0x1f],
    ['frm', Csr.frm, 5, 0x7],
    ['fcsr', Csr.fcsr, 0, 0xff],
  ] as const;

  it.each(VIEWS)('%s reads and writes its part of fcsr alone', (_name, csr, shift, mask) => {
    for (const old of [0x00, 0xa5, 0x5a, 0xff]) {
      for (const operand of [0n, 1n, 0x15n, 0xffff_ffff_ffff_ffffn]) {
        const view = (old >> shift) & mask;
        const value = Number(operand & 0xffn);
        const results = { csrrw: value, csrrs: view | value, csrrc: view & ~value };
        for (const [name, result] of Object.entries(results)) {
          hart.fcsr = old;
          hart.setX(6, operand);
          expect(execute(asm(name, { rd: 5, rs1: 6, imm: csr }))).toBe(Cause.Budget);
          expect(hart.x(5)).toBe(BigInt(view));
          expect(hart.fcsr).toBe((old & ~(mask << shift)) | ((result & mask) << shift));
        }
      }
    }
  });

  it.each(VIEWS)('%s takes 5-bit immediates, which are not sign-extended', (_name, csr, shift, mask) => {
    for (const value of [0, 1, 0x12, 0x1f]) {
      const old = 0x99;
      const view = (old >> shift) & mask;
      const results = { csrrwi: value, csrrsi: view | value, csrrci: view & ~value };
      for (const [name, result] of Object.entries(results)) {
        hart.fcsr = old;
        expect(execute(asm(name, { rd: 5, rs1: value, imm: csr }))).toBe(Cause.Budget);
        expect(hart.x(5)).toBe(BigInt(view));
        expect(hart.fcsr).toBe((old & ~(mask << shift)) | ((result & mask) << shift));
      }
    }
  });

  it('swaps with the register it reads from', () => {
    hart.fcsr = 0x21;
    hart.setX(6, 0x43n);
    execute(asm('csrrw', { rd: 6, rs1: 6, imm: Csr.fcsr }));
    expect(hart.x(6)).toBe(0x21n);
    expect(hart.fcsr).toBe(0x43);
  });
});

describe('counters', () => {
  it('instret and cycle count the instructions before the one that reads', () => {
    const read = asm('csrrs', { rd: 5, imm: Csr.instret });
    const again = asm('csrrs', { rd: 6, imm: Csr.cycle });
    hart.program(asm('addi'), asm('addi'), read, asm('addi'), again);
    const before = BigInt(hart.instret);
    hart.run();
    expect(hart.x(5)).toBe(before + 2n);
    expect(hart.x(6)).toBe(before + 4n);
  });

  it('counts on over several runs', () => {
    hart.program(asm('addi'), asm('csrrs', { rd: 5, imm: Csr.instret }));
    const before = BigInt(hart.instret);
    hart.step();
    hart.step();
    expect(hart.x(5)).toBe(before + 1n);
  });

  it('time ticks at 10 MHz', () => {
    hart.clock = (): number => 12_345_678_999;
    execute(asm('csrrs', { rd: 5, imm: Csr.time }));
    expect(hart.x(5)).toBe(123_456_789n);
  });
});

describe('what user mode may not touch', () => {
  it.each([
    ['mstatus', asm('csrrs', { rd: 5, imm: 0x300 })],
    ['satp', asm('csrrw', { rd: 5, rs1: 6, imm: 0x180 })],
    ['cycle, for writing', asm('csrrw', { rd: 0, rs1: 0, imm: Csr.cycle })],
    ['time, for setting bits', asm('csrrs', { rd: 5, rs1: 6, imm: Csr.time })],
    ['instret, for clearing bits by immediate', asm('csrrci', { rd: 5, rs1: 1, imm: Csr.instret })],
    ['mret', 0x3020_0073],
    ['wfi', 0x1050_0073],
    ['sfence.vma', 0x1200_0073],
  ])('%s: illegal instruction, with its bits as value', (_name, word) => {
    hart.setX(5, 99n);
    hart.setX(6, 1n);
    expect(execute(word)).toBe(Cause.IllegalInstruction);
    expect(hart.pc).toBe(CODE);
    expect(hart.trapValue).toBe(BigInt(word >>> 0));
    expect(hart.x(5)).toBe(99n);
  });

  it('setting no bits of a counter is reading', () => {
    expect(execute(asm('csrrs', { rd: 5, rs1: 0, imm: Csr.cycle }))).toBe(Cause.Budget);
    expect(execute(asm('csrrci', { rd: 5, rs1: 0, imm: Csr.time }))).toBe(Cause.Budget);
  });

  it('a 16-bit illegal instruction shows 16 bits', () => {
    hart.halves(CODE, [0x0000, 0xffff]);
    hart.pc = CODE;
    expect(hart.step()).toBe(Cause.IllegalInstruction);
    expect(hart.trapValue).toBe(0n);
    hart.halves(CODE, [0x8002, 0xffff]);
    expect(hart.step()).toBe(Cause.IllegalInstruction);
    expect(hart.trapValue).toBe(0x8002n);
  });
});
