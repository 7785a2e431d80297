import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Access } from '../../src/core/mmu.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Fault } from '../../src/kernel/address-space.ts';
import { E } from '../../src/kernel/errno.ts';
import { Advice, MapFlag, Prot } from '../../src/kernel/mman.ts';
import { audit, pagesOf } from './vm-audit.ts';
import { makeBench, type Bench } from './vm-bench.ts';

/*
 * Random sequences of memory calls against a model: a map from page to protection and content. The pages lie around boundaries of
 * page tables of both levels.
 */

const ANONYMOUS = MapFlag.Private | MapFlag.Anonymous;
/** First page of the arena: 40 pages below a 1 GiB boundary, where tables of both lower levels change. */
const ARENA = 2 ** 18 * 3 - 40;
const ARENA_PAGES = 80;
const HEAP = 0x10_0000;

type Step =
  | { op: 'map'; page: number; pages: number; prot: number; fixed: boolean; populate: boolean }
  | { op: 'unmap' | 'drop'; page: number; pages: number }
  | { op: 'protect'; page: number; pages: number; prot: number }
  | { op: 'touch'; page: number; access: Access; value: number }
  | { op: 'brk'; bytes: number };

const page = fc.nat(ARENA_PAGES - 1);
const pages = fc.integer({ min: 1, max: 24 });
const prot = fc.integer({ min: 0, max: 7 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ op: fc.constant('map' as const), page, pages, prot, fixed: fc.boolean(), populate: fc.boolean() }),
  fc.record({ op: fc.constantFrom('unmap' as const, 'drop' as const), page, pages }),
  fc.record({ op: fc.constant('protect' as const), page, pages, prot }),
  fc.record({
    op: fc.constant('touch' as const),
    page,
    access: fc.constantFrom(Access.Read, Access.Write, Access.Execute),
    value: fc.integer({ min: 1, max: 255 }),
  }),
  fc.record({ op: fc.constant('brk' as const), bytes: fc.nat(200_000) }),
);

class Model {
  readonly prots = new Map<number, number>();
  readonly values = new Map<number, number>();
  brk = HEAP;

  constructor(
    private readonly bench: Bench,
    private readonly space: number,
  ) {}

  apply(s: Step): void {
    const { bench, space } = this;
    const { mappings } = bench;
    if (s.op === 'brk') {
      const now = mappings.setBrk(space, HEAP + s.bytes);
      expect(now).toBe(HEAP + s.bytes);
      this.setHeap(now);
      return;
    }
    const first = ARENA + s.page;
    const va = first * PAGE_SIZE;
    if (s.op === 'touch') {
      this.touch(first, s.access, s.value);
      return;
    }
    const length = s.pages * PAGE_SIZE - 100;
    const range = Array.from({ length: s.pages }, (_, i) => first + i);
    switch (s.op) {
      case 'map': {
        const free = range.every((p) => !this.prots.has(p));
        const flags = ANONYMOUS | (s.fixed ? MapFlag.Fixed : MapFlag.FixedNoReplace) | (s.populate ? MapFlag.Populate : 0);
        const result = mappings.map(space, va, length, s.prot, flags);
        expect(result).toBe(s.fixed || free ? va : -E.EXIST);
        if (result === va) this.forEach(range, s.prot);
        break;
      }
      case 'unmap':
        expect(mappings.unmap(space, va, length)).toBe(0);
        for (const p of range) {
          this.prots.delete(p);
          this.values.delete(p);
        }
        break;
      case 'drop': {
        const whole = range.every((p) => this.prots.has(p));
        expect(mappings.advise(space, va, length, Advice.DontNeed)).toBe(whole ? 0 : -E.NOMEM);
        for (const p of range) this.values.delete(p);
        break;
      }
      case 'protect': {
        const hole = range.findIndex((p) => !this.prots.has(p));
        expect(mappings.protect(space, va, length, s.prot)).toBe(hole < 0 ? 0 : -E.NOMEM);
        for (const p of hole < 0 ? range : range.slice(0, hole)) this.prots.set(p, s.prot);
        break;
      }
    }
  }

