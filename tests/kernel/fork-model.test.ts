import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Access, PTE_SIZE, PTE_W, PTES_PER_TABLE, pteToAddress } from '../../src/core/mmu.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Fault, Space } from '../../src/kernel/address-space.ts';
import { Area } from '../../src/kernel/areas.ts';
import { Content } from '../../src/kernel/contents.ts';
import { E } from '../../src/kernel/errno.ts';
import { Advice, MapFlag, Prot, Remap } from '../../src/kernel/mman.ts';
import { PTE_SHARED } from '../../src/kernel/page-table.ts';
import { makeBench, type Bench } from './vm-bench.ts';

/*
 * Random sequences of forks, ends and memory calls of a family of processes, against a model: for each a map from page to a cell, which
 * private memory has alone and shared memory with others.
 */

const FIXED = MapFlag.Anonymous | MapFlag.Fixed;
/** The arena lies around a boundary of page tables. */
const ARENA = 512 * 7 - 9;
const PAGES = 20;
const MOST_SPACES = 4;

interface Page {
  prot: number;
  readonly isShared: boolean;
  readonly cell: { value: number };
  wipes: boolean;
  stays: boolean;
}

type Family = { space: number; pages: Map<number, Page> }[];

const who = fc.nat(MOST_SPACES - 1);
const page = fc.nat(PAGES - 1);
/** At most as many as a content has without an index. */
const pages = fc.integer({ min: 1, max: 8 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('fork' as const), who, eager: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('end' as const), who }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('map' as const), who, page, pages, isShared: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('unmap' as const, 'drop' as const), who, page, pages }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('protect' as const), who, page, pages, prot: fc.constantFrom(0, 1, 3, 7) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('advise' as const), who, page, pages, advice: fc.constantFrom(10, 11, 18, 19) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('move' as const), who, page, pages, to: page, more: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('fill' as const), who, page, pages, value: fc.nat(255) }) },
  { weight: 12, arbitrary: fc.record({ op: fc.constant('touch' as const), who, page, value: fc.nat(255) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function range(first: number, count: number): number[] {
  return Array.from({ length: Math.min(count, PAGES - first) }, (_, i) => first + i);
}

const addressOf = (p: number): number => (ARENA + p) * PAGE_SIZE;

/** Carries out a step on both; true unless memory or areas were refused, after which the model does not know the state. */
function apply(bench: Bench, family: Family, s: Step): boolean {
  const member = family[s.who % family.length]!;
  const { space, pages: known } = member;
  const { mappings } = bench;
  switch (s.op) {
    case 'fork': {
      if (family.length === MOST_SPACES) return true;
      const child = bench.forks.fork(space, s.eager);
      if (child === 0) return false;
      const inherited = [...known].filter(([, p]) => !p.stays);
      family.push({
        space: child,
        pages: new Map(
          inherited.map(([n, p]) => [n, { ...p, cell: p.isShared ? p.cell : { value: p.wipes ? 0 : p.cell.value } }]),
        ),
      });
      return true;
    }
    case 'end':
      if (family.length === 1) return true;
      bench.spaces.release(space);
      family.splice(family.indexOf(member), 1);
      return true;
    case 'map': {
      const where = range(s.page, s.pages);
      const flags = FIXED | (s.isShared ? MapFlag.Shared : MapFlag.Private);
      const result = mappings.map(space, addressOf(s.page), where.length * PAGE_SIZE, 3, flags);
      if (result === -E.NOMEM) return false;
      expect(result).toBe(addressOf(s.page));
      for (const n of where) known.set(n, { prot: 3, isShared: s.isShared, cell: { value: 0 }, wipes: false, stays: false });
      return true;
    }
    case 'unmap': {
      const where = range(s.page, s.pages);
      if (mappings.unmap(space, addressOf(s.page), where.length * PAGE_SIZE) < 0) return false;
      for (const n of where) known.delete(n);
      return true;
    }
    case 'drop':
      mappings.advise(space, addressOf(s.page), range(s.page, s.pages).length * PAGE_SIZE, Advice.DontNeed);
      for (const n of range(s.page, s.pages)) {
        const p = known.get(n);
        if (p !== undefined && !p.isShared) p.cell.value = 0;
      }
      return true;
    case 'protect': {
      const where = range(s.page, s.pages);
      const hole = where.findIndex((n) => !known.has(n));
      const result = mappings.protect(space, addressOf(s.page), where.length * PAGE_SIZE, s.prot);
      if (hole < 0 && result === -E.NOMEM) return false;
      expect(result).toBe(hole < 0 ? 0 : -E.NOMEM);
      for (const n of hole < 0 ? where : where.slice(0, hole)) known.get(n)!.prot = s.prot;
      return true;
    }
    case 'advise': {
      const where = range(s.page, s.pages);
      const result = mappings.advise(space, addressOf(s.page), where.length * PAGE_SIZE, s.advice);
      if (result === -E.AGAIN) return false;
      for (const n of where) {
        const p = known.get(n);
        if (p === undefined) continue;
        if (s.advice === Advice.WipeOnFork && p.isShared) {
          expect(result).toBe(-E.INVAL);
          break;
        }
        if (s.advice === Advice.WipeOnFork || s.advice === Advice.KeepOnFork) p.wipes = s.advice === Advice.WipeOnFork;
        else p.stays = s.advice === Advice.DontFork;
      }
      return true;
    }
    case 'move': {
      const from = range(s.page, s.pages);
      const to = range(s.to, from.length + s.more);
      const [first] = from.map((n) => known.get(n));
      if (first === undefined) return true;
      const overlaps = from.some((n) => to.includes(n));
      const isOneArea = from.every((n) => {
        const p = known.get(n);
        return p?.prot === first.prot && p.isShared === first.isShared && p.wipes === first.wipes && p.stays === first.stays;
      });
      // What is behind the end of shared memory is another matter.
      if (to.length < from.length || (from.some((n) => known.get(n)?.isShared === true) && to.length !== from.length))
        return true;
      const flags = Remap.MayMove | Remap.Fixed;
      const bytes = [from.length * PAGE_SIZE, to.length * PAGE_SIZE] as const;
      const result = bench.remaps.remap(space, addressOf(s.page), bytes[0], bytes[1], flags, addressOf(s.to));
      if (result === -E.NOMEM) return false;
      if (overlaps) {
        expect(result).toBe(-E.INVAL);
        return true;
      }
      for (const n of to) known.delete(n);
      if (!isOneArea) {
        expect(result).toBe(-E.FAULT);
        return true;
      }
      // Pages of shared memory may be of different memories, which do not make one area.
      if (first.isShared && result === -E.FAULT) return true;
      expect(result).toBe(addressOf(s.to));
      to.forEach((n, index) => {
        const moved = known.get(from[index] ?? -1);
        known.set(n, moved ?? { ...first, cell: { value: 0 } });
      });
      for (const n of from) known.delete(n);
      return true;
    }
    case 'fill':
      for (const n of range(s.page, s.pages)) {
        const p = known.get(n);
        const error = bench.copy.writeU8(space, addressOf(n) + 77, s.value);
        if (error === -E.NOMEM) return false;
        if (error === 0) p!.cell.value = s.value;
        expect(error === 0).toBe(p !== undefined && (p.prot & Prot.Write) !== 0);
      }
      return true;
    case 'touch': {
      const p = known.get(s.page);
      const va = addressOf(s.page) + 77;
      const readable = p !== undefined && (p.prot & (Prot.Read | Prot.Write)) !== 0;
      const writable = p !== undefined && (p.prot & Prot.Write) !== 0;
      const outcome = bench.spaces.fault(space, va, s.value % 2 === 0 ? Access.Read : Access.Write);
      if (outcome === Fault.OutOfMemory) return false;
      if (readable) {
        const error = bench.copy.readU8(space, va);
        if (error === -E.NOMEM) return false;
        expect(error).toBe(0);
        expect(bench.copy.value).toBe(p.cell.value);
      }
      const error = bench.copy.writeU8(space, va, s.value);
      if (error === -E.NOMEM) return false;
      expect(error).toBe(writable ? 0 : -E.FAULT);
      if (writable) p.cell.value = s.value;
      return true;
    }
  }
}

/** Every page has the value that the model says, or none at all; pages that are not present stay so. */
function checkAll(bench: Bench, { space, pages }: Family[number]): void {
  const { ram, spaces } = bench;
  for (let n = 0; n < PAGES; n++) {
    const slot = spaces.tables.slot(Space.root.get(ram, space), ARENA + n);
    const entry = slot === 0 ? 0 : ram.u32[slot >>> 2]!;
    const p = pages.get(n);
    const area = bench.areas.find(Space.areas.addr(space), addressOf(n));
    const found = [area === 0 ? undefined : Area.prot.get(ram, area), entry === 0 ? 0 : ram.u8[pteToAddress(entry) + 77]];
    if ((entry & PTE_W) !== 0 && (p!.prot & Prot.Write) === 0) throw new Error('a page may be written that must not be');
    const isOpen = entry === 0 && p?.isShared === true;
    if (found[0] !== p?.prot || (!isOpen && found[1] !== (p?.cell.value ?? 0)))
      expect(found, `page ${String(n)}`).toEqual([p?.prot, p?.cell.value ?? 0]);
  }
}

/** Every reference to a frame is one that page tables and contents account for, none is missing, and who may write is alone. */
function auditFamily(bench: Bench, spaces: readonly number[]): void {
  const { ram, frames, contents } = bench;
  const references = new Map<number, number>();
  const refer = (frame: number): void => void references.set(frame, (references.get(frame) ?? 0) + 1);
  const writable = new Set<number>();
  const ofContents = new Set<number>();
  for (let i = 0; i < contents.count; i++) {
    const content = contents.at(i);
    if (content === 0) continue;
    for (let n = 0; n < 8; n++) {
      const frame = Content.direct.at(ram, content, n);
      if (frame === 0) continue;
      refer(frame);
      ofContents.add(frame);
    }
  }
  for (const space of spaces) {
    let tables = 0;
    let leaves = 0;
    const visit = (table: number, level: number): void => {
      tables++;
      refer(table);
      for (let i = 0; i < PTES_PER_TABLE; i++) {
        const entry = ram.u32[(table + i * PTE_SIZE) >>> 2]!;
        if (entry === 0) continue;
        if (level > 0) {
          visit(pteToAddress(entry), level - 1);
          continue;
        }
        leaves++;
        refer(pteToAddress(entry));
        if ((entry & PTE_W) !== 0) writable.add(pteToAddress(entry));
        if ((entry & PTE_W) !== 0 && (entry & PTE_SHARED) !== 0) throw new Error(`entry ${entry.toString(16)}`);
      }
    };
    visit(Space.root.get(ram, space), 2);
    expect(tables).toBe(Space.tablePages.get(ram, space));
    expect(leaves).toBe(Space.residentPages.get(ram, space));
  }
  for (const [frame, count] of references) {
    if (frames.references(frame) !== count) expect(frames.references(frame)).toBe(count);
    if (count > 1 && writable.has(frame) && !ofContents.has(frame)) throw new Error('a shared frame may be written');
  }
  expect(frames.total - frames.freeCount()).toBe(references.size);
  expect(bench.locks.held).toBe(0);
  expect(bench.spaces.batch.count).toBe(0);
}

function run(bench: Bench, steps: readonly Step[]): void {
  const before = bench.inUse();
  const family: Family = [{ space: bench.spaces.create(), pages: new Map() }];
  for (const s of steps) {
    const known = apply(bench, family, s);
    auditFamily(
      bench,
      family.map(({ space }) => space),
    );
    if (!known) break;
    for (const member of family) checkAll(bench, member);
  }
  for (const { space } of family) bench.spaces.release(space);
  expect(bench.inUse()).toEqual(before);
}

describe('a family of processes', () => {
  it('has the memory that a model says after any sequence of forks, writes and memory calls', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => run(makeBench(900), steps)),
      { numRuns: 80 },
    );
  });

  it('loses nothing when memory ends anywhere on the way', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.integer({ min: 4, max: 60 }), (steps, frameCount) =>
        run(makeBench(frameCount), steps),
      ),
      { numRuns: 80 },
    );
  });
});

