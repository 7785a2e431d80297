/*
 * The software TLB of one hart, in its hart block: filling and flushing. Looking up is the emitted code's business (interpreter/tier.ts).
 *
 * An entry serves one virtual page of the address space that owns its partition. Spaces share a partition in turns: `activate` flushes it
 * when another has owned it last, so tags need no ASID. A permission that the page does not have, or has not yet been used for when that
 * use has to set A or D first, has an invalid tag.
 *
 * Each entry has the window around its page (windows.ts). A window says nothing that the page table has not said since the last flush: so it
 * holds as long as the partition is not emptied. The windows that translated code has copied (WindowSlot) go with it.
 *
 * A flush costs what has been filled since the last one: each partition has a bit for each group of 64 entries, set when one of them is
 * filled. The RAM may have held anything before power-on, so at first all groups count as filled, and partitions are touched only when
 * a space comes that uses them.
 */

import {
  HartBlock,
  INVALID_FIRST_TAG,
  INVALID_TAG,
  TLB_ENTRIES,
  TLB_PARTITION_BYTES,
  TLB_PARTITIONS,
  TlbEntry,
  WINDOW_PARTITION_BYTES,
  WINDOW_SPAN,
} from './hart-block.ts';
import { PTE_D, PTE_R, PTE_W, PTE_X, type Walker } from './mmu.ts';
import { PAGE_SHIFT, PAGE_SIZE, type Ram } from './ram.ts';
import { Windows } from './windows.ts';

/** A partition's groups are the bits of one word. */
const GROUPS = 32;
const GROUP_SHIFT = Math.log2(TLB_ENTRIES / GROUPS);
const GROUP_BYTES = (TLB_ENTRIES / GROUPS) * TlbEntry.SIZE;
const ALL_GROUPS = 0xffff_ffff;

const PAGE_MASK = PAGE_SIZE - 1;
/** A page may be written once D is set. */
const WRITABLE = PTE_W | PTE_D;
const NOBODY = -1;
const TWO_32 = 2 ** 32;

export class Tlb {
  private readonly tables: number;
  private readonly windows: number;
  /** Windows of each partition's space. */
  private readonly known = Array.from({ length: TLB_PARTITIONS }, () => new Windows());
  /** ASID that each partition's entries are of. */
  private readonly owners = new Int32Array(TLB_PARTITIONS).fill(NOBODY);
  /** The groups of each partition that may hold valid entries, a bit each. */
  private readonly filled = new Uint32Array(TLB_PARTITIONS).fill(ALL_GROUPS);
  private partition = 0;
  /** Address of the partition in use. */
  private table: number;

  constructor(
    private readonly ram: Ram,
    private readonly hartBlock: number,
    /** Has walked to the page that is filled in. */
    private readonly walker: Pick<Walker, 'run'>,
  ) {
    this.tables = HartBlock.tlb.addr(hartBlock);
    this.windows = HartBlock.windows.addr(hartBlock);
    this.table = this.tables;
  }

  /** Makes a space the active one: its partition is in use from now on, empty if it was another's. */
  activate(asid: number): void {
    const partition = asid % TLB_PARTITIONS;
    this.partition = partition;
    this.table = this.tables + partition * TLB_PARTITION_BYTES;
    if (this.owners[partition] !== asid) {
      this.clear(partition);
      this.owners[partition] = asid;
    }
    const { ram, hartBlock } = this;
    HartBlock.tlbBase.set(ram, hartBlock, this.table);
    HartBlock.windowBase.set(ram, hartBlock, this.windows + partition * WINDOW_PARTITION_BYTES);
  }

