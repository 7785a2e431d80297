/*
 * Translations as the CPU keeps them: never run when the code has changed, found again when it has not, bounded in number; and regions
 * that memory makes stumble.
 */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { HartBlock, WINDOW_SPAN } from '../../src/core/hart-block.ts';
import { MAX_REGIONS } from '../../src/core/jit/translations.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { ALL, CODE, DATA, DATA_FLAGS, TestHart } from './helpers/hart.ts';

const set = (imm: number): number => asm('addi', { rd: 5, imm });

let hart: TestHart;
const regions = (of = hart): number => HartBlock.regions.get(of.ram, of.hartBlock);

/** Runs from `pc` to the ecall and returns x5. */
function runAt(pc: number, of = hart): bigint {
  of.pc = pc;
  expect(of.run()).toBe(Cause.EnvironmentCall);
  return of.x(5);
}

beforeEach(() => {
  hart = new TestHart(undefined, 'always');
});

describe('a translation', () => {
  it('is made once and then entered', () => {
    hart.program(set(1));
    runAt(CODE);
    const made = regions();
    expect(made).toBeGreaterThan(0);
    for (let i = 0; i < 10; i++) expect(runAt(CODE)).toBe(1n);
    expect(regions()).toBe(made);
    expect(HartBlock.translated.get(hart.ram, hart.hartBlock)).toBeGreaterThanOrEqual(10);
  });

  it('is not run when its page has been mapped to another frame', () => {
    const old = hart.map(CODE);
    hart.program(set(1));
    expect(runAt(CODE)).toBe(1n);
    const made = regions();
    hart.map(CODE);
    hart.program(set(2));
    hart.cpu.flushPage(hart.asid, CODE);
    expect(runAt(CODE)).toBe(2n);
    // And the old one is found again when its frame comes back.
    const both = regions();
    expect(both).toBeGreaterThan(made);
    hart.map(CODE, ALL, old);
    hart.cpu.flushPage(hart.asid, CODE);
    expect(runAt(CODE)).toBe(1n);
    expect(regions()).toBe(both);
  });

  it('is not run when another hart has mapped its page to other code', () => {
    const other = new TestHart(hart, 'always');
    hart.program(set(1));
    expect(runAt(CODE)).toBe(1n);
    expect(runAt(CODE, other)).toBe(1n);
    // The other hart changes the mapping that both use; what the shootdown has the first one do is flush.
    const frame = other.frame();
    other.map(CODE, ALL, frame);
    other.ram.u32[frame >>> 2] = set(2);
    other.ram.u32[(frame >>> 2) + 1] = asm('ecall');
    hart.cpu.flushAsid(hart.asid);
    hart.cpu.flushCodeOf(hart.asid);
    expect(runAt(CODE)).toBe(2n);
  });

  it('is not run when the page cannot be executed any more', () => {
    hart.program(set(1));
    runAt(CODE);
    hart.map(CODE, DATA_FLAGS, hart.physical(CODE));
    hart.cpu.flushPage(hart.asid, CODE);
    hart.pc = CODE;
    expect(hart.run()).toBe(Cause.InstructionPageFault);
  });

  it('serves other spaces with the same code, and no space with other code', () => {
    hart.program(set(1));
    runAt(CODE);
    const made = regions();
    const same = hart.frame();
    hart.map(CODE, ALL, hart.physical(CODE), same);
    const different = hart.frame();
    const page = hart.map(CODE, ALL, hart.frame(), different);
    hart.ram.u32[page >>> 2] = set(3);
    hart.ram.u32[(page >>> 2) + 1] = asm('ecall');
    for (const [root, asid, value] of [
      [same, hart.asid + 1, 1n],
      [different, hart.asid + 2, 3n],
      [hart.root, hart.asid, 1n],
      // Of the same partition as the first.
      [different, hart.asid + 4, 3n],
      [hart.root, hart.asid, 1n],
    ] as const) {
      hart.cpu.activate(root, asid);
      expect(runAt(CODE)).toBe(value);
    }
    // One more, for the other code, and none for the same.
    expect(regions()).toBe(made + 1);
  });

  it('that reaches into a page is compared with that page as well', () => {
    const start = CODE + PAGE_SIZE - 8;
    hart.map(CODE);
    hart.programAt(start, [set(1), set(2), set(3)]);
    expect(runAt(start)).toBe(3n);
    hart.map(CODE + PAGE_SIZE);
    hart.programAt(CODE + PAGE_SIZE, [set(4)]);
    hart.cpu.flushPage(hart.asid, CODE + PAGE_SIZE);
    expect(runAt(start)).toBe(4n);
  });

  it('more than the bound are dropped, and made again when they are wanted', () => {
    const count = MAX_REGIONS + 100;
    for (let i = 0; i < count; i++) hart.programAt(CODE + 16 * i, [set(i % 2000)]);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < count; i++) expect(runAt(CODE + 16 * i)).toBe(BigInt(i % 2000));
    }
    expect(regions()).toBeGreaterThan(count);
  });

  it('begin anew in another table after many, for what is given up stays with the old one', () => {
    const tables = vi.spyOn(WebAssembly, 'Table');
    const start = CODE + 64;
    for (let i = 0; i < 2 * MAX_REGIONS + 10; i++) {
      hart.programAt(start, [set(i % 2000)]);
      hart.cpu.flushPage(hart.asid, CODE);
      expect(runAt(start)).toBe(BigInt(i % 2000));
    }
    expect(tables).toHaveBeenCalledTimes(1);
    tables.mockRestore();
  });
});

