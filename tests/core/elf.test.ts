import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeElf, type ElfProgram } from '../../src/core/elf.ts';
import { USER_ADDRESS_LIMIT } from '../../src/core/mmu.ts';
import { buildElf, DATA, PLAIN, TEXT, type TestElf } from '../kernel/elf-builder.ts';

function accepted(elf: TestElf): ElfProgram {
  const outcome = describeElf(buildElf(elf));
  if (!outcome.ok) throw new Error(outcome.refusal);
  return outcome.program;
}

function refusal(bytes: Uint8Array): string {
  const outcome = describeElf(bytes);
  return outcome.ok ? '' : outcome.refusal;
}

function patched(change: (bytes: Uint8Array, view: DataView) => void): string {
  const bytes = buildElf(PLAIN);
  change(bytes, new DataView(bytes.buffer));
  return refusal(bytes);
}

describe('an ELF file', () => {
  it('that is a static program is described', () => {
    expect(accepted(PLAIN)).toEqual({
      entry: 0x1_0200,
      positionIndependent: false,
      segments: [TEXT, DATA],
      low: 0x1_0000,
      high: 0x1_9000,
      align: 4096,
      headers: 0x1_0040,
      headerCount: 2,
      executableStack: false,
    });
  });

  it('that is a static PIE is position-independent, aligned as its segments ask', () => {
    const program = accepted({ ...PLAIN, type: 3, segments: [{ ...TEXT, address: 0, align: 0x20_0000 }, DATA], entry: 8 });
    expect(program.positionIndependent).toBe(true);
    expect(program.align).toBe(0x20_0000);
  });

  it('may have its segments in any order, empty ones, and bss without bytes in the file at any offset', () => {
    const bss = { flags: 6, address: 0x9_0123, offset: 2 ** 60, fileBytes: 0, memoryBytes: 100 };
    const empty = { flags: 6, address: 0x5000, offset: 0, fileBytes: 0, memoryBytes: 0 };
    expect(accepted({ ...PLAIN, segments: [bss, DATA, empty, TEXT] }).segments).toEqual([TEXT, DATA, bss]);
  });

  it('says whether it wants an executable stack', () => {
    const stack = { type: 0x6474_e551, flags: 7, address: 0, offset: 0, fileBytes: 0, memoryBytes: 0 };
    expect(accepted({ ...PLAIN, segments: [TEXT, DATA, stack] }).executableStack).toBe(true);
  });

  it.each<[string, string | RegExp]>([
    ['', /not an ELF/],
    ['hello', /not an ELF/],
    ['#!/bin/sh\n', /script/],
    ['\x7fELF\x02\x01\x01', /cut off/],
  ])('%j is refused', (text, expected) => {
    expect(refusal(new TextEncoder().encode(text))).toMatch(expected);
  });

  it.each<[RegExp, (bytes: Uint8Array, view: DataView) => void]>([
    [
      /is for x86-64, this machine runs riscv64/,
      (_, view) => {
        view.setUint16(18, 62, true);
      },
    ],
    [
      /is for machine 9999/,
      (_, view) => {
        view.setUint16(18, 9999, true);
      },
    ],
    [
      /is for PowerPC64/,
      (bytes, view) => {
        bytes[5] = 2;
        view.setUint16(18, 21, false);
      },
    ],
    [
      /32-bit/,
      (bytes) => {
        bytes[4] = 1;
      },
    ],
    [
      /ELF class/,
      (bytes) => {
        bytes[4] = 3;
      },
    ],
    [
      /byte order/,
      (bytes) => {
        bytes[5] = 3;
      },
    ],
    [
      /big-endian/,
      (bytes, view) => {
        bytes[5] = 2;
        view.setUint16(18, 243, false);
      },
    ],
    [
      /version/,
      (bytes) => {
        bytes[6] = 0;
      },
    ],
    [
      /object file/,
      (_, view) => {
        view.setUint16(16, 1, true);
      },
    ],
    [
      /core dump/,
      (_, view) => {
        view.setUint16(16, 4, true);
      },
    ],
    [
      /not an executable/,
      (_, view) => {
        view.setUint16(16, 77, true);
      },
    ],
    [
      /RV64E/,
      (_, view) => {
        view.setUint32(48, 8, true);
      },
    ],
    [
      /quad/,
      (_, view) => {
        view.setUint32(48, 6, true);
      },
    ],
    [
      /wrong size/,
      (_, view) => {
        view.setUint16(54, 32, true);
      },
    ],
    [
      /no program headers/,
      (_, view) => {
        view.setUint16(56, 0, true);
      },
    ],
    [
      /too many/,
      (_, view) => {
        view.setUint16(56, 0xffff, true);
      },
    ],
    [
      /cut off/,
      (_, view) => {
        view.setBigUint64(32, 15990n, true);
      },
    ],
    [
      /cut off/,
      (_, view) => {
        view.setBigUint64(32, 2n ** 64n - 1n, true);
      },
    ],
    [
      /entry point outside/,
      (_, view) => {
        view.setBigUint64(24, 0x1_3400n, true);
      },
    ],
    [
      /misaligned entry/,
      (_, view) => {
        view.setBigUint64(24, 0x1_0201n, true);
      },
    ],
  ])('is refused: %s', (expected, change) => {
    expect(patched(change)).toMatch(expected);
  });

  it.each<[RegExp, Partial<(typeof PLAIN)['segments'][number]>]>([
    [/dynamically linked: link it with -static/, { type: 3 }],
    [/more bytes in the file/, { memoryBytes: 2999 }],
    [/cut off/, { fileBytes: 15000 }],
    [/cut off/, { offset: 2 ** 50 + 0x388 }],
    [/outside of the user address space/, { address: USER_ADDRESS_LIMIT + 0x388 }],
    [/outside of the user address space/, { memoryBytes: 2 ** 63 }],
    [/alignment/, { align: 3000 }],
    [/alignment/, { align: 2 ** 40 }],
    [/does not fit its address/, { address: 0x1_3389 }],
    [/overlap/, { address: 0x1_1380, offset: 0x2380 }],
  ])('is refused for a segment: %s', (expected, change) => {
    expect(refusal(buildElf({ ...PLAIN, segments: [TEXT, { ...DATA, ...change }] }))).toMatch(expected);
  });

  it('without anything to load is refused', () => {
    expect(refusal(buildElf({ ...PLAIN, segments: [{ ...TEXT, type: 4 }] }))).toMatch(/nothing to load/);
  });

  it('with any bytes changed or cut off is described or refused, never more', () => {
    const bytes = buildElf(PLAIN);
    const change = fc.tuple(fc.nat(64 + 2 * 56), fc.oneof(fc.nat(255), fc.constantFrom(0, 255, 0x7f, 0x80)));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.nat(16000), (changes, cut) => {
        const copy = bytes.slice(0, cut % 3 === 0 ? cut : undefined);
        for (const [at, value] of changes) copy[at] = value;
        const outcome = describeElf(copy);
        if (outcome.ok) expect(outcome.program.high).toBeLessThanOrEqual(USER_ADDRESS_LIMIT);
        else expect(outcome.refusal).toMatch(/^(is|has|uses|needs) /);
      }),
      { numRuns: 2000 },
    );
  });
});
