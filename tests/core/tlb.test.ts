import { beforeEach, describe, expect, it } from 'vitest';
import {
  HartBlock,
  INVALID_FIRST_TAG,
  TLB_ENTRIES,
  TLB_PARTITION_BYTES,
  TLB_PARTITIONS,
  WINDOW_PARTITION_BYTES,
} from '../../src/core/hart-block.ts';
import { PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../src/core/mmu.ts';
import { PAGE_SIZE, Ram } from '../../src/core/ram.ts';
import { Tlb } from '../../src/core/tlb.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { ALL, CODE, DATA, DATA_FLAGS, TestHart } from './helpers/hart.ts';

const LOAD = asm('ld', { rd: 5, rs1: 6 });
const STORE = asm('sd', { rs1: 6, rs2: 7 });
/** Pages so far apart compete for an entry. */
const REACH = TLB_ENTRIES * PAGE_SIZE;
const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);

let hart: TestHart;

beforeEach(() => {
  hart = new TestHart();
  hart.program(LOAD);
});

/** Runs one instruction at CODE, whatever space is active. */
function execute(word: number, address: number | bigint): Cause {
  const code = hart.physical(CODE);
  if (hart.ram.u32[code >>> 2] !== word) {
    hart.ram.u32[code >>> 2] = word;
    hart.cpu.flushCode();
  }
  hart.setX(6, BigInt(address));
  hart.setX(7, 0x77n);
  hart.pc = CODE;
  return hart.step();
}

function load(address: number | bigint): bigint {
  expect(execute(LOAD, address)).toBe(Cause.Budget);
  return hart.x(5);
}

/** Maps a page whose first dword is `value`. */
function mapValue(va: number, value: bigint, root = hart.root): number {
  const page = hart.map(va, DATA_FLAGS, hart.frame(), root);
  hart.setU64(page, value);
  return page;
}

const misses = (): number => HartBlock.tlbMisses.get(hart.ram, hart.hartBlock);

