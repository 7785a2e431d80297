/*
 * The entry cache of one hart: finds the translated region that begins at a pc.
 *
 * In RAM, read by emitted code: a table for each of the TLB's partitions, found by a hash of the pc. A slot names the function of its
 * region in the hart's table of regions, and counts (its heat) how often the interpreter has come to a place of that hash that was not
 * translated. A slot without an entry has an odd tag, which no pc is.
 *
 * An entry is made when the code that the region was made from has been compared with what lies in memory (translations.ts), and all
 * entries of a space are taken out when its code may have changed.
 */

import { HartBlock, TLB_PARTITIONS } from '../hart-block.ts';
import { i32, struct, u32, u64 } from '../layout.ts';
import type { Ram } from '../ram.ts';
import type { I32 } from '../wasm/node.ts';
import { i32 as word } from '../wasm/ops.ts';

/** Slots of a partition, a power of two. */
const SLOTS = 4096;
/** Knuth's multiplicative hash. */
const FACTOR = 0x9e37_79b1 | 0;
const HASH_SHIFT = 32 - Math.log2(SLOTS);

export const EntrySlot = struct('EntrySlot', {
  tag: u64('owner'),
  /** Index in the table of regions. */
  region: u32('owner'),
  heat: i32('owner'),
});

const PARTITION_BYTES = SLOTS * EntrySlot.SIZE;
export const ENTRY_CACHE_BYTES = TLB_PARTITIONS * PARTITION_BYTES;

const NO_ENTRY = 1;

/**
 * How often the interpreter comes to a place that had an entry before its code is compared with memory again: that takes as long as going
 * through the region a few times, and many forked children do not.
 */
const REVISITS = 6;

/** A limit that no heat reaches: nothing is translated. */
export const NEVER_HOT = 0x7fff_ffff;

/** Offset of the slot for a pc, by its lower word, in its partition. */
export function slotOffset(lo: number): number {
  return (Math.imul(lo, FACTOR) >>> HASH_SHIFT) * EntrySlot.SIZE;
}

/** The same as code: `lo` is the lower word of the pc. */
export function emitSlotOffset(lo: I32): I32 {
  const hash = word.shrU(word.mul(lo, word.const(FACTOR)), word.const(HASH_SHIFT));
  return word.shl(hash, word.const(Math.log2(EntrySlot.SIZE)));
}

export class EntryCache {
  private readonly owners = new Int32Array(TLB_PARTITIONS).fill(-1);
  /** Addresses of the slots with an entry, by partition. */
  private readonly entries: number[][] = Array.from({ length: TLB_PARTITIONS }, () => []);
  private partition = 0;

  /** @param base physical address of ENTRY_CACHE_BYTES of RAM */
  constructor(
    private readonly ram: Ram,
    private readonly hartBlock: number,
    private readonly base: number,
  ) {
    ram.fill(base, ENTRY_CACHE_BYTES);
    for (let slot = base; slot < base + ENTRY_CACHE_BYTES; slot += EntrySlot.SIZE) {
      ram.u32[EntrySlot.tag.addr(slot) >>> 2] = NO_ENTRY;
    }
    HartBlock.entryBase.set(ram, hartBlock, base);
  }

  activate(asid: number): void {
    this.partition = asid % TLB_PARTITIONS;
    if (this.owners[this.partition] !== asid) {
      this.clear(this.partition);
      this.owners[this.partition] = asid;
    }
    HartBlock.entryBase.set(this.ram, this.hartBlock, this.base + this.partition * PARTITION_BYTES);
  }

  /** Enters a region of the active space. */
  enter(lo: number, hi: number, region: number): void {
    const { u32 } = this.ram;
    const slot = this.slot(lo);
    const tag = EntrySlot.tag.addr(slot) >>> 2;
    if (u32[tag] === NO_ENTRY) this.entries[this.partition]!.push(slot);
    u32[EntrySlot.region.addr(slot) >>> 2] = region;
    u32[tag] = lo;
    u32[tag + 1] = hi;
  }

  /** Sets the heat of the slot of a pc of the active space. */
  setHeat(lo: number, heat: number): void {
    EntrySlot.heat.set(this.ram, this.slot(lo), heat);
  }

  /** Takes a region out of all spaces. */
  remove(region: number): void {
    for (const [partition, slots] of this.entries.entries()) {
      this.entries[partition] = slots.filter((slot) => {
        if (EntrySlot.region.get(this.ram, slot) !== region) return true;
        this.empty(slot);
        return false;
      });
    }
  }

  flushAsid(asid: number): void {
    const partition = asid % TLB_PARTITIONS;
    if (this.owners[partition] === asid) this.clear(partition);
  }

  flush(): void {
    for (let partition = 0; partition < TLB_PARTITIONS; partition++) this.clear(partition);
  }

  private clear(partition: number): void {
    const slots = this.entries[partition]!;
    for (const slot of slots) this.empty(slot);
    slots.length = 0;
  }

  private empty(slot: number): void {
    const { u32, i32 } = this.ram;
    const tag = EntrySlot.tag.addr(slot) >>> 2;
    u32[tag] = NO_ENTRY;
    u32[tag + 1] = 0;
    const limit = HartBlock.heatLimit.get(this.ram, this.hartBlock);
    if (limit > REVISITS) i32[EntrySlot.heat.addr(slot) >>> 2] = limit - REVISITS;
  }

  private slot(lo: number): number {
    return this.base + this.partition * PARTITION_BYTES + slotOffset(lo);
  }
}
