/*
 * The hart block: what one hart's CPU keeps in RAM beside the context it runs.
 *
 * Written by other harts: only the first cache line (the doorbell). The rest belongs to its hart.
 */

import { bytes, cacheLine, struct, u32, u64 } from './layout.ts';

/** Entries of the TLB, a power of two; direct-mapped by virtual page number. */
export const TLB_ENTRIES = 256;

/**
 * One TLB entry. A tag is the virtual page address with the ASID in its low 12 bits; a permission that is missing has the tag
 * INVALID_TAG. `write` is only valid once the page's D bit is set.
 */
export const TlbEntry = struct('TlbEntry', {
  read: u64('owner'),
  write: u64('owner'),
  execute: u64('owner'),
  /** Physical page address minus the low 32 bits of the virtual page address, modulo 2^32. */
  addend: u32('owner'),
});

/** A tag that no access produces (bit 63 set: not a canonical user address). */
export const INVALID_TAG_HIGH = 0x8000_0000;

export const HartBlock = struct(
  'HartBlock',
  {
    /** Pending interrupt kinds, a bit each; the CPU leaves guest code soon after it becomes non-zero. */
    doorbell: u32('atomic'),
    own: cacheLine(),
    /** Of the last trap: the faulting address, or the instruction bits for an illegal instruction. */
    trapValue: u64('owner'),
    /** Root page table, physical. */
    root: u32('owner'),
    asid: u32('owner'),
    instret: u64('owner'),
    tlbMisses: u64('owner'),
    decodeMisses: u64('owner'),
    tlb: bytes('owner', TLB_ENTRIES * TlbEntry.SIZE, 64),
  },
  { align: 64 },
);

/** Slots of the decode cache, each 16 bytes, indexed by pc/2. */
export const DECODE_SLOTS = 16384;
export const DECODE_CACHE_BYTES = DECODE_SLOTS * 16;
