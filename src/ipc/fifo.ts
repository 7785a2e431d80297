/*
 * FIFOs (fifo(7)): pipes with a name. The pipe hangs on the inode (`Inode.pipe`, under the inode's lock) from the first open to the last close;
 * what is in it then is lost. Reading, writing and all waits for bytes and room are the pipe's.
 *
 * Opening one end waits until the other is open, in the Rerun form under the pipe's lock, on `openers`. The opener counts itself first
 * (`readopen`, `readsOpened`), makes its open file and has its thread hold it: the call that is made again goes on with that, and
 * whoever dies or is interrupted while it waits closes it like any other. It waits for a change of the count of opens of the other kind
 * (`writesOpened`), not for an open end: so one that comes and goes at once ends the wait all the same. All openers that wait want the same kind of
 * partner (who would be the other's is none that waits), so all are woken.
 *
 * Lock order: inode, then pipe.
 */

import type { Ram } from '../core/ram.ts';
import { E } from '../kernel/errno.ts';
import { FileKind, type FileOps, Open, type PollWatch, readable, writable } from '../kernel/files/file-ops.ts';
import { Inode, Touch } from '../kernel/files/inodes.ts';
import { OpenFile } from '../kernel/files/open-files.ts';
import type { Opener } from '../kernel/files/opening.ts';
import { Mode } from '../kernel/files/stat.ts';
import type { Transfer } from '../kernel/files/transfer.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { BLOCKED } from '../kernel/result.ts';
import { WaitForm, WaitReason } from '../kernel/wait.ts';
import type { Pipes } from './pipe.ts';
import { Pipe } from './pipe-layout.ts';

export class Fifos implements FileOps, Opener {
  private readonly ram: Ram;

  constructor(
    private readonly kernel: Kernel,
    private readonly pipes: Pipes,
  ) {
    this.ram = kernel.ram;
    kernel.files.register(FileKind.fifo, this);
    kernel.fs.opening.registerKind(Mode.Fifo, this);
  }

  /** open(2) of a FIFO: an open file, BLOCKED; -ENXIO, -EINVAL, -ENFILE, a restart code. */
  open(thread: number, inode: number, flags: number): number {
    const { ram, pipes } = this;
    const { locks, fs } = this.kernel;
    if ((flags & Open.AccessMode) === Open.AccessMode) return -E.INVAL;
    fs.inodes.lock(inode);
    let pipe = Inode.pipe.get(ram, inode);
    if (pipe === 0) {
      pipe = pipes.create();
      if (pipe === 0) {
        fs.inodes.unlock(inode);
        return -E.NFILE;
      }
      pipes.publish(pipe);
      Inode.pipe.set(ram, inode, pipe);
    }
    const lock = Pipe.lock.addr(pipe);
    locks.acquire(lock);
    let result = this.openLocked(thread, inode, pipe, flags);
    const unused = Pipe.readopen.get(ram, pipe) + Pipe.writeopen.get(ram, pipe) === 0;
    if (unused) this.takeOffLocked(inode, pipe);
    locks.release(lock);
    fs.inodes.unlock(inode);
    if (unused) pipes.destroy(pipe);
    if (result === BLOCKED) return result;
    if (this.kernel.descriptors.holds(thread)) {
      // It was not allowed to wait. The reference to the inode stays the caller's.
      fs.inodes.retain(inode);
      this.kernel.descriptors.letGo(thread);
      result = this.refusal;
    }
    return result;
  }

  /** Goes on with an open that has waited. */
  resume(thread: number, file: number): number {
    const { ram } = this;
    const { locks, files } = this.kernel;
    const pipe = OpenFile.object.get(ram, file);
    const lock = Pipe.lock.addr(pipe);
    const partners = readable(files.flags(file)) ? Pipe.writesOpened : Pipe.readsOpened;
    locks.acquire(lock);
    let result = file;
    if (partners.get(ram, pipe) === OpenFile.cookie.get(ram, file)) result = this.sleepLocked(thread, pipe);
    else OpenFile.cookie.set(ram, file, 0);
    locks.release(lock);
    return result;
  }