describe('memory in translated code', () => {
  /** Adds the bytes at x6, x6 + x7, … (x8 of them) in x5. */
  const SUM = [
    set(0),
    asm('lbu', { rd: 9, rs1: 6 }),
    asm('add', { rd: 5, rs1: 5, rs2: 9 }),
    asm('add', { rd: 6, rs1: 6, rs2: 7 }),
    asm('addi', { rd: 8, rs1: 8, imm: -1 }),
    asm('bne', { rs1: 8, imm: -16 }),
  ];
  const PAGES = 64;

  function sum(from: number, step: number, count: number): bigint {
    hart.setX(6, BigInt(from));
    hart.setX(7, BigInt(step));
    hart.setX(8, BigInt(count));
    hart.pc = CODE;
    expect(hart.run(1e6)).toBe(Cause.EnvironmentCall);
    return hart.x(5);
  }

  function expected(from: number, step: number, count: number): bigint {
    let total = 0n;
    for (let i = 0; i < count; i++) total += BigInt(hart.ram.u8[hart.physical(from + step * i)]!);
    return total;
  }

  /** Maps pages of arbitrary bytes to frames in an order. */
  function mapPages(order: (page: number) => number): void {
    const frames = Array.from({ length: PAGES }, () => hart.frame());
    for (let page = 0; page < PAGES; page++) {
      const frame = hart.map(DATA + page * PAGE_SIZE, DATA_FLAGS, frames[order(page)]);
      for (let i = 0; i < PAGE_SIZE; i++) hart.ram.u8[frame + i] = (page * 31 + i * 7) & 0xff;
    }
    hart.cpu.flushTlb();
    hart.program(...SUM);
  }

  it.each([
    ['in one piece', (page: number): number => page],
    ['in pairs', (page: number): number => page ^ 2],
    ['backwards', (page: number): number => PAGES - 1 - page],
    ['in disorder', (page: number): number => (page * 37) % PAGES],
  ])('is right where pages lie %s, in any stride, over and over', (_name, order) => {
    mapPages(order);
    for (const step of [1, 8, PAGE_SIZE - 1, PAGE_SIZE, 2 * PAGE_SIZE + 3]) {
      const count = Math.min(Math.floor((PAGES * PAGE_SIZE) / step), 3000);
      const wanted = expected(DATA, step, count);
      // Often enough for a region to lose its patience.
      for (let i = 0; i < 8; i++) expect(sum(DATA, step, count)).toBe(wanted);
    }
  });

  it('ends where its pages end, to the byte', () => {
    mapPages((page) => page);
    const end = DATA + PAGES * PAGE_SIZE;
    for (const before of [1, WINDOW_SPAN - 1, WINDOW_SPAN, PAGE_SIZE]) {
      expect(sum(end - before, 1, before)).toBe(expected(end - before, 1, before));
      hart.setX(6, BigInt(end - before));
      hart.setX(7, 1n);
      hart.setX(8, BigInt(before + 1));
      hart.pc = CODE;
      expect(hart.run()).toBe(Cause.LoadPageFault);
      expect(hart.trapValue).toBe(BigInt(end));
      expect(hart.x(8)).toBe(1n);
    }
  });

  it('follows a page that has been mapped elsewhere', () => {
    mapPages((page) => page);
    const before = sum(DATA, 1, 100);
    const frame = hart.map(DATA, DATA_FLAGS, hart.frame());
    hart.ram.fill(frame, PAGE_SIZE, 1);
    hart.cpu.flushAsid(hart.asid);
    expect(before).not.toBe(100n);
    expect(sum(DATA, 1, 100)).toBe(100n);
  });

  it('marks no page as written that is only read, though it is written beside it', () => {
    const page = DATA + PAGE_SIZE;
    for (const va of [DATA, page]) hart.map(va, ALL & ~0xc0);
    // Reads from the second page and writes to the first, by one base register.
    hart.program(asm('lw', { rd: 7, rs1: 6, imm: 16 }), asm('sb', { rs1: 6, rs2: 5 }), asm('lbu', { rd: 8, rs1: 6, imm: 1 }));
    for (let i = 0; i < 3; i++) {
      hart.setX(6, BigInt(page - 8));
      hart.pc = CODE;
      expect(hart.run()).toBe(Cause.EnvironmentCall);
    }
    expect(hart.flags(DATA) & 0x80).toBe(0x80);
    expect(hart.flags(page) & 0x80).toBe(0);
  });
});
