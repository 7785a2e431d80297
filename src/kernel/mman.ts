/*
 * Constants of memory mapping, as Linux has them (asm-generic/mman.h, mman-common.h), and the plan of a user address space.
 *
 *   0                 never mapped
 *   MIN_ADDRESS       program (ET_EXEC as linked; a static PIE at PIE_BASE), its heap (brk) behind it
 *   …                 mappings, placed downwards from MMAP_TOP
 *   MMAP_TOP          gap of 1 MiB
 *   STACK_BOTTOM      initial stack, 8 MiB, demand zero
 *   STACK_TOP         one page, up to USER_ADDRESS_LIMIT (2^38): TRAMPOLINE, the code by which signal handlers return
 */

import { USER_ADDRESS_LIMIT } from '../core/mmu.ts';
import { PAGE_SIZE } from '../core/ram.ts';

export const Prot = { None: 0, Read: 1, Write: 2, Execute: 4, Sem: 8, GrowsDown: 0x0100_0000 } as const;

export const MapFlag = {
  Shared: 1,
  Private: 2,
  SharedValidate: 3,
  /** Mask of the three above. */
  Type: 0xf,
  Fixed: 0x10,
  Anonymous: 0x20,
  GrowsDown: 0x100,
  Locked: 0x2000,
  NoReserve: 0x4000,
  Populate: 0x8000,
  Stack: 0x2_0000,
  HugeTlb: 0x4_0000,
  FixedNoReplace: 0x10_0000,
  /** Mask of all that mmap has always ignored or known: what MAP_SHARED_VALIDATE accepts. */
  Legacy: 0x7_f933,
} as const;

/** Flags of mremap(2). */
export const Remap = { MayMove: 1, Fixed: 2, DontUnmap: 4 } as const;

export const Advice = {
  Normal: 0,
  Random: 1,
  Sequential: 2,
  WillNeed: 3,
  DontNeed: 4,
  Free: 8,
  DontFork: 10,
  DoFork: 11,
  Mergeable: 12,
  Unmergeable: 13,
  HugePage: 14,
  NoHugePage: 15,
  DontDump: 16,
  DoDump: 17,
  WipeOnFork: 18,
  KeepOnFork: 19,
  Cold: 20,
  PageOut: 21,
  PopulateRead: 22,
  PopulateWrite: 23,
} as const;

export const STACK_BYTES = 8 * 1024 * 1024;
/** Lowest address that can be mapped. */
export const MIN_ADDRESS = PAGE_SIZE;
export const STACK_TOP = USER_ADDRESS_LIMIT - PAGE_SIZE;
export const STACK_BOTTOM = STACK_TOP - STACK_BYTES;
export const MMAP_TOP = STACK_BOTTOM - 1024 * 1024;
/** Where Linux puts position-independent programs when it does not randomise: two thirds up, rounded down to 2 MiB. */
export const PIE_BASE = 0x2a_aaa0_0000;
/** A page that every program has and cannot write. */
export const TRAMPOLINE = STACK_TOP;
/** `li a7, rt_sigreturn; ecall`: unwinders know it by that. */
export const TRAMPOLINE_CODE = [0x08b0_0893, 0x0000_0073];
