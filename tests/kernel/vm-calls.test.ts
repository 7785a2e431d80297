import { beforeEach, describe, expect, it } from 'vitest';
import { Access, USER_ADDRESS_LIMIT } from '../../src/core/mmu.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { TlbState } from '../../src/smp/shootdown.ts';
import { Fault, Space } from '../../src/kernel/address-space.ts';
import { AreaSet } from '../../src/kernel/areas.ts';
import { E } from '../../src/kernel/errno.ts';
import { Advice, MapFlag, MIN_ADDRESS, MMAP_TOP, Prot } from '../../src/kernel/mman.ts';
import { audit } from './vm-audit.ts';
import { makeBench, type Bench } from './vm-bench.ts';

const RW = Prot.Read | Prot.Write;
const ANONYMOUS = MapFlag.Private | MapFlag.Anonymous;
const VA = 0x4000_0000;

let bench: Bench;
let space: number;

beforeEach(() => {
  bench = makeBench();
  space = bench.spaces.create();
});

function map(va: number, pages: number, prot = RW, flags = ANONYMOUS | MapFlag.Fixed): number {
  return bench.mappings.map(space, va, pages * PAGE_SIZE, prot, flags);
}

function areaCount(): number {
  return AreaSet.count.get(bench.ram, Space.areas.addr(space));
}

describe('mmap', () => {
  it('places mappings downwards from the top, without gaps between them', () => {
    expect(map(0, 3, RW, ANONYMOUS)).toBe(MMAP_TOP - 3 * PAGE_SIZE);
    expect(map(0, 1, RW, ANONYMOUS)).toBe(MMAP_TOP - 4 * PAGE_SIZE);
    expect(areaCount()).toBe(1);
  });

  it('fills the highest hole that is large enough', () => {
    const top = map(0, 20, RW, ANONYMOUS);
    bench.mappings.unmap(space, top + 4 * PAGE_SIZE, 3 * PAGE_SIZE);
    bench.mappings.unmap(space, top + 10 * PAGE_SIZE, 2 * PAGE_SIZE);
    expect(map(0, 3, RW, ANONYMOUS)).toBe(top + 4 * PAGE_SIZE);
    expect(map(0, 3, RW, ANONYMOUS)).toBe(top - 3 * PAGE_SIZE);
    expect(map(0, 2, RW, ANONYMOUS)).toBe(top + 10 * PAGE_SIZE);
  });

  it('takes a free hint, rounded up, and goes elsewhere when it is taken or no address', () => {
    expect(map(VA - 1, 1, RW, ANONYMOUS)).toBe(VA);
    expect(map(VA, 1, RW, ANONYMOUS)).toBe(MMAP_TOP - PAGE_SIZE);
    expect(map(2 ** 63, 1, RW, ANONYMOUS)).toBe(MMAP_TOP - 2 * PAGE_SIZE);
    expect(map(NaN, 1, RW, ANONYMOUS)).toBe(MMAP_TOP - 3 * PAGE_SIZE);
    expect(map(1, 1, RW, ANONYMOUS)).toBe(MIN_ADDRESS);
  });

  it('refuses what Linux refuses', () => {
    const page = PAGE_SIZE;
    const { mappings } = bench;
    expect(mappings.map(space, 0, 0, RW, ANONYMOUS)).toBe(-E.INVAL);
    expect(mappings.map(space, 0, NaN, RW, ANONYMOUS)).toBe(-E.INVAL);
    expect(mappings.map(space, 0, page, RW, MapFlag.Anonymous)).toBe(-E.INVAL);
    expect(mappings.map(space, 0, page, RW, MapFlag.SharedValidate | MapFlag.Anonymous)).toBe(-E.INVAL);
    expect(mappings.map(space, 0, page, RW, MapFlag.Private)).toBe(-E.BADF);
    expect(mappings.map(space, 0, 2 ** 64 - 1, RW, ANONYMOUS)).toBe(-E.NOMEM);
    expect(mappings.map(space, 0, 2 ** 38, Prot.None, ANONYMOUS)).toBe(-E.NOMEM);
    expect(map(VA + 1, 1)).toBe(-E.INVAL);
    expect(map(0, 1)).toBe(-E.PERM);
    expect(map(USER_ADDRESS_LIMIT - page, 2)).toBe(-E.NOMEM);
    expect(map(2 ** 60, 1)).toBe(-E.NOMEM);
    expect(areaCount()).toBe(0);
  });

  it('promises no more writable memory than there is RAM, but reserves any amount', () => {
    expect(map(0, 2049, RW, ANONYMOUS)).toBe(-E.NOMEM);
    expect(map(0, 2 ** 20, Prot.None, ANONYMOUS)).toBeGreaterThan(0);
    expect(map(0, 2 ** 20, RW, ANONYMOUS | MapFlag.NoReserve)).toBeGreaterThan(0);
  });

  it('leaves an existing mapping alone with MAP_FIXED_NOREPLACE', () => {
    map(VA, 4);
    expect(map(VA + 3 * PAGE_SIZE, 2, RW, ANONYMOUS | MapFlag.FixedNoReplace)).toBe(-E.EXIST);
    expect(map(VA + 4 * PAGE_SIZE, 2, RW, ANONYMOUS | MapFlag.FixedNoReplace)).toBe(VA + 4 * PAGE_SIZE);
  });

  it('makes pages present at once with MAP_POPULATE', () => {
    map(VA, 5, RW, ANONYMOUS | MapFlag.Fixed | MapFlag.Populate);
    expect(Space.residentPages.get(bench.ram, space)).toBe(5);
  });

  it('is refused when the areas are used up, unless it continues one; and so is munmap of the middle of one', () => {
    for (let i = 0; i < 400; i++) expect(map(VA + 2 * i * PAGE_SIZE, 1)).toBeGreaterThan(0);
    expect(map(VA + 800 * PAGE_SIZE, 1)).toBe(-E.NOMEM);
    expect(map(VA + 799 * PAGE_SIZE, 1)).toBe(VA + 799 * PAGE_SIZE);
    bench.mappings.unmap(space, VA, PAGE_SIZE);
    expect(map(VA + 1000 * PAGE_SIZE, 3)).toBeGreaterThan(0);
    expect(bench.mappings.unmap(space, VA + 1001 * PAGE_SIZE, PAGE_SIZE)).toBe(-E.NOMEM);
    expect(bench.mappings.protect(space, VA + 1001 * PAGE_SIZE, PAGE_SIZE, Prot.Read)).toBe(-E.NOMEM);
    audit(bench, space);
  });
});

