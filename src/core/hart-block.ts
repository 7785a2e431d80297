/*
 * The hart block: what one hart's CPU keeps in RAM beside the context it runs.
 *
 * Written by other harts: only the first cache line (the doorbell). The rest belongs to its hart.
 */

import { bytes, cacheLine, i32, struct, u32, u64, u8 } from './layout.ts';

/**
 * The TLB of a hart: one table for each partition, direct-mapped by virtual page number. An address space works with the partition that
 * its ASID chooses, modulo their number, and has it alone until another space of the same partition is activated (tlb.ts).
 */
export const TLB_PARTITIONS = 4;
/** Entries of a partition, a power of two. */
export const TLB_ENTRIES = 1024;

/**
 * A window: a stretch of virtual memory that lies in one piece in RAM and has the same permissions throughout. Offsets from `start` below
 * `bound` leave room for WINDOW_SPAN bytes in it; none do while `bound` is 0.
 */
const windowFields = {
  start: u64('owner'),
  bound: u64('owner'),
  /** Physical address minus the low 32 bits of the virtual address, modulo 2^32. */
  addend: u32('owner'),
};

/** Bytes that accesses through one look at a window may reach over. */
export const WINDOW_SPAN = 64;

/**
 * One TLB entry. A tag is the virtual address of the page, so that an access of n bytes hits when its address is at most 4096 − n above
 * the tag; a permission that is missing has an invalid tag. `write` is only valid once the page's D bit is set. The window is what is
 * known of the page's surroundings: pages that have the same addend and permissions.
 */
export const TlbEntry = struct(
  'TlbEntry',
  {
    read: u64('owner'),
    write: u64('owner'),
    execute: u64('owner'),
    ...windowFields,
  },
  { align: 64 },
);

/** A window that a place of translated code has last used (jit/memory.ts). */
export const WindowSlot = struct(
  'WindowSlot',
  {
    ...windowFields,
    /** Accesses that were not in it, counted since this many instructions (HartBlock.instret, low word). */
    stumbles: u32('owner'),
    since: u32('owner'),
  },
  { align: 32 },
);

/** Slots of a partition: for places that read, and then as many for places that write. */
export const WINDOW_SLOTS = 512;
export const WINDOW_PARTITION_BYTES = 2 * WINDOW_SLOTS * WindowSlot.SIZE;

export const TLB_PARTITION_BYTES = TLB_ENTRIES * TlbEntry.SIZE;

/**
 * The invalid tag: of all entries but the first, page 0, and of the first, page 1. Neither page has its place there, so that no access
 * that finds the entry matches, whatever its address.
 */
export const INVALID_TAG = 0;
export const INVALID_FIRST_TAG = 4096;

/** ASIDs are 0 … MAX_ASID: the tags of the decode cache have 12 bits for them. */
export const MAX_ASID = 4095;

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
    /** Physical address of the TLB partition in use. */
    tlbBase: u32('owner'),
    /** Physical address of the windows of that partition. */
    windowBase: u32('owner'),
    /** Physical address of the entry cache's partition in use (jit/entry-cache.ts). */
    entryBase: u32('owner'),
    /** Heat at which a place is worth translating. */
    heatLimit: i32('owner'),
    /** What is exclusive-ored with a pc to give its tag in the decode cache: the ASID in bits 50:39, an epoch in 63:51. */
    decodeTag: u64('owner'),
    /** For accesses across a page boundary: the bytes of a load, gathered; where a store that is done already goes once more. */
    scratch: u64('owner'),
    /** What the running budget has beyond the instructions already handed to the main loop. */
    left: u32('owner'),
    instret: u64('owner'),
    tlbMisses: u64('owner'),
    /** Loads, stores and atomics executed, if they are counted; while translated code runs, without those of the running region. */
    accesses: u64('owner'),
    decodeMisses: u64('owner'),
    /** Of `instret`, those that translated code has executed; while it runs, with its fuel. */
    translated: u64('owner'),
    /** Regions translated so far, their instructions, and the time it took in nanoseconds. */
    regions: u64('owner'),
    regionInstructions: u64('owner'),
    translateNs: u64('owner'),
    tlb: bytes('owner', TLB_PARTITIONS * TLB_PARTITION_BYTES, 64),
    windows: bytes('owner', TLB_PARTITIONS * WINDOW_PARTITION_BYTES, 64),
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
