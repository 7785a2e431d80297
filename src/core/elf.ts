/*
 * ELF executables: what can be run here, and why not.
 *
 * Accepted are static little-endian ELF64 programs for RISC-V, linked to a fixed address (ET_EXEC) or position-independent without an
 * interpreter (static PIE). Everything in a file is suspect: each number is checked before it is used, values above 2^53 are merely
 * huge, and the outcome is either a description that a loader can follow blindly or one sentence that says what is wrong.
 *
 * System V ABI (gABI) chapters 4 and 5; RISC-V ELF psABI for e_flags.
 */

import { USER_ADDRESS_LIMIT } from './mmu.ts';
import { PAGE_SIZE } from './ram.ts';

/** Where the bytes come from; `read` is only asked for ranges inside of `size`. */
export interface ElfSource {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

/** Permissions of a segment. */
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

/** A part of the file that is to lie in memory. */
export interface ElfSegment {
  /** Address as linked, bytes in the file, bytes in memory (≥ fileBytes, > 0). */
  readonly address: number;
  readonly offset: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly flags: number;
}

/** A program that can be loaded. Addresses are as linked; a position-independent program may be moved by a multiple of `align`. */
export interface ElfProgram {
  readonly entry: number;
  readonly positionIndependent: boolean;
  /** In order of address, not overlapping, at least one. */
  readonly segments: readonly ElfSegment[];
  /** Bounds of all segments, in whole pages. */
  readonly low: number;
  readonly high: number;
  /** Largest alignment asked for, at least a page. */
  readonly align: number;
  /** Address of the program headers in memory, or 0 if they are not loaded. */
  readonly headers: number;
  readonly headerCount: number;
  readonly executableStack: boolean;
}

export type ElfOutcome =
  | { readonly ok: true; readonly program: ElfProgram }
  | {
      readonly ok: false;
      /** What is wrong, to follow the file's name: "is not an ELF file". */
      readonly refusal: string;
    };

/** Bytes of one program header. */
export const PROGRAM_HEADER_BYTES = 56;
const ELF_HEADER_BYTES = 64;
/** As Linux: the program headers fit into 64 KiB. */
const MAX_HEADERS = Math.floor(65536 / PROGRAM_HEADER_BYTES);
const MAX_ALIGN = 2 ** 30;

const ET_EXEC = 2;
const ET_DYN = 3;
const EM_RISCV = 243;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_PHDR = 6;
const PT_GNU_STACK = 0x6474_e551;
const EF_FLOAT_ABI = 6;
const EF_FLOAT_ABI_QUAD = 6;
const EF_RVE = 8;

const MACHINES: Readonly<Record<number, string>> = {
  2: 'SPARC',
  3: 'x86',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC64',
  22: 's390',
  40: 'ARM',
  43: 'SPARC64',
  62: 'x86-64',
  183: 'AArch64',
  247: 'BPF',
  258: 'LoongArch',
};

/** Parses and checks a whole file in memory, for one clear line to the user. */
export function describeElf(bytes: Uint8Array): ElfOutcome {
  return parseElf({ size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) });
}

/** Parses and checks a program; reads its ELF header and program headers only. */
export function parseElf(source: ElfSource): ElfOutcome {
  const header = source.read(0, Math.min(ELF_HEADER_BYTES, source.size));
  const wrong = checkIdentity(header);
  if (wrong !== '') return refuse(wrong);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const type = view.getUint16(16, true);
  const tableOffset = u64(view, 32);
  const count = view.getUint16(56, true);
  if (view.getUint16(54, true) !== PROGRAM_HEADER_BYTES) return refuse('has program headers of a wrong size');
  if (count === 0) return refuse('has no program headers');
  if (count > MAX_HEADERS) return refuse('has too many program headers');
  if (tableOffset > source.size - count * PROGRAM_HEADER_BYTES)
    return refuse('is cut off: its program headers lie outside the file');

  const raw = source.read(tableOffset, count * PROGRAM_HEADER_BYTES);
  const table = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const segments: ElfSegment[] = [];
  let align = PAGE_SIZE;
  let headers = 0;
  let executableStack = false;
  for (let at = 0; at < raw.byteLength; at += PROGRAM_HEADER_BYTES) {
    const flags = table.getUint32(at + 4, true);
    switch (table.getUint32(at, true)) {
      case PT_INTERP:
        return refuse('is dynamically linked: link it with -static');
      case PT_PHDR:
        headers = u64(table, at + 16);
        break;
      case PT_GNU_STACK:
        executableStack = (flags & PF_X) !== 0;
        break;
      case PT_LOAD: {
        const segment = readSegment(table, at, flags);
        const complaint = checkSegment(segment, u64(table, at + 48), source.size);
        if (complaint !== '') return refuse(complaint);
        if (segment.memoryBytes === 0) break;
        segments.push(segment);
        align = Math.max(align, u64(table, at + 48));
        break;
      }
    }
  }
  if (segments.length === 0) return refuse('has nothing to load');
  segments.sort((a, b) => a.address - b.address);
  for (let i = 1; i < segments.length; i++) {
    if (endOf(segments[i - 1]!) > segments[i]!.address) return refuse('has segments that overlap');
  }
  const entry = u64(view, 24);
  if (!segments.some((s) => (s.flags & PF_X) !== 0 && entry >= s.address && entry < endOf(s)))
    return refuse('has an entry point outside of its code');
  if (entry % 2 !== 0) return refuse('has a misaligned entry point');

  const program: ElfProgram = {
    entry,
    positionIndependent: type === ET_DYN,
    segments,
    low: Math.floor(segments[0]!.address / PAGE_SIZE) * PAGE_SIZE,
    high: Math.ceil(endOf(segments[segments.length - 1]!) / PAGE_SIZE) * PAGE_SIZE,
    align,
    headers: headersInMemory(headers, tableOffset, count * PROGRAM_HEADER_BYTES, segments),
    headerCount: count,
    executableStack,
  };
  return { ok: true, program };
}

