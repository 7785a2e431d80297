/*
 * The decode cache of one hart: decoded instructions in RAM, found by pc, ASID and epoch.
 *
 * A flush is cheap because it changes the epoch: each ASID has one of its own, and there is one for all; the tag holds their sum. When
 * the sum would not fit its 13 bits, the cache is cleared and counting starts again at 1, so the tag 0 of cleared slots never matches.
 *
 * An instruction of 4 bytes may reach into the next page: `flushPage` drops the last slot of the page before as well. Most pages that are
 * flushed hold no code; a hashed set of the pages that do spares the search.
 */

import { DECODE_CACHE_BYTES, DECODE_SLOTS, DecodeSlot, HartBlock, MAX_ASID } from './hart-block.ts';
import type { Decoded } from './isa/decode.ts';
import { PAGE_SHIFT, PAGE_SIZE, type Ram } from './ram.ts';

// Positions in the upper word of a tag: pc bits 37:32 below the ASID, the epoch above.
const ASID_SHIFT = 39 - 32;
const EPOCH_SHIFT = 51 - 32;
const EPOCHS = 2 ** 13;
const TWO_32 = 2 ** 32;
/** Spreads the ASIDs, small numbers in a row, over the slots. */
const ASID_FACTOR = 0x9e5;

/** Places in the set of pages with code. */
const MARKS = 4096;

export class DecodeCache {
  private readonly marks = new Uint8Array(MARKS);
  private readonly epochs = new Uint16Array(MAX_ASID + 1);
  private common = 1;
  private asid = 0;

  constructor(
    private readonly ram: Ram,
    private readonly hartBlock: number,
    private readonly base: number,
  ) {
    this.clear();
  }

  /** Selects the address space whose instructions match from now on. */
  activate(asid: number): void {
    this.asid = asid;
    this.publish();
  }

  /** Writes the decoded instruction of pc (lo, hi) into its slot. */
  fill(lo: number, hi: number, decoded: Decoded): void {
    const { u32, u8, i32 } = this.ram;
    const tag = HartBlock.decodeTag.addr(this.hartBlock) >>> 2;
    const slot = this.slot(lo ^ u32[tag]!);
    i32[DecodeSlot.imm.addr(slot) >>> 2] = decoded.imm;
    u8[DecodeSlot.op.addr(slot)] = decoded.op;
    u8[DecodeSlot.rd.addr(slot)] = decoded.rd;
    u8[DecodeSlot.rs1.addr(slot)] = decoded.rs1;
    u8[DecodeSlot.rs2.addr(slot)] = decoded.rs2;
    // Its last halfword may lie in the next page.
    this.marks[mark(this.asid, lo)] = 1;
    this.marks[mark(this.asid, lo + 2)] = 1;
    u32[DecodeSlot.tag.addr(slot) >>> 2] = lo ^ u32[tag]!;
    u32[(DecodeSlot.tag.addr(slot) + 4) >>> 2] = hi ^ u32[tag + 1]!;
  }

  /** Whether the instruction at pc (lo, hi) of the active space has been executed lately. */
  has(lo: number, hi: number): boolean {
    const { u32 } = this.ram;
    const wanted = HartBlock.decodeTag.addr(this.hartBlock) >>> 2;
    const low = (lo ^ u32[wanted]!) >>> 0;
    const tag = DecodeSlot.tag.addr(this.slot(low)) >>> 2;
    return u32[tag] === low && u32[tag + 1] === (hi ^ u32[wanted + 1]!) >>> 0;
  }

  flush(): void {
    this.marks.fill(0);
    this.common++;
    this.publish();
  }

  flushAsid(asid: number): void {
    this.epochs[asid]!++;
    if (this.epochs[asid]! + this.common >= EPOCHS) this.clear();
    else if (asid === this.asid) this.publish();
  }

  /** Forgets the instructions of an address space that have a byte in the page of `va`. */
  flushPage(asid: number, va: number): void {
    if (this.marks[mark(asid, va % TWO_32)] === 0) return;
    const { u32 } = this.ram;
    const page = va - (va % PAGE_SIZE);
    for (let pc = page === 0 ? 0 : page - 2; pc < page + PAGE_SIZE; pc += 2) {
      const lo = ((pc % TWO_32) ^ lower(asid)) >>> 0;
      const tag = DecodeSlot.tag.addr(this.slot(lo)) >>> 2;
      if (u32[tag] === lo && u32[tag + 1] === (Math.floor(pc / TWO_32) | this.upper(asid)) >>> 0) {
        u32[tag] = 0;
        u32[tag + 1] = 0;
      }
    }
  }

  /** Address of the slot for a tag with this lower word. */
  private slot(tag: number): number {
    return this.base + ((tag >>> 1) & (DECODE_SLOTS - 1)) * DecodeSlot.SIZE;
  }

  private upper(asid: number): number {
    return (asid << ASID_SHIFT) | ((this.epochs[asid]! + this.common) << EPOCH_SHIFT);
  }

  private publish(): void {
    if (this.epochs[this.asid]! + this.common >= EPOCHS) this.clear();
    const tag = HartBlock.decodeTag.addr(this.hartBlock);
    this.ram.u32[tag >>> 2] = lower(this.asid);
    this.ram.u32[(tag + 4) >>> 2] = this.upper(this.asid);
  }

  private clear(): void {
    this.ram.fill(this.base, DECODE_CACHE_BYTES);
    this.marks.fill(0);
    this.epochs.fill(0);
    this.common = 1;
    const tag = HartBlock.decodeTag.addr(this.hartBlock);
    this.ram.u32[tag >>> 2] = lower(this.asid);
    this.ram.u32[(tag + 4) >>> 2] = this.upper(this.asid);
  }
}

/** The low word of an ASID's decodeTag: even, below the pc bits that choose a slot. */
function lower(asid: number): number {
  return (Math.imul(asid, ASID_FACTOR) & (DECODE_SLOTS - 1)) * 2;
}

/** Place of a page, by the lower word of an address in it, among the marks. */
function mark(asid: number, lo: number): number {
  return ((lo >>> PAGE_SHIFT) ^ Math.imul(asid, ASID_FACTOR)) & (MARKS - 1);
}
