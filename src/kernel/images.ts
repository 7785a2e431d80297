/*
 * Images: program files in RAM.
 *
 * An image is a slot with the addresses of its frames, kept in index frames of 1024 each. It is filled once (begin, write …, seal) by
 * whoever made it, immutable afterwards, and counted by reference: its maker, each name it has (image-names.ts) and each area that is
 * filled from it hold one. Page tables share its frames, which are counted on their own, so pages outlive the image if need be.
 *
 * Guards: until `seal`, the maker's own; afterwards immutable, but for the reference count, which is atomic.
 */

import { alignUp, struct, u32, u32Array } from '../core/layout.ts';
import { PAGE_SHIFT, PAGE_SIZE, type Ram } from '../core/ram.ts';
import { atomicU32 } from '../smp/atomics.ts';
import { KernelPanic } from '../smp/panic.ts';
import type { Locks } from '../smp/spinlock.ts';
import { E } from './errno.ts';
import type { Frames } from './frames.ts';
import { SlotPool } from './slots.ts';

const INDEX_FRAMES = 64;
const PER_INDEX = PAGE_SIZE / 4;

export const Image = struct('Image', {
  refCount: atomicU32(),
  /** Bytes of the file. */
  size: u32('immutable'),
  pages: u32('immutable'),
  sealed: u32('immutable'),
  index: u32Array('immutable', INDEX_FRAMES),
});

/** The largest file, bytes. */
export const MAX_IMAGE_BYTES = INDEX_FRAMES * PER_INDEX * PAGE_SIZE;

export class Images {
  private readonly pool: SlotPool;

  constructor(
    private readonly ram: Ram,
    locks: Locks,
    private readonly frames: Frames,
    base: number,
    count: number,
  ) {
    this.pool = new SlotPool(ram, locks, base, { name: 'image', count, size: Image.SIZE, layout: Image, order: 'lifo' });
  }

  /** Bytes of the region (64-aligned) for `count` images. */
  static bytes(count: number): number {
    return SlotPool.bytes(count, Image.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
  }

  /** Images in use: a snapshot. */
  inUse(): number {
    return this.pool.inUse();
  }

  /** A zero-filled image of `size` bytes with one reference: its address, −EFBIG, −ENFILE (no slot) or −ENOMEM. */
  begin(size: number): number {
    const { ram } = this;
    if (!(size >= 0 && size <= MAX_IMAGE_BYTES)) return -E.FBIG;
    const image = this.pool.alloc();
    if (image === 0) return -E.NFILE;
    const pages = alignUp(size, PAGE_SIZE) / PAGE_SIZE;
    Image.refCount.store(ram, image, 1);
    Image.size.set(ram, image, size);
    Image.sealed.set(ram, image, 0);
    for (let page = 0; page < pages; page++) {
      if (this.addPage(image, page)) continue;
      Image.pages.set(ram, image, page);
      this.release(image);
      return -E.NOMEM;
    }
    Image.pages.set(ram, image, pages);
    return image;
  }

  /** Fills part of an image that is not sealed yet. */
  write(image: number, offset: number, data: Uint8Array): void {
    this.checkRange(image, offset, data.length, 0);
    for (let done = 0; done < data.length;) {
      const at = offset + done;
      const inPage = at & (PAGE_SIZE - 1);
      const part = Math.min(data.length - done, PAGE_SIZE - inPage);
      this.ram.u8.set(data.subarray(done, done + part), this.frameAt(image, at >>> PAGE_SHIFT) + inPage);
      done += part;
    }
  }

  /** From here on the image does not change. */
  seal(image: number): void {
    Image.sealed.set(this.ram, image, 1);
  }

  /** An image with this content, sealed, in one step: its address or a negative errno, as `begin`. */
  create(data: Uint8Array): number {
    const image = this.begin(data.length);
    if (image < 0) return image;
    this.write(image, 0, data);
    this.seal(image);
    return image;
  }

  retain(image: number): void {
    if (Image.refCount.add(this.ram, image, 1) === 0) throw new KernelPanic('dead image retained');
  }

  /** Drops a reference; the last one returns the image's frames. */
  release(image: number): void {
    const { ram, frames } = this;
    const before = Image.refCount.sub(ram, image, 1);
    if (before === 0) throw new KernelPanic('dead image released');
    if (before !== 1) return;
    const pages = Image.pages.get(ram, image);
    for (let page = 0; page < pages; page++) frames.release(this.frameAt(image, page));
    for (let page = 0; page < pages; page += PER_INDEX) frames.release(Image.index.at(ram, image, page / PER_INDEX));
    this.pool.free(image);
  }

  size(image: number): number {
    return Image.size.get(this.ram, image);
  }

  /** The frame that holds page `page`, or 0 behind the end. */
  frameAt(image: number, page: number): number {
    if (page >= alignUp(Image.size.get(this.ram, image), PAGE_SIZE) / PAGE_SIZE) return 0;
    return this.ram.u32[(Image.index.at(this.ram, image, (page / PER_INDEX) | 0) >>> 2) + (page % PER_INDEX)]!;
  }

  /** A private copy of part of an image: for parsing headers. The range lies inside. */
  read(image: number, offset: number, length: number): Uint8Array {
    this.checkRange(image, offset, length, 1);
    const out = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = offset + done;
      const inPage = at & (PAGE_SIZE - 1);
      const part = Math.min(length - done, PAGE_SIZE - inPage);
      const from = this.frameAt(image, at >>> PAGE_SHIFT) + inPage;
      out.set(this.ram.u8.subarray(from, from + part), done);
      done += part;
    }
    return out;
  }

  private addPage(image: number, page: number): boolean {
    const { ram, frames } = this;
    const place = page % PER_INDEX;
    if (place === 0) {
      const index = frames.allocRaw();
      if (index === 0) return false;
      Image.index.put(ram, image, page / PER_INDEX, index);
    }
    const index = Image.index.at(ram, image, (page / PER_INDEX) | 0);
    const frame = frames.alloc();
    if (frame === 0) {
      // `release` returns the index frames of the pages that are there, and this one has none yet.
      if (place === 0) frames.release(index);
      return false;
    }
    ram.u32[(index >>> 2) + place] = frame;
    return true;
  }

  private checkRange(image: number, offset: number, length: number, sealed: number): void {
    if (Image.sealed.get(this.ram, image) !== sealed) throw new KernelPanic('image used out of order');
    if (!(offset >= 0 && length >= 0 && offset + length <= Image.size.get(this.ram, image)))
      throw new KernelPanic('access outside of an image');
  }
}