describe('munmap and mprotect', () => {
  it('refuse what Linux refuses', () => {
    const { mappings } = bench;
    map(VA, 2);
    expect(mappings.unmap(space, VA + 1, PAGE_SIZE)).toBe(-E.INVAL);
    expect(mappings.unmap(space, VA, 0)).toBe(-E.INVAL);
    expect(mappings.unmap(space, VA, 2 ** 64 - 1)).toBe(-E.INVAL);
    expect(mappings.unmap(space, 2 ** 63, PAGE_SIZE)).toBe(-E.INVAL);
    expect(mappings.unmap(space, NaN, PAGE_SIZE)).toBe(-E.INVAL);
    expect(mappings.protect(space, VA + 1, PAGE_SIZE, RW)).toBe(-E.INVAL);
    expect(mappings.protect(space, VA, PAGE_SIZE, 0x40)).toBe(-E.INVAL);
    expect(mappings.protect(space, VA, PAGE_SIZE, RW | Prot.GrowsDown)).toBe(-E.INVAL);
    expect(mappings.protect(space, VA, 2 ** 64 - 1, RW)).toBe(-E.NOMEM);
    expect(mappings.protect(space, VA, 0, RW)).toBe(0);
    expect(mappings.unmap(space, VA + 8 * PAGE_SIZE, PAGE_SIZE)).toBe(0);
  });

  it('joins neighbours again that have become equal', () => {
    const { mappings } = bench;
    map(VA, 10);
    mappings.protect(space, VA + 3 * PAGE_SIZE, 2 * PAGE_SIZE, Prot.Read);
    expect(areaCount()).toBe(3);
    mappings.protect(space, VA + 2 * PAGE_SIZE, 4 * PAGE_SIZE, RW);
    expect(areaCount()).toBe(1);
    mappings.unmap(space, VA + 4 * PAGE_SIZE, PAGE_SIZE);
    expect(areaCount()).toBe(2);
    map(VA + 4 * PAGE_SIZE, 1);
    expect(areaCount()).toBe(1);
  });

  it('keeps the content of a page under PROT_NONE', () => {
    map(VA, 1);
    bench.copy.writeU32(space, VA + 8, 0xdead_beef);
    bench.mappings.protect(space, VA, PAGE_SIZE, Prot.None);
    expect(bench.copy.readU32(space, VA + 8)).toBe(-E.FAULT);
    expect(bench.spaces.fault(space, VA, Access.Read)).toBe(Fault.AccessError);
    bench.mappings.protect(space, VA, PAGE_SIZE, Prot.Read);
    expect(bench.copy.readU32(space, VA + 8)).toBe(0);
    expect(bench.copy.value).toBe(0xdead_beef);
    expect(bench.copy.writeU32(space, VA + 8, 0)).toBe(-E.FAULT);
  });

  it('takes thousands of pages away in one call', () => {
    map(VA, 1800, RW, ANONYMOUS | MapFlag.Fixed | MapFlag.Populate);
    expect(Space.residentPages.get(bench.ram, space)).toBe(1800);
    expect(bench.mappings.unmap(space, VA + 100 * PAGE_SIZE, 1600 * PAGE_SIZE)).toBe(0);
    expect(Space.residentPages.get(bench.ram, space)).toBe(200);
    expect(areaCount()).toBe(2);
    audit(bench, space);
  });

  it('does so in one piece when no area is left to divide with', () => {
    map(VA, 1500, RW, ANONYMOUS | MapFlag.Fixed | MapFlag.Populate);
    for (let i = 0; i < 399; i++) expect(map(2 * VA + 2 * i * PAGE_SIZE, 1)).toBeGreaterThan(0);
    expect(bench.mappings.unmap(space, VA, 1500 * PAGE_SIZE)).toBe(0);
    expect(Space.residentPages.get(bench.ram, space)).toBe(0);
    audit(bench, space);
  });
});

