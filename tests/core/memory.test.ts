import { beforeEach, describe, expect, it } from 'vitest';
import { addressToPte, PTE_A, PTE_D, PTE_G, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X, tableIndex } from '../../src/core/mmu.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { ALL, CODE, DATA, DATA_FLAGS, FRAMES_LOW, RAM_BYTES, TestHart } from './helpers/hart.ts';

const PATTERN = 0x8899_aabb_ccdd_eeffn;
const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);

/** What a load makes of the bytes at its address, taken as 64 bits. */
const LOADS: Readonly<Record<string, { size: number; value: (bytes: bigint) => bigint }>> = {
  lb: { size: 1, value: (b) => u64(BigInt.asIntN(8, b)) },
  lbu: { size: 1, value: (b) => BigInt.asUintN(8, b) },
  lh: { size: 2, value: (b) => u64(BigInt.asIntN(16, b)) },
  lhu: { size: 2, value: (b) => BigInt.asUintN(16, b) },
  lw: { size: 4, value: (b) => u64(BigInt.asIntN(32, b)) },
  lwu: { size: 4, value: (b) => BigInt.asUintN(32, b) },
  ld: { size: 8, value: (b) => b },
};
const STORES: Readonly<Record<string, number>> = { sb: 1, sh: 2, sw: 4, sd: 8 };

let hart: TestHart;
let first: number;
let second: number;

beforeEach(() => {
  hart = new TestHart();
  // Not neighbours in RAM: an access across the boundary has to know both.
  second = hart.map(DATA + PAGE_SIZE, DATA_FLAGS);
  first = hart.map(DATA, DATA_FLAGS);
});

function execute(word: number, x6: number | bigint, x7 = PATTERN): Cause {
  hart.program(word);
  hart.setX(5, 0x5555n);
  hart.setX(6, BigInt(x6));
  hart.setX(7, x7);
  return hart.step();
}

/** Expects a precise fault that left no trace in x5. */
function expectFault(cause: Cause, expected: Cause, address: number | bigint): void {
  expect(cause).toBe(expected);
  expect(hart.pc).toBe(CODE);
  expect(hart.trapValue).toBe(u64(BigInt(address)));
  expect(hart.x(5)).toBe(0x5555n);
}

/** Bytes at a virtual address, wherever their pages are. */
function bytesAt(va: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => hart.ram.u8[hart.physical(va + i)]!);
}

describe('loads and stores', () => {
  // Within a page, at every misalignment, and across the boundary at every split.
  const offsets = [0, 1, 2, 3, 4, 5, 6, 7, ...Array.from({ length: 9 }, (_, i) => PAGE_SIZE - 8 + i)];

  it.each(Object.entries(LOADS))('%s extends as it should, from any address', (name, { value }) => {
    for (const offset of offsets) {
      for (let i = 0; i < 8; i++) hart.ram.u8[hart.physical(DATA + offset + i)] = Number((PATTERN >> BigInt(8 * i)) & 0xffn);
      expect(execute(asm(name, { rd: 5, rs1: 6 }), DATA + offset)).toBe(Cause.Budget);
      expect(hart.x(5), `at ${String(offset)}`).toBe(value(PATTERN));
      hart.ram.u8.fill(0, first, first + PAGE_SIZE);
      hart.ram.u8.fill(0, second, second + PAGE_SIZE);
    }
  });

  it.each(Object.entries(STORES))('%s writes its bytes and no others, to any address', (name, size) => {
    for (const offset of offsets.filter((o) => o > 0)) {
      expect(execute(asm(name, { rs1: 6, rs2: 7 }), DATA + offset)).toBe(Cause.Budget);
      const expected = Array.from({ length: size }, (_, i) => Number((PATTERN >> BigInt(8 * i)) & 0xffn));
      expect(bytesAt(DATA + offset - 1, size + 2), `at ${String(offset)}`).toEqual([0, ...expected, 0]);
      hart.ram.u8.fill(0, first, first + PAGE_SIZE);
      hart.ram.u8.fill(0, second, second + PAGE_SIZE);
    }
  });

  it.each([-2048, -1, 2047])('add a signed offset, %i, to the base', (imm) => {
    const base = imm < 0 ? 2056 : 8;
    hart.setU64(first + base + imm, PATTERN);
    expect(execute(asm('ld', { rd: 5, rs1: 6, imm }), DATA + base)).toBe(Cause.Budget);
    expect(hart.x(5)).toBe(PATTERN);
    expect(execute(asm('sd', { rs1: 6, rs2: 7, imm }), DATA + base, 42n)).toBe(Cause.Budget);
    expect(hart.u64(first + base + imm)).toBe(42n);
  });

  it('a load may overwrite its own base, and one into x0 does nothing but load', () => {
    hart.setU64(first, PATTERN);
    execute(asm('ld', { rd: 6, rs1: 6 }), DATA);
    expect(hart.x(6)).toBe(PATTERN);
    execute(asm('ld', { rd: 0, rs1: 6 }), DATA);
    expect(hart.x(0)).toBe(0n);
  });

  it.each([
    ['flw', 'fsw', 4],
    ['fld', 'fsd', 8],
  ])('%s and %s move bits as they are, singles boxed', (load, store, size) => {
    for (const offset of [0, 3, PAGE_SIZE - 2]) {
      for (let i = 0; i < 8; i++) hart.ram.u8[hart.physical(DATA + offset + i)] = Number((PATTERN >> BigInt(8 * i)) & 0xffn);
      execute(asm(load, { rd: 5, rs1: 6 }), DATA + offset);
      const expected = size === 8 ? PATTERN : 0xffff_ffff_ccdd_eeffn;
      expect(hart.f(5)).toBe(expected);
      // An improperly boxed single is stored as its low bits, too.
      hart.setF(7, 0x0123_4567_89ab_cdefn);
      execute(asm(store, { rs1: 6, rs2: 7 }), DATA + offset);
      const bytes = bytesAt(DATA + offset, 8);
      expect(bytes.slice(0, size)).toEqual([0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01].slice(0, size));
      if (size === 4) expect(bytes.slice(4)).toEqual([0xbb, 0xaa, 0x99, 0x88]);
    }
  });
});