  /** Enters the page of the address (lo, hi) of the active space, mapped to the physical `page` with the PTE's `flags`. */
  fill(lo: number, hi: number, page: number, flags: number): void {
    const { u32 } = this.ram;
    const index = indexOf(lo);
    const entry = this.table + index * TlbEntry.SIZE;
    const tag = lo & ~PAGE_MASK;
    const invalid = index === 0 ? INVALID_FIRST_TAG : INVALID_TAG;
    put(u32, TlbEntry.read.addr(entry), tag, hi, (flags & PTE_R) !== 0, invalid);
    put(u32, TlbEntry.write.addr(entry), tag, hi, (flags & WRITABLE) === WRITABLE, invalid);
    put(u32, TlbEntry.execute.addr(entry), tag, hi, (flags & PTE_X) !== 0, invalid);
    u32[TlbEntry.addend.addr(entry) >>> 2] = page - tag;
    this.setWindow(entry, (lo & ~PAGE_MASK) >>> 0, hi, flags);
    this.filled[this.partition]! |= 1 << (index >>> GROUP_SHIFT);
  }

  /** Physical address for executing at (lo, hi) in the active space, or −1 when the TLB does not know it. */
  execute(lo: number, hi: number): number {
    const { u32 } = this.ram;
    const entry = this.table + indexOf(lo) * TlbEntry.SIZE;
    const at = TlbEntry.execute.addr(entry) >>> 2;
    if (u32[at] !== (lo & ~PAGE_MASK) >>> 0 || u32[at + 1] !== hi >>> 0) return -1;
    return (lo + u32[TlbEntry.addend.addr(entry) >>> 2]!) >>> 0;
  }

  flush(): void {
    for (let partition = 0; partition < TLB_PARTITIONS; partition++) this.clear(partition);
  }

  flushAsid(asid: number): void {
    const partition = asid % TLB_PARTITIONS;
    if (this.owners[partition] === asid) this.clear(partition);
  }

  /** Gives an entry that has just been made its window: that of the page (lo, hi). */
  private setWindow(entry: number, lo: number, hi: number, flags: number): void {
    const { ram } = this;
    if ((flags & PTE_R) === 0) {
      TlbEntry.bound.set(ram, entry, 0);
      return;
    }
    const known = this.known[this.partition]!;
    const writable = (flags & WRITABLE) === WRITABLE;
    known.find(hi * TWO_32 + lo, ram.u32[TlbEntry.addend.addr(entry) >>> 2]!, writable, this.walker);
    TlbEntry.start.set(ram, entry, known.start);
    TlbEntry.bound.set(ram, entry, known.end - known.start - (WINDOW_SPAN - 1));
  }

  /** Empties a partition. */
  private clear(partition: number): void {
    const table = this.tables + partition * TLB_PARTITION_BYTES;
    let filled = this.filled[partition]!;
    if ((filled & 1) !== 0) {
      this.ram.fill(table, GROUP_BYTES);
      this.invalidateFirst(table);
      filled &= ~1;
    }
    while (filled !== 0) {
      const group = 31 - Math.clz32(filled & -filled);
      filled &= filled - 1;
      this.ram.fill(table + group * GROUP_BYTES, GROUP_BYTES);
    }
    if (this.filled[partition] !== 0) this.ram.fill(this.windows + partition * WINDOW_PARTITION_BYTES, WINDOW_PARTITION_BYTES);
    this.known[partition]!.clear();
    this.filled[partition] = 0;
  }

  /** Makes the first entry of a table, which is zero, one that page 0 does not match. */
  private invalidateFirst(entry: number): void {
    const { u32 } = this.ram;
    u32[TlbEntry.read.addr(entry) >>> 2] = INVALID_FIRST_TAG;
    u32[TlbEntry.write.addr(entry) >>> 2] = INVALID_FIRST_TAG;
    u32[TlbEntry.execute.addr(entry) >>> 2] = INVALID_FIRST_TAG;
  }
}

/** Index of the entry for an address, by its lower word (as `translated` in interpreter/tier.ts has it). */
function indexOf(lo: number): number {
  return (lo >>> PAGE_SHIFT) & (TLB_ENTRIES - 1);
}

function put(u32: Uint32Array, address: number, lo: number, hi: number, valid: boolean, invalid: number): void {
  u32[address >>> 2] = valid ? lo : invalid;
  u32[(address + 4) >>> 2] = valid ? hi : 0;
}
