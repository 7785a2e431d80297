/*
 * Inodes: files themselves, whatever they are called. What kind of file one is, whose, its times, and where its bytes are.
 *
 * References: each open file, each working directory, each walk along a path, each process for its program; the names of a file hold one
 * together, as long as there is a name (`links` > 0), and a directory holds one to its parent, also after it has been removed. The last
 * reference gives the content and the slot back.
 *
 * Guards: `lock` (rank `inode`) for what a file is like and for its bytes; while it is held, the content does not shrink. `mode`, `uid`,
 * `gid` and times are single words that may be peeked at. Names, links and parents belong to the directory tree: `Namespace.lock`
 * (tree.ts), which is taken before it. The kind of a file never changes.
 *
 * An inode of another file system (file-system.ts) has the number of that system, and two words for it.
 */

import { bytes, f64, i32, struct, u32 } from '../../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../../core/ram.ts';
import type { Clock } from '../../devices/clock.ts';
import { atomicU32 } from '../../smp/atomics.ts';
import { KernelPanic } from '../../smp/panic.ts';
import { Rank } from '../../smp/ranks.ts';
import { SEEDED } from '../../smp/schedule/build.ts';
import { spinlock, type Locks } from '../../smp/spinlock.ts';
import { Content, type Contents } from '../contents.ts';
import { E } from '../errno.ts';
import { SlotPool } from '../slots.ts';
import { waitQueue } from '../wait.ts';
import { deviceNumber, Mode, Stat } from './stat.ts';

/** Targets of symbolic links up to so many bytes lie in the inode. */
export const INLINE_TEXT = 56;

export const Inode = struct(
  'Inode',
  {
    lock: spinlock(),
    refCount: atomicU32(),
    /** Never that of another file before. */
    number: u32('immutable'),
    /** File system that looks after it; 0: the memory file system. */
    system: u32('immutable'),
    /** What the file system knows it by. */
    node: u32('immutable'),
    subnode: u32('immutable'),
    /** Kind and permissions, as stat(2) has them. */
    mode: u32('lock'),
    uid: u32('lock'),
    gid: u32('lock'),
    /** Of a device file: what it stands for. */
    device: u32('immutable'),
    /** Open files that can write it; negative: processes that run it as a program. Never both. */
    writers: i32('lock'),
    /** Bytes of a regular file, or of a long link; 0: it has none. */
    content: u32('immutable'),
    /** Bytes of a link's target. */
    textLength: u32('immutable'),
    /** First of the advisory locks on it (file-locks.ts), and who waits for one. */
    locks: u32('lock'),
    lockWaiters: waitQueue('lock'),
    /** Of a FIFO: its pipe while it is open. */
    pipe: u32('lock'),
    accessNs: u32('lock'),
    modifyNs: u32('lock'),
    changeNs: u32('lock'),
    accessSeconds: f64('lock'),
    modifySeconds: f64('lock'),
    changeSeconds: f64('lock'),

    /** Names; a directory also counts its own `.` and the `..` of those in it. */
    links: u32('Namespace.lock'),
    /** The directory that a directory is in; the root is in itself. */
    parent: u32('Namespace.lock'),
    /** Its entry there; one of those of another file, or 0. */
    entry: u32('Namespace.lock'),
    /** Entries of a directory, oldest first. */
    first: u32('Namespace.lock'),
    last: u32('Namespace.lock'),
    /** Root of the file system that is mounted on it. */
    mounted: u32('Namespace.lock'),
    /** The place in listings of the entry that comes next. */
    nextCookie: f64('Namespace.lock'),
    text: bytes('immutable', INLINE_TEXT),
  },
  { align: 64 },
);

/** Which times `touch` sets to now. */
export const Touch = { Access: 1, Modify: 2, Change: 4 } as const;

/** Places of listings before the first entry: `.` and `..`. */
export const FIRST_COOKIE = 3;

/** The device number of the memory file system (0:1, as the first file system that Linux mounts). */
const FILE_SYSTEM_DEVICE = deviceNumber(0, 1);
const STAT_BLOCK = 512;

