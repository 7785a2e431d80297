/*
 * Contents: bytes in pages that can grow, may have holes, and are shared by reference: the data of files, program files, and shared
 * anonymous memory.
 *
 * A content is a slot with the frames of its first pages; those of the others stand in index frames, which a top frame names. A page
 * without a frame is a hole and reads as zero. Behind its end a content has no frames, and the last page is zero from the end on, so
 * that growing shows zeroes (what a mapping stores behind the end stays until then, as on Linux).
 *
 * References to the content: its maker, each name (image-names.ts), each file, each area that is filled from it. Page tables share its
 * frames, which are counted on their own (frames.ts), so a page outlives the content where it is mapped.
 *
 * Guard: `Content.lock` (rank `content`, taken under a space's) for size, frames and index; nobody waits for one. `frameAt` looks
 * without it: whoever calls it keeps others from shrinking the content meanwhile (a file has a lock of its own for that, a sealed
 * program file never changes), and an index is complete before it is linked.
 */

import { alignUp, f64, struct, u32, u32Array } from '../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import { atomicU32, loadWord, storeWord } from '../smp/atomics.ts';
import { KernelPanic } from '../smp/panic.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';
import { E } from './errno.ts';
import type { Frames } from './frames.ts';
import { SlotPool } from './slots.ts';

const DIRECT = 8;
const PER_INDEX = PAGE_SIZE / 4;
const INDEX_BITS = 10;
const BATCH = 256;

export const Content = struct('Content', {
  lock: spinlock(),
  /** Bytes. */
  size: f64('lock'),
  refCount: atomicU32(),
  /** How many of the references are areas'. */
  areas: atomicU32(),
  /** Frames with data, those of the index not counted. */
  held: u32('lock'),
  direct: u32Array('lock', DIRECT),
  /** Frame with the addresses of index frames, or 0. */
  top: u32('lock'),
});

/** The largest content: the index could serve a little more. */
const MAX_CONTENT_BYTES = 2 ** 32;
const MAX_PAGES = MAX_CONTENT_BYTES / PAGE_SIZE;

/** Of each GROUP of slots so many are kept from those who ask for shared memory: for files. */
const GROUP = 8;
const KEPT_FOR_FILES = 2;

