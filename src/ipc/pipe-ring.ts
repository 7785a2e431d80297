/*
 * The ring of a pipe: bytes in pages, page after page.
 *
 * A slot is a page and the bytes in it, which begin at its offset. Bytes go in at `head` and come out at `tail`; a page is allocated when
 * bytes come and freed when its last byte has gone (one is kept for the next write). So what Linux promises holds here for the
 * same reason: a write of up to 4096 bytes either fits behind those of the last slot or gets a slot of its own, whole.
 *
 * All under the pipe's lock; copies from and to the user are made under it as well, so that a slot is filled or emptied in one step. A copy
 * that fails leaves the ring as it was.
 *
 *   tail ▼                     ▼ head
 *   ┌────┬─────────┬─────────┬────┬────┐    word 0: page | flags
 *   │  ██│█████████│███      │    │    │    word 1: offset | length << 16
 *   └────┴─────────┴─────────┴────┴────┘
 */

import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import { E } from '../kernel/errno.ts';
import type { Transfer } from '../kernel/files/transfer.ts';
import type { Frames } from '../kernel/frames.ts';
import { DEFAULT_SLOTS, Pipe, SLOT_WORDS } from './pipe-layout.ts';

/** Flag of a slot: the bytes are a packet (O_DIRECT), read at once or lost. */
const PACKET = 1;
const FLAGS = PAGE_SIZE - 1;
/** While less than this part of all frames is free, pipes get none: they are nobody's memory and would go unseen. */
const RESERVE = 1 / 64;
const SLOT_SHIFT = 3;

export class PipeRing {
  private readonly reserve: number;

  constructor(
    private readonly ram: Ram,
    private readonly frames: Frames,
  ) {
    this.reserve = Math.floor(frames.total * RESERVE);
  }

  /** Makes the ring empty. Of a new pipe, while it is its maker's alone. */
  initialise(pipe: number): void {
    const { ram } = this;
    for (const field of [Pipe.nread, Pipe.nwrite, Pipe.tail, Pipe.head, Pipe.spare]) field.set(ram, pipe, 0);
    Pipe.slots.set(ram, pipe, DEFAULT_SLOTS);
    Pipe.ring.set(ram, pipe, Pipe.few.addr(pipe));
  }

  /** Frees all pages. Of a pipe that nobody has open any more. */
  discard(pipe: number): void {
    const { ram, frames } = this;
    for (let at = Pipe.tail.get(ram, pipe); at !== Pipe.head.get(ram, pipe); at = (at + 1) >>> 0) {
      frames.release(ram.u32[this.slot(pipe, at) >>> 2]! & ~FLAGS);
    }
    const spare = Pipe.spare.get(ram, pipe);
    if (spare !== 0) frames.release(spare);
    const ring = Pipe.ring.get(ram, pipe);
    if (ring !== Pipe.few.addr(pipe)) frames.release(ring);
  }

  isEmptyLocked(pipe: number): boolean {
    return Pipe.head.get(this.ram, pipe) === Pipe.tail.get(this.ram, pipe);
  }

  /** Whether every slot is taken. Bytes may still fit behind those of the last one. */
  isFullLocked(pipe: number): boolean {
    return this.usedLocked(pipe) === Pipe.slots.get(this.ram, pipe);
  }

  /** Bytes in it. */
  bytesLocked(pipe: number): number {
    return (Pipe.nwrite.get(this.ram, pipe) - Pipe.nread.get(this.ram, pipe)) >>> 0;
  }

  /**
   * Puts bytes behind those of the last slot: as many as `from` has beyond whole pages, if they fit and neither is a packet. The ring is
   * not empty.
   *
   * @returns 0, also when nothing was to be done; -EFAULT or -ENOMEM
   */
  mergeLocked(pipe: number, from: Transfer): number {
    const { ram } = this;
    const bytes = from.left % PAGE_SIZE;
    const slot = this.slot(pipe, Pipe.head.get(ram, pipe) - 1);
    const page = ram.u32[slot >>> 2]!;
    const where = ram.u32[(slot >>> 2) + 1]!;
    const end = (where & 0xffff) + (where >>> 16);
    if (bytes === 0 || (page & FLAGS) !== 0 || end + bytes > PAGE_SIZE) return 0;
    const error = from.in(page + end, bytes);
    if (error !== 0) return error;
    ram.u32[(slot >>> 2) + 1] = where + (bytes << 16);
    Pipe.nwrite.set(ram, pipe, Pipe.nwrite.get(ram, pipe) + bytes);
    return 0;
  }