describe('an entry of the TLB', () => {
  it.each([
    ['page 0', 0],
    ['page 1', PAGE_SIZE],
    ['a page elsewhere', DATA],
    ['the last of the table', (TLB_ENTRIES - 1) * PAGE_SIZE],
    ['another of the first entry', REACH],
  ])('serves %s, and no address with other upper bits', (_what, page) => {
    mapValue(page, 1n);
    for (let warm = 0; warm < 2; warm++) {
      for (const bits of [2n ** 38n, 2n ** 39n, 2n ** 40n, 2n ** 52n, 2n ** 63n, -(2n ** 38n), -(2n ** 63n) + 2n ** 32n]) {
        const address = u64(BigInt(page) + bits);
        expect(execute(LOAD, address), address.toString(16)).toBe(Cause.LoadPageFault);
        expect(hart.trapValue).toBe(address);
        expect(execute(STORE, address)).toBe(Cause.StorePageFault);
        expect(hart.trapValue).toBe(address);
      }
      // Warm from here on.
      expect(load(page)).toBe(1n);
      execute(STORE, page + 8);
      const before = misses();
      load(page);
      execute(STORE, page + 8);
      expect(misses()).toBe(before);
    }
  });

  it('that was never filled matches no address at all', () => {
    const pages = [0, 1, 2, TLB_ENTRIES - 1, TLB_ENTRIES, TLB_ENTRIES + 1, 2 * TLB_ENTRIES];
    for (const page of pages) {
      for (const inside of [0, 1, 2048, PAGE_SIZE - 8]) {
        for (const sign of [1n, -1n]) {
          const address = u64(sign * BigInt(page * PAGE_SIZE + inside));
          if (address >> 12n === BigInt(CODE) >> 12n) continue;
          expect(execute(LOAD, address), address.toString(16)).toBe(Cause.LoadPageFault);
          expect(execute(STORE, address), address.toString(16)).toBe(Cause.StorePageFault);
        }
      }
    }
  });

  it.each([0, 1, 5])('is taken over whole by the next page in its place (entry %i)', (index) => {
    const [near, far] = [index * PAGE_SIZE, index * PAGE_SIZE + REACH];
    mapValue(near, 1n);
    const readOnly = hart.map(far, PTE_V | PTE_U | PTE_R | PTE_A);
    hart.setU64(readOnly, 2n);
    for (let i = 0; i < 3; i++) {
      expect(load(near)).toBe(1n);
      expect(execute(STORE, near + 8)).toBe(Cause.Budget);
      expect(load(far)).toBe(2n);
      // Neither by a right of the page before, nor into that page.
      expect(execute(STORE, far)).toBe(Cause.StorePageFault);
      expect(hart.trapValue).toBe(BigInt(far));
    }
  });

  const base = PTE_V | PTE_U | PTE_A | PTE_D;
  it.each([
    ['R', PTE_R],
    ['RW', PTE_R | PTE_W],
    ['X', PTE_X],
    ['RX', PTE_R | PTE_X],
    ['RWX', PTE_R | PTE_W | PTE_X],
  ])('of a page with %s allows each use for itself, whichever filled it, also for page 0', (_name, flags) => {
    for (const page of [DATA, 0]) {
      const physical = hart.map(page, base | flags);
      hart.ram.u32[physical >>> 2] = asm('addi');
      const uses: readonly (() => void)[] = [
        (): void => {
          expect(execute(LOAD, page)).toBe(flags & PTE_R ? Cause.Budget : Cause.LoadPageFault);
        },
        (): void => {
          expect(execute(STORE, page + 8)).toBe(flags & PTE_W ? Cause.Budget : Cause.StorePageFault);
        },
        (): void => {
          hart.pc = page;
          expect(hart.step()).toBe(flags & PTE_X ? Cause.Budget : Cause.InstructionPageFault);
        },
      ];
      for (const first of uses) {
        hart.cpu.flushTlb();
        first();
        for (const use of uses) use();
      }
    }
  });

  it.each([
    ['h', 2],
    ['w', 4],
    ['d', 8],
  ])('hits up to the last l%s that the page has room for, and not beyond', (suffix, size) => {
    mapValue(DATA, 1n);
    const [read, write] = [asm(`l${suffix}`, { rd: 5, rs1: 6 }), asm(`s${suffix}`, { rs1: 6, rs2: 7 })];
    execute(read, DATA);
    execute(write, DATA);
    const before = misses();
    for (let at = DATA + PAGE_SIZE - 2 * size; at <= DATA + PAGE_SIZE - size; at++) {
      expect(execute(read, at)).toBe(Cause.Budget);
      expect(execute(write, at)).toBe(Cause.Budget);
    }
    expect(misses()).toBe(before);
    // The first page is known; the second is not there.
    for (let at = DATA + PAGE_SIZE - size + 1; at < DATA + PAGE_SIZE; at++) {
      expect(execute(read, at)).toBe(Cause.LoadPageFault);
      expect(hart.trapValue).toBe(BigInt(DATA + PAGE_SIZE));
      expect(execute(write, at)).toBe(Cause.StorePageFault);
      expect(hart.trapValue).toBe(BigInt(DATA + PAGE_SIZE));
    }
  });
});

