import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Access } from '../../src/core/mmu.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { E } from '../../src/kernel/errno.ts';
import { MapFlag, Prot } from '../../src/kernel/mman.ts';
import { makeBench, type Bench } from './vm-bench.ts';

const RW = Prot.Read | Prot.Write;
const VA = 0x4000_0000;
const PAGES = 4;
const END = VA + PAGES * PAGE_SIZE;

let bench: Bench;
let space: number;
/** A page of kernel memory. */
let kernel: number;

beforeEach(() => {
  bench = makeBench();
  space = bench.spaces.create();
  kernel = bench.frames.alloc();
  bench.mappings.map(space, VA, PAGES * PAGE_SIZE, RW, MapFlag.Private | MapFlag.Anonymous | MapFlag.Fixed);
});

const evil = fc.oneof(
  fc.double(),
  fc.constantFrom(
    NaN,
    Infinity,
    -Infinity,
    -0,
    -1,
    -4096,
    2 ** 38,
    2 ** 38 - 1,
    2 ** 53,
    2 ** 53 + 2,
    2 ** 63,
    2 ** 64 - 2048,
    2 ** 64,
    0,
    1,
    7,
  ),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(Number),
  fc.integer({ min: END - 8, max: END + 8 }),
  fc.integer({ min: VA - 8, max: VA - 1 }),
);

