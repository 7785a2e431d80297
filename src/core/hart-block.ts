/*
 * The hart block: what one hart's CPU keeps in RAM beside the context it runs.
 *
 * Written by other harts: only the first cache line (the doorbell). The rest belongs to its hart.
 */

import { bytes, cacheLine, i32, struct, u32, u64, u8 } from './layout.ts';

/** Entries of the TLB, a power of two; direct-mapped by virtual page number xor (ASID << TLB_ASID_SHIFT). */
export const TLB_ENTRIES = 256;
export const TLB_ASID_SHIFT = 4;

/**
 * One TLB entry. A tag is the virtual page address with the ASID in its low 12 bits; a permission that is missing has an
 * invalid tag. `write` is only valid once the page's D bit is set.
 */
export const TlbEntry = struct('TlbEntry', {
  read: u64('owner'),
  write: u64('owner'),
  execute: u64('owner'),
  /** Physical page address minus the low 32 bits of the virtual page address, modulo 2^32. */
  addend: u32('owner'),
});

/** ASIDs are 0 … MAX_ASID: they fit the 12 low bits of a tag, and the last value is left to the invalid tag. */
export const MAX_ASID = 4094;

/** A word that makes a tag no access can produce, as its lower half: its ASID is none. */
export const INVALID_TAG = 0xffff_ffff;

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
    /** What is exclusive-ored with a pc to give its tag in the decode cache: the ASID in bits 50:39, an epoch in 63:51. */
    decodeTag: u64('owner'),
    /** For accesses across a page boundary: the bytes of a load, gathered; where a store that is done already goes once more. */
    scratch: u64('owner'),
    /** What the running budget has beyond the instructions already handed to the main loop. */
    left: u32('owner'),
    instret: u64('owner'),
    tlbMisses: u64('owner'),
    decodeMisses: u64('owner'),
    tlb: bytes('owner', TLB_ENTRIES * TlbEntry.SIZE, 64),
  },
  { align: 64 },
);

/** Slots of the decode cache, a power of two; indexed by pc/2. */
export const DECODE_SLOTS = 16384;

/** A decoded instruction; see isa/decode.ts for the operands. */
export const DecodeSlot = struct('DecodeSlot', {
  tag: u64('owner'),
  imm: i32('owner'),
  op: u8('owner'),
  rd: u8('owner'),
  rs1: u8('owner'),
  rs2: u8('owner'),
});

export const DECODE_CACHE_BYTES = DECODE_SLOTS * DecodeSlot.SIZE;