describe('the partitions of the TLB', () => {
  /** A second space: the same code page, another DATA page. */
  function anotherSpace(value: bigint): number {
    const root = hart.frame();
    hart.map(CODE, ALL, hart.physical(CODE), root);
    mapValue(DATA, value, root);
    return root;
  }

  it('are owned by one space at a time: the same address in two spaces of a partition, in turn', () => {
    mapValue(DATA, 1n);
    const root = anotherSpace(2n);
    const other = hart.asid + TLB_PARTITIONS;
    for (let i = 0; i < 3; i++) {
      hart.cpu.activate(hart.root, hart.asid);
      expect(load(DATA)).toBe(1n);
      hart.cpu.activate(root, other);
      expect(load(DATA)).toBe(2n);
    }
  });

  it('keep what they know of as many spaces as there are partitions', () => {
    mapValue(DATA, 0n);
    const roots = [hart.root, ...Array.from({ length: TLB_PARTITIONS - 1 }, (_, i) => anotherSpace(BigInt(i + 1)))];
    const loadAll = (): bigint[] =>
      roots.map((root, i) => {
        hart.cpu.activate(root, hart.asid + i);
        return load(DATA);
      });
    const values = roots.map((_, i) => BigInt(i));
    expect(loadAll()).toEqual(values);
    const before = misses();
    expect(loadAll()).toEqual(values);
    expect(misses()).toBe(before);
  });

  it('are flushed for their owner alone, active or not', () => {
    mapValue(DATA, 1n);
    const root = anotherSpace(2n);
    const other = hart.asid + 1;
    load(DATA);
    hart.cpu.activate(root, other);
    load(DATA);
    // Of a space that shares the partition but does not own it; of the one that is not active.
    hart.cpu.flushAsid(other + TLB_PARTITIONS);
    hart.cpu.flushPage(other + TLB_PARTITIONS, DATA);
    hart.cpu.flushAsid(hart.asid);
    const before = misses();
    expect(load(DATA)).toBe(2n);
    expect(misses()).toBe(before);
    mapValue(DATA, 3n);
    hart.cpu.activate(hart.root, hart.asid);
    expect(load(DATA)).toBe(3n);
  });

  it.each([
    ['flushTlb', (): void => hart.cpu.flushTlb()],
    ['flushAsid', (): void => hart.cpu.flushAsid(hart.asid)],
    [
      'a takeover',
      (): void => {
        hart.cpu.activate(hart.root, hart.asid + TLB_PARTITIONS);
        hart.cpu.activate(hart.root, hart.asid);
      },
    ],
  ])('lose every entry in %s, wherever it lies', (_name, flush) => {
    // The first and last entries of groups of 32, and of the table.
    const indices = [
      0,
      1,
      31,
      32,
      63,
      64,
      TLB_ENTRIES / 2 - 1,
      TLB_ENTRIES / 2,
      TLB_ENTRIES - 33,
      TLB_ENTRIES - 32,
      TLB_ENTRIES - 1,
    ];
    const pages = indices.map((index) => (index + TLB_ENTRIES) * PAGE_SIZE);
    for (let round = 0n; round < 3n; round++) {
      for (const page of pages) mapValue(page, round);
      flush();
      for (const page of pages) expect(load(page), `page ${page.toString(16)}`).toBe(round);
      // None has displaced another.
      const before = misses();
      for (const page of pages) load(page);
      expect(misses()).toBe(before);
    }
  });

  it('forget a page in flushPage, and the first becomes one that page 0 does not match', () => {
    mapValue(REACH, 1n);
    mapValue(REACH + PAGE_SIZE, 2n);
    load(REACH);
    load(REACH + PAGE_SIZE);
    mapValue(REACH, 3n);
    hart.cpu.flushPage(hart.asid, REACH + 8);
    expect(load(REACH)).toBe(3n);
    hart.cpu.flushPage(hart.asid, REACH + 8);
    expect(execute(LOAD, 8)).toBe(Cause.LoadPageFault);
    expect(execute(LOAD, PAGE_SIZE + 8)).toBe(Cause.LoadPageFault);
    expect(load(REACH)).toBe(3n);
  });

  it('start empty, whatever the RAM held before', () => {
    const ram = Ram.allocate(2 * HartBlock.SIZE);
    ram.fill(0, 2 * HartBlock.SIZE, 0xff);
    const tlb = new Tlb(ram, 0, { run: () => 0 });
    for (let asid = 0; asid < TLB_PARTITIONS; asid++) {
      tlb.activate(asid);
      const table = HartBlock.tlbBase.get(ram, 0);
      expect(table).toBe(HartBlock.tlb.addr(0) + asid * TLB_PARTITION_BYTES);
      const words = ram.u32.subarray(table >>> 2, (table + TLB_PARTITION_BYTES) >>> 2);
      expect([words[0], words[2], words[4]]).toEqual([INVALID_FIRST_TAG, INVALID_FIRST_TAG, INVALID_FIRST_TAG]);
      expect(words.every((word, i) => word === 0 || i === 0 || i === 2 || i === 4)).toBe(true);
      const windows = HartBlock.windowBase.get(ram, 0);
      expect(ram.u8.subarray(windows, windows + WINDOW_PARTITION_BYTES).every((byte) => byte === 0)).toBe(true);
    }
    // And they reach no further.
    expect(ram.u8[HartBlock.SIZE]).toBe(0xff);
  });
});
