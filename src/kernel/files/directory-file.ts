/*
 * Open directories: getdents64(2) and positions in a listing.
 *
 * A position is the place (`cookie`) of the entry that was listed last; `.` and `..` have 1 and 2. The inode's lock guards it, not the
 * namespace: two threads that list one open directory at once may get an entry twice, but each gets whole records.
 */

import type { Ram } from '../../core/ram.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import { NAME_SCRATCH, STRUCT_SCRATCH } from '../scratch.ts';
import type { UserCopy } from '../user-copy.ts';
import type { DirectoryEntries } from './directory-entries.ts';
import { FileKind, type FileOps, PollEvent, Whence } from './file-ops.ts';
import type { Listing } from './file-system.ts';
import { FIRST_COOKIE, Inode, type Inodes } from './inodes.ts';
import { OpenFile, type OpenFiles } from './open-files.ts';
import { Mode } from './stat.ts';
import type { Tree } from './tree.ts';

/** Bytes of a `struct linux_dirent64` before its name. */
const HEAD_BYTES = 19;
const KIND_SHIFT = 12;

/** Writes records of getdents64(2) into user memory. One object a participant. */
class Records implements Listing {
  done = 0;
  error = 0;
  /** Place behind the last record. */
  reached = 0;
  private space = 0;
  private buffer = 0;
  private size = 0;

  constructor(
    private readonly ram: Ram,
    private readonly copy: UserCopy,
    private readonly scratch: number,
  ) {}

  begin(space: number, buffer: number, size: number, from: number): void {
    this.space = space;
    this.buffer = buffer;
    this.size = size;
    this.done = 0;
    this.error = 0;
    this.reached = from;
  }

  add(name: number, length: number, number: number, kind: number, next: number): boolean {
    const { ram } = this;
    const bytes = (HEAD_BYTES + length + 1 + 7) & ~7;
    if (this.done + bytes > this.size) {
      this.error = -E.INVAL;
      return false;
    }
    const at = this.scratch + STRUCT_SCRATCH;
    ram.setU64(at, number);
    ram.setU64(at + 8, next);
    ram.u16[(at + 16) >>> 1] = bytes;
    ram.u8[at + 18] = kind >>> KIND_SHIFT;
    ram.copy(at + HEAD_BYTES, name, length);
    ram.fill(at + HEAD_BYTES + length, bytes - HEAD_BYTES - length);
    this.error = this.copy.copyOut(this.space, this.buffer + this.done, at, bytes);
    if (this.error !== 0) return false;
    this.done += bytes;
    this.reached = next;
    return true;
  }

  addText(name: string, number: number, kind: number, next: number): boolean {
    const bytes = encoder.encode(name);
    this.ram.u8.set(bytes, this.scratch + NAME_SCRATCH);
    return this.add(this.scratch + NAME_SCRATCH, bytes.length, number, kind, next);
  }
}

const encoder = new TextEncoder();

export class DirectoryFiles implements FileOps {
  private readonly records: Records;
  private readonly inodes: Inodes;
  private readonly entries: DirectoryEntries;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    copy: UserCopy,
    private readonly tree: Tree,
    files: OpenFiles,
    private readonly scratch: number,
  ) {
    this.inodes = tree.inodes;
    this.entries = tree.entries;
    this.records = new Records(ram, copy, scratch);
    files.register(FileKind.directory, this);
  }

  read(): number {
    return -E.ISDIR;
  }

  write(): number {
    return -E.BADF;
  }

  /** getdents64(2): bytes written, 0 at the end, -EINVAL (no room for one), -EFAULT, -ENOENT (it has been removed). */
  list(process: number, space: number, file: number, buffer: number, size: number): number {
    const { ram, inodes, tree, records } = this;
    const directory = OpenFile.object.get(ram, file);
    const system = tree.systemOf(directory);
    if (tree.isRemoved(directory) && system === undefined) return -E.NOENT;
    inodes.lock(directory);
    const from = OpenFile.offset.get(ram, file);
    inodes.noteAccessLocked(directory);
    inodes.unlock(directory);
    records.begin(space, buffer, size, from);
    let more = this.listDots(directory, from);
    let error = 0;
    if (more && system !== undefined) error = system.list(process, directory, Math.max(from, FIRST_COOKIE - 1), records);
    else if (more) this.listEntries(directory, from);
    more = records.done > 0;
    inodes.lock(directory);
    OpenFile.offset.set(ram, file, records.reached);
    inodes.unlock(directory);
    return more ? records.done : error !== 0 ? error : records.error;
  }

  /** `.` and `..`; whether to go on. */
  private listDots(directory: number, from: number): boolean {
    const { ram, inodes, records } = this;
    if (from < 1 && !records.addText('.', Inode.number.get(ram, directory), Mode.Directory, 1)) return false;
    if (from >= 2) return true;
    const parent = this.tree.parentOf(directory);
    if (parent < 0) return false;
    const added = records.addText('..', Inode.number.get(ram, parent), Mode.Directory, 2);
    inodes.release(parent);
    return added;
  }

  private listEntries(directory: number, from: number): void {
    const { ram, locks, entries, inodes, records } = this;
    const name = this.scratch + NAME_SCRATCH;
    locks.acquire(entries.lock);
    for (let entry = entries.behindLocked(directory, from); entry !== 0; entry = entries.nextLocked(entry)) {
      const inode = entries.inodeLocked(entry);
      const length = entries.copyNameLocked(entry, name);
      const number = Inode.number.get(ram, inode);
      if (!records.add(name, length, number, inodes.kind(inode), entries.cookieLocked(entry))) break;
    }
    locks.release(entries.lock);
  }

  seek(file: number, offset: number, whence: number): number {
    const { ram, inodes } = this;
    const directory = OpenFile.object.get(ram, file);
    inodes.lock(directory);
    const to = whence === Whence.Set ? offset : whence === Whence.Current ? OpenFile.offset.get(ram, file) + offset : -1;
    const good = to >= 0 && to <= Number.MAX_SAFE_INTEGER;
    if (good) OpenFile.offset.set(ram, file, to);
    inodes.unlock(directory);
    return good ? to : -E.INVAL;
  }

  poll(): number {
    return PollEvent.In | PollEvent.Out | PollEvent.ReadNormal | PollEvent.WriteNormal;
  }

  stat(file: number, at: number): number {
    const inode = OpenFile.inode.get(this.ram, file);
    const error = this.inodes.stat(inode, at);
    this.tree.systemOf(inode)?.stat?.(inode, at);
    return error;
  }

  release(file: number): void {
    this.inodes.release(OpenFile.inode.get(this.ram, file));
  }
}