describe('shootdown', () => {
  it('happens when pages or permissions go, before the frames are free, and not otherwise', () => {
    map(VA, 4, Prot.Read);
    bench.mappings.populate(space, VA, VA + 4 * PAGE_SIZE, Access.Read);
    bench.mappings.protect(space, VA, 4 * PAGE_SIZE, RW);
    bench.mappings.unmap(space, VA + 8 * PAGE_SIZE, PAGE_SIZE);
    expect(bench.shots).toHaveLength(0);

    bench.mappings.protect(space, VA, PAGE_SIZE, Prot.Read);
    expect(bench.shots).toEqual([Space.tlb.addr(space)]);

    const freeThen: number[] = [];
    bench.shots.push = (...tlbs: number[]): number => {
      freeThen.push(bench.frames.freeCount());
      return tlbs.length;
    };
    const free = bench.frames.freeCount();
    bench.mappings.unmap(space, VA, 4 * PAGE_SIZE);
    expect(freeThen).toEqual([free]);
    expect(bench.frames.freeCount()).toBe(free + 6);
  });

  it('is of code when something executable goes, changes or is narrowed, and not for data', () => {
    const RX = Prot.Read | Prot.Execute;
    const populate = (pages: number): void => {
      bench.mappings.populate(space, VA, VA + pages * PAGE_SIZE, Access.Read);
    };
    const codeShotsOf = (change: () => unknown): { shots: number; code: number } => {
      const before = { shots: bench.shots.length, code: bench.codeShots };
      change();
      return { shots: bench.shots.length - before.shots, code: bench.codeShots - before.code };
    };
    const protect = (page: number, prot: number): number =>
      bench.mappings.protect(space, VA + page * PAGE_SIZE, PAGE_SIZE, prot);
    const unmap = (from: number, pages: number): number =>
      bench.mappings.unmap(space, VA + from * PAGE_SIZE, pages * PAGE_SIZE);

    map(VA, 8, RW);
    populate(8);
    const data = { shots: 1, code: 0 };
    const code = { shots: 1, code: 1 };
    const none = { shots: 0, code: 0 };
    expect(codeShotsOf(() => protect(0, Prot.Read))).toEqual(data);
    expect(codeShotsOf(() => unmap(0, 1))).toEqual(data);
    // A page becomes executable: nobody has code of it.
    expect(codeShotsOf(() => protect(1, RW | RX))).toEqual(none);
    expect(codeShotsOf(() => protect(1, RX))).toEqual(code);
    expect(codeShotsOf(() => protect(1, RW | RX))).toEqual(none);
    expect(codeShotsOf(() => protect(1, RW))).toEqual(code);
    expect(codeShotsOf(() => protect(1, RX))).toEqual(data);
    expect(codeShotsOf(() => unmap(1, 1))).toEqual(code);
    // The next change is of data again.
    expect(codeShotsOf(() => unmap(2, 1))).toEqual(data);
    protect(3, RX);
    expect(codeShotsOf(() => unmap(3, 5))).toEqual(code);
    expect(codeShotsOf(() => map(VA, 2, RX))).toEqual(none);
    populate(2);
    expect(codeShotsOf(() => bench.mappings.advise(space, VA, PAGE_SIZE, Advice.DontNeed))).toEqual(code);
    expect(codeShotsOf(() => map(VA, 2, RW))).toEqual(code);
    audit(bench, space);
  });

  it('holds the lock of the space, so that the range is not handed out again too early', () => {
    map(VA, 1, RW, ANONYMOUS | MapFlag.Fixed | MapFlag.Populate);
    let held = false;
    bench.shots.push = (): number => {
      held = bench.locks.holds(bench.spaces.lockOf(space));
      return 0;
    };
    bench.mappings.unmap(space, VA, PAGE_SIZE);
    expect(held).toBe(true);
  });
});

