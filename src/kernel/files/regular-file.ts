/*
 * Regular files of the memory file system: their bytes are a content (contents.ts), whose pages are copied from and to user memory.
 *
 * Guard: the inode's lock, for the whole of one read or write: so each is one step, appending included, and nobody shrinks the file
 * meanwhile. It also guards the positions of open files on it. Nobody waits here.
 *
 * Files may not use up memory: the last RESERVE of it stays for programs, so a machine whose disk is full can still be used.
 */

import { PAGE_SIZE, type Ram } from '../../core/ram.ts';
import { Content, type Contents } from '../contents.ts';
import { E } from '../errno.ts';
import type { Frames } from '../frames.ts';
import type { Truncation } from '../truncation.ts';
import { Thread } from '../thread.ts';
import { FileKind, type FileOps, Open, PollEvent, Whence, writable } from './file-ops.ts';
import { Inode, type Inodes, Touch } from './inodes.ts';
import { OpenFile, type OpenFiles } from './open-files.ts';
import type { Permissions } from './permissions.ts';
import { Mode } from './stat.ts';
import type { Transfer } from './transfer.ts';

/** The largest file, bytes: what a content can have. */
export const MAX_FILE_BYTES = 2 ** 32;
/** The share of all frames that files leave to others. */
const RESERVE = 1 / 32;
const SET_ID = Mode.SetUid | Mode.SetGid;

export class RegularFiles implements FileOps {
  private readonly reserve: number;

  constructor(
    private readonly ram: Ram,
    private readonly frames: Frames,
    private readonly contents: Contents,
    private readonly truncation: Truncation,
    private readonly files: OpenFiles,
    private readonly inodes: Inodes,
    private readonly permissions: Permissions,
  ) {
    this.reserve = Math.floor(frames.total * RESERVE);
    files.register(FileKind.inode, this);
  }

  read(_thread: number, file: number, to: Transfer): number {
    const { ram, inodes } = this;
    const inode = OpenFile.object.get(ram, file);
    inodes.lock(inode);
    const start = to.offset >= 0 ? to.offset : OpenFile.offset.get(ram, file);
    const size = inodes.size(inode);
    let error = 0;
    for (let at = start; to.left > 0 && at < size && error === 0; at = start + to.done) {
      const inPage = at % PAGE_SIZE;
      const part = Math.min(PAGE_SIZE - inPage, size - at, to.left);
      const frame = this.contents.frameAt(Inode.content.get(ram, inode), (at - inPage) / PAGE_SIZE);
      error = frame === 0 ? to.outZeroes(part) : to.out(frame + inPage, part);
    }
    if (to.offset < 0) OpenFile.offset.set(ram, file, start + to.done);
    if ((this.files.flags(file) & Open.NoAccessTime) === 0) inodes.noteAccessLocked(inode);
    inodes.unlock(inode);
    return to.done > 0 ? to.done : error;
  }

  write(thread: number, file: number, from: Transfer): number {
    const { ram, inodes } = this;
    const inode = OpenFile.object.get(ram, file);
    inodes.lock(inode);
    const appends = (this.files.flags(file) & Open.Append) !== 0;
    const positioned = from.offset >= 0;
    // `from` may be on its way already (sendfile): then `start` is where its beginning would be.
    const position = appends ? inodes.size(inode) : OpenFile.offset.get(ram, file);
    const start = positioned && !appends ? from.offset : position - from.done;
    const error = this.writeLocked(Thread.process.get(ram, thread), inode, start, from);
    if (!positioned) OpenFile.offset.set(ram, file, start + from.done);
    inodes.unlock(inode);
    return from.done > 0 ? from.done : error;
  }

  /** Writes what there is of `from`: 0, -EFBIG, -ENOSPC, -EFAULT, -ENOMEM; `from.done` tells how far it came. */
  private writeLocked(process: number, inode: number, start: number, from: Transfer): number {
    const { ram, contents, inodes } = this;
    if (from.left === 0) return 0;
    const first = from.done;
    if (start + first >= MAX_FILE_BYTES) return -E.FBIG;
    const content = Inode.content.get(ram, inode);
    const before = inodes.size(inode);
    const end = Math.min(start + from.total, MAX_FILE_BYTES);
    // First of all: to grow clears what is behind the old end.
    if (end > before) contents.setSize(content, end);
    let error = 0;
    for (let at = start + first; at < end && error === 0; at = start + from.done) {
      const inPage = at % PAGE_SIZE;
      const frame = this.pageLocked(content, (at - inPage) / PAGE_SIZE);
      error = frame < 0 ? frame : from.in(frame + inPage, Math.min(PAGE_SIZE - inPage, end - at));
    }
    const reached = Math.max(before, start + from.done);
    // What has not been written was no growth.
    if (reached < end && end > before) this.truncation.setSize(content, from.done === first ? before : reached);
    if (from.done > first) this.noteChangeLocked(process, inode);
    return error;
  }

  /** The frame of a page, made if need be: -ENOSPC, -EFBIG. */
  private pageLocked(content: number, page: number): number {
    const known = this.contents.frameAt(content, page);
    if (known !== 0) return known;
    if (this.frames.freeCount() <= this.reserve) return -E.NOSPC;
    const frame = this.contents.ensureFrame(content, page);
    return frame === -E.NOMEM ? -E.NOSPC : frame;
  }