describe('user copy', () => {
  it('carries data across pages that nobody has touched', () => {
    for (let i = 0; i < 3000; i++) bench.ram.u8[kernel + i] = i * 7;
    expect(bench.copy.copyOut(space, VA + PAGE_SIZE - 1500, kernel, 3000)).toBe(0);
    bench.ram.fill(kernel, PAGE_SIZE);
    expect(bench.copy.copyIn(space, VA + PAGE_SIZE - 1500, kernel, 3000)).toBe(0);
    for (let i = 0; i < 3000; i++) expect(bench.ram.u8[kernel + i]).toBe((i * 7) & 0xff);
  });

  it('refuses every pointer that leads outside, by any function, and holds no lock then', () => {
    fc.assert(
      fc.property(evil, fc.integer({ min: 1, max: PAGE_SIZE }), (va, length) => {
        const inside = va >= VA && va + length <= END;
        const { copy } = bench;
        const expected = inside ? 0 : -E.FAULT;
        expect(copy.copyIn(space, va, kernel, length)).toBe(expected);
        expect(copy.copyOut(space, va, kernel, length)).toBe(expected);
        expect(copy.probeWrite(space, va, length)).toBe(expected);
        expect(copy.probeRead(space, va, length)).toBe(expected);
        expect(copy.clear(space, va, length)).toBe(expected);
        for (const [size, calls] of [
          [1, [copy.readU8(space, va), copy.writeU8(space, va, 1)]],
          [2, [copy.readU16(space, va), copy.writeU16(space, va, 1)]],
          [4, [copy.readU32(space, va), copy.writeU32(space, va, 1)]],
          [8, [copy.readU64(space, va), copy.writeU64(space, va, 1)]],
        ] as const)
          for (const result of calls) expect(result).toBe(va >= VA && va + size <= END ? 0 : -E.FAULT);
        if (!(va >= VA && va < END)) expect(copy.copyString(space, va, kernel, 64)).toBe(-E.FAULT);
        expect(copy.copyBetween(space, va, space, VA, 8)).toBe(va >= VA && va + 8 <= END ? 0 : -E.FAULT);
        expect(copy.copyBetween(space, VA, space, va, 8)).toBe(va >= VA && va + 8 <= END ? 0 : -E.FAULT);
        expect(bench.locks.held).toBe(0);
      }),
    );
  });

  it('refuses lengths that are none, and does nothing for 0 bytes anywhere', () => {
    for (const length of [NaN, -1, Infinity, 2 ** 64]) expect(bench.copy.copyIn(space, VA, kernel, length)).toBe(-E.FAULT);
    expect(bench.copy.copyIn(space, 2 ** 63, kernel, 0)).toBe(0);
  });

  it('does not write where the program may not', () => {
    bench.mappings.protect(space, VA + PAGE_SIZE, PAGE_SIZE, Prot.Read);
    expect(bench.copy.copyOut(space, VA + PAGE_SIZE, kernel, 1)).toBe(-E.FAULT);
    expect(bench.copy.copyIn(space, VA + PAGE_SIZE, kernel, 1)).toBe(0);
    bench.mappings.protect(space, VA + PAGE_SIZE, PAGE_SIZE, Prot.Execute);
    expect(bench.copy.copyIn(space, VA + PAGE_SIZE, kernel, 1)).toBe(-E.FAULT);
  });

  it('says ENOMEM, not EFAULT, when a page cannot be had', () => {
    while (bench.frames.allocRaw() !== 0);
    expect(bench.copy.copyOut(space, VA, kernel, 8)).toBe(-E.NOMEM);
  });

  it.each([0, 1, 2, 3, PAGE_SIZE - 1, PAGE_SIZE - 2, PAGE_SIZE - 3, PAGE_SIZE - 4, PAGE_SIZE - 7])(
    'reads and writes words at offset %i as little-endian bytes',
    (offset) => {
      const { copy } = bench;
      expect(copy.writeWords(space, VA + offset, 0x8877_6655, 0xffee_ddcc)).toBe(0);
      expect(copy.readU64(space, VA + offset)).toBe(0);
      expect([copy.lo, copy.hi]).toEqual([0x8877_6655, 0xffee_ddcc]);
      expect(copy.readU32(space, VA + offset + 2)).toBe(0);
      expect(copy.value).toBe(0xddcc_8877);
      expect(copy.readU16(space, VA + offset + 1)).toBe(0);
      expect(copy.value).toBe(0x7766);
      expect(copy.readU8(space, VA + offset + 7)).toBe(0);
      expect(copy.value).toBe(0xff);
      expect(copy.writeU64(space, VA + offset, -2)).toBe(0);
      expect(copy.readU64(space, VA + offset)).toBe(0);
      expect([copy.lo, copy.hi]).toEqual([0xffff_fffe, 0xffff_ffff]);
      expect(copy.writeU64(space, VA + offset, 2 ** 53 - 1)).toBe(0);
      expect(copy.readU64(space, VA + offset)).toBe(0);
      expect(copy.value).toBe(2 ** 53 - 1);
    },
  );

  it('copies strings up to their NUL, across pages, and no further than there is room', () => {
    const text = 'hello, hart';
    for (let i = 0; i < text.length; i++) bench.copy.writeU8(space, VA + PAGE_SIZE - 5 + i, text.charCodeAt(i));
    expect(bench.copy.copyString(space, VA + PAGE_SIZE - 5, kernel, 12)).toBe(11);
    expect(bench.ram.text(kernel, 20)).toBe(text);
    expect(bench.copy.copyString(space, VA + PAGE_SIZE - 5, kernel, 11)).toBe(-E.NAMETOOLONG);
    bench.copy.writeU8(space, END - 1, 1);
    expect(bench.copy.copyString(space, END - 1, kernel, 100)).toBe(-E.FAULT);
  });

  it('copies between two processes, and tells which side was wrong', () => {
    const other = bench.spaces.create();
    const there = 0x7000_0000;
    bench.mappings.map(other, there, 2 * PAGE_SIZE, RW, MapFlag.Private | MapFlag.Anonymous | MapFlag.Fixed);
    for (let i = 0; i < 5000; i++) bench.ram.u8[kernel + (i % PAGE_SIZE)] = i;
    bench.copy.copyOut(space, VA + 100, kernel, PAGE_SIZE);
    expect(bench.copy.copyBetween(space, VA + 100, other, there + 3000, PAGE_SIZE)).toBe(0);
    const back = bench.frames.alloc();
    expect(bench.copy.copyIn(other, there + 3000, back, PAGE_SIZE)).toBe(0);
    expect(bench.ram.bytes(back, PAGE_SIZE)).toEqual(bench.ram.bytes(kernel, PAGE_SIZE));
    expect(bench.copy.copyBetween(space, END - 4, other, there, 8)).toBe(-E.FAULT);
    expect(bench.copy.faultInSource).toBe(true);
    expect(bench.copy.copyBetween(space, VA, other, there + 2 * PAGE_SIZE - 4, 8)).toBe(-E.FAULT);
    expect(bench.copy.faultInSource).toBe(false);
  });

  it('gives the physical address of a word while the lock is held', () => {
    bench.copy.writeU32(space, VA + 8, 42);
    const lock = bench.spaces.lockOf(space);
    bench.locks.acquire(lock);
    const address = bench.copy.physicalLocked(space, VA + 8, Access.Read);
    expect(bench.ram.u32[address >>> 2]).toBe(42);
    expect(bench.copy.physicalLocked(space, VA + 2, Access.Read)).toBe(-E.INVAL);
    expect(bench.copy.physicalLocked(space, END, Access.Read)).toBe(-E.FAULT);
    expect(bench.copy.physicalLocked(space, NaN, Access.Read)).toBe(-E.FAULT);
    expect(bench.copy.physicalLocked(space, 2 ** 63, Access.Read)).toBe(-E.FAULT);
    bench.locks.release(lock);
  });
});
