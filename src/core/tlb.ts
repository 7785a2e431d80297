/*
 * The software TLB of one hart, in its hart block: filling and flushing. Looking up is the emitted code's business (interpreter/tier.ts).
 *
 * An entry serves one virtual page of one address space. A permission that the page does not have, or has not yet been used for when that
 * use has to set A or D first, has an invalid tag.
 */

import { HartBlock, INVALID_TAG, TLB_ASID_SHIFT, TLB_ENTRIES, TlbEntry } from './hart-block.ts';
import { PTE_D, PTE_R, PTE_W, PTE_X } from './mmu.ts';
import { PAGE_SHIFT, PAGE_SIZE, type Ram } from './ram.ts';

/** The lower half of a tag has the ASID in these bits. */
const ASID_MASK = PAGE_SIZE - 1;

export class Tlb {
  private readonly table: number;

  constructor(
    private readonly ram: Ram,
    hartBlock: number,
  ) {
    this.table = HartBlock.tlb.addr(hartBlock);
  }

  /** Enters the page of the address (lo, hi), mapped to the physical `page` with the PTE's `flags`. */
  fill(lo: number, hi: number, asid: number, page: number, flags: number): void {
    const { u32 } = this.ram;
    const entry = this.entry(lo, asid);
    const tag = (lo & ~ASID_MASK) | asid;
    const write = PTE_W | PTE_D;
    put(u32, TlbEntry.read.addr(entry), tag, hi, (flags & PTE_R) !== 0);
    put(u32, TlbEntry.write.addr(entry), tag, hi, (flags & write) === write);
    put(u32, TlbEntry.execute.addr(entry), tag, hi, (flags & PTE_X) !== 0);
    u32[TlbEntry.addend.addr(entry) >>> 2] = page - (lo & ~ASID_MASK);
  }

  /** Physical address for executing at (lo, hi), or −1 when the TLB does not know it. */
  execute(lo: number, hi: number, asid: number): number {
    const { u32 } = this.ram;
    const entry = this.entry(lo, asid);
    const at = TlbEntry.execute.addr(entry) >>> 2;
    if (u32[at] !== ((lo & ~ASID_MASK) | asid) >>> 0 || u32[at + 1] !== hi >>> 0) return -1;
    return (lo + u32[TlbEntry.addend.addr(entry) >>> 2]!) >>> 0;
  }

  flush(): void {
    for (let i = 0; i < TLB_ENTRIES; i++) this.invalidate(this.table + i * TlbEntry.SIZE);
  }

  flushAsid(asid: number): void {
    for (let i = 0; i < TLB_ENTRIES; i++) {
      const entry = this.table + i * TlbEntry.SIZE;
      if (this.belongs(entry, asid)) this.invalidate(entry);
    }
  }

  /** Forgets the page of `va` in a space, or whatever else is in its place: an entry too many costs a walk. */
  flushPage(asid: number, va: number): void {
    this.invalidate(this.entry(va % 2 ** 32, asid));
  }

  /** The same pages of different spaces lie in different places (as `lookup` in interpreter/tier.ts has it). */
  private entry(lo: number, asid: number): number {
    return this.table + (((lo >>> PAGE_SHIFT) ^ (asid << TLB_ASID_SHIFT)) & (TLB_ENTRIES - 1)) * TlbEntry.SIZE;
  }

  private belongs(entry: number, asid: number): boolean {
    const { u32 } = this.ram;
    return (
      (u32[TlbEntry.read.addr(entry) >>> 2]! & ASID_MASK) === asid ||
      (u32[TlbEntry.write.addr(entry) >>> 2]! & ASID_MASK) === asid ||
      (u32[TlbEntry.execute.addr(entry) >>> 2]! & ASID_MASK) === asid
    );
  }

  private invalidate(entry: number): void {
    const { u32 } = this.ram;
    put(u32, TlbEntry.read.addr(entry), 0, 0, false);
    put(u32, TlbEntry.write.addr(entry), 0, 0, false);
    put(u32, TlbEntry.execute.addr(entry), 0, 0, false);
  }
}

function put(u32: Uint32Array, address: number, lo: number, hi: number, valid: boolean): void {
  u32[address >>> 2] = valid ? lo : INVALID_TAG;
  u32[(address + 4) >>> 2] = valid ? hi : INVALID_TAG;
}