  /** Fills one more slot; there is one. 0, -EFAULT or -ENOMEM. */
  appendLocked(pipe: number, from: Transfer, packet: boolean): number {
    const { ram } = this;
    const page = this.takePageLocked(pipe);
    if (page === 0) return -E.NOMEM;
    const bytes = Math.min(from.left, PAGE_SIZE);
    const error = from.in(page, bytes);
    if (error !== 0) {
      this.givePageLocked(pipe, page);
      return error;
    }
    const head = Pipe.head.get(ram, pipe);
    const slot = this.slot(pipe, head) >>> 2;
    ram.u32[slot] = page | (packet ? PACKET : 0);
    ram.u32[slot + 1] = bytes << 16;
    Pipe.head.set(ram, pipe, head + 1);
    Pipe.nwrite.set(ram, pipe, Pipe.nwrite.get(ram, pipe) + bytes);
    return 0;
  }

  /**
   * Takes bytes from the first slot, as many as there are and `to` wants; of a packet, what is not wanted is lost. The ring is not empty.
   *
   * @returns 0; 1 when nothing more belongs to this read; -EFAULT or -ENOMEM
   */
  takeLocked(pipe: number, to: Transfer): number {
    const { ram } = this;
    const tail = Pipe.tail.get(ram, pipe);
    const slot = this.slot(pipe, tail) >>> 2;
    const page = ram.u32[slot]!;
    const where = ram.u32[slot + 1]!;
    const offset = where & 0xffff;
    const length = where >>> 16;
    const bytes = Math.min(to.left, length);
    const error = to.out((page & ~FLAGS) + offset, bytes);
    if (error !== 0) return error;
    const packet = (page & PACKET) !== 0;
    const gone = packet ? length : bytes;
    Pipe.nread.set(ram, pipe, Pipe.nread.get(ram, pipe) + gone);
    if (gone === length) {
      Pipe.tail.set(ram, pipe, tail + 1);
      this.givePageLocked(pipe, page & ~FLAGS);
    } else {
      ram.u32[slot + 1] = (offset + gone) | ((length - gone) << 16);
    }
    return packet ? 1 : 0;
  }

  /** Makes the ring one of `slots` slots, a power of two and at least those in use. False: no memory. */
  resizeLocked(pipe: number, slots: number): boolean {
    const { ram, frames } = this;
    const before = Pipe.ring.get(ram, pipe);
    const few = Pipe.few.addr(pipe);
    if (slots === Pipe.slots.get(ram, pipe)) return true;
    // A slot's place changes with the number of slots: those in use move to another table, and to `few` from a table by way of one.
    const table = this.allocate();
    if (table === 0) return false;
    const tail = Pipe.tail.get(ram, pipe);
    const used = this.usedLocked(pipe);
    for (let i = 0; i < used; i++) {
      const slot = this.slot(pipe, tail + i) >>> 2;
      ram.u32[(table >>> 2) + i * SLOT_WORDS] = ram.u32[slot]!;
      ram.u32[(table >>> 2) + i * SLOT_WORDS + 1] = ram.u32[slot + 1]!;
    }
    const small = slots <= DEFAULT_SLOTS;
    if (small) ram.copy(few, table, used << SLOT_SHIFT);
    Pipe.ring.set(ram, pipe, small ? few : table);
    Pipe.slots.set(ram, pipe, slots);
    Pipe.tail.set(ram, pipe, 0);
    Pipe.head.set(ram, pipe, used);
    if (small) frames.release(table);
    if (before !== few) frames.release(before);
    return true;
  }

  /** Slots in use. */
  usedLocked(pipe: number): number {
    return (Pipe.head.get(this.ram, pipe) - Pipe.tail.get(this.ram, pipe)) >>> 0;
  }

  private takePageLocked(pipe: number): number {
    const { ram } = this;
    const spare = Pipe.spare.get(ram, pipe);
    if (spare === 0) return this.allocate();
    Pipe.spare.set(ram, pipe, 0);
    return spare;
  }

  private givePageLocked(pipe: number, page: number): void {
    const { ram } = this;
    if (Pipe.spare.get(ram, pipe) === 0) Pipe.spare.set(ram, pipe, page);
    else this.frames.release(page);
  }

  private allocate(): number {
    return this.frames.freeInList() < this.reserve ? 0 : this.frames.allocRaw();
  }

  /** Address of a slot. */
  private slot(pipe: number, index: number): number {
    const { ram } = this;
    return Pipe.ring.get(ram, pipe) + ((index & (Pipe.slots.get(ram, pipe) - 1)) << SLOT_SHIFT);
  }
}