describe('brk', () => {
  it('moves the break up and down and returns where it is', () => {
    const { mappings } = bench;
    mappings.startHeap(space, VA);
    expect(mappings.setBrk(space, 0)).toBe(VA);
    expect(mappings.setBrk(space, VA + 5000)).toBe(VA + 5000);
    expect(bench.copy.writeU32(space, VA + 8188, 7)).toBe(0);
    expect(bench.copy.writeU32(space, VA + 8192, 7)).toBe(-E.FAULT);
    expect(mappings.setBrk(space, VA + 100)).toBe(VA + 100);
    expect(mappings.setBrk(space, VA + 5000)).toBe(VA + 5000);
    bench.copy.readU32(space, VA + 8188);
    expect(bench.copy.value).toBe(0);
    expect(mappings.setBrk(space, VA - 1)).toBe(VA + 5000);
    expect(mappings.setBrk(space, NaN)).toBe(VA + 5000);
    expect(mappings.setBrk(space, 2 ** 63)).toBe(VA + 5000);
  });

  it('does not run into a mapping', () => {
    bench.mappings.startHeap(space, VA);
    map(VA + 4 * PAGE_SIZE, 1);
    expect(bench.mappings.setBrk(space, VA + 4 * PAGE_SIZE)).toBe(VA + 4 * PAGE_SIZE);
    expect(bench.mappings.setBrk(space, VA + 4 * PAGE_SIZE + 1)).toBe(VA + 4 * PAGE_SIZE);
  });
});

describe('madvise', () => {
  it('drops private pages, but keeps shared ones', () => {
    map(VA, 1);
    map(VA + PAGE_SIZE, 1, RW, MapFlag.Shared | MapFlag.Anonymous | MapFlag.Fixed);
    bench.copy.writeU32(space, VA, 1);
    bench.copy.writeU32(space, VA + PAGE_SIZE, 2);
    expect(bench.mappings.advise(space, VA, 2 * PAGE_SIZE, Advice.DontNeed)).toBe(0);
    bench.copy.readU32(space, VA);
    expect(bench.copy.value).toBe(0);
    bench.copy.readU32(space, VA + PAGE_SIZE);
    expect(bench.copy.value).toBe(2);
  });

  it('drops thousands of pages in one call', () => {
    map(VA, 1500, RW, ANONYMOUS | MapFlag.Fixed | MapFlag.Populate);
    expect(bench.mappings.advise(space, VA, 1500 * PAGE_SIZE, Advice.DontNeed)).toBe(0);
    expect(Space.residentPages.get(bench.ram, space)).toBe(0);
  });

  it('refuses unknown advice and odd addresses, and reports holes', () => {
    map(VA, 1);
    const { mappings } = bench;
    expect(mappings.advise(space, VA, PAGE_SIZE, 7)).toBe(-E.INVAL);
    expect(mappings.advise(space, VA, PAGE_SIZE, 1000)).toBe(-E.INVAL);
    expect(mappings.advise(space, VA + 1, PAGE_SIZE, Advice.DontNeed)).toBe(-E.INVAL);
    expect(mappings.advise(space, VA, 2 * PAGE_SIZE, Advice.DontNeed)).toBe(-E.NOMEM);
    expect(mappings.advise(space, VA, 2 * PAGE_SIZE, Advice.WillNeed)).toBe(-E.NOMEM);
    expect(mappings.advise(space, VA, PAGE_SIZE, Advice.PopulateWrite)).toBe(0);
    expect(Space.residentPages.get(bench.ram, space)).toBe(1);
  });
});

