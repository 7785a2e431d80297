/*
 * Which frames are in the free list: a bitmap, with a summary of it.
 *
 * Frames are named by index here. A set bit is a frame that can be taken; a set bit of the summary is a word of the bitmap that is not
 * zero. The highest frame is found through the summary from a hint downwards (above it nothing is free); runs of free frames are looked
 * for from a rover upwards, which goes on behind each run that was found, so that areas placed one after another get runs of their own.
 *
 * Guards: the lock of the list for whatever changes bits. `find` and `extend` only guess and want no lock: what they name is still to
 * be taken, one frame at a time, by somebody who finds it gone or not.
 */

import { struct, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { atomicU32 } from '../smp/atomics.ts';

const Header = struct('FrameMap', {
  /** Frames of the map that are free. */
  free: u32('FrameList.lock'),
  /** No word of the summary above this one is other than zero. */
  highest: u32('FrameList.lock'),
  /** Where the next run is looked for. A hint: it is read and written without order. */
  rover: atomicU32(),
});

const WORD = 32;
const FULL = -1;
/** What a look for a run may cost: a word that is all free or all taken costs 1, a mixed one this many. */
const PATIENCE = 2048;
const MIXED = 8;

export class FrameMap {
  /** Length of the run that `find` returned last. */
  runLength = 0;
  private readonly words: number;
  /** Index of the first word of each table in `ram.i32`. */
  private readonly bits: number;
  private readonly summary: number;
  private readonly summaryWords: number;

  constructor(
    private readonly ram: Ram,
    private readonly base: number,
    private readonly total: number,
  ) {
    this.words = Math.ceil(total / WORD);
    this.summaryWords = Math.ceil(this.words / WORD);
    this.bits = (base + Header.SIZE) >>> 2;
    this.summary = this.bits + this.words;
  }

  /** Bytes of a map of so many frames. */
  static bytes(frames: number): number {
    const words = Math.ceil(frames / WORD);
    return Header.SIZE + (words + Math.ceil(words / WORD)) * 4;
  }

  /** Makes all frames free. */
  initialise(): void {
    const { ram } = this;
    setFirst(ram.i32, this.bits, this.words, this.total);
    setFirst(ram.i32, this.summary, this.summaryWords, this.words);
    Header.free.set(ram, this.base, this.total);
    Header.highest.set(ram, this.base, this.summaryWords - 1);
    Header.rover.store(ram, this.base, 0);
  }

  /** Free frames of the map: exact under the lock. */
  free(): number {
    return Header.free.get(this.ram, this.base);
  }

  /** Free frames of the map at some moment: asked without the lock. */
  freeNow(): number {
    return Header.free.peek(this.ram, this.base);
  }

  isFree(index: number): boolean {
    return (this.ram.i32[this.bits + (index >>> 5)]! & (1 << (index & 31))) !== 0;
  }

  /** Takes a frame that is free. */
  takeLocked(index: number): void {
    const { i32 } = this.ram;
    const word = index >>> 5;
    const left = i32[this.bits + word]! & ~(1 << (index & 31));
    i32[this.bits + word] = left;
    if (left === 0) i32[this.summary + (word >>> 5)]! &= ~(1 << (word & 31));
    Header.free.set(this.ram, this.base, this.free() - 1);
  }

  /** Takes the highest frame; there is one. */
  takeHighestLocked(): number {
    const { i32 } = this.ram;
    let group = Header.highest.get(this.ram, this.base);
    while (i32[this.summary + group] === 0) group--;
    Header.highest.set(this.ram, this.base, group);
    const word = group * WORD + highestBit(i32[this.summary + group]!);
    const index = word * WORD + highestBit(i32[this.bits + word]!);
    this.takeLocked(index);
    return index;
  }

  /** Gives back a frame that is not free. */
  putLocked(index: number): void {
    const { ram } = this;
    const word = index >>> 5;
    const group = word >>> 5;
    ram.i32[this.bits + word]! |= 1 << (index & 31);
    ram.i32[this.summary + group]! |= 1 << (word & 31);
    Header.free.set(ram, this.base, this.free() + 1);
    if (group > Header.highest.get(ram, this.base)) Header.highest.set(ram, this.base, group);
  }

  /**
   * The first frame of a run of at least `wished` free ones, or of the longest met; sets `runLength`.
   *
   * @returns −1 when no free frame was met
   */
  find(wished: number): number {
    const { ram, words } = this;
    const { i32 } = ram;
    const rover = Header.rover.peek(ram, this.base);
    let word = rover >>> 5;
    let bits = i32[this.bits + word]! & (FULL << (rover & 31));
    let length = 0;
    let end = 0;
    let longest = 0;
    let patience = PATIENCE;
    // A run that spans the place where this has started is followed to its end.
    for (let left = words; (left >= 0 || (length > 0 && left > -words)) && patience > 0; left--) {
      if (bits === FULL) {
        length += WORD;
        patience--;
      } else if (bits === 0) {
        length = 0;
        patience--;
      } else {
        patience -= MIXED;
        for (let at = 0; at < WORD;) {
          const rest = (bits >>> at) | 0;
          if ((rest & 1) === 0) {
            if (length > longest) {
              longest = length;
              end = word * WORD + at;
            }
            length = 0;
            at = rest === 0 ? WORD : at + lowestBit(rest);
          } else {
            const ones = lowestBit(~rest);
            length += ones;
            at += ones;
            if (length >= wished) {
              longest = length;
              end = word * WORD + at;
              break;
            }
          }
        }
      }
      if (longest >= wished) break;
      if (length > longest) {
        longest = length;
        end = (word + 1) * WORD;
        if (length >= wished) break;
      }
      word++;
      if (word >= words) {
        word = 0;
        length = 0;
      } else if ((word & 31) === 0 && i32[this.summary + (word >>> 5)] === 0 && left > WORD && word + WORD < words) {
        word += WORD;
        left -= WORD;
        length = 0;
      }
      bits = i32[this.bits + word]!;
    }
    this.runLength = longest;
    if (longest === 0) return -1;
    // One that was long enough ends where it is wanted to, not at the end of its word.
    const start = end - longest;
    const next = longest >= wished ? start + wished : patience > 0 ? end : word * WORD;
    Header.rover.put(ram, this.base, next < this.total ? next : 0);
    return start;
  }

  /** Whether `count` frames from `index` on are free. If so, no run is looked for there next. */
  extend(index: number, count: number): boolean {
    const { ram } = this;
    const { i32 } = ram;
    const end = index + count;
    if (end > this.total) return false;
    for (let at = index; at < end; at = (at | 31) + 1) {
      const taken = (~i32[this.bits + (at >>> 5)]! >>> (at & 31)) | 0;
      if (taken !== 0 && at + lowestBit(taken) < end) return false;
    }
    const rover = Header.rover.peek(ram, this.base);
    if (rover >= index && rover < end) Header.rover.put(ram, this.base, end < this.total ? end : 0);
    return true;
  }
}

/** Sets the first `count` bits of a table, and clears the others. */
function setFirst(i32: Int32Array, table: number, words: number, count: number): void {
  for (let word = 0; word < words; word++) {
    const bits = count - word * WORD;
    i32[table + word] = bits >= WORD ? FULL : ~(FULL << bits);
  }
}

function highestBit(word: number): number {
  return 31 - Math.clz32(word);
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
