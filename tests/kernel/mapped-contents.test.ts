/*
 * Contents that are mapped: who sees what somebody has stored, and what is left when the content gets shorter?
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { Access } from '../../src/core/mmu.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Fault } from '../../src/kernel/address-space.ts';
import { E } from '../../src/kernel/errno.ts';
import { MapFlag, Prot } from '../../src/kernel/mman.ts';
import { makeBench, type Bench } from './vm-bench.ts';

const VA = 0x4000_0000;
const RW = Prot.Read | Prot.Write;
const PAGES = 4;
const BYTES = (PAGES - 1) * PAGE_SIZE + 100;

let bench: Bench;
let content: number;
let one: number;
let other: number;

beforeEach(() => {
  bench = makeBench(600);
  const bytes = new Uint8Array(BYTES);
  for (let page = 0; page < PAGES; page++) bytes[page * PAGE_SIZE] = page + 1;
  content = bench.contents.fromBytes(bytes);
  one = bench.spaces.create();
  other = bench.spaces.create();
});

function map(space: number, type: number, how: { va?: number; prot?: number; page?: number; pages?: number } = {}): void {
  const { va = VA, prot = RW, page = 0 } = how;
  const bytes = (how.pages ?? PAGES - page) * PAGE_SIZE;
  expect(bench.mappings.mapContent(space, va, bytes, prot, type | MapFlag.Fixed, content, page)).toBe(va);
}

function read(space: number, va: number): number {
  const error = bench.copy.readU8(space, va);
  return error < 0 ? error : bench.copy.value;
}

const write = (space: number, va: number, value: number): number => bench.copy.writeU8(space, va, value);
const inContent = (offset: number): number => bench.contents.read(content, offset, 1)[0]!;

function expectAllBack(): void {
  bench.spaces.release(one);
  bench.spaces.release(other);
  bench.contents.release(content);
  expect(bench.inUse()).toEqual({ frames: 0, areas: 0, spaces: 0, contents: 0, locks: 0 });
}

describe('a content that is mapped shared', () => {
  it('is one memory for all who map it, at whatever address and place', () => {
    map(one, MapFlag.Shared);
    map(other, MapFlag.Shared, { va: 2 * VA, page: 2 });
    expect(write(one, VA + 2 * PAGE_SIZE + 5, 50)).toBe(0);
    expect(read(other, 2 * VA + 5)).toBe(50);
    expect(inContent(2 * PAGE_SIZE + 5)).toBe(50);
    bench.ram.u8[bench.contents.ensureFrame(content, 3) + 7] = 60;
    expect(read(one, VA + 3 * PAGE_SIZE + 7)).toBe(60);
    expect(read(other, 2 * VA + PAGE_SIZE + 7)).toBe(60);
    expectAllBack();
  });

  it('gets a page where it had a hole, once, whoever touches it', () => {
    const hole = bench.contents.create();
    bench.contents.setSize(hole, PAGE_SIZE);
    for (const space of [one, other])
      bench.mappings.mapContent(space, VA, PAGE_SIZE, RW, MapFlag.Shared | MapFlag.Fixed, hole, 0);
    expect(read(one, VA)).toBe(0);
    expect(write(other, VA, 9)).toBe(0);
    expect(read(one, VA)).toBe(9);
    expect(bench.contents.pagesHeld(hole)).toBe(1);
    bench.contents.release(hole);
    expectAllBack();
  });

  it('forbids what its protection forbids', () => {
    map(one, MapFlag.Shared, { prot: Prot.Read });
    expect(read(one, VA)).toBe(1);
    expect(write(one, VA, 2)).toBe(-E.FAULT);
    bench.mappings.protect(one, VA, PAGE_SIZE, RW);
    expect(write(one, VA, 2)).toBe(0);
    expect(inContent(0)).toBe(2);
    expectAllBack();
  });
});

describe('a content that is mapped private', () => {
  it('never sees what is stored there, and shows no longer what is stored in it once there is a copy', () => {
    map(one, MapFlag.Private);
    map(other, MapFlag.Private, { prot: Prot.Read });
    expect(write(one, VA + 1, 8)).toBe(0);
    expect(inContent(1)).toBe(0);
    expect(read(other, VA + 1)).toBe(0);
    bench.ram.u8[bench.contents.frameAt(content, 0) + 2] = 77;
    expect(read(one, VA + 2)).toBe(0);
    expect(read(other, VA + 2)).toBe(77);
    bench.mappings.protect(other, VA, PAGE_SIZE, RW);
    expect(write(other, VA + 3, 5)).toBe(0);
    expect(inContent(3)).toBe(0);
    expect(read(other, VA + 2)).toBe(77);
    expectAllBack();
  });
});

describe('behind the end of a content', () => {
  it.each([
    ['shared', MapFlag.Shared],
    ['private', MapFlag.Private],
  ])('there is nothing but a bus error for whole pages, and zeroes for the last one, mapped %s', (_, type) => {
    map(one, type, { pages: PAGES + 2 });
    expect(read(one, VA + BYTES)).toBe(0);
    expect(write(one, VA + PAGES * PAGE_SIZE - 1, 1)).toBe(0);
    for (const access of [Access.Read, Access.Write])
      expect(bench.spaces.fault(one, VA + PAGES * PAGE_SIZE, access)).toBe(Fault.BusError);
    expect(bench.spaces.fault(one, VA + (PAGES + 1) * PAGE_SIZE, Access.Read)).toBe(Fault.BusError);
    expect(read(one, VA + PAGES * PAGE_SIZE)).toBe(-E.FAULT);
    bench.truncation.setSize(content, (PAGES + 1) * PAGE_SIZE);
    expect(read(one, VA + PAGES * PAGE_SIZE)).toBe(0);
    // What was stored behind the old end was never part of it.
    if (type === MapFlag.Shared) expect(read(one, VA + PAGES * PAGE_SIZE - 1)).toBe(0);
    expectAllBack();
  });
});

describe('a content that gets shorter', () => {
  it('goes from all who map it, copies too, and comes back as zeroes', () => {
    map(one, MapFlag.Shared);
    map(one, MapFlag.Shared, { va: 3 * VA, page: 1, pages: 2 });
    map(other, MapFlag.Private);
    const child = bench.forks.fork(other, false);
    for (let page = 0; page < PAGES; page++) {
      expect(write(other, VA + page * PAGE_SIZE + 1, 40)).toBe(0);
      expect(read(one, VA + page * PAGE_SIZE)).toBe(page + 1);
    }
    expect(read(one, 3 * VA + PAGE_SIZE)).toBe(3);
    const shots = bench.shots.length;
    expect(bench.truncation.setSize(content, PAGE_SIZE + 10)).toBe(0);
    expect(bench.shots.length).toBeGreaterThanOrEqual(shots + 2);
    for (const space of [one, other, child]) {
      expect(read(space, VA + PAGE_SIZE)).toBe(2);
      expect(bench.spaces.fault(space, VA + 2 * PAGE_SIZE, Access.Read)).toBe(Fault.BusError);
    }
    expect(bench.spaces.fault(one, 3 * VA + PAGE_SIZE, Access.Read)).toBe(Fault.BusError);
    expect(read(other, VA + PAGE_SIZE + 1)).toBe(40);
    expect(bench.truncation.setSize(content, BYTES)).toBe(0);
    for (const space of [one, other]) expect(read(space, VA + 2 * PAGE_SIZE)).toBe(0);
    write(one, VA + 2 * PAGE_SIZE, 5);
    expect(inContent(2 * PAGE_SIZE)).toBe(5);
    bench.spaces.release(child);
    expectAllBack();
  });
});

describe('mapping a content', () => {
  it('is refused as Linux refuses it', () => {
    const mapped = (length: number, flags: number, page = 0): number =>
      bench.mappings.mapContent(one, VA, length, RW, flags, content, page);
    expect(mapped(0, MapFlag.Shared)).toBe(-E.INVAL);
    expect(mapped(NaN, MapFlag.Shared)).toBe(-E.INVAL);
    expect(mapped(PAGE_SIZE, 0)).toBe(-E.INVAL);
    expect(mapped(PAGE_SIZE, MapFlag.SharedValidate | 0x10_0000)).toBe(-E.OPNOTSUPP);
    expect(mapped(2 ** 50, MapFlag.Private)).toBe(-E.NOMEM);
    expect(mapped(PAGE_SIZE, MapFlag.Private, 2 ** 52)).toBe(-E.OVERFLOW);
    expect(mapped(PAGE_SIZE, MapFlag.SharedValidate)).toBe(VA);
    expectAllBack();
  });
});