describe('fork', () => {
  const VA = 0x4000_0000;
  const RW = Prot.Read | Prot.Write;

  /** A space with so many pages that have been written. */
  function parentOf(bench: Bench, count: number): number {
    const space = bench.spaces.create();
    expect(bench.mappings.map(space, VA, count * PAGE_SIZE, RW, FIXED | MapFlag.Private)).toBe(VA);
    for (let i = 0; i < count; i++) expect(bench.copy.writeU32(space, VA + i * PAGE_SIZE, i + 1)).toBe(0);
    return space;
  }

  it('takes the right to write from the parent, and tells its other harts before it lets go of the lock', () => {
    const bench = makeBench();
    const parent = parentOf(bench, 3);
    const shots = bench.shots.length;
    const child = bench.forks.fork(parent, false);
    expect(bench.shots.slice(shots)).toEqual([Space.tlb.addr(parent)]);
    // The second child finds nothing that may be written.
    const second = bench.forks.fork(parent, false);
    expect(bench.shots.length).toBe(shots + 1);
    for (const space of [parent, child, second]) bench.spaces.release(space);
    expect(bench.inUse().frames).toBe(0);
  });

  it('copies a page once only: who is left alone with it keeps it, without telling anybody', () => {
    const bench = makeBench();
    const parent = parentOf(bench, 1);
    const child = bench.forks.fork(parent, false);
    const slot = bench.spaces.tables.slot(Space.root.get(bench.ram, parent), VA / PAGE_SIZE);
    const frame = pteToAddress(bench.ram.u32[slot >>> 2]!);
    expect(bench.copy.writeU32(child, VA, 9)).toBe(0);
    const shots = bench.shots.length;
    expect(bench.copy.writeU32(parent, VA, 8)).toBe(0);
    expect(pteToAddress(bench.ram.u32[slot >>> 2]!)).toBe(frame);
    expect(bench.shots.length).toBe(shots);
    expect(bench.copy.readU32(child, VA)).toBe(0);
    expect(bench.copy.value).toBe(9);
  });

  it('takes over pages around one that is written, but none that others have or that must not be written', () => {
    const bench = makeBench();
    const { ram, spaces, mappings } = bench;
    const parent = parentOf(bench, 6);
    const mayWrite = (n: number): boolean =>
      (ram.u32[spaces.tables.slot(Space.root.get(ram, parent), VA / PAGE_SIZE + n) >>> 2]! & PTE_W) !== 0;
    mappings.protect(parent, VA + 4 * PAGE_SIZE, 2 * PAGE_SIZE, Prot.Read);
    const child = bench.forks.fork(parent, false);
    mappings.unmap(child, VA, 2 * PAGE_SIZE);
    mappings.unmap(child, VA + 3 * PAGE_SIZE, 3 * PAGE_SIZE);
    expect(bench.copy.writeU32(parent, VA, 1)).toBe(0);
    expect([0, 1, 2, 3, 4, 5].map(mayWrite)).toEqual([true, true, false, false, false, false]);
    expect(bench.copy.writeU32(parent, VA + 3 * PAGE_SIZE, 1)).toBe(0);
    expect([2, 3, 4, 5].map(mayWrite)).toEqual([false, true, false, false]);
  });

  it('leaves the parent as it was when memory, areas or spaces end on the way', () => {
    for (let spare = 0; spare < 7; spare++) {
      const bench = makeBench(60);
      const parent = parentOf(bench, 20);
      // Areas far from one another need page tables of their own.
      for (let i = 1; i < 4; i++) {
        bench.mappings.map(parent, VA * (i + 1), PAGE_SIZE, RW, FIXED | MapFlag.Private);
        bench.copy.writeU32(parent, VA * (i + 1), 100 + i);
      }
      const taken: number[] = [];
      while (bench.frames.freeCount() > spare) taken.push(bench.frames.alloc());
      const before = bench.inUse();
      expect(bench.forks.fork(parent, false)).toBe(0);
      expect(bench.inUse()).toEqual(before);
      for (const frame of taken) bench.frames.release(frame);
      for (let i = 0; i < 20; i++) {
        expect(bench.copy.readU32(parent, VA + i * PAGE_SIZE)).toBe(0);
        expect(bench.copy.value).toBe(i + 1);
        expect(bench.copy.writeU32(parent, VA + i * PAGE_SIZE, 5)).toBe(0);
      }
      bench.spaces.release(parent);
      expect(bench.inUse().frames).toBe(0);
    }
    const bench = makeBench();
    const parent = parentOf(bench, 1);
    const spaces: number[] = [];
    for (let child = bench.forks.fork(parent, false); child !== 0; child = bench.forks.fork(parent, false)) spaces.push(child);
    expect(spaces.length).toBe(7);
    for (const space of [parent, ...spaces]) bench.spaces.release(space);
    expect(bench.inUse()).toMatchObject({ frames: 0, areas: 0, spaces: 0 });
  });

  it('keeps the pages of the parent in one piece, whichever of them it writes while there is a child and afterwards', () => {
    const COUNT = 200;
    const bench = makeBench(2048);
    const parent = parentOf(bench, COUNT);
    const pieces = (): number => {
      let count = 0;
      let expected = 0;
      for (let i = 0; i < COUNT; i++) {
        const frame = pteToAddress(
          bench.ram.u32[bench.spaces.tables.slot(Space.root.get(bench.ram, parent), VA / PAGE_SIZE + i) >>> 2]!,
        );
        if (frame !== expected) count++;
        expected = frame + PAGE_SIZE;
      }
      return count;
    };
    expect(pieces()).toBe(1);
    for (let round = 0; round < 20; round++) {
      const child = bench.forks.fork(parent, false);
      // Some pages are written while the child is there.
      for (let i = 0; i < 5; i++) bench.copy.writeU32(parent, VA + ((round * 37 + i * 11) % COUNT) * PAGE_SIZE, round);
      bench.spaces.release(child);
      for (let i = 0; i < COUNT; i++) expect(bench.copy.writeU32(parent, VA + i * PAGE_SIZE, round)).toBe(0);
    }
    expect(pieces()).toBeLessThanOrEqual(12);
    // All of them while the child is there: they move together.
    const child = bench.forks.fork(parent, false);
    for (let i = 0; i < COUNT; i++) bench.copy.writeU32(parent, VA + i * PAGE_SIZE, 1);
    bench.spaces.release(child);
    expect(pieces()).toBeLessThanOrEqual(20);
  });
});
