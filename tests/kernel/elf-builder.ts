/*
 * Builds ELF files for tests: right ones, and wrong ones by overriding fields.
 */

export interface TestSegment {
  readonly type?: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly align?: number;
}

export interface TestElf {
  readonly type?: number;
  readonly machine?: number;
  readonly flags?: number;
  readonly entry: number;
  readonly segments: readonly TestSegment[];
  readonly fileSize: number;
}

/** A file whose bytes behind the headers are `offset * 3 + 1` modulo 256, so that every place can be told. */
export function buildElf(elf: TestElf): Uint8Array {
  const bytes = Uint8Array.from({ length: elf.fileSize }, (_, i) => i * 3 + 1);
  const view = new DataView(bytes.buffer);
  const u64 = (at: number, value: number): void => {
    view.setBigUint64(at, BigInt(value), true);
  };
  bytes.fill(0, 0, 64 + 56 * elf.segments.length);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, elf.type ?? 2, true);
  view.setUint16(18, elf.machine ?? 243, true);
  view.setUint32(20, 1, true);
  u64(24, elf.entry);
  u64(32, 64);
  view.setUint32(48, elf.flags ?? 5, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, elf.segments.length, true);
  elf.segments.forEach((s, i) => {
    const at = 64 + 56 * i;
    view.setUint32(at, s.type ?? 1, true);
    view.setUint32(at + 4, s.flags, true);
    u64(at + 8, s.offset);
    u64(at + 16, s.address);
    u64(at + 24, s.address);
    u64(at + 32, s.fileBytes);
    u64(at + 40, s.memoryBytes);
    u64(at + 48, s.align ?? 4096);
  });
  return bytes;
}

/** Code of 5000 bytes at 0x10000 with the headers in it, data of 3000 bytes and bss up to 20000 behind it. */
export const TEXT = { flags: 5, address: 0x1_0000, offset: 0, fileBytes: 5000, memoryBytes: 5000 } as const;
export const DATA = { flags: 6, address: 0x1_3388, offset: 0x2388, fileBytes: 3000, memoryBytes: 20000 } as const;
export const PLAIN: TestElf = { entry: 0x1_0200, segments: [TEXT, DATA], fileSize: 16000 };