  /** A file that others than root have changed is no longer set-user-id. */
  private noteChangeLocked(process: number, inode: number): void {
    const { ram, inodes } = this;
    const mode = Inode.mode.get(ram, inode);
    if ((mode & SET_ID) !== 0 && !this.permissions.isRoot(process)) {
      Inode.mode.set(ram, inode, mode & ~(Mode.SetUid | ((mode & 0o010) !== 0 ? Mode.SetGid : 0)));
    }
    inodes.touchLocked(inode, Touch.Modify | Touch.Change);
  }

  seek(file: number, offset: number, whence: number): number {
    const { ram, inodes } = this;
    const inode = OpenFile.object.get(ram, file);
    inodes.lock(inode);
    const size = inodes.size(inode);
    let to = -E.INVAL;
    if (whence === Whence.Set) to = offset;
    else if (whence === Whence.Current) to = OpenFile.offset.get(ram, file) + offset;
    else if (whence === Whence.End) to = size + offset;
    else if (whence === Whence.Data || whence === Whence.Hole)
      to = this.seekHoleLocked(inode, offset, size, whence === Whence.Hole);
    if (to < 0 && to > -4096 && whence > Whence.End) {
      inodes.unlock(inode);
      return to;
    }
    const good = to >= 0 && to <= Number.MAX_SAFE_INTEGER;
    if (good) OpenFile.offset.set(ram, file, to);
    inodes.unlock(inode);
    return good ? to : -E.INVAL;
  }

  /** The first byte from `offset` on that is in a hole, or not in one; -ENXIO behind the end. */
  private seekHoleLocked(inode: number, offset: number, size: number, hole: boolean): number {
    if (!(offset >= 0 && offset < size)) return -E.NXIO;
    const content = Inode.content.get(this.ram, inode);
    for (let at = offset; at < size; at = Math.floor(at / PAGE_SIZE + 1) * PAGE_SIZE) {
      if ((this.contents.frameAt(content, Math.floor(at / PAGE_SIZE)) === 0) === hole) return at;
    }
    return hole ? size : -E.NXIO;
  }

  truncate(thread: number, file: number, size: number): number {
    const { ram } = this;
    return this.resize(Thread.process.get(ram, thread), OpenFile.object.get(ram, file), size);
  }

  /** truncate(2): 0 or -EFBIG. */
  resize(process: number, inode: number, size: number): number {
    const { ram, inodes } = this;
    if (size > MAX_FILE_BYTES) return -E.FBIG;
    inodes.lock(inode);
    const result = this.truncation.setSize(Inode.content.get(ram, inode), size);
    if (result === 0) this.noteChangeLocked(process, inode);
    inodes.unlock(inode);
    return result;
  }

  /** fallocate(2): memory for a range, or a hole in it. */
  allocate(thread: number, file: number, mode: number, offset: number, length: number): number {
    const { ram, inodes, contents } = this;
    const inode = OpenFile.object.get(ram, file);
    const end = offset + length;
    if (end > MAX_FILE_BYTES) return -E.FBIG;
    const content = Inode.content.get(ram, inode);
    inodes.lock(inode);
    const before = inodes.size(inode);
    let error = 0;
    if ((mode & (Allocate.PunchHole | Allocate.ZeroRange)) !== 0) this.clearLocked(content, offset, Math.min(end, before));
    if ((mode & Allocate.PunchHole) === 0) {
      if (end > before && (mode & Allocate.KeepSize) === 0) contents.setSize(content, end);
      const last = Math.min(end, Content.size.peek(ram, content));
      for (let page = Math.floor(offset / PAGE_SIZE); page * PAGE_SIZE < last && error === 0; page++)
        error = Math.min(0, this.pageLocked(content, page));
      // What was given in vain goes back with the end.
      if (error !== 0 && end > before) this.truncation.setSize(content, before);
    }
    if (error === 0) this.noteChangeLocked(Thread.process.get(ram, thread), inode);
    inodes.unlock(inode);
    return error;
  }

  /** Writes zeroes where there are pages. */
  private clearLocked(content: number, start: number, end: number): void {
    for (let at = start; at < end;) {
      const inPage = at % PAGE_SIZE;
      const part = Math.min(PAGE_SIZE - inPage, end - at);
      const frame = this.contents.frameAt(content, (at - inPage) / PAGE_SIZE);
      if (frame !== 0) this.ram.fill(frame + inPage, part);
      at += part;
    }
  }

  poll(): number {
    return PollEvent.In | PollEvent.Out | PollEvent.ReadNormal | PollEvent.WriteNormal;
  }

  stat(file: number, at: number): number {
    return this.inodes.stat(OpenFile.inode.get(this.ram, file), at);
  }

  ioctl(_thread: number, _space: number, _file: number, _request: number, _argument: number): number {
    return -E.NOTTY;
  }

  release(file: number): void {
    const { ram, inodes } = this;
    const inode = OpenFile.inode.get(ram, file);
    if (writable(this.files.flags(file))) inodes.endWriting(inode);
    inodes.release(inode);
  }
}

/** Modes of fallocate(2). */
export const Allocate = { KeepSize: 1, PunchHole: 2, CollapseRange: 8, ZeroRange: 0x10, InsertRange: 0x20 } as const;