describe('page faults', () => {
  const HOLE = DATA + 2 * PAGE_SIZE;

  it.each(Object.keys(LOADS))('%s from nowhere: cause 13, the address, rd untouched', (name) => {
    expectFault(execute(asm(name, { rd: 5, rs1: 6, imm: 8 }), HOLE), Cause.LoadPageFault, HOLE + 8);
  });

  it.each(Object.keys(STORES))('%s to nowhere: cause 15', (name) => {
    expectFault(execute(asm(name, { rs1: 6, rs2: 7 }), HOLE + 3), Cause.StorePageFault, HOLE + 3);
  });

  it.each(['flw', 'fld'])('%s from nowhere leaves the register', (name) => {
    hart.setF(5, PATTERN);
    expectFault(execute(asm(name, { rd: 5, rs1: 6 }), HOLE), Cause.LoadPageFault, HOLE);
    expect(hart.f(5)).toBe(PATTERN);
  });

  it('a load across into a missing page faults at that page', () => {
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), HOLE - 3), Cause.LoadPageFault, HOLE);
  });

  it('a load across out of a missing page faults at its own address', () => {
    hart.map(HOLE + PAGE_SIZE, DATA_FLAGS);
    const at = HOLE + PAGE_SIZE - 3;
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), at), Cause.LoadPageFault, at);
  });

  it('a store across whose second page faults stores nothing in the first', () => {
    for (const flags of [0, PTE_V | PTE_U | PTE_R | PTE_A]) {
      hart.map(HOLE, flags);
      hart.cpu.flushTlb();
      expectFault(execute(asm('sd', { rs1: 6, rs2: 7 }), HOLE - 3), Cause.StorePageFault, HOLE);
      expect(bytesAt(HOLE - 3, 3)).toEqual([0, 0, 0]);
    }
  });

  it('does not retire the faulting instruction, and runs it again afterwards', () => {
    hart.program(asm('addi', { rd: 8, rs1: 8, imm: 1 }), asm('ld', { rd: 5, rs1: 6 }));
    hart.setX(6, BigInt(HOLE));
    const before = hart.instret;
    expect(hart.run()).toBe(Cause.LoadPageFault);
    expect(hart.instret - before).toBe(1);
    hart.setU64(hart.map(HOLE, DATA_FLAGS), 17n);
    expect(hart.run()).toBe(Cause.EnvironmentCall);
    expect(hart.x(5)).toBe(17n);
    expect(hart.x(8)).toBe(1n);
    expect(hart.instret - before).toBe(2);
  });

  it.each([
    ['just above the lower half', 0x40_0000_0000n],
    ['with bit 63 alone', 0x8000_0000_0000_0000n],
    ['just below the upper half', 0xffff_ffbf_ffff_fff8n],
    ['a mapped address with dirt above bit 38', 0xff00_0000_0000_0000n + BigInt(DATA)],
  ])('an address that is not canonical, %s', (_what, address) => {
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), address), Cause.LoadPageFault, address);
    expectFault(execute(asm('sb', { rs1: 6, rs2: 7 }), address), Cause.StorePageFault, address);
  });

  it('the very top and the very bottom of the address space are just unmapped', () => {
    expectFault(execute(asm('ld', { rd: 5, rs1: 0 }), 0), Cause.LoadPageFault, 0);
    expectFault(execute(asm('lb', { rd: 5, rs1: 0, imm: -1 }), 0), Cause.LoadPageFault, -1n);
    expectFault(execute(asm('ld', { rd: 5, rs1: 0, imm: -4 }), 0), Cause.LoadPageFault, -4n);
  });

  it('an upper-half page that is mapped for the user works like any other', () => {
    const top = u64(-BigInt(PAGE_SIZE));
    const slots = [hart.frame(), hart.frame(), hart.frame()];
    hart.writePte(hart.root + 511 * 8, addressToPte(slots[0]!, PTE_V));
    hart.writePte(slots[0]! + 511 * 8, addressToPte(slots[1]!, PTE_V));
    hart.writePte(slots[1]! + 511 * 8, addressToPte(slots[2]!, DATA_FLAGS));
    hart.setU64(slots[2]! + 8, PATTERN);
    expect(execute(asm('ld', { rd: 5, rs1: 6, imm: 8 }), top)).toBe(Cause.Budget);
    expect(hart.x(5)).toBe(PATTERN);
  });
});

