/*
 * brk(2), mmap(2), munmap(2), mprotect(2), madvise(2), and the RISC-V instruction cache flush.
 */

import { PAGE_SIZE } from '../core/ram.ts';
import { Space } from '../kernel/address-space.ts';
import { E } from '../kernel/errno.ts';
import { MapFlag } from '../kernel/mman.ts';
import type { Call } from './call.ts';

export function brk(call: Call): number {
  return call.kernel.mappings.setBrk(call.space, call.size(0));
}

export function mmap(call: Call): number {
  const flags = call.u32(3);
  if (call.size(5) % PAGE_SIZE !== 0) return -E.INVAL;
  if ((flags & MapFlag.Anonymous) === 0) return -E.BADF;
  return call.kernel.mappings.map(call.space, call.size(0), call.size(1), call.u32(2), flags);
}

export function munmap(call: Call): number {
  return call.kernel.mappings.unmap(call.space, call.size(0), call.size(1));
}

export function mprotect(call: Call): number {
  return call.kernel.mappings.protect(call.space, call.size(0), call.size(1), call.u32(2));
}

export function madvise(call: Call): number {
  return call.kernel.mappings.advise(call.space, call.size(0), call.size(1), call.i32(2));
}

/** Makes every hart decode the space's code anew; a hart that does not run it does so before it runs it again. */
export function flushInstructionCache(call: Call): number {
  if ((call.size(2) & ~1) !== 0) return -E.INVAL;
  call.kernel.shootdown.shoot(Space.tlb.addr(call.space));
  return 0;
}