  read(thread: number, file: number, to: Transfer): number {
    const result = this.pipes.read(thread, file, to);
    if (result > 0) this.kernel.fs.inodes.touch(OpenFile.inode.get(this.ram, file), Touch.Access);
    return result;
  }

  write(thread: number, file: number, from: Transfer): number {
    const result = this.pipes.write(thread, file, from);
    if (result > 0) this.kernel.fs.inodes.touch(OpenFile.inode.get(this.ram, file), Touch.Modify | Touch.Change);
    return result;
  }

  abandon(file: number): void {
    this.pipes.abandon(file);
  }

  ioctl(thread: number, space: number, file: number, request: number, argument: number): number {
    return this.pipes.ioctl(thread, space, file, request, argument);
  }

  fcntl(thread: number, space: number, file: number, command: number, argument: number): number {
    return this.pipes.fcntl(thread, space, file, command, argument);
  }

  poll(file: number, watch: PollWatch | undefined): number {
    return this.pipes.poll(file, watch);
  }

  stat(file: number, at: number): number {
    return this.kernel.fs.inodes.stat(OpenFile.inode.get(this.ram, file), at);
  }

  release(file: number): void {
    const { ram, pipes } = this;
    const { locks, files, fs } = this.kernel;
    const inode = OpenFile.inode.get(ram, file);
    const pipe = OpenFile.object.get(ram, file);
    const lock = Pipe.lock.addr(pipe);
    fs.inodes.lock(inode);
    locks.acquire(lock);
    const unused = pipes.closeLocked(pipe, files.flags(file));
    if (unused) this.takeOffLocked(inode, pipe);
    locks.release(lock);
    fs.inodes.unlock(inode);
    if (unused) pipes.destroy(pipe);
    fs.inodes.release(inode);
  }

  /** Why the last `openLocked` that was to wait did not. */
  private refusal = 0;

  /** Makes the open file and counts it. A file, BLOCKED, an errno; what has been refused its wait is held by the thread. */
  private openLocked(thread: number, inode: number, pipe: number, flags: number): number {
    const { ram } = this;
    const { files, descriptors } = this.kernel;
    const reads = readable(flags);
    const writes = writable(flags);
    const blocks = (flags & Open.NonBlock) === 0;
    if (!reads && !blocks && Pipe.readopen.get(ram, pipe) === 0) return -E.NXIO;
    const file = files.create(FileKind.fifo, flags, pipe, inode);
    if (file === 0) return -E.NFILE;
    if (reads) this.countLocked(pipe, Pipe.readopen, Pipe.readsOpened);
    if (writes) this.countLocked(pipe, Pipe.writeopen, Pipe.writesOpened);
    if (reads && writes) return file;
    const partners = reads ? Pipe.writeopen : Pipe.readopen;
    if (partners.get(ram, pipe) > 0) return file;
    // Also of one that does not wait: it sees no hang-up until a writer has come (Pipes.poll).
    OpenFile.cookie.set(ram, file, (reads ? Pipe.writesOpened : Pipe.readsOpened).get(ram, pipe));
    if (!blocks) return file;
    descriptors.keep(thread, file);
    this.refusal = this.sleepLocked(thread, pipe);
    return this.refusal;
  }

  private countLocked(pipe: number, open: typeof Pipe.readopen, opened: typeof Pipe.readsOpened): void {
    const { ram } = this;
    const before = open.get(ram, pipe);
    open.set(ram, pipe, before + 1);
    opened.set(ram, pipe, opened.get(ram, pipe) + 1);
    if (before === 0) this.kernel.waits.wakeAllLocked(Pipe.openers.addr(pipe));
  }

  private sleepLocked(thread: number, pipe: number): number {
    const queue = Pipe.openers.addr(pipe);
    return this.kernel.waits.sleepLocked(thread, queue, Pipe.lock.addr(pipe), WaitForm.Rerun, WaitReason.fifoOpen);
  }

  /** Nobody has the pipe open any more: takes it off its inode. Both locks are held. */
  private takeOffLocked(inode: number, pipe: number): void {
    Inode.pipe.set(this.ram, inode, 0);
    this.pipes.claim(pipe);
  }
}