describe('permissions', () => {
  const base = PTE_V | PTE_A | PTE_D;
  const V = { load: Cause.LoadPageFault, store: Cause.StorePageFault, fetch: Cause.InstructionPageFault };
  const ok = undefined;

  it.each([
    ['nothing', 0, V.load, V.store, V.fetch],
    ['R', base | PTE_U | PTE_R, ok, V.store, V.fetch],
    ['RW', base | PTE_U | PTE_R | PTE_W, ok, ok, V.fetch],
    ['X', base | PTE_U | PTE_X, V.load, V.store, ok],
    ['RX', base | PTE_U | PTE_R | PTE_X, ok, V.store, ok],
    ['RWX', base | PTE_U | PTE_R | PTE_W | PTE_X, ok, ok, ok],
    ['RWX global', base | PTE_G | PTE_U | PTE_R | PTE_W | PTE_X, ok, ok, ok],
    ['W (reserved)', base | PTE_U | PTE_W, V.load, V.store, V.fetch],
    ['WX (reserved)', base | PTE_U | PTE_W | PTE_X, V.load, V.store, V.fetch],
    ['RWX without U', base | PTE_R | PTE_W | PTE_X, V.load, V.store, V.fetch],
    ['RWX without V', PTE_U | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D, V.load, V.store, V.fetch],
  ])('of a page with %s', (_name, flags, load, store, fetch) => {
    hart.map(DATA, flags, first);
    hart.ram.u32[first >>> 2] = asm('addi');
    expect(execute(asm('lb', { rd: 5, rs1: 6 }), DATA)).toBe(load ?? Cause.Budget);
    expect(execute(asm('sb', { rs1: 6, rs2: 7 }), DATA + 8)).toBe(store ?? Cause.Budget);
    hart.pc = DATA;
    expect(hart.step()).toBe(fetch ?? Cause.Budget);
    if (fetch !== undefined) expect(hart.trapValue).toBe(BigInt(DATA));
  });

  it('reading does not open a page for writing', () => {
    hart.map(DATA, PTE_V | PTE_U | PTE_R | PTE_A, first);
    execute(asm('lb', { rd: 5, rs1: 6 }), DATA);
    expect(execute(asm('sb', { rs1: 6, rs2: 7 }), DATA)).toBe(Cause.StorePageFault);
  });
});

