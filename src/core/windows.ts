/*
 * The windows of an address space that have been found so far: stretches of virtual memory that lie in one piece in RAM and may all be read,
 * or all be read and written (hart-block.ts).
 *
 * The last few are remembered, so that the page table is looked through once for each, not for each page. What is remembered has been true
 * of the page table since the last flush, and is forgotten with it.
 */

import type { Walker } from './mmu.ts';
import { PAGE_SIZE } from './ram.ts';

/** Windows remembered. */
const KNOWN = 16;

export class Windows {
  /** The window found last: virtual addresses of its first byte and of the one behind its last. */
  start = 0;
  end = 0;
  private readonly starts = new Float64Array(KNOWN);
  private readonly ends = new Float64Array(KNOWN);
  private readonly addends = new Uint32Array(KNOWN);
  private readonly writable = new Uint8Array(KNOWN);
  /** To be forgotten next. */
  private oldest = 0;

  clear(): void {
    this.ends.fill(0);
    this.starts.fill(0);
  }

  /**
   * Finds the window around a page that may be read, which `walker` has just walked to.
   *
   * @param va its virtual address
   * @param addend its physical address − va, modulo 2^32
   */
  find(va: number, addend: number, writable: boolean, walker: Pick<Walker, 'run'>): void {
    const { starts, ends, addends } = this;
    const kind = writable ? 1 : 0;
    let start = va;
    let end = va + PAGE_SIZE;
    for (let i = 0; i < KNOWN; i++) {
      if (addends[i] !== addend || this.writable[i] !== kind) continue;
      if (starts[i]! <= va && va < ends[i]!) {
        this.start = starts[i]!;
        this.end = ends[i]!;
        return;
      }
      if (ends[i] === va) start = starts[i]!;
      if (starts[i] === va + PAGE_SIZE) end = ends[i]!;
    }
    if (start === va) start -= walker.run(-1) * PAGE_SIZE;
    if (end === va + PAGE_SIZE) end += walker.run(1) * PAGE_SIZE;
    this.remember(start, end, addend, kind);
  }

  /** Unites a stretch with all that it touches. */
  private remember(first: number, last: number, addend: number, kind: number): void {
    const { starts, ends, addends, writable } = this;
    let start = first;
    let end = last;
    let place = -1;
    for (let i = 0; i < KNOWN; i++) {
      if (ends[i] === 0 || addends[i] !== addend || writable[i] !== kind || starts[i]! > end || ends[i]! < start) continue;
      start = Math.min(start, starts[i]!);
      end = Math.max(end, ends[i]!);
      ends[i] = 0;
      starts[i] = 0;
      place = i;
    }
    if (place < 0) {
      place = this.oldest;
      this.oldest = (place + 1) % KNOWN;
    }
    starts[place] = start;
    ends[place] = end;
    addends[place] = addend;
    writable[place] = kind;
    this.start = start;
    this.end = end;
  }
}
