import { beforeEach, describe, expect, it } from 'vitest';
import { Context, NO_RESERVATION } from '../../src/core/context.ts';
import { PTE_A, PTE_R, PTE_U, PTE_V } from '../../src/core/mmu.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { CODE, DATA, DATA_FLAGS, TestHart } from './helpers/hart.ts';

const s64 = (x: bigint): bigint => BigInt.asIntN(64, x);
const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
const s32 = (x: bigint): bigint => BigInt.asIntN(32, x);
const u32 = (x: bigint): bigint => BigInt.asUintN(32, x);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a < b ? b : a);

const VALUES = [0n, 1n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x8000_0000_0000_0000n, 0x7fff_ffff_8000_0001n, u64(-1n)];

/** New memory content from old and operand, of the signed and unsigned views. */
type Reference = (old: { s: bigint; u: bigint }, operand: { s: bigint; u: bigint }) => bigint;
const AMO: Readonly<Record<string, Reference>> = {
  amoswap: (_a, b) => b.u,
  amoadd: (a, b) => a.u + b.u,
  amoxor: (a, b) => a.u ^ b.u,
  amoand: (a, b) => a.u & b.u,
  amoor: (a, b) => a.u | b.u,
  amomin: (a, b) => min(a.s, b.s),
  amomax: (a, b) => max(a.s, b.s),
  amominu: (a, b) => min(a.u, b.u),
  amomaxu: (a, b) => max(a.u, b.u),
};

let hart: TestHart;
let data: number;

beforeEach(() => {
  hart = new TestHart();
  data = hart.map(DATA, DATA_FLAGS);
  hart.setX(6, BigInt(DATA));
});

/** Executes one word from CODE and returns the cause. */
function execute(word: number): Cause {
  hart.program(word);
  return hart.step();
}

describe('read-modify-write', () => {
  it.each(Object.entries(AMO))('%s.d returns the old value and stores the new one', (name, reference) => {
    hart.program(asm(`${name}.d`, { rd: 5, rs1: 6, rs2: 7 }));
    for (const old of VALUES) {
      for (const operand of VALUES) {
        hart.setU64(data, old);
        hart.setX(7, operand);
        hart.pc = CODE;
        expect(hart.step()).toBe(Cause.Budget);
        expect(hart.x(5)).toBe(old);
        expect(hart.u64(data), `${old.toString(16)} ${operand.toString(16)}`).toBe(
          u64(reference({ s: s64(old), u: old }, { s: s64(operand), u: operand })),
        );
      }
    }
  });

  it.each(Object.entries(AMO))('%s.w works on 32 bits, sign-extends, and leaves the neighbours alone', (name, reference) => {
    hart.program(asm(`${name}.w`, { rd: 5, rs1: 6, rs2: 7 }));
    hart.setX(6, BigInt(DATA + 4));
    for (const old of VALUES) {
      for (const operand of VALUES) {
        hart.setU64(data, 0x1111_1111n | (u32(old) << 32n));
        hart.setU64(data + 8, 0x2222_2222_2222_2222n);
        hart.setX(7, operand);
        hart.pc = CODE;
        expect(hart.step()).toBe(Cause.Budget);
        expect(hart.x(5)).toBe(u64(s32(old)));
        const expected = u32(reference({ s: s32(old), u: u32(old) }, { s: s32(operand), u: u32(operand) }));
        expect(hart.u64(data)).toBe(0x1111_1111n | (expected << 32n));
        expect(hart.u64(data + 8)).toBe(0x2222_2222_2222_2222n);
      }
    }
  });

  it('may return the old value into the register of its address or operand', () => {
    hart.setU64(data, 40n);
    hart.setX(7, 2n);
    execute(asm('amoadd.d', { rd: 7, rs1: 6, rs2: 7 }));
    expect(hart.x(7)).toBe(40n);
    expect(hart.u64(data)).toBe(42n);
    execute(asm('amoadd.d', { rd: 6, rs1: 6, rs2: 7 }));
    expect(hart.x(6)).toBe(42n);
    expect(hart.u64(data)).toBe(82n);
  });

  it('takes aq and rl for granted', () => {
    hart.setX(7, 1n);
    for (const order of [0, 1 << 25, 1 << 26, 3 << 25]) execute(asm('amoadd.w', { rd: 5, rs1: 6, rs2: 7 }) | order);
    expect(hart.u64(data)).toBe(4n);
  });
});