export class Inodes {
  private readonly pool: SlotPool;
  /** Told when an inode of another file system goes away. */
  onRelease: ((inode: number) => void) | undefined;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly contents: Contents,
    private readonly clock: Clock,
    base: number,
    count: number,
  ) {
    this.pool = new SlotPool(ram, locks, base, { name: 'inode', count, size: Inode.SIZE, layout: Inode, order: 'lifo' });
  }

  static bytes(count: number): number {
    return SlotPool.bytes(count, Inode.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
    for (let index = 0; index < this.pool.count; index++) Inode.lock.init(this.ram, this.pool.at(index), Rank.inode);
  }

  get count(): number {
    return this.pool.count;
  }

  /** Inodes in use: a snapshot. */
  inUse(): number {
    return this.pool.inUse();
  }

  /**
   * A new file without a name, with one reference; nobody else knows it until `publish`.
   *
   * @param mode kind and permissions
   * @param device of a device file, what it stands for
   * @returns its address, or -ENOSPC
   */
  create(mode: number, uid: number, gid: number, device = 0, system = 0): number {
    const { ram } = this;
    const isRegular = (mode & Mode.Kinds) === Mode.Regular && system === 0;
    const content = isRegular ? this.contents.create() : 0;
    if (content < 0) return -E.NOSPC;
    const inode = this.pool.alloc();
    if (inode === 0) {
      if (content !== 0) this.contents.release(content);
      return -E.NOSPC;
    }
    // The lock is left alone: who comes late to a former owner may look at it.
    const behindLock = Inode.lock.offset + Inode.lock.size;
    ram.fill(inode + behindLock, Inode.SIZE - behindLock);
    Inode.refCount.store(ram, inode, 1);
    Inode.number.set(ram, inode, this.pool.handleOf(inode));
    Inode.system.set(ram, inode, system);
    Inode.mode.set(ram, inode, mode);
    Inode.uid.set(ram, inode, uid);
    Inode.gid.set(ram, inode, gid);
    Inode.device.set(ram, inode, device);
    Inode.content.set(ram, inode, content);
    Inode.nextCookie.set(ram, inode, FIRST_COOKIE);
    this.touchLocked(inode, Touch.Access | Touch.Modify | Touch.Change);
    return inode;
  }

  /** Others can find it from now on. */
  publish(inode: number): void {
    if (SEEDED) this.pool.publish(inode);
  }

  /** Makes a new file a symbolic link to `length` > 0 bytes at a kernel address: 0, or -ENOSPC. */
  setText(inode: number, address: number, length: number): number {
    const { ram } = this;
    Inode.textLength.set(ram, inode, length);
    if (length <= INLINE_TEXT) {
      ram.copy(Inode.text.addr(inode), address, length);
      return 0;
    }
    const content = this.contents.fromBytes(ram.bytes(address, length));
    if (content < 0) return -E.NOSPC;
    Inode.content.set(ram, inode, content);
    return 0;
  }

  /** Gives a new regular file these bytes: 0, -EFBIG or -ENOSPC. */
  setBytes(inode: number, data: Uint8Array): number {
    const { ram } = this;
    const content = this.contents.fromBytes(data);
    if (content < 0) return content === -E.FBIG ? content : -E.NOSPC;
    this.contents.release(Inode.content.get(ram, inode));
    Inode.content.set(ram, inode, content);
    return 0;
  }

  /** Copies the target of a link to a kernel address; says how long it is. There is room for PATH_BYTES. */
  copyText(inode: number, to: number): number {
    const { ram, contents } = this;
    const length = Inode.textLength.get(ram, inode);
    if (length <= INLINE_TEXT) ram.copy(to, Inode.text.addr(inode), length);
    else ram.u8.set(contents.read(Inode.content.get(ram, inode), 0, length), to);
    return length;
  }

  retain(inode: number): void {
    if (Inode.refCount.add(this.ram, inode, 1) === 0) throw new KernelPanic('dead inode retained');
  }

  /** Drops a reference. The namespace and the inode are not locked. */
  release(inode: number): void {
    for (let next = inode; next !== 0;) next = this.drop(next);
  }

  private drop(inode: number): number {
    const { ram } = this;
    const before = Inode.refCount.sub(ram, inode, 1);
    if (before === 0) throw new KernelPanic('dead inode released');
    if (before !== 1) return 0;
    if (SEEDED) this.pool.claim(inode);
    if (Inode.system.get(ram, inode) !== 0) this.onRelease?.(inode);
    const parent = Inode.parent.get(ram, inode);
    const content = Inode.content.get(ram, inode);
    if (content !== 0) this.contents.release(content);
    this.pool.free(inode);
    return parent === inode ? 0 : parent;
  }

  /** Bits of `Mode.Kinds`: never changes. */
  kind(inode: number): number {
    return Inode.mode.peek(this.ram, inode) & Mode.Kinds;
  }

  isDirectory(inode: number): boolean {
    return this.kind(inode) === Mode.Directory;
  }

  lock(inode: number): void {
    this.locks.acquire(Inode.lock.addr(inode));
  }

  unlock(inode: number): void {
    this.locks.release(Inode.lock.addr(inode));
  }

  /** Bytes of a regular file; stable while its lock is held. */
  size(inode: number): number {
    const { ram } = this;
    const content = Inode.content.get(ram, inode);
    return this.kind(inode) === Mode.Regular && content !== 0 ? Content.size.peek(ram, content) : 0;
  }

  /** Sets times to now; bits of `Touch`. The caller holds the lock, or has the inode alone. */
  touchLocked(inode: number, which: number): void {
    const now = this.clock.nowNs();
    this.setTimesLocked(inode, which, this.clock.realtimeSeconds(now), Math.floor(this.clock.realtimeFraction(now)));
  }

  /** Sets times to now. */
  touch(inode: number, which: number): void {
    this.lock(inode);
    this.touchLocked(inode, which);
    this.unlock(inode);
  }

  setTimesLocked(inode: number, which: number, seconds: number, ns: number): void {
    const { ram } = this;
    if ((which & Touch.Access) !== 0) {
      Inode.accessSeconds.set(ram, inode, seconds);
      Inode.accessNs.set(ram, inode, ns);
    }
    if ((which & Touch.Modify) !== 0) {
      Inode.modifySeconds.set(ram, inode, seconds);
      Inode.modifyNs.set(ram, inode, ns);
    }
    if ((which & Touch.Change) !== 0) {
      Inode.changeSeconds.set(ram, inode, seconds);
      Inode.changeNs.set(ram, inode, ns);
    }
  }

  /** Notes a reading, as `relatime` does: when it is the first since the last change, or a day has passed. */
  noteAccessLocked(inode: number): void {
    const { ram } = this;
    const seconds = Inode.accessSeconds.get(ram, inode);
    const ns = Inode.accessNs.get(ram, inode);
    const since = (s: number, n: number): boolean => s > seconds || (s === seconds && n >= ns);
    const due =
      since(Inode.modifySeconds.get(ram, inode), Inode.modifyNs.get(ram, inode)) ||
      since(Inode.changeSeconds.get(ram, inode), Inode.changeNs.get(ram, inode)) ||
      this.clock.realtimeSeconds(this.clock.nowNs()) - seconds >= DAY_SECONDS;
    if (due) this.touchLocked(inode, Touch.Access);
  }

  /** fstat(2): fills a Stat at a kernel address. */
  stat(inode: number, at: number): number {
    const { ram } = this;
    this.lock(inode);
    ram.fill(at, Stat.SIZE);
    const kind = this.kind(inode);
    Stat.device.set(ram, at, FILE_SYSTEM_DEVICE + Inode.system.get(ram, inode));
    Stat.inode.set(ram, at, Inode.number.get(ram, inode));
    Stat.mode.set(ram, at, Inode.mode.get(ram, inode));
    // Links change under the tree's lock: a moment's look will do.
    Stat.links.set(ram, at, Inode.links.peek(ram, inode));
    Stat.uid.set(ram, at, Inode.uid.get(ram, inode));
    Stat.gid.set(ram, at, Inode.gid.get(ram, inode));
    Stat.represents.set(ram, at, Inode.device.get(ram, inode));
    const size = kind === Mode.Link ? Inode.textLength.get(ram, inode) : this.size(inode);
    Stat.size.set(ram, at, size);
    Stat.blockSize.set(ram, at, PAGE_SIZE);
    const content = Inode.content.get(ram, inode);
    const pages = kind === Mode.Regular && content !== 0 ? this.contents.pagesHeld(content) : 0;
    Stat.blocks.set(ram, at, (pages * PAGE_SIZE) / STAT_BLOCK);
    Stat.accessSeconds.set(ram, at, Inode.accessSeconds.get(ram, inode));
    Stat.accessNs.set(ram, at, Inode.accessNs.get(ram, inode));
    Stat.modifySeconds.set(ram, at, Inode.modifySeconds.get(ram, inode));
    Stat.modifyNs.set(ram, at, Inode.modifyNs.get(ram, inode));
    Stat.changeSeconds.set(ram, at, Inode.changeSeconds.get(ram, inode));
    Stat.changeNs.set(ram, at, Inode.changeNs.get(ram, inode));
    this.unlock(inode);
    return 0;
  }

  /** One more open file that can write it: 0, or -ETXTBSY while it runs as a program. */
  beginWriting(inode: number): number {
    return this.countUse(inode, 1);
  }

  endWriting(inode: number): void {
    this.countUse(inode, -1, true);
  }

  /** One more process that runs it: 0, or -ETXTBSY while somebody could write it. */
  beginRunning(inode: number): number {
    return this.countUse(inode, -1);
  }

  endRunning(inode: number): void {
    this.countUse(inode, 1, true);
  }

  private countUse(inode: number, change: number, ends = false): number {
    const { ram } = this;
    this.lock(inode);
    const before = Inode.writers.get(ram, inode);
    const refused = !ends && before * change < 0;
    if (!refused) Inode.writers.set(ram, inode, before + change);
    this.unlock(inode);
    return refused ? -E.TXTBSY : 0;
  }
}

const DAY_SECONDS = 86_400;
