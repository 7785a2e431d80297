/*
 * Open files ("open file descriptions"): what descriptors name. Made by open(2), pipe(2) and so on, shared by dup(2) and fork(2).
 *
 * Life: counted by reference. Every entry of a descriptor table holds one, and a call that another thread's close(2) could overtake holds
 * one meanwhile (descriptors.ts). The last release calls the kind's `release` and frees the slot. Nobody finds an open file but through
 * such a reference, so none is ever stale.
 *
 * Guards: the reference count and the status flags are atomic; the position is guarded by the lock of what the file is open on.
 */

import { f64, struct, u32 } from '../../core/layout.ts';
import type { Ram } from '../../core/ram.ts';
import { atomicU32 } from '../../smp/atomics.ts';
import { KernelPanic } from '../../smp/panic.ts';
import { SEEDED } from '../../smp/schedule/build.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { SlotPool } from '../slots.ts';
import { FILE_KINDS, type FileOps, Open } from './file-ops.ts';

export const OpenFile = struct(
  'OpenFile',
  {
    refCount: atomicU32(),
    /** FileKind. */
    kind: u32('immutable'),
    /** Access mode and status flags of open(2). */
    flags: atomicU32(),
    /** What it is open on; its kind knows what that is. */
    object: u32('immutable'),
    /** The inode that it was opened by, 0 for what has no name. */
    inode: u32('immutable'),
    /** A word of the kind's own: where a directory listing goes on, for instance. */
    cookie: u32('opened'),
    /** Position, bytes. */
    offset: f64('opened'),
  },
  { align: 64 },
);

/** What F_SETFL can change. */
const SETTABLE = Open.Append | Open.NonBlock | Open.Async | Open.Direct | Open.NoAccessTime;

/** What else F_GETFL shows. */
const KEPT = Open.DataSync | Open.Directory | Open.NoFollow | Open.LargeFile;

export class OpenFiles {
  private readonly pool: SlotPool;
  private readonly ops: (FileOps | undefined)[] = new Array<FileOps | undefined>(FILE_KINDS).fill(undefined);

  constructor(
    private readonly ram: Ram,
    locks: Locks,
    base: number,
    count: number,
  ) {
    this.pool = new SlotPool(ram, locks, base, {
      name: 'open file',
      count,
      size: OpenFile.SIZE,
      layout: OpenFile,
      order: 'lifo',
    });
  }

  static bytes(count: number): number {
    return SlotPool.bytes(count, OpenFile.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
  }

  /** Called when the last reference to a file is gone, before its kind is. */
  onRelease: ((file: number) => void) | undefined;

  /** Says how files of a kind (FileKind) work. */
  register(kind: number, ops: FileOps): void {
    this.ops[kind] = ops;
  }

  /** Open files in use: a snapshot. */
  inUse(): number {
    return this.pool.inUse();
  }

  /** An open file with one reference, or 0 when there is no slot (ENFILE). Takes over the caller's hold on object and inode. */
  create(kind: number, flags: number, object: number, inode: number): number {
    const { ram } = this;
    const file = this.pool.alloc();
    if (file === 0) return 0;
    OpenFile.refCount.store(ram, file, 1);
    OpenFile.kind.set(ram, file, kind);
    OpenFile.flags.store(ram, file, flags & (Open.AccessMode | SETTABLE | Open.Path | KEPT));
    OpenFile.object.set(ram, file, object);
    OpenFile.inode.set(ram, file, inode);
    OpenFile.cookie.set(ram, file, 0);
    OpenFile.offset.set(ram, file, 0);
    if (SEEDED) this.pool.publish(file);
    return file;
  }

  /** The operations of a file. */
  opsOf(file: number): FileOps {
    return this.ops[OpenFile.kind.get(this.ram, file)]!;
  }

  flags(file: number): number {
    return OpenFile.flags.peek(this.ram, file);
  }

  /** F_SETFL: keeps what it cannot change. 0, or an errno of the kind. */
  setFlags(file: number, flags: number): number {
    const { ram } = this;
    const before = OpenFile.flags.load(ram, file);
    const after = (before & ~SETTABLE) | (flags & SETTABLE);
    const error = this.opsOf(file).setFlags?.(file, after) ?? 0;
    if (error === 0) OpenFile.flags.store(ram, file, after);
    return error;
  }

  retain(file: number): void {
    if (OpenFile.refCount.add(this.ram, file, 1) === 0) throw new KernelPanic('dead open file retained');
  }

  /** Drops a reference; the last one closes the file. No lock is held. */
  release(file: number): void {
    const before = OpenFile.refCount.sub(this.ram, file, 1);
    if (before === 0) throw new KernelPanic('dead open file released');
    if (before !== 1) return;
    if (SEEDED) this.pool.claim(file);
    this.onRelease?.(file);
    this.opsOf(file).release(file);
    this.pool.free(file);
  }
}
