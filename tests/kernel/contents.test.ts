import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { E } from '../../src/kernel/errno.ts';
import { buildElf, PLAIN } from './elf-builder.ts';
import { makeBench } from './vm-bench.ts';

describe('contents', () => {
  it('hold what was written, and zeroes elsewhere', () => {
    const { contents, ram } = makeBench();
    const content = contents.create();
    expect(contents.setSize(content, 10_000)).toBe(0);
    expect(contents.pagesHeld(content)).toBe(0);
    const frame = contents.ensureFrame(content, 1);
    expect(contents.ensureFrame(content, 1)).toBe(frame);
    for (let i = 0; i < 100; i++) ram.u8[frame + i] = i + 1;
    expect(contents.read(content, 4090, 10)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2, 3, 4));
    expect(contents.pagesHeld(content)).toBe(1);
    expect(contents.frameAt(content, 0)).toBe(0);
    expect(contents.takeFrame(content, 2)).toBe(0);
  });

  it('agree with an array of pages after any sequence of writes and sizes, and return every frame', () => {
    // Pages around the ends of the direct part and of the first two index frames.
    const page = fc.constantFrom(0, 1, 6, 7, 8, 9, 500, 1030, 1031, 1032, 1033, 2055, 2056, 100_000, 2 ** 20 - 1);
    const offset = fc.constantFrom(0, 1, 100, PAGE_SIZE - 1);
    const step = fc.oneof(
      fc.record({ op: fc.constant('write' as const), page, offset, value: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ op: fc.constant('size' as const), page, offset }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const bench = makeBench(300);
        const { contents, ram, frames } = bench;
        const content = contents.create();
        let model = new Map<number, number>();
        let size = 0;
        for (const s of steps) {
          const at = s.page * PAGE_SIZE + s.offset;
          if (s.op === 'write') {
            const frame = contents.ensureFrame(content, s.page);
            expect(frame).toBeGreaterThan(0);
            size = Math.max(size, at + 1);
            contents.setSize(content, size);
            ram.u8[frame + s.offset] = s.value;
            model.set(at, s.value);
          } else {
            expect(contents.setSize(content, at)).toBe(0);
            size = at;
            model = new Map([...model].filter(([place]) => place < at));
          }
          expect(contents.size(content)).toBe(size);
          const held = new Set<number>();
          for (const [place, value] of model) {
            expect(contents.read(content, place, 1)[0]).toBe(value);
            held.add(contents.frameAt(content, Math.floor(place / PAGE_SIZE)));
          }
          expect(held).not.toContain(0);
          expect(contents.pagesHeld(content)).toBeGreaterThanOrEqual(held.size);
          // What lies behind the end is zero when the content grows.
          contents.setSize(content, size + 2 * PAGE_SIZE);
          if (size + 2 * PAGE_SIZE <= 2 ** 32)
            expect(contents.read(content, size, 2 * PAGE_SIZE).every((b) => b === 0)).toBe(true);
          contents.setSize(content, size);
        }
        contents.release(content);
        expect(frames.total - frames.freeCount()).toBe(0);
        expect(contents.inUse()).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('keep a page that somebody has taken, when it is cut off', () => {
    const { contents, frames } = makeBench();
    const content = contents.fromBytes(new Uint8Array(3 * PAGE_SIZE).fill(7));
    const frame = contents.takeFrame(content, 2);
    contents.setSize(content, 2 * PAGE_SIZE);
    expect(contents.takeFrame(content, 2)).toBe(0);
    expect(frames.references(frame)).toBe(1);
    contents.release(content);
    frames.release(frame);
    expect(frames.total - frames.freeCount()).toBe(0);
  });

  it('take one frame for a page, whoever offers first', () => {
    const { contents, frames } = makeBench();
    const content = contents.create();
    contents.setSize(content, PAGE_SIZE);
    const [first, second, late] = [frames.alloc(), frames.alloc(), frames.alloc()];
    expect(contents.offerFrame(content, 0, first)).toBe(first);
    expect(contents.offerFrame(content, 0, second)).toBe(first);
    expect(contents.offerFrame(content, 1, late)).toBe(0);
    expect(frames.references(first)).toBe(3);
    for (let i = 0; i < 2; i++) frames.release(first);
    contents.release(content);
    expect(frames.total - frames.freeCount()).toBe(0);
  });

  it('are refused when too large, without memory, or without a slot', () => {
    const bench = makeBench(30);
    const { contents } = bench;
    const content = contents.create();
    expect(contents.setSize(content, 2 ** 32)).toBe(0);
    expect(contents.setSize(content, 2 ** 32 + 1)).toBe(-E.FBIG);
    expect(contents.setSize(content, NaN)).toBe(-E.INVAL);
    expect(contents.ensureFrame(content, 2 ** 20)).toBe(-E.FBIG);
    contents.release(content);
    expect(contents.fromBytes(new Uint8Array(31 * PAGE_SIZE))).toBe(-E.NOMEM);
    expect(bench.inUse().frames).toBe(0);
    expect(contents.inUse()).toBe(0);
    for (let i = 0; i < 6; i++) expect(contents.createShared(1)).toBeGreaterThan(0);
    expect(contents.createShared(1)).toBe(-E.NOMEM);
    for (let i = 0; i < 2; i++) expect(contents.create()).toBeGreaterThan(0);
    expect(contents.create()).toBe(-E.NFILE);
  });

  it('return what they have when there is no frame for an index', () => {
    for (let frameCount = 9; frameCount < 14; frameCount++) {
      const bench = makeBench(frameCount);
      const content = bench.contents.create();
      let pages = 0;
      while (bench.contents.ensureFrame(content, pages) > 0) pages++;
      expect(pages).toBe(Math.max(8, frameCount - 2));
      bench.contents.release(content);
      expect(bench.inUse().frames).toBe(0);
    }
  });

  it('live as long as an area or their maker wants them', () => {
    const bench = makeBench();
    const { contents, spaces } = bench;
    const image = contents.fromBytes(buildElf(PLAIN));
    const space = spaces.create();
    expect(bench.mappings.mapImage(space, 0x1000, 0x3000, 1, image, 0)).toBe(0);
    contents.release(image);
    expect(contents.inUse()).toBe(1);
    expect(bench.copy.readU8(space, 0x1001)).toBe(0);
    expect(bench.copy.value).toBe(0x45);
    bench.mappings.unmap(space, 0x1000, 0x2000);
    expect(contents.inUse()).toBe(0);
    spaces.release(space);
    expect(bench.inUse().frames).toBe(0);
  });

  it('still fill the right pages after their area has been divided', () => {
    const bench = makeBench();
    const bytes = new Uint8Array(4 * PAGE_SIZE);
    for (let page = 0; page < 4; page++) bytes[page * PAGE_SIZE] = 10 + page;
    const image = bench.contents.fromBytes(bytes);
    const space = bench.spaces.create();
    bench.mappings.mapImage(space, 0x1000, 0x5000, 1, image, 0);
    bench.mappings.unmap(space, 0x2000, 0x1000);
    bench.mappings.protect(space, 0x4000, 0x1000, 3);
    for (const page of [0, 2, 3]) {
      expect(bench.copy.readU8(space, 0x1000 + page * PAGE_SIZE)).toBe(0);
      expect(bench.copy.value).toBe(10 + page);
    }
  });
});