  private forEach(range: number[], protection: number): void {
    for (const p of range) {
      this.prots.set(p, protection);
      this.values.delete(p);
    }
  }

  private touch(p: number, access: Access, value: number): void {
    const { bench, space } = this;
    const va = p * PAGE_SIZE + 123;
    const protection = this.prots.get(p);
    const needed = access === Access.Read ? Prot.Read | Prot.Write : access === Access.Write ? Prot.Write : Prot.Execute;
    const expected =
      protection === undefined ? Fault.MapError : (protection & needed) === 0 ? Fault.AccessError : Fault.Handled;
    expect(bench.spaces.fault(space, va, access)).toBe(expected);
    if (expected !== Fault.Handled || access === Access.Execute) return;
    if (access === Access.Write) {
      expect(bench.copy.writeU8(space, va, value)).toBe(0);
      this.values.set(p, value);
    }
    expect(bench.copy.readU8(space, va)).toBe(0);
    expect(bench.copy.value).toBe(this.values.get(p) ?? 0);
  }

  private setHeap(now: number): void {
    for (let va = Math.ceil(now / PAGE_SIZE); va < Math.ceil(this.brk / PAGE_SIZE); va++) this.prots.delete(va);
    for (let va = Math.ceil(this.brk / PAGE_SIZE); va < Math.ceil(now / PAGE_SIZE); va++)
      this.prots.set(va, Prot.Read | Prot.Write);
    this.brk = now;
  }
}

describe('an address space', () => {
  it('agrees with a map of pages after any sequence of calls, and returns every frame in the end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const bench = makeBench(600);
        const before = bench.inUse();
        const space = bench.spaces.create();
        bench.mappings.startHeap(space, HEAP);
        const model = new Model(bench, space);
        for (const s of steps) {
          model.apply(s);
          const used = audit(bench, space);
          expect(bench.inUse().frames).toBe(used);
        }
        expect(pagesOf(bench, space)).toEqual(new Map([...model.prots].sort(([a], [b]) => a - b)));
        for (const [p, value] of model.values) {
          if ((model.prots.get(p)! & (Prot.Read | Prot.Write)) === 0) continue;
          expect(bench.copy.readU8(space, p * PAGE_SIZE + 123)).toBe(0);
          expect(bench.copy.value).toBe(value);
        }
        bench.mappings.setBrk(space, HEAP);
        expect(bench.mappings.unmap(space, 0, 2 ** 38)).toBe(0);
        expect(audit(bench, space)).toBe(1);
        bench.spaces.release(space);
        expect(bench.inUse()).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });

  it('returns every frame also when it is released with everything in place', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const bench = makeBench(600);
        const before = bench.inUse();
        const space = bench.spaces.create();
        bench.mappings.startHeap(space, HEAP);
        const model = new Model(bench, space);
        for (const s of steps) model.apply(s);
        bench.spaces.release(space);
        expect(bench.inUse()).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });

  it('survives any sequence when frames and areas run out, and leaks nothing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), fc.integer({ min: 1, max: 30 }), (steps, frameCount) => {
        const bench = makeBench(frameCount);
        const space = bench.spaces.create();
        bench.mappings.startHeap(space, HEAP);
        for (const s of steps) {
          if (s.op === 'brk') bench.mappings.setBrk(space, HEAP + s.bytes);
          else {
            const va = (ARENA + s.page) * PAGE_SIZE;
            if (s.op === 'map') bench.mappings.map(space, va, s.pages * PAGE_SIZE, s.prot, ANONYMOUS | MapFlag.Fixed);
            else if (s.op === 'unmap') bench.mappings.unmap(space, va, s.pages * PAGE_SIZE);
            else if (s.op === 'protect') bench.mappings.protect(space, va, s.pages * PAGE_SIZE, s.prot);
            else if (s.op === 'touch') bench.spaces.fault(space, va, s.access);
          }
          expect(bench.inUse().frames).toBe(audit(bench, space));
        }
        bench.spaces.release(space);
        expect(bench.inUse()).toEqual({ frames: 0, areas: 0, spaces: 0, contents: 0, locks: 0 });
      }),
      { numRuns: 40 },
    );
  });
});
