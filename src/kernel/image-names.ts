/*
 * The names of contents: which path names which program.
 *
 * A hash table with open addressing and linear probing; deletion moves later entries of the run up, so there are no tombstones. Many
 * names may lead to one image (a multi-call program). Each name holds a reference to its image.
 *
 * Guard: the table's lock, a leaf (rank `slots`): nothing is taken while it is held.
 */

import { bytes, struct, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';
import { E } from './errno.ts';
import type { Contents } from './contents.ts';
import { placed } from './oracles/places.ts';

const NamesHeader = struct('ImageNames', {
  lock: spinlock(),
  used: u32('lock'),
});

const NAME_BYTES = 244;

const NameEntry = struct('ImageName', {
  /** 0: the entry is free. */
  image: u32('ImageNames.lock'),
  hash: u32('ImageNames.lock'),
  length: u32('ImageNames.lock'),
  name: bytes('ImageNames.lock', NAME_BYTES),
});

/** The longest name, in bytes. */
export const MAX_IMAGE_NAME = NAME_BYTES;

export class ImageNames {
  private readonly lock: number;
  private readonly entries: number;

  /** @param count entries; the table takes one name less, so that every search ends */
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly contents: Contents,
    private readonly base: number,
    private readonly count: number,
  ) {
    this.lock = NamesHeader.lock.addr(base);
    this.entries = base + NamesHeader.SIZE;
    if (SEEDED) placed(NamesHeader, base, ImageNames.bytes(count), 1);
  }

  /** Bytes of the region (64-aligned) for `count` entries. */
  static bytes(count: number): number {
    return NamesHeader.SIZE + count * NameEntry.SIZE;
  }

  initialise(): void {
    NamesHeader.lock.init(this.ram, this.base, Rank.slots);
    NamesHeader.used.set(this.ram, this.base, 0);
    this.ram.fill(this.entries, this.count * NameEntry.SIZE);
  }

  /**
   * Gives an image one more name, taking the name from another image if need be. The name takes a reference of its own.
   *
   * @param name address of `length` bytes in RAM
   * @returns 0, −ENAMETOOLONG or −ENOSPC
   */
  bind(name: number, length: number, image: number): number {
    if (length > NAME_BYTES) return -E.NAMETOOLONG;
    const { ram, contents } = this;
    contents.retain(image);
    this.locks.acquire(this.lock);
    const entry = this.seekLocked(name, length);
    const before = NameEntry.image.get(ram, entry);
    const used = NamesHeader.used.get(ram, this.base);
    const full = before === 0 && used >= this.count - 1;
    if (!full) {
      if (before === 0) NamesHeader.used.set(ram, this.base, used + 1);
      NameEntry.image.set(ram, entry, image);
      NameEntry.hash.set(ram, entry, this.hash(name, length));
      NameEntry.length.set(ram, entry, length);
      ram.copy(NameEntry.name.addr(entry), name, length);
    }
    this.locks.release(this.lock);
    if (before !== 0) contents.release(before);
    if (full) contents.release(image);
    return full ? -E.NOSPC : 0;
  }

  /** Takes a name away: 0 or −ENOENT. */
  unbind(name: number, length: number): number {
    if (length > NAME_BYTES) return -E.NOENT;
    const { ram } = this;
    this.locks.acquire(this.lock);
    const entry = this.seekLocked(name, length);
    const image = NameEntry.image.get(ram, entry);
    if (image !== 0) {
      NamesHeader.used.set(ram, this.base, NamesHeader.used.get(ram, this.base) - 1);
      this.closeGapLocked((entry - this.entries) / NameEntry.SIZE);
    }
    this.locks.release(this.lock);
    if (image === 0) return -E.NOENT;
    this.contents.release(image);
    return 0;
  }

  /** The image of that name with a reference for the caller, or −ENOENT. */
  lookup(name: number, length: number): number {
    if (length > NAME_BYTES) return -E.NOENT;
    this.locks.acquire(this.lock);
    const image = NameEntry.image.get(this.ram, this.seekLocked(name, length));
    if (image !== 0) this.contents.retain(image);
    this.locks.release(this.lock);
    return image === 0 ? -E.NOENT : image;
  }

  /** `bind` for the host's strings: 0, −ENAMETOOLONG or −ENOSPC. `scratch` is the address of MAX_IMAGE_NAME free bytes. */
  bindText(text: string, image: number, scratch: number): number {
    const name = new TextEncoder().encode(text);
    if (name.length > NAME_BYTES) return -E.NAMETOOLONG;
    this.ram.u8.set(name, scratch);
    return this.bind(scratch, name.length, image);
  }

  /** `lookup` for the host's strings. */
  lookupText(text: string, scratch: number): number {
    const name = new TextEncoder().encode(text);
    if (name.length > NAME_BYTES) return -E.NOENT;
    this.ram.u8.set(name, scratch);
    return this.lookup(scratch, name.length);
  }

  /** Names in use: a snapshot, hence without the lock. */
  inUse(): number {
    return NamesHeader.used.peek(this.ram, this.base);
  }

  /** The name at position `index` (below the table's count) as text, or '' when there is none: for listings. */
  nameAt(index: number): string {
    const entry = this.entries + index * NameEntry.SIZE;
    this.locks.acquire(this.lock);
    const length = NameEntry.image.get(this.ram, entry) === 0 ? 0 : NameEntry.length.get(this.ram, entry);
    const name = this.ram.bytes(NameEntry.name.addr(entry), length);
    this.locks.release(this.lock);
    return new TextDecoder().decode(name);
  }

  /** The entry that has the name, or the free one where it belongs. */
  private seekLocked(name: number, length: number): number {
    const { ram } = this;
    const hash = this.hash(name, length);
    for (let index = hash % this.count; ; index = (index + 1) % this.count) {
      const entry = this.entries + index * NameEntry.SIZE;
      if (NameEntry.image.get(ram, entry) === 0) return entry;
      if (NameEntry.hash.get(ram, entry) !== hash || NameEntry.length.get(ram, entry) !== length) continue;
      const known = NameEntry.name.addr(entry);
      let same = 0;
      while (same < length && ram.u8[known + same] === ram.u8[name + same]) same++;
      if (same === length) return entry;
    }
  }

  /** Empties entry `gap` and moves up what would no longer be found behind it. */
  private closeGapLocked(gap: number): void {
    const { ram, count } = this;
    let hole = gap;
    for (let index = (hole + 1) % count; ; index = (index + 1) % count) {
      const entry = this.entries + index * NameEntry.SIZE;
      if (NameEntry.image.get(ram, entry) === 0) break;
      const home = NameEntry.hash.get(ram, entry) % count;
      // It may move if its home is not between the hole and where it is.
      if ((index - home + count) % count < (index - hole + count) % count) continue;
      ram.copy(this.entries + hole * NameEntry.SIZE, entry, NameEntry.SIZE);
      hole = index;
    }
    NameEntry.image.set(ram, this.entries + hole * NameEntry.SIZE, 0);
  }

  /** FNV-1a. */
  private hash(name: number, length: number): number {
    let hash = 0x811c_9dc5;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ this.ram.u8[name + i]!, 0x0100_0193);
    return hash >>> 0;
  }
}