describe('accessed and dirty', () => {
  const clean = PTE_V | PTE_U | PTE_R | PTE_W | PTE_X;

  it('a load marks a page accessed, a store dirty as well, even after a load', () => {
    hart.map(DATA, clean, first);
    execute(asm('lb', { rd: 5, rs1: 6 }), DATA);
    expect(hart.flags(DATA)).toBe(clean | PTE_A);
    execute(asm('sb', { rs1: 6, rs2: 7 }), DATA);
    expect(hart.flags(DATA)).toBe(clean | PTE_A | PTE_D);
  });

  it('a fetch marks it accessed', () => {
    hart.map(DATA, clean, first);
    hart.ram.u32[first >>> 2] = asm('addi');
    hart.pc = DATA;
    hart.step();
    expect(hart.flags(DATA)).toBe(clean | PTE_A);
  });

  it('an AMO marks it dirty, an LR does not', () => {
    hart.map(DATA, clean, first);
    execute(asm('lr.w', { rd: 5, rs1: 6 }), DATA);
    expect(hart.flags(DATA)).toBe(clean | PTE_A);
    execute(asm('amoadd.w', { rd: 5, rs1: 6, rs2: 7 }), DATA);
    expect(hart.flags(DATA)).toBe(clean | PTE_A | PTE_D);
  });

  it('a refused access marks nothing', () => {
    const readOnly = PTE_V | PTE_U | PTE_R;
    hart.map(DATA, readOnly, first);
    execute(asm('sb', { rs1: 6, rs2: 7 }), DATA);
    expect(hart.flags(DATA)).toBe(readOnly);
  });
});

describe('superpages', () => {
  const MEGA = 0x40_0000;
  const GIGA = 0x4000_0000;

  it('a 2 MiB page maps all of it, and its entry gets the marks', () => {
    const physical = 0x80_0000;
    hart.writePte(hart.entry(MEGA, 1), addressToPte(physical, PTE_V | PTE_U | PTE_R | PTE_W));
    for (const offset of [0, 0x1000, 0x12_3450, 0x1f_fff8]) {
      hart.setU64(physical + offset, BigInt(offset) + 1n);
      expect(execute(asm('ld', { rd: 5, rs1: 6 }), MEGA + offset)).toBe(Cause.Budget);
      expect(hart.x(5)).toBe(BigInt(offset) + 1n);
    }
    expect(hart.flags(MEGA, 1)).toBe(PTE_V | PTE_U | PTE_R | PTE_W | PTE_A);
    execute(asm('sd', { rs1: 6, rs2: 7 }), MEGA + 0x5008);
    expect(hart.u64(physical + 0x5008)).toBe(PATTERN);
    expect(hart.flags(MEGA, 1) & PTE_D).toBe(PTE_D);
  });

  it('a 2 MiB page at an address that is not a multiple of 2 MiB is a page fault', () => {
    hart.writePte(hart.entry(MEGA, 1), addressToPte(0x80_1000, ALL));
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), MEGA), Cause.LoadPageFault, MEGA);
  });

  it('a 1 GiB page reaches RAM where there is some, and faults beyond', () => {
    hart.writePte(hart.entry(GIGA, 2), addressToPte(0, ALL));
    hart.cpu.flushTlb();
    // Frame 0 is below what entries may name: the whole leaf is refused.
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), GIGA + 0x80_0000), Cause.LoadAccessFault, GIGA + 0x80_0000);
    hart.writePte(hart.entry(GIGA, 2), addressToPte(0x1000, ALL));
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), GIGA), Cause.LoadPageFault, GIGA);
  });
});

describe('entries that name what is not there', () => {
  it.each([
    ['beyond RAM', RAM_BYTES],
    ['far beyond RAM', 0x7fff_f000],
    ['below the frames', FRAMES_LOW - PAGE_SIZE],
    ['at the machine’s own page', 0],
  ])('a leaf %s is an access fault', (_what, physical) => {
    hart.map(DATA, ALL, physical);
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), DATA), Cause.LoadAccessFault, DATA);
    expectFault(execute(asm('sd', { rs1: 6, rs2: 7 }), DATA), Cause.StoreAccessFault, DATA);
    hart.pc = DATA;
    expect(hart.step()).toBe(Cause.InstructionAccessFault);
  });

  it('a leaf above 4 GiB is an access fault, reserved upper bits a page fault', () => {
    hart.writePte(hart.entry(DATA), addressToPte(first, ALL), 1);
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), DATA), Cause.LoadAccessFault, DATA);
    hart.writePte(hart.entry(DATA), addressToPte(first, ALL), 1 << 31);
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), DATA), Cause.LoadPageFault, DATA);
  });

  it('a table outside is an access fault, a table at the last level a page fault', () => {
    const far = 0x10_0000_0000;
    hart.writePte(hart.root + tableIndex(far, 2) * 8, addressToPte(RAM_BYTES, PTE_V));
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), far), Cause.LoadAccessFault, far);
    hart.writePte(hart.entry(DATA), addressToPte(first, PTE_V));
    expectFault(execute(asm('ld', { rd: 5, rs1: 6 }), DATA), Cause.LoadPageFault, DATA);
  });
});
