import { describe, expect, it } from 'vitest';
import { MAX_RAM_BYTES, Ram } from '../../src/core/ram.ts';

describe('RAM', () => {
  const ram = Ram.allocate(65536);
  const reset = (): void => {
    for (let i = 0; i < 65536; i++) ram.u8[i] = i * 5;
  };

  it.each([
    [100, 200, 300],
    [200, 100, 300],
    [7, 7, 20],
    [0, 65000, 536],
    [65536, 0, 0],
  ])('copies to %i from %i, %i bytes, also when the ranges overlap', (to, from, length) => {
    reset();
    const expected = Uint8Array.from(ram.u8).copyWithin(to, from, from + length);
    ram.copy(to, from, length);
    expect(Uint8Array.from(ram.u8)).toEqual(expected);
  });

  it('is filled with the low byte of a value, and nothing around it', () => {
    reset();
    ram.fill(1001, 10, 0x1ff);
    expect([...ram.u8.subarray(1000, 1012)]).toEqual(
      [1000 * 5, ...Array<number>(10).fill(0x1ff), 1011 * 5].map((b) => b & 0xff),
    );
    ram.fill(1001, 10);
    expect(ram.u8.subarray(1001, 1011).every((byte) => byte === 0)).toBe(true);
  });

  it('refuses ranges that leave it', () => {
    for (const wrong of [65535, -1, 2 ** 31]) {
      expect(() => {
        ram.fill(wrong, 2);
      }).toThrow();
      expect(() => {
        ram.copy(0, wrong, 2);
      }).toThrow();
    }
  });

  it('may have as many pages as the machine allows', () => {
    const pages = MAX_RAM_BYTES / 65536;
    const large = new Ram(new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true }));
    large.fill(65535, 1, 3);
    expect(large.u8[65535]).toBe(3);
  });
});
