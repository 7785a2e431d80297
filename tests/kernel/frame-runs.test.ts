import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import type { Frames } from '../../src/kernel/frames.ts';
import { Bench, makeBench, PARTICIPANTS } from './vm-bench.ts';

/** Takes all of a run that was found, as far as it is wanted. */
function takeRun(frames: Frames, count: number): number[] {
  const run = frames.findRun(count);
  const length = Math.min(count, frames.runLength);
  return Array.from({ length }, (_, i) => frames.allocAt(run + i * PAGE_SIZE));
}

function releaseAll(frames: Frames, held: readonly number[]): void {
  frames.releaseAll(Uint32Array.from(held), held.length);
}

describe('a frame asked for by address', () => {
  it('is had once, and again when it has been released', () => {
    const { frames, map } = makeBench(100);
    const wanted = map.low + 40 * PAGE_SIZE;
    expect(frames.allocAt(wanted)).toBe(wanted);
    expect(frames.references(wanted)).toBe(1);
    expect(frames.allocAt(wanted)).toBe(0);
    expect(frames.freeCount()).toBe(99);
    releaseAll(frames, [wanted]);
    expect(frames.allocAt(wanted)).toBe(wanted);
  });

  it('is not had from a magazine, nor from outside of memory', () => {
    const { frames, map } = makeBench(100);
    const single = frames.allocRaw();
    frames.release(single);
    expect(frames.allocAt(single)).toBe(0);
    expect(frames.freeCount()).toBe(100);
    for (const wrong of [0, map.low - PAGE_SIZE, map.high, -PAGE_SIZE, NaN]) expect(frames.allocAt(wrong)).toBe(0);
  });
});

describe('runs of free frames', () => {
  it('have the length asked for, and follow one another as long as there is room', () => {
    const { frames, map } = makeBench(1000);
    const starts = [70, 30, 100, 1].map((count) => {
      const run = frames.findRun(count);
      expect(frames.runLength).toBeGreaterThanOrEqual(count);
      return (run - map.low) / PAGE_SIZE;
    });
    expect(starts).toEqual([0, 70, 100, 200]);
    expect(frames.freeCount()).toBe(1000);
  });

  it('are the longest there is when none is long enough', () => {
    const { frames, map } = makeBench(300);
    for (const taken of [50, 51, 140, 290]) frames.allocAt(map.low + taken * PAGE_SIZE);
    expect(frames.findRun(200)).toBe(map.low + 141 * PAGE_SIZE);
    expect(frames.runLength).toBe(149);
  });

  it('are none when no frame is in the list', () => {
    const { frames } = makeBench(15);
    frames.release(frames.allocRaw());
    expect(frames.freeCount()).toBe(15);
    expect(frames.findRun(1)).toBe(0);
    expect(frames.runLength).toBe(0);
    const held = Array.from({ length: 15 }, () => frames.allocRaw());
    expect(new Set(held).size).toBe(15);
    expect(frames.allocRaw()).toBe(0);
  });

  it('stay whole when single frames come and go', () => {
    const { frames, map } = makeBench(1000);
    const singles = Array.from({ length: 200 }, () => frames.alloc());
    for (let i = 0; i < 200; i += 2) frames.release(singles[i]!);
    const run = takeRun(frames, 780);
    expect(run).toEqual(Array.from({ length: 780 }, (_, i) => map.low + i * PAGE_SIZE));
  });

  it('are found again after memory was shattered and has been freed in another order', () => {
    const first = makeBench(3000);
    const all = [first, ...Array.from({ length: PARTICIPANTS - 1 }, (_, i) => new Bench(first.ram, first.map, i + 1))];
    const held: number[] = [];
    for (let frame = first.frames.allocRaw(); frame !== 0; frame = first.frames.allocRaw()) held.push(frame);
    const odd = held.filter((frame) => (frame / PAGE_SIZE) % 2 === 1);
    const even = held.filter((frame) => (frame / PAGE_SIZE) % 2 === 0);
    releaseAll(first.frames, odd);
    expect(takeRun(first.frames, 100)).toHaveLength(1);
    even.forEach((frame, i) => {
      all[i % PARTICIPANTS]!.frames.release(frame);
    });
    first.frames.findRun(1000);
    expect(first.frames.runLength).toBeGreaterThanOrEqual(1000);
  });

  it('agree with a list of free frames, whatever is taken and given back', () => {
    const total = 200;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(total - 1), fc.nat(80)), { maxLength: 150 }), (steps) => {
        const { frames, map } = makeBench(total);
        const free = new Set(Array.from({ length: total }, (_, i) => i));
        const longest = (): number => {
          let best = 0;
          for (let i = 0, length = 0; i < total; i++) best = Math.max(best, (length = free.has(i) ? length + 1 : 0));
          return best;
        };
        for (const [what, index, count] of steps) {
          if (what === 0) {
            const length = Math.min(count, total - index);
            const some = Array.from({ length }, (_, i) => index + i).filter((i) => !free.has(i));
            releaseAll(
              frames,
              some.map((i) => map.low + i * PAGE_SIZE),
            );
            for (const i of some) free.add(i);
          } else if (what === 1) {
            for (let i = index; i < Math.min(total, index + count); i++) {
              expect(frames.allocAt(map.low + i * PAGE_SIZE) !== 0).toBe(free.delete(i));
            }
          } else {
            const start = (frames.findRun(count + 1) - map.low) / PAGE_SIZE;
            const length = frames.runLength;
            if (free.size === 0) expect(length).toBe(0);
            else expect(length).toBeGreaterThanOrEqual(Math.min(count + 1, longest()));
            for (let i = 0; i < length; i++) expect(free.has(start + i)).toBe(true);
            const stretch = Array.from({ length: count }, (_, i) => free.has(index + i));
            expect(frames.extendRun(map.low + index * PAGE_SIZE, count)).toBe(!stretch.includes(false));
          }
          expect(frames.freeCount()).toBe(free.size);
        }
      }),
      { numRuns: 100 },
    );
  });
});