export class Contents {
  private readonly pool: SlotPool;
  /** Frames that the running call gives back. Empty when no content's lock is held. */
  private readonly batch = new Uint32Array(BATCH);
  private batched = 0;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly frames: Frames,
    base: number,
    count: number,
  ) {
    this.pool = new SlotPool(ram, locks, base, { name: 'content', count, size: Content.SIZE, layout: Content, order: 'lifo' });
  }

  /** Bytes of the region (64-aligned) for `count` contents. */
  static bytes(count: number): number {
    return SlotPool.bytes(count, Content.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
    for (let index = 0; index < this.pool.count; index++) Content.lock.init(this.ram, this.pool.at(index), Rank.content);
  }

  /** How many contents there can be. */
  get count(): number {
    return this.pool.count;
  }

  /** Address of content `index`, 0 when there is none: for audits. */
  at(index: number): number {
    return this.pool.isUsed(index) ? this.pool.at(index) : 0;
  }

  /** Contents in use: a snapshot. */
  inUse(): number {
    return this.pool.inUse();
  }

  /** An empty content with one reference: its address, or −ENFILE when no slot is left. */
  create(): number {
    const { ram } = this;
    const content = this.pool.alloc();
    if (content === 0) return -E.NFILE;
    Content.size.set(ram, content, 0);
    Content.held.set(ram, content, 0);
    for (let page = 0; page < DIRECT; page++) Content.direct.put(ram, content, page, 0);
    Content.top.set(ram, content, 0);
    Content.areas.store(ram, content, 0);
    Content.refCount.store(ram, content, 1);
    if (SEEDED) this.pool.publish(content);
    return content;
  }

  /** Memory of `bytes` zeroes to be shared by mappings: its address, or −ENOMEM; some slots are kept for files. */
  createShared(bytes: number): number {
    const { count } = this.pool;
    if (this.pool.inUse() >= count - Math.floor(count / GROUP) * KEPT_FOR_FILES) return -E.NOMEM;
    if (!(bytes >= 0 && bytes <= MAX_CONTENT_BYTES)) return -E.NOMEM;
    const content = this.create();
    if (content < 0) return -E.NOMEM;
    this.setSize(content, bytes);
    return content;
  }

  /** A content with these bytes in it and one reference: its address, −EFBIG, −ENFILE (no slot) or −ENOMEM. */
  fromBytes(data: Uint8Array): number {
    if (data.length > MAX_CONTENT_BYTES) return -E.FBIG;
    const content = this.create();
    if (content < 0) return content;
    this.setSize(content, data.length);
    for (let done = 0; done < data.length; done += PAGE_SIZE) {
      const frame = this.ensureFrame(content, done / PAGE_SIZE);
      if (frame < 0) {
        this.release(content);
        return frame;
      }
      this.ram.u8.set(data.subarray(done, done + PAGE_SIZE), frame);
    }
    return content;
  }

  /** Adds a reference to a content that the caller knows to be alive. */
  retain(content: number): void {
    if (Content.refCount.add(this.ram, content, 1) === 0) throw new KernelPanic('dead content retained');
  }

  /** Adds the reference of an area. */
  retainForArea(content: number): void {
    this.retain(content);
    Content.areas.add(this.ram, content, 1);
  }

  releaseForArea(content: number): void {
    Content.areas.sub(this.ram, content, 1);
    this.release(content);
  }

  /** Whether it is mapped anywhere: a snapshot. */
  isMapped(content: number): boolean {
    return Content.areas.load(this.ram, content) !== 0;
  }

  /** Drops a reference; the last one returns the frames. */
  release(content: number): void {
    const { ram } = this;
    const before = Content.refCount.sub(ram, content, 1);
    if (before === 0) throw new KernelPanic('dead content released');
    if (before !== 1) return;
    // Nobody else wants the lock any more; what guards the frames in life does so here.
    const lock = this.lock(content);
    this.cutLocked(content, 0);
    if (SEEDED && Content.held.get(ram, content) !== 0) throw new KernelPanic('a content ends with frames left');
    this.locks.release(lock);
    this.pool.free(content);
  }

  /** Bytes. */
  size(content: number): number {
    const lock = this.lock(content);
    const size = Content.size.get(this.ram, content);
    this.locks.release(lock);
    return size;
  }

  /** Grows (by a hole) or shrinks to `bytes`, giving back what lies behind: 0, −EINVAL (no size) or −EFBIG. */
  setSize(content: number, bytes: number): number {
    const { ram } = this;
    if (!(bytes >= 0)) return -E.INVAL;
    if (bytes > MAX_CONTENT_BYTES) return -E.FBIG;
    const lock = this.lock(content);
    const before = Content.size.get(ram, content);
    Content.size.set(ram, content, bytes);
    if (bytes < before) this.cutLocked(content, alignUp(bytes, PAGE_SIZE) / PAGE_SIZE);
    // Also when it grows: a mapping may have stored behind the end, on the last page.
    this.clearTailLocked(content, Math.min(bytes, before));
    this.locks.release(lock);
    return 0;
  }

  /** The frame of a page with a reference for the caller; 0 for a hole, and behind the end. */
  takeFrame(content: number, page: number): number {
    const lock = this.lock(content);
    const frame = this.frameAt(content, page);
    if (frame !== 0) this.frames.retain(frame);
    this.locks.release(lock);
    return frame;
  }

  /**
   * Offers a frame for a page that had none a moment ago: the frame the page has then, with a reference for the caller. That of the
   * offer is taken over or dropped.
   *
   * @returns 0 when the page lies behind the end, −ENOMEM when there is no frame for the index
   */
  offerFrame(content: number, page: number, offered: number): number {
    const lock = this.lock(content);
    let frame = 0;
    if (page * PAGE_SIZE < Content.size.get(this.ram, content)) {
      frame = this.frameAt(content, page);
      if (frame === 0 && this.putLocked(content, page, offered)) frame = offered;
      if (frame === 0) frame = -E.NOMEM;
      else this.frames.retain(frame);
    }
    this.locks.release(lock);
    if (frame !== offered) this.frames.release(offered);
    return frame;
  }

  /**
   * The frame of a page, a new one full of zeroes where there is none: or −ENOMEM. The reference stays the content's: valid as long as
   * nobody shrinks it. A page behind the end may be asked for by who sets the size afterwards; −EFBIG behind any end.
   */
  ensureFrame(content: number, page: number): number {
    if (!(page < MAX_PAGES)) return -E.FBIG;
    const known = this.frameAt(content, page);
    if (known !== 0) return known;
    const lock = this.lock(content);
    let frame = this.frameAt(content, page);
    if (frame === 0) {
      frame = this.frames.alloc();
      if (frame !== 0 && !this.putLocked(content, page, frame)) {
        this.frames.release(frame);
        frame = 0;
      }
    }
    this.locks.release(lock);
    return frame === 0 ? -E.NOMEM : frame;
  }

  /** The frame of a page, or 0 where there is none: a look without the lock, valid as long as nobody shrinks the content. */
  frameAt(content: number, page: number): number {
    const { ram } = this;
    if (page < DIRECT) return Content.direct.peek(ram, content, page);
    if (!(page < MAX_PAGES)) return 0;
    const top = Content.top.peek(ram, content);
    if (top === 0) return 0;
    const index = loadWord(ram, top + ((page - DIRECT) >>> INDEX_BITS) * 4);
    return index === 0 ? 0 : loadWord(ram, index + ((page - DIRECT) & (PER_INDEX - 1)) * 4);
  }

  /** Frames that hold data of the content: a snapshot. */
  pagesHeld(content: number): number {
    return Content.held.peek(this.ram, content);
  }

  /** Frames that hold data of all contents: for statistics, and of no one moment. */
  framesHeld(): number {
    let held = 0;
    for (let i = 0; i < this.pool.count; i++) if (this.pool.isUsed(i)) held += this.pagesHeld(this.pool.at(i));
    return held;
  }

  /** A private copy of part of a content: for parsing headers. What lies in holes, and behind the end, is zero. */
  read(content: number, offset: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = offset + done;
      const inPage = at % PAGE_SIZE;
      const part = Math.min(length - done, PAGE_SIZE - inPage);
      const frame = this.takeFrame(content, Math.floor(at / PAGE_SIZE));
      if (frame !== 0) {
        out.set(this.ram.u8.subarray(frame + inPage, frame + inPage + part), done);
        this.frames.release(frame);
      }
      done += part;
    }
    return out;
  }

  /** A number that names this content, and no other one that had its slot or will: for futexes. */
  nameOf(content: number): number {
    return this.pool.handleOf(content);
  }

  /** Enters the frame of a page that has none, with its reference; false when there is no frame for the index. */
  private putLocked(content: number, page: number, frame: number): boolean {
    const { ram } = this;
    if (page < DIRECT) {
      Content.direct.put(ram, content, page, frame);
    } else {
      let top = Content.top.get(ram, content);
      if (top === 0) {
        top = this.frames.alloc();
        if (top === 0) return false;
        Content.top.set(ram, content, top);
      }
      const place = top + ((page - DIRECT) >>> INDEX_BITS) * 4;
      let index = loadWord(ram, place);
      if (index === 0) {
        index = this.frames.alloc();
        if (index === 0) return false;
        // Publishes its zeroes to those who look without the lock.
        storeWord(ram, place, index);
      }
      storeWord(ram, index + ((page - DIRECT) & (PER_INDEX - 1)) * 4, frame);
    }
    Content.held.set(ram, content, Content.held.get(ram, content) + 1);
    return true;
  }

  /** Returns the frames of all pages from `from` on, and the parts of the index that serve no others. */
  private cutLocked(content: number, from: number): void {
    const { ram } = this;
    let gone = 0;
    for (let page = from; page < DIRECT; page++) {
      const frame = Content.direct.at(ram, content, page);
      if (frame === 0) continue;
      Content.direct.put(ram, content, page, 0);
      this.giveBackLocked(frame);
      gone++;
    }
    const top = Content.top.get(ram, content);
    if (top !== 0) {
      const first = Math.max(0, from - DIRECT);
      for (let place = first >>> INDEX_BITS; place < PER_INDEX; place++) {
        const index = ram.u32[(top >>> 2) + place]!;
        if (index === 0) continue;
        const start = Math.max(0, first - place * PER_INDEX);
        gone += this.emptyLocked(index, start);
        if (start !== 0) continue;
        storeWord(ram, top + place * 4, 0);
        this.giveBackLocked(index);
      }
      if (first === 0) {
        Content.top.set(ram, content, 0);
        this.giveBackLocked(top);
      }
    }
    Content.held.set(ram, content, Content.held.get(ram, content) - gone);
    this.frames.releaseAll(this.batch, this.batched);
    this.batched = 0;
  }

  private giveBackLocked(frame: number): void {
    if (this.batched === BATCH) {
      this.frames.releaseAll(this.batch, BATCH);
      this.batched = 0;
    }
    this.batch[this.batched++] = frame;
  }

  /** Returns the frames that an index frame names, from a place on; says how many they were. */
  private emptyLocked(index: number, from: number): number {
    const { ram } = this;
    let gone = 0;
    for (let place = from; place < PER_INDEX; place++) {
      const frame = ram.u32[(index >>> 2) + place]!;
      if (frame === 0) continue;
      storeWord(ram, index + place * 4, 0);
      this.giveBackLocked(frame);
      gone++;
    }
    return gone;
  }

  /** Makes the rest of the page zero that holds the byte at `end`, if there is a rest. */
  private clearTailLocked(content: number, end: number): void {
    const inPage = end % PAGE_SIZE;
    if (inPage === 0) return;
    const frame = this.frameAt(content, (end - inPage) / PAGE_SIZE);
    if (frame !== 0) this.ram.u8.fill(0, frame + inPage, frame + PAGE_SIZE);
  }

  private lock(content: number): number {
    const lock = Content.lock.addr(content);
    this.locks.acquire(lock);
    return lock;
  }
}
