import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { KernelPanic } from '../../src/smp/panic.ts';
import { Bench, makeBench, PARTICIPANTS } from './vm-bench.ts';

/** All participants over one RAM. */
function participants(frameCount: number): Bench[] {
  const first = makeBench(frameCount);
  return [first, ...Array.from({ length: PARTICIPANTS - 1 }, (_, i) => new Bench(first.ram, first.map, i + 1))];
}

describe('frames', () => {
  it('are zeroed when they come back into use', () => {
    const { frames, ram } = makeBench(1);
    const frame = frames.alloc();
    ram.fill(frame, PAGE_SIZE, 0xaa);
    frames.release(frame);
    expect(frames.alloc()).toBe(frame);
    expect(ram.u8.subarray(frame, frame + PAGE_SIZE).every((byte) => byte === 0)).toBe(true);
  });

  it('are free after the last of several references only', () => {
    const { frames } = makeBench(40);
    const frame = frames.allocRaw();
    frames.retain(frame);
    frames.release(frame);
    expect(frames.freeCount()).toBe(39);
    expect(frames.references(frame)).toBe(1);
    frames.release(frame);
    expect(frames.freeCount()).toBe(40);
  });

  it('can all be had by one participant, also those in the magazines of others', () => {
    const all = participants(100);
    const mine: number[] = [];
    for (const one of all) for (let i = 0; i < 20; i++) mine.push(one.frames.allocRaw());
    for (let i = 0; i < mine.length; i++) all[i % 2]!.frames.release(mine[i]!);
    const got = new Set<number>();
    for (let frame = all[2]!.frames.allocRaw(); frame !== 0; frame = all[2]!.frames.allocRaw()) got.add(frame);
    expect(got.size).toBe(100);
    expect(all[2]!.frames.freeCount()).toBe(0);
    expect(all[0]!.frames.alloc()).toBe(0);
  });

  it('panic when a free one is released or retained, or an address is none', () => {
    const { frames } = makeBench(8);
    const [a, b] = [frames.allocRaw(), frames.allocRaw()];
    frames.release(a);
    frames.release(b);
    expect(() => {
      frames.release(a);
    }).toThrow(KernelPanic);
    for (const wrong of [b, b + 1, 0, NaN, 2 ** 31]) {
      expect(() => {
        frames.retain(wrong);
      }).toThrow(KernelPanic);
    }
  });

  it('are never lost nor handed out twice, whoever allocates and frees', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(PARTICIPANTS - 1), fc.nat(1000)), { maxLength: 400 }), (steps) => {
        const all = participants(70);
        const held: number[] = [];
        for (const [who, what] of steps) {
          const { frames } = all[who]!;
          if (what < 600) {
            const frame = frames.allocRaw();
            expect(frame === 0).toBe(held.length === 70);
            expect(held).not.toContain(frame);
            if (frame !== 0) held.push(frame);
          } else if (held.length > 0) {
            frames.release(held.splice(what % held.length, 1)[0]!);
          }
          expect(frames.freeCount()).toBe(70 - held.length);
        }
      }),
      { numRuns: 50 },
    );
  });
});
