/*
 * Open files of /proc: a text that was made when they were opened (`OpenFile.object` is its content), read-only.
 */

import { PAGE_SIZE, type Ram } from '../../core/ram.ts';
import type { Contents } from '../contents.ts';
import { E } from '../errno.ts';
import { FileKind, type FileOps, PollEvent, Whence } from '../files/file-ops.ts';
import type { Inodes } from '../files/inodes.ts';
import { OpenFile, type OpenFiles } from '../files/open-files.ts';
import type { Transfer } from '../files/transfer.ts';

export class ProcTexts implements FileOps {
  constructor(
    private readonly ram: Ram,
    private readonly contents: Contents,
    private readonly inodes: Inodes,
    files: OpenFiles,
  ) {
    files.register(FileKind.proc, this);
  }

  read(_thread: number, file: number, to: Transfer): number {
    const { ram, contents, inodes } = this;
    const content = OpenFile.object.get(ram, file);
    const inode = OpenFile.inode.get(ram, file);
    inodes.lock(inode);
    let at = to.offset >= 0 ? to.offset : OpenFile.offset.get(ram, file);
    const end = Math.min(at + to.left, contents.size(content));
    let error = 0;
    while (at < end && error === 0) {
      const before = to.done;
      const inPage = at % PAGE_SIZE;
      // Nobody changes it: the frames stay where they are.
      error = to.out(contents.frameAt(content, Math.floor(at / PAGE_SIZE)) + inPage, Math.min(end - at, PAGE_SIZE - inPage));
      at += to.done - before;
    }
    if (to.offset < 0) OpenFile.offset.set(ram, file, at);
    inodes.unlock(inode);
    return to.done > 0 ? to.done : error;
  }

  write(): number {
    return -E.BADF;
  }

  seek(file: number, offset: number, whence: number): number {
    const { ram, inodes } = this;
    const inode = OpenFile.inode.get(ram, file);
    inodes.lock(inode);
    const from = whence === Whence.Set ? 0 : whence === Whence.Current ? OpenFile.offset.get(ram, file) : -1;
    const to = from < 0 ? -1 : from + offset;
    if (to >= 0) OpenFile.offset.set(ram, file, to);
    inodes.unlock(inode);
    return to >= 0 ? to : -E.INVAL;
  }

  poll(): number {
    return PollEvent.In | PollEvent.Out | PollEvent.ReadNormal | PollEvent.WriteNormal;
  }

  stat(file: number, at: number): number {
    return this.inodes.stat(OpenFile.inode.get(this.ram, file), at);
  }

  release(file: number): void {
    this.contents.release(OpenFile.object.get(this.ram, file));
    this.inodes.release(OpenFile.inode.get(this.ram, file));
  }
}
