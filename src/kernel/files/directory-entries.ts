/*
 * Directory entries: which name in which directory leads to which inode. A slot an entry; what of a name does not fit in it lies in
 * further slots. They are found by a hash of directory and name, so finding one takes as long in a large directory as in a small one.
 *
 * The entries of a directory also form a list, in the order in which they were made. Each has a place in listings (`cookie`) that
 * only grows along the list: a listing goes on behind the place where it stopped, whatever has come or gone meanwhile.
 *
 * Guard: `Namespace.lock` for all of it. Functions here are called with it held.
 */

import { alignUp, bytes, CACHE_LINE, f64, struct, u32 } from '../../core/layout.ts';
import type { Ram } from '../../core/ram.ts';
import { Rank } from '../../smp/ranks.ts';
import { SEEDED } from '../../smp/schedule/build.ts';
import { spinlock, type Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import { placed } from '../oracles/places.ts';
import { SlotPool } from '../slots.ts';
import { Inode } from './inodes.ts';

/** Bytes of the longest name (NAME_MAX). */
export const MAX_NAME = 255;
const INLINE_NAME = 24;
const PIECE_NAME = 60;

/** The directory tree as a whole; the heads of the hash's chains follow. */
export const Namespace = struct('Namespace', {
  lock: spinlock(),
  /** The root directory. */
  root: u32('lock'),
});

const DirectoryEntry = struct('DirectoryEntry', {
  directory: u32('Namespace.lock'),
  inode: u32('Namespace.lock'),
  hash: u32('Namespace.lock'),
  bucketNext: u32('Namespace.lock'),
  next: u32('Namespace.lock'),
  prev: u32('Namespace.lock'),
  cookie: f64('Namespace.lock'),
  length: u32('Namespace.lock'),
  /** First NamePiece, or 0. */
  more: u32('Namespace.lock'),
  name: bytes('Namespace.lock', INLINE_NAME),
});

const NamePiece = struct('NamePiece', {
  next: u32('Namespace.lock'),
  name: bytes('Namespace.lock', PIECE_NAME),
});

/** Entries for each slot of a name's rest. */
const ENTRIES_PER_PIECE = 4;

export class DirectoryEntries {
  readonly lock: number;
  private readonly buckets: number;
  private readonly mask: number;
  private readonly entries: SlotPool;
  private readonly pieces: SlotPool;

  constructor(
    private readonly ram: Ram,
    locks: Locks,
    private readonly base: number,
    count: number,
  ) {
    this.lock = Namespace.lock.addr(base);
    this.buckets = (base + alignUp(Namespace.SIZE, CACHE_LINE)) >>> 2;
    const chains = chainCount(count);
    this.mask = chains - 1;
    const entries = alignUp(this.buckets * 4 + chains * 4, CACHE_LINE);
    this.entries = new SlotPool(ram, locks, entries, {
      name: 'directory entry',
      count,
      size: DirectoryEntry.SIZE,
      layout: DirectoryEntry,
      order: 'lifo',
    });
    const pieces = entries + SlotPool.bytes(count, DirectoryEntry.SIZE);
    this.pieces = new SlotPool(ram, locks, pieces, {
      name: 'name piece',
      count: Math.ceil(count / ENTRIES_PER_PIECE),
      size: NamePiece.SIZE,
      layout: NamePiece,
      order: 'lifo',
    });
    if (SEEDED) placed(Namespace, base, Namespace.SIZE, 1);
  }

  static bytes(count: number): number {
    return (
      alignUp(Namespace.SIZE, CACHE_LINE) +
      alignUp(chainCount(count) * 4, CACHE_LINE) +
      SlotPool.bytes(count, DirectoryEntry.SIZE) +
      SlotPool.bytes(Math.ceil(count / ENTRIES_PER_PIECE), NamePiece.SIZE)
    );
  }

  initialise(): void {
    Namespace.lock.init(this.ram, this.base, Rank.namespace);
    this.ram.fill(this.buckets * 4, (this.mask + 1) * 4);
    this.entries.initialise();
    this.pieces.initialise();
  }

  get count(): number {
    return this.entries.count;
  }

  /** Entries in use: a snapshot. */
  inUse(): number {
    return this.entries.inUse();
  }

  /** Parts of long names in use: a snapshot. */
  piecesInUse(): number {
    return this.pieces.inUse();
  }

  rootLocked(): number {
    return Namespace.root.get(this.ram, this.base);
  }

  setRootLocked(root: number): void {
    Namespace.root.set(this.ram, this.base, root);
  }

  /** The root directory, which never changes once it is there. */
  get root(): number {
    return Namespace.root.peek(this.ram, this.base);
  }

  /** The entry of a name, or 0. */
  findLocked(directory: number, name: number, length: number): number {
    const { ram } = this;
    const hash = this.hash(directory, name, length);
    for (let entry = ram.u32[this.bucket(hash)]!; entry !== 0; entry = DirectoryEntry.bucketNext.get(ram, entry)) {
      if (DirectoryEntry.hash.get(ram, entry) !== hash || DirectoryEntry.directory.get(ram, entry) !== directory) continue;
      if (DirectoryEntry.length.get(ram, entry) === length && this.isCalled(entry, name, length)) return entry;
    }
    return 0;
  }

  inodeLocked(entry: number): number {
    return DirectoryEntry.inode.get(this.ram, entry);
  }

  /** Lets a name lead to another inode (rename). */
  setInodeLocked(entry: number, inode: number): void {
    DirectoryEntry.inode.set(this.ram, entry, inode);
  }

  cookieLocked(entry: number): number {
    return DirectoryEntry.cookie.get(this.ram, entry);
  }

  directoryLocked(entry: number): number {
    return DirectoryEntry.directory.get(this.ram, entry);
  }

  isEmptyLocked(directory: number): boolean {
    return Inode.first.get(this.ram, directory) === 0;
  }

  /** Enters a name that is not there yet: the entry, or -ENOSPC with nothing changed. */
  insertLocked(directory: number, name: number, length: number, inode: number): number {
    const { ram } = this;
    const entry = this.entries.alloc();
    if (entry === 0) return -E.NOSPC;
    DirectoryEntry.more.set(ram, entry, 0);
    if (!this.storeName(entry, name, length)) {
      this.freeName(entry);
      this.entries.free(entry);
      return -E.NOSPC;
    }
    const hash = this.hash(directory, name, length);
    DirectoryEntry.directory.set(ram, entry, directory);
    DirectoryEntry.inode.set(ram, entry, inode);
    DirectoryEntry.hash.set(ram, entry, hash);
    DirectoryEntry.length.set(ram, entry, length);
    const bucket = this.bucket(hash);
    DirectoryEntry.bucketNext.set(ram, entry, ram.u32[bucket]!);
    ram.u32[bucket] = entry;

    const last = Inode.last.get(ram, directory);
    const cookie = Inode.nextCookie.get(ram, directory);
    Inode.nextCookie.set(ram, directory, cookie + 1);
    DirectoryEntry.cookie.set(ram, entry, cookie);
    DirectoryEntry.next.set(ram, entry, 0);
    DirectoryEntry.prev.set(ram, entry, last);
    if (last === 0) Inode.first.set(ram, directory, entry);
    else DirectoryEntry.next.set(ram, last, entry);
    Inode.last.set(ram, directory, entry);
    if (SEEDED) this.entries.publish(entry);
    return entry;
  }

  removeLocked(entry: number): void {
    const { ram } = this;
    const bucket = this.bucket(DirectoryEntry.hash.get(ram, entry));
    const chainNext = DirectoryEntry.bucketNext.get(ram, entry);
    let before = ram.u32[bucket]!;
    if (before === entry) ram.u32[bucket] = chainNext;
    else {
      while (DirectoryEntry.bucketNext.get(ram, before) !== entry) before = DirectoryEntry.bucketNext.get(ram, before);
      DirectoryEntry.bucketNext.set(ram, before, chainNext);
    }
    const directory = DirectoryEntry.directory.get(ram, entry);
    const next = DirectoryEntry.next.get(ram, entry);
    const prev = DirectoryEntry.prev.get(ram, entry);
    if (prev === 0) Inode.first.set(ram, directory, next);
    else DirectoryEntry.next.set(ram, prev, next);
    if (next === 0) Inode.last.set(ram, directory, prev);
    else DirectoryEntry.prev.set(ram, next, prev);
    this.freeName(entry);
    this.entries.free(entry);
  }

  /** The first entry of a directory behind a place in its listing, or 0. */
  behindLocked(directory: number, cookie: number): number {
    const { ram } = this;
    // A listing ends with a question for more: that one is answered at once.
    const last = Inode.last.get(ram, directory);
    if (last === 0 || DirectoryEntry.cookie.get(ram, last) <= cookie) return 0;
    let entry = Inode.first.get(ram, directory);
    while (entry !== 0 && DirectoryEntry.cookie.get(ram, entry) <= cookie) entry = DirectoryEntry.next.get(ram, entry);
    return entry;
  }

  nextLocked(entry: number): number {
    return DirectoryEntry.next.get(this.ram, entry);
  }

  /** Copies the name of an entry to a kernel address; says how long it is. */
  copyNameLocked(entry: number, to: number): number {
    const { ram } = this;
    const length = DirectoryEntry.length.get(ram, entry);
    let done = Math.min(length, INLINE_NAME);
    ram.copy(to, DirectoryEntry.name.addr(entry), done);
    for (let piece = DirectoryEntry.more.get(ram, entry); piece !== 0; piece = NamePiece.next.get(ram, piece)) {
      const part = Math.min(length - done, PIECE_NAME);
      ram.copy(to + done, NamePiece.name.addr(piece), part);
      done += part;
    }
    return length;
  }

  private isCalled(entry: number, name: number, length: number): boolean {
    const { ram } = this;
    let done = Math.min(length, INLINE_NAME);
    if (!equal(ram.u8, DirectoryEntry.name.addr(entry), name, done)) return false;
    for (let piece = DirectoryEntry.more.get(ram, entry); piece !== 0; piece = NamePiece.next.get(ram, piece)) {
      const part = Math.min(length - done, PIECE_NAME);
      if (!equal(ram.u8, NamePiece.name.addr(piece), name + done, part)) return false;
      done += part;
    }
    return true;
  }

  private storeName(entry: number, name: number, length: number): boolean {
    const { ram } = this;
    let done = Math.min(length, INLINE_NAME);
    ram.copy(DirectoryEntry.name.addr(entry), name, done);
    for (let last = 0; done < length;) {
      const piece = this.pieces.alloc();
      if (piece === 0) return false;
      const part = Math.min(length - done, PIECE_NAME);
      ram.copy(NamePiece.name.addr(piece), name + done, part);
      NamePiece.next.set(ram, piece, 0);
      if (last === 0) DirectoryEntry.more.set(ram, entry, piece);
      else NamePiece.next.set(ram, last, piece);
      if (SEEDED) this.pieces.publish(piece);
      last = piece;
      done += part;
    }
    return true;
  }

  private freeName(entry: number): void {
    const { ram } = this;
    for (let piece = DirectoryEntry.more.get(ram, entry); piece !== 0;) {
      const next = NamePiece.next.get(ram, piece);
      this.pieces.free(piece);
      piece = next;
    }
  }

  /** FNV-1a over directory and name. */
  private hash(directory: number, name: number, length: number): number {
    const { u8 } = this.ram;
    let hash = Math.imul(0x811c_9dc5 ^ (directory >>> 6), 0x0100_0193);
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ u8[name + i]!, 0x0100_0193);
    return (hash ^ (hash >>> 15)) >>> 0;
  }

  /** Index in `ram.u32` of the head of a chain. */
  private bucket(hash: number): number {
    return this.buckets + (hash & this.mask);
  }
}

function equal(u8: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (u8[a + i] !== u8[b + i]) return false;
  return true;
}

/** Chains of the hash: a power of two, about half as many as there are entries. */
function chainCount(entries: number): number {
  return 2 ** Math.max(4, Math.floor(Math.log2(entries)) - 1);
}
