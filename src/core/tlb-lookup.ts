/*
 * Looking up the TLB, as emitted code: the same in all tiers.
 *
 * A hit is an address that lies above the entry's tag by no more than leaves room for the access in the page: one that crosses the
 * boundary misses. The distance is unsigned, so an address below the tag is far above it.
 */

import { TLB_ENTRIES, TlbEntry } from './hart-block.ts';
import { Access } from './mmu.ts';
import { PAGE_SHIFT, PAGE_SIZE } from './ram.ts';
import { i32, i64 } from './wasm/ops.ts';
import type { I32, Local } from './wasm/node.ts';

export interface Lookup {
  /** Whether the TLB cannot answer. To be evaluated first. */
  readonly missed: I32;
  /** Physical address, after a hit. */
  readonly physical: I32;
}

/**
 * @param tlbBase HartBlock.tlbBase
 * @param va evaluated several times
 * @param entry gets the address of the entry; `physical` reads it
 */
export function lookUp(tlbBase: I32, va: Local<'i64'>, size: number, access: Access, entry: Local<'i32'>): Lookup {
  const place = i32.shrU(i32.wrap(va), i32.const(PAGE_SHIFT - Math.log2(TlbEntry.SIZE)));
  const index = i32.and(place, i32.const((TLB_ENTRIES - 1) * TlbEntry.SIZE));
  const tag = i64.load(entry.tee(i32.add(tlbBase, index)), tagOffset(access));
  return {
    missed: i64.gtU(i64.sub(va, tag), i64.const(PAGE_SIZE - size)),
    physical: i32.add(i32.wrap(va), i32.load(entry, TlbEntry.addend.offset)),
  };
}

function tagOffset(access: Access): number {
  if (access === Access.Read) return TlbEntry.read.offset;
  return (access === Access.Write ? TlbEntry.write : TlbEntry.execute).offset;
}