describe.each([
  ['w', 4],
  ['d', 8],
])('load-reserved and store-conditional .%s', (suffix, size) => {
  const lr = asm(`lr.${suffix}`, { rd: 5, rs1: 6 });
  const sc = asm(`sc.${suffix}`, { rd: 8, rs1: 6, rs2: 7 });

  it('stores when nothing came between', () => {
    hart.setU64(data, 0xffff_ffff_8000_0001n);
    hart.setX(7, 42n);
    execute(lr);
    expect(hart.x(5)).toBe(0xffff_ffff_8000_0001n);
    execute(sc);
    expect(hart.x(8)).toBe(0n);
    expect(hart.u64(data) & 0xffff_ffffn).toBe(42n);
    expect(hart.u64(data) >> 32n).toBe(size === 8 ? 0n : 0xffff_ffffn);
  });

  it('fails without a reservation, and stores nothing', () => {
    hart.setX(7, 42n);
    execute(sc);
    expect(hart.x(8)).toBe(1n);
    expect(hart.u64(data)).toBe(0n);
  });

  it('fails a second time: the first one used the reservation up', () => {
    hart.setX(7, 42n);
    execute(lr);
    execute(sc);
    hart.setX(7, 43n);
    execute(sc);
    expect(hart.x(8)).toBe(1n);
    expect(hart.u64(data)).toBe(42n);
  });

  it('fails at another address, which uses the reservation up as well', () => {
    execute(lr);
    hart.setX(6, BigInt(DATA + size));
    execute(sc);
    expect(hart.x(8)).toBe(1n);
    hart.setX(6, BigInt(DATA));
    execute(sc);
    expect(hart.x(8)).toBe(1n);
  });

  it('fails after a store to the place by the same hart', () => {
    hart.setX(7, 42n);
    hart.setX(9, 5n);
    execute(lr);
    execute(asm('sd', { rs1: 6, rs2: 9 }));
    execute(sc);
    expect(hart.x(8)).toBe(1n);
    expect(hart.u64(data)).toBe(5n);
  });

  it('fails after a store by another hart', () => {
    const other = new TestHart(hart);
    execute(lr);
    other.setX(6, BigInt(DATA));
    other.setX(9, 7n);
    other.programAt(0x3_0000, [asm('sd', { rs1: 6, rs2: 9 })]);
    expect(other.run()).toBe(Cause.EnvironmentCall);
    hart.setX(7, 42n);
    execute(sc);
    expect(hart.x(8)).toBe(1n);
    expect(hart.u64(data)).toBe(7n);
  });

  it('fails when the reservation was taken away between, as a context switch does', () => {
    execute(lr);
    Context.reservation.set(hart.ram, hart.context, NO_RESERVATION);
    execute(sc);
    expect(hart.x(8)).toBe(1n);
  });

  it('does not pair with the other width', () => {
    execute(asm(size === 4 ? 'lr.d' : 'lr.w', { rd: 5, rs1: 6 }));
    execute(sc);
    expect(hart.x(8)).toBe(1n);
  });
});

describe('faults of atomics', () => {
  it.each([
    ['lr.w', Cause.LoadMisaligned, 2],
    ['lr.d', Cause.LoadMisaligned, 4],
    ['sc.w', Cause.StoreMisaligned, 2],
    ['sc.d', Cause.StoreMisaligned, 4],
    ['amoadd.w', Cause.StoreMisaligned, 1],
    ['amoadd.d', Cause.StoreMisaligned, 4],
    ['amomaxu.d', Cause.StoreMisaligned, 4],
  ])('%s must be aligned', (name, cause, offset) => {
    hart.setX(6, BigInt(DATA + offset));
    hart.setX(5, 77n);
    expect(execute(asm(name, { rd: 5, rs1: 6, rs2: name.startsWith('lr') ? 0 : 7 }))).toBe(cause);
    expect(hart.pc).toBe(CODE);
    expect(hart.trapValue).toBe(BigInt(DATA + offset));
    expect(hart.x(5)).toBe(77n);
  });

  it('an AMO on a read-only page is a store fault, an LR is fine', () => {
    hart.map(DATA, PTE_V | PTE_U | PTE_R | PTE_A, data);
    expect(execute(asm('lr.w', { rd: 5, rs1: 6 }))).toBe(Cause.Budget);
    for (const name of ['amoor.w', 'amomin.d', 'sc.w', 'sc.d']) {
      expect(execute(asm(name, { rd: 5, rs1: 6, rs2: 7 }))).toBe(Cause.StorePageFault);
      expect(hart.trapValue).toBe(BigInt(DATA));
    }
  });

  it('an LR from an unmapped page is a load fault', () => {
    hart.setX(6, 0x7f_0000n);
    expect(execute(asm('lr.d', { rd: 5, rs1: 6 }))).toBe(Cause.LoadPageFault);
  });
});
