/*
 * From a number (pid, tid) to the block that bears it: a hash table of intrusive chains.
 *
 * Guard: the tree lock. Blocks enter when they are born and leave before their slot is freed, so a number never leads to another's block.
 */

import type { U32Field } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';

/** Chains per table, a power of two. */
const BUCKETS = 256;

export class IdTable {
  static readonly BYTES = BUCKETS * 4;

  /**
   * @param base region of IdTable.BYTES bytes, zeroed
   * @param id the field that holds the number
   * @param next the field that links the chain
   */
  constructor(
    private readonly ram: Ram,
    private readonly base: number,
    private readonly id: U32Field,
    private readonly next: U32Field,
  ) {}

  insertLocked(block: number): void {
    const bucket = this.bucketOf(this.id.get(this.ram, block));
    this.next.set(this.ram, block, this.ram.u32[bucket]!);
    this.ram.u32[bucket] = block;
  }

  removeLocked(block: number): void {
    const { ram } = this;
    const bucket = this.bucketOf(this.id.get(ram, block));
    let at = ram.u32[bucket]!;
    if (at === block) {
      ram.u32[bucket] = this.next.get(ram, block);
      return;
    }
    while (at !== 0) {
      const following = this.next.get(ram, at);
      if (following === block) {
        this.next.set(ram, at, this.next.get(ram, block));
        return;
      }
      at = following;
    }
  }

  /** The block with this number, or 0. */
  findLocked(id: number): number {
    const { ram } = this;
    let at = ram.u32[this.bucketOf(id)]!;
    while (at !== 0 && this.id.get(ram, at) !== id) at = this.next.get(ram, at);
    return at;
  }

  /** Index of the bucket's word in `ram.u32`. */
  private bucketOf(id: number): number {
    return (this.base >>> 2) + (id & (BUCKETS - 1));
  }
}
