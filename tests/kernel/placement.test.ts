import { beforeEach, describe, expect, it } from 'vitest';
import { Access, pteToAddress } from '../../src/core/mmu.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { AreaFlag } from '../../src/kernel/areas.ts';
import { Advice, MapFlag, Prot, STACK_BOTTOM, STACK_TOP } from '../../src/kernel/mman.ts';
import { Fault, Space } from '../../src/kernel/address-space.ts';
import { audit } from './vm-audit.ts';
import { makeBench, type Bench } from './vm-bench.ts';

const RW = Prot.Read | Prot.Write;
const FIXED = MapFlag.Private | MapFlag.Anonymous | MapFlag.Fixed;
const VA = 0x4000_0000;
const MIB = 256;

let bench: Bench;
let space: number;
let seed: number;

beforeEach(() => {
  bench = makeBench(4096);
  space = bench.spaces.create();
  seed = 1;
});

function map(va: number, pages: number, prot = RW): void {
  expect(bench.mappings.map(space, va, pages * PAGE_SIZE, prot, FIXED)).toBe(va);
}

function touch(va: number, page = 0): void {
  expect(bench.spaces.fault(space, va + page * PAGE_SIZE, Access.Write)).toBe(Fault.Handled);
}

/** 0 … count − 1 in an order that is the same in each run. */
function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    const j = Math.floor((seed / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** In how many pieces present pages from `va` on lie in RAM. */
function pieces(va: number, pages: number): number {
  const { ram, spaces } = bench;
  let count = 0;
  let expected = 0;
  for (let page = 0; page < pages; page++) {
    const slot = spaces.tables.slot(Space.root.get(ram, space), va / PAGE_SIZE + page);
    const frame = pteToAddress(ram.u32[slot >>> 2]!);
    expect(frame).not.toBe(0);
    if (frame !== expected) count++;
    expected = frame + PAGE_SIZE;
  }
  return count;
}

/** Lets another space fill memory in random order and free some of it, or all. */
function churn(pages: number, keep: (page: number) => boolean): number {
  const other = bench.spaces.create();
  bench.mappings.map(other, VA, pages * PAGE_SIZE, RW, FIXED);
  for (const page of shuffled(pages)) bench.spaces.fault(other, VA + page * PAGE_SIZE, Access.Write);
  for (const page of shuffled(pages))
    if (!keep(page)) bench.mappings.advise(other, VA + page * PAGE_SIZE, PAGE_SIZE, Advice.DontNeed);
  return other;
}

describe('the pages of an area', () => {
  it('lie in one piece, whether they are touched upwards, downwards or at random', () => {
    const orders = [
      Array.from({ length: MIB }, (_, i) => i),
      Array.from({ length: MIB }, (_, i) => MIB - 1 - i),
      shuffled(MIB),
      shuffled(MIB),
    ];
    for (const [i, order] of orders.entries()) {
      const va = VA + i * 2 ** 30;
      map(va, MIB);
      for (const page of order) touch(va, page);
      expect(pieces(va, MIB), `order ${String(i)}`).toBeLessThanOrEqual(i === 1 ? 3 : 1);
    }
    audit(bench, space);
  });

  it('lie in one piece each when two areas are touched in turns', () => {
    map(VA, MIB);
    map(2 * VA, MIB);
    const [a, b] = [shuffled(MIB), shuffled(MIB)];
    for (let i = 0; i < MIB; i++) {
      touch(VA, a[i]);
      touch(2 * VA, b[i]);
    }
    expect([pieces(VA, MIB), pieces(2 * VA, MIB)]).toEqual([1, 1]);
  });

  it('lie in one piece when they are written by the kernel or made present at once', () => {
    bench.mappings.map(space, VA, MIB * PAGE_SIZE, RW, FIXED | MapFlag.Populate);
    expect(pieces(VA, MIB)).toBe(1);
    map(2 * VA, MIB);
    for (const page of shuffled(MIB)) expect(bench.copy.writeU32(space, 2 * VA + page * PAGE_SIZE, 1)).toBe(0);
    expect(pieces(2 * VA, MIB)).toBe(1);
  });

  it('lie in one piece again after memory was filled and freed in random order', () => {
    bench.spaces.release(churn(3900, (page) => page % 3 === 0));
    bench.spaces.release(churn(3000, () => false));
    map(VA, 8 * MIB);
    for (const page of shuffled(8 * MIB)) touch(VA, page);
    expect(pieces(VA, 8 * MIB)).toBe(1);
  });

  it('are all found when free memory is in shatters, and the whole of it', () => {
    const other = churn(3600, (page) => page % 2 === 0);
    map(VA, 2400);
    for (const page of shuffled(1750)) touch(VA, page);
    let touched = 1750;
    while (touched < 2400 && bench.spaces.fault(space, VA + touched * PAGE_SIZE, Access.Write) === Fault.Handled) touched++;
    // What is refused is refused for the sake of the reserve, and no sooner.
    expect(bench.frames.freeInList()).toBeLessThan(128);
    expect(bench.frames.freeInList()).toBeGreaterThanOrEqual(128 - 15);
    audit(bench, space);
    bench.spaces.release(other);
    bench.spaces.release(space);
    expect(bench.inUse()).toMatchObject({ frames: 0, areas: 0, spaces: 0 });
  });

  it('stay in one piece when a part gets other rights and the area is split', () => {
    map(VA, MIB);
    touch(VA, 100);
    bench.mappings.protect(space, VA + 50 * PAGE_SIZE, 50 * PAGE_SIZE, Prot.Read);
    for (const page of shuffled(MIB)) if (page < 50 || page >= 100) touch(VA, page);
    bench.mappings.protect(space, VA, MIB * PAGE_SIZE, RW);
    for (const page of shuffled(MIB)) touch(VA, page);
    expect(pieces(VA, MIB)).toBe(1);
  });

  it('lie in one piece for each mapping, though it joins the one above, which is full', () => {
    for (let i = 1; i <= 5; i++) {
      const va = VA - i * MIB * PAGE_SIZE;
      map(va, MIB);
      for (const page of shuffled(MIB)) touch(va, page);
      expect(pieces(va, MIB)).toBe(1);
    }
  });

  it('stay in one piece when they come back after they were dropped', () => {
    map(VA, MIB);
    for (const page of shuffled(MIB)) touch(VA, page);
    for (const page of shuffled(MIB).slice(0, 100))
      bench.mappings.advise(space, VA + page * PAGE_SIZE, PAGE_SIZE, Advice.DontNeed);
    for (const page of shuffled(MIB)) touch(VA, page);
    expect(pieces(VA, MIB)).toBe(1);
  });
});

describe('a heap', () => {
  it('grows in one piece behind the data of the program, while other areas are placed', () => {
    const image = bench.contents.fromBytes(new Uint8Array(4 * PAGE_SIZE).fill(1));
    bench.mappings.mapImage(space, VA, VA + 4 * PAGE_SIZE, RW, image, 0);
    bench.mappings.mapAnonymous(space, VA + 4 * PAGE_SIZE, VA + 6 * PAGE_SIZE, RW, 0);
    const start = VA + 6 * PAGE_SIZE;
    bench.mappings.startHeap(space, start);
    for (let page = 0; page < 6; page++) touch(VA, page);
    for (let step = 1; step <= 8; step++) {
      expect(bench.mappings.setBrk(space, start + step * 32 * PAGE_SIZE)).toBe(start + step * 32 * PAGE_SIZE);
      for (let page = 0; page < 32; page++) touch(start, (step - 1) * 32 + page);
      map(2 * VA + step * 2 ** 24, 40);
      for (const page of shuffled(40)) touch(2 * VA + step * 2 ** 24, page);
    }
    expect(pieces(VA, 4)).toBe(1);
    expect(pieces(VA + 4 * PAGE_SIZE, 2 + 8 * 32)).toBe(1);
    bench.contents.release(image);
  });
});

describe('stacks and large sparse areas', () => {
  it('take no runs that others need', () => {
    expect(bench.mappings.mapAnonymous(space, STACK_BOTTOM, STACK_TOP, RW, AreaFlag.GrowsDown)).toBe(0);
    touch(STACK_TOP, -1);
    for (let thread = 0; thread < 12; thread++) {
      const stack = 2 * VA + thread * 2 ** 24;
      map(stack, 2048);
      for (let page = 2047; page > 2040; page--) touch(stack, page);
      expect(pieces(stack + 2041 * PAGE_SIZE, 7)).toBe(1);
    }
    bench.mappings.map(space, VA * 4, 2 ** 34, RW, FIXED | MapFlag.NoReserve);
    for (const page of shuffled(20)) touch(VA * 4, page * 1000);
    map(VA, 4 * MIB);
    for (const page of shuffled(4 * MIB)) touch(VA, page);
    // A quarter of all memory: no run is as long, but some are nearly so.
    expect(pieces(VA, 4 * MIB)).toBeLessThanOrEqual(12);
    audit(bench, space);
  });
});