describe('a page fault', () => {
  it.each([-1, 2 ** 38, 2 ** 53, 2 ** 64, NaN, -Infinity, 0])('at %s finds no area', (va) => {
    expect(bench.spaces.fault(space, va, Access.Read)).toBe(Fault.MapError);
  });

  it('that another hart has handled meanwhile is handled', () => {
    map(VA, 1);
    expect(bench.spaces.fault(space, VA, Access.Write)).toBe(Fault.Handled);
    const free = bench.frames.freeCount();
    expect(bench.spaces.fault(space, VA, Access.Write)).toBe(Fault.Handled);
    expect(bench.frames.freeCount()).toBe(free);
  });

  it('without a frame left says so, and succeeds once there is one', () => {
    const tiny = makeBench(5);
    const poor = tiny.spaces.create();
    tiny.mappings.map(poor, VA, 4 * PAGE_SIZE, RW, ANONYMOUS | MapFlag.Fixed);
    expect(tiny.spaces.fault(poor, VA, Access.Write)).toBe(Fault.Handled);
    expect(tiny.spaces.fault(poor, VA + PAGE_SIZE, Access.Write)).toBe(Fault.Handled);
    expect(tiny.spaces.fault(poor, VA + 2 * PAGE_SIZE, Access.Write)).toBe(Fault.OutOfMemory);
    expect(tiny.copy.writeU8(poor, VA + 2 * PAGE_SIZE, 1)).toBe(-E.NOMEM);
    tiny.mappings.advise(poor, VA, PAGE_SIZE, Advice.DontNeed);
    expect(tiny.spaces.fault(poor, VA + 2 * PAGE_SIZE, Access.Write)).toBe(Fault.Handled);
  });

  it('in a guard area is refused', () => {
    bench.mappings.mapGuard(space, VA, VA + PAGE_SIZE);
    expect(bench.spaces.fault(space, VA, Access.Read)).toBe(Fault.AccessError);
    expect(bench.mappings.protect(space, VA, PAGE_SIZE, RW)).toBe(0);
    expect(bench.spaces.fault(space, VA, Access.Read)).toBe(Fault.AccessError);
  });
});

describe('the slot of an address space', () => {
  it('never goes back to an earlier TLB generation, so that a later owner flushes', () => {
    const generations = new Map<number, number>();
    for (let i = 0; i < 40; i++) {
      const next = bench.spaces.create();
      const asid = Space.asid.get(bench.ram, next);
      const now = TlbState.generation.load(bench.ram, Space.tlb.addr(next));
      // Nor to an earlier count of code changes.
      expect(TlbState.code.load(bench.ram, Space.tlb.addr(next))).toBe(now);
      expect(asid).toBeGreaterThan(0);
      expect(now).toBeGreaterThan(generations.get(asid) ?? -1);
      generations.set(asid, now);
      bench.spaces.release(next);
    }
    expect(generations.size).toBeGreaterThan(1);
  });

  it('lives until the last reference is gone; without slot or frame there is no space', () => {
    bench.spaces.retain(space);
    map(VA, 1, RW, ANONYMOUS | MapFlag.Fixed | MapFlag.Populate);
    bench.spaces.release(space);
    expect(bench.copy.readU32(space, VA)).toBe(0);
    bench.spaces.release(space);
    expect(bench.inUse().frames).toBe(0);
    for (let i = 0; i < 8; i++) expect(bench.spaces.create()).toBeGreaterThan(0);
    expect(bench.spaces.create()).toBe(0);
    const none = makeBench(0);
    expect(none.spaces.create()).toBe(0);
    expect(none.spaces.inUse()).toBe(0);
  });
});