/** What is wrong with the ELF header, or ''. */
function checkIdentity(header: Uint8Array): string {
  if (header.length < 4 || header[0] !== 0x7f || header[1] !== 0x45 || header[2] !== 0x4c || header[3] !== 0x46)
    return header.length >= 2 && header[0] === 0x23 && header[1] === 0x21
      ? 'is a script, not an ELF file'
      : 'is not an ELF file';
  if (header.length < 20) return 'is cut off inside of its ELF header';
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const elfClass = header[4];
  const bigEndian = header[5] === 2;
  if (!bigEndian && header[5] !== 1) return 'has an unknown byte order';
  const machine = view.getUint16(18, !bigEndian);
  if (machine !== EM_RISCV) {
    const name = MACHINES[machine] ?? `machine ${String(machine)}`;
    return `is for ${name}, this machine runs riscv64`;
  }
  if (elfClass === 1) return 'is a 32-bit program, this machine runs riscv64';
  if (elfClass !== 2) return 'has an unknown ELF class';
  if (bigEndian) return 'is big-endian, this machine is little-endian';
  if (header.length < ELF_HEADER_BYTES) return 'is cut off inside of its ELF header';
  if (header[6] !== 1 || view.getUint32(20, true) !== 1) return 'has an unknown ELF version';
  const type = view.getUint16(16, true);
  if (type === 1) return 'is an object file: link it first';
  if (type === 4) return 'is a core dump, not a program';
  if (type !== ET_EXEC && type !== ET_DYN) return 'is not an executable';
  const flags = view.getUint32(48, true);
  if ((flags & EF_RVE) !== 0) return 'uses the RV64E register set, this machine runs RV64GC';
  if ((flags & EF_FLOAT_ABI) === EF_FLOAT_ABI_QUAD) return 'needs quad-precision floating point, this machine has F and D';
  return '';
}

function readSegment(table: DataView, at: number, flags: number): ElfSegment {
  return {
    address: u64(table, at + 16),
    offset: u64(table, at + 8),
    fileBytes: u64(table, at + 32),
    memoryBytes: u64(table, at + 40),
    flags,
  };
}

/** What is wrong with a segment, or ''. */
function checkSegment(segment: ElfSegment, align: number, fileSize: number): string {
  const { address, offset, fileBytes, memoryBytes } = segment;
  if (fileBytes > memoryBytes) return 'has a segment with more bytes in the file than in memory';
  if (fileBytes > 0 && (offset >= fileSize || fileBytes > fileSize - offset))
    return 'is cut off: a segment lies outside the file';
  if (address >= USER_ADDRESS_LIMIT || memoryBytes > USER_ADDRESS_LIMIT - address)
    return 'has a segment outside of the user address space';
  if (align > MAX_ALIGN || (align > 1 && 2 ** Math.round(Math.log2(align)) !== align))
    return 'has a segment with a wrong alignment';
  if (fileBytes > 0 && address % PAGE_SIZE !== offset % PAGE_SIZE)
    return 'has a segment whose place in the file does not fit its address';
  return '';
}

/** Address of the program headers: as PT_PHDR says if that is true, else in the segment that holds that part of the file. */
function headersInMemory(claimed: number, offset: number, length: number, segments: readonly ElfSegment[]): number {
  const holder = segments.find((s) => offset >= s.offset && offset + length <= s.offset + s.fileBytes);
  if (holder !== undefined) return holder.address + (offset - holder.offset);
  return segments.some((s) => claimed >= s.address && claimed + length <= endOf(s)) ? claimed : 0;
}

function endOf(segment: ElfSegment): number {
  return segment.address + segment.memoryBytes;
}

function u64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}

function refuse(refusal: string): ElfOutcome {
  return { ok: false, refusal };
}
