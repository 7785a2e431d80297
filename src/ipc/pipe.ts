/*
 * Pipes (pipe(7)): a ring of pages with a read end and a write end, each of them open files (kernel/files/open-files.ts).
 *
 * Waits, all of the Rerun form under the pipe's lock:
 *   readers  while it is empty and somebody could write   woken by a writer who finds it empty, and by the last close of the write end
 *   writers  while it is full and somebody could read     woken by a reader who finds it full, and by the last close of the read end
 *
 * A change wakes one thread, not all: the bytes are one reader's. Whoever finds on leaving that there is more for others wakes the next, in
 * the order of their arrival; who has been woken and dies before it looks does so, too (`abandon`). So as long as there are bytes and readers
 * wait for them, one reader is on its way; and nobody is woken for nothing, except where another one was faster. The last close concerns
 * everybody and wakes all.
 *
 * Life: a pipe lives as long as one of its ends is open. FIFOs are pipes that an inode names (fifo.ts). Docs: docs/pipes.md.
 */

import type { Ram } from '../core/ram.ts';
import { PAGE_SIZE } from '../core/ram.ts';
import { E } from '../kernel/errno.ts';
import { FileKind, type FileOps, Open, PollEvent, type PollWatch, readable, writable } from '../kernel/files/file-ops.ts';
import { OpenFile } from '../kernel/files/open-files.ts';
import { Mode, Stat } from '../kernel/files/stat.ts';
import type { Transfer } from '../kernel/files/transfer.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { BLOCKED } from '../kernel/result.ts';
import { SlotPool } from '../kernel/slots.ts';
import { Thread } from '../kernel/thread.ts';
import { WaitForm, WaitQueue, WaitReason } from '../kernel/wait.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { HandOff } from './pipe-hand-off.ts';
import { MAX_SLOTS, Pipe } from './pipe-layout.ts';
import { PipeRing } from './pipe-ring.ts';
import { describePipeWaits } from './pipe-waits.ts';

/** A pipe for so much memory, at least and at most so many. */
const MEMORY_PER_PIPE = 64 * 1024;
const LEAST_PIPES = 128;
const MOST_PIPES = 4096;
/** The device number of all pipes (st_dev), as Linux's pipefs has one. */
const PIPE_DEVICE = 14;
/** What one polls for. */
const READABLE = PollEvent.In | PollEvent.ReadNormal;
const WRITABLE = PollEvent.Out | PollEvent.WriteNormal;
const FIONREAD = 0x541b;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;

export class Pipes implements FileOps {
  private readonly ram: Ram;
  private readonly ring: PipeRing;
  private readonly pool: SlotPool;
  private readonly handOff: HandOff;

  /** @param base region of `Pipes.bytes` bytes */
  constructor(
    private readonly kernel: Kernel,
    base: number,
    memoryBytes: number,
  ) {
    this.ram = kernel.ram;
    this.ring = new PipeRing(kernel.ram, kernel.frames);
    this.handOff = new HandOff(kernel, this.ring);
    this.pool = new SlotPool(kernel.ram, kernel.locks, base, {
      name: 'pipe',
      count: pipesFor(memoryBytes),
      size: Pipe.SIZE,
      layout: Pipe,
      order: 'lifo',
    });
    kernel.files.register(FileKind.pipe, this);
    kernel.inspection.count('pipes', () => this.pool.inUse());
    describePipeWaits(kernel.inspection, kernel.ram);
  }

  static bytes(memoryBytes: number): number {
    return SlotPool.bytes(pipesFor(memoryBytes), Pipe.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
  }

  /** An empty pipe without an end, nobody else's yet (`open` its ends, then `publish`); 0: there is no slot. */
  create(): number {
    const { ram } = this;
    const pipe = this.pool.alloc();
    if (pipe === 0) return 0;
    Pipe.lock.init(ram, pipe, Rank.object);
    this.ring.initialise(pipe);
    for (const field of [Pipe.readopen, Pipe.writeopen, Pipe.readsOpened, Pipe.writesOpened]) field.set(ram, pipe, 0);
    Pipe.polls.set(ram, pipe, 0);
    for (const field of [Pipe.readers, Pipe.writers, Pipe.openers]) ram.fill(field.addr(pipe), WaitQueue.SIZE);
    Pipe.number.set(ram, pipe, this.pool.handleOf(pipe));
    const { now } = this.kernel.scheduler;
    Pipe.readNs.set(ram, pipe, now);
    Pipe.writeNs.set(ram, pipe, now);
    return pipe;
  }

  /**
   * pipe2(2): makes a pipe with an open file at each end.
   *
   * @param flags Open.NonBlock, Open.Direct
   * @returns the read end, and `writeEnd`; -ENFILE
   */
  open(flags: number): number {
    const { ram } = this;
    const { files } = this.kernel;
    const pipe = this.create();
    if (pipe === 0) return -E.NFILE;
    const reader = files.create(FileKind.pipe, flags & ~Open.Direct, pipe, 0);
    const writer = reader === 0 ? 0 : files.create(FileKind.pipe, Open.WriteOnly | flags, pipe, 0);
    Pipe.readopen.set(ram, pipe, reader === 0 ? 0 : 1);
    Pipe.writeopen.set(ram, pipe, writer === 0 ? 0 : 1);
    Pipe.writesOpened.set(ram, pipe, 1);
    this.publish(pipe);
    if (writer !== 0) {
      this.writeEnd = writer;
      return reader;
    }
    if (reader !== 0) files.release(reader);
    else this.pool.free(pipe);
    return -E.NFILE;
  }

  /** What `open` returned last beside the read end. */
  writeEnd = 0;

  read(thread: number, file: number, to: Transfer): number {
    const { ram, ring } = this;
    const { locks, scheduler } = this.kernel;
    if (to.left === 0) return 0;
    const pipe = OpenFile.object.get(ram, file);
    const lock = Pipe.lock.addr(pipe);
    locks.acquire(lock);
    const wasFull = ring.isFullLocked(pipe);
    let error = 0;
    let done = 0;
    while (error === 0 && to.left > 0 && !ring.isEmptyLocked(pipe)) {
      error = ring.takeLocked(pipe, to);
      // What a copy has moved before it failed is not taken.
      if (error >= 0) done = to.done;
    }
    if (done > 0) Pipe.readNs.set(ram, pipe, scheduler.now);
    let result = done > 0 || error > 0 ? done : error;
    if (error === 0 && done === 0 && Pipe.writeopen.get(ram, pipe) > 0) {
      this.handOff.noteLocked(thread, to);
      result = this.sleepLocked(thread, file, pipe, Pipe.readers.addr(pipe), WaitReason.pipeRead);
    } else {
      if (wasFull && !ring.isFullLocked(pipe)) this.roomLocked(pipe);
      if (!ring.isEmptyLocked(pipe)) this.wakeOneLocked(Pipe.readers.addr(pipe));
    }
    locks.release(lock);
    return result;
  }

  write(thread: number, file: number, from: Transfer): number {
    const { ram, ring } = this;
    const { locks, files, scheduler } = this.kernel;
    if (from.left === 0) return from.done;
    const pipe = OpenFile.object.get(ram, file);
    const lock = Pipe.lock.addr(pipe);
    const packet = (files.flags(file) & Open.Direct) !== 0;
    locks.acquire(lock);
    if (Pipe.readopen.get(ram, pipe) === 0) {
      locks.release(lock);
      from.broken = true;
      return from.done > 0 ? from.done : -E.PIPE;
    }
    const before = from.done;
    const wasEmpty = ring.isEmptyLocked(pipe);
    let done = before;
    let error = 0;
    // Only the first attempt of a call adds to what others have written: the rest of a long write begins a page.
    if (before === 0 && !wasEmpty) {
      error = ring.mergeLocked(pipe, from);
      if (error === 0) done = from.done;
    }
    while (error === 0 && from.left > 0 && !ring.isFullLocked(pipe)) {
      error = ring.appendLocked(pipe, from, packet);
      if (error === 0) done = from.done;
    }
    if (done > before) Pipe.writeNs.set(ram, pipe, scheduler.now);
    if (wasEmpty && done > before) this.bytesLocked(pipe, from.left === 0 && done - before <= PAGE_SIZE);
    let result = done > 0 ? done : error;
    if (error === 0 && from.left > 0) {
      Thread.progress.set(ram, thread, done);
      result = this.sleepLocked(thread, file, pipe, Pipe.writers.addr(pipe), WaitReason.pipeWrite);
      if (result !== BLOCKED && done > 0) result = done;
    }
    if (result !== BLOCKED && !ring.isFullLocked(pipe)) this.wakeOneLocked(Pipe.writers.addr(pipe));
    locks.release(lock);
    return result;
  }

  /** A thread leaves in the middle of a call on this file, for it dies: if it had been woken, that was for others as well. */
  abandon(file: number): void {
    const { ram, ring } = this;
    const { locks } = this.kernel;
    const pipe = OpenFile.object.get(ram, file);
    const lock = Pipe.lock.addr(pipe);
    locks.acquire(lock);
    if (!ring.isEmptyLocked(pipe)) this.wakeOneLocked(Pipe.readers.addr(pipe));
    if (!ring.isFullLocked(pipe)) this.wakeOneLocked(Pipe.writers.addr(pipe));
    locks.release(lock);
  }

  ioctl(_thread: number, space: number, file: number, request: number, argument: number): number {
    const { locks, copy } = this.kernel;
    if (request !== FIONREAD) return -E.NOTTY;
    const pipe = OpenFile.object.get(this.ram, file);
    const lock = Pipe.lock.addr(pipe);
    locks.acquire(lock);
    const bytes = this.ring.bytesLocked(pipe);
    locks.release(lock);
    return copy.writeU32(space, argument, bytes);
  }

  fcntl(_thread: number, _space: number, file: number, command: number, argument: number): number {
    const { ram, ring } = this;
    const { locks } = this.kernel;
    if (command !== F_GETPIPE_SZ && command !== F_SETPIPE_SZ) return -E.INVAL;
    const pipe = OpenFile.object.get(ram, file);
    const lock = Pipe.lock.addr(pipe);
    locks.acquire(lock);
    let result = Pipe.slots.get(ram, pipe) * PAGE_SIZE;
    if (command === F_SETPIPE_SZ) {
      const wasFull = ring.isFullLocked(pipe);
      result = this.resizeLocked(pipe, argument);
      if (wasFull && !ring.isFullLocked(pipe)) this.roomLocked(pipe);
    }
    locks.release(lock);
    return result;
  }

  poll(file: number, watch: PollWatch | undefined): number {
    const { ram, ring } = this;
    const { locks, files } = this.kernel;
    const flags = files.flags(file);
    const pipe = OpenFile.object.get(ram, file);
    const lock = Pipe.lock.addr(pipe);
    locks.acquire(lock);
    let events = 0;
    if (readable(flags)) {
      if (!ring.isEmptyLocked(pipe)) events |= READABLE;
      // A FIFO that was opened without a writer has not hung up before one has come.
      const came = Pipe.writesOpened.get(ram, pipe) !== OpenFile.cookie.get(ram, file);
      if (came && Pipe.writeopen.get(ram, pipe) === 0) events |= PollEvent.HangUp;
    }
    if (writable(flags)) {
      if (!ring.isFullLocked(pipe)) events |= WRITABLE;
      if (Pipe.readopen.get(ram, pipe) === 0) events |= PollEvent.Error;
    }
    watch?.addLocked(Pipe.polls.addr(pipe), lock);
    locks.release(lock);
    return events;
  }

  stat(file: number, at: number): number {
    const { ram } = this;
    const { clock, locks } = this.kernel;
    const pipe = OpenFile.object.get(ram, file);
    const lock = Pipe.lock.addr(pipe);
    locks.acquire(lock);
    const readNs = Pipe.readNs.get(ram, pipe);
    const writeNs = Pipe.writeNs.get(ram, pipe);
    locks.release(lock);
    ram.fill(at, Stat.SIZE);
    Stat.device.set(ram, at, PIPE_DEVICE);
    Stat.inode.set(ram, at, Pipe.number.get(ram, pipe));
    Stat.mode.set(ram, at, Mode.Fifo | 0o600);
    Stat.links.set(ram, at, 1);
    Stat.blockSize.set(ram, at, PAGE_SIZE);
    Stat.accessSeconds.set(ram, at, clock.realtimeSeconds(readNs));
    Stat.accessNs.set(ram, at, Math.floor(clock.realtimeFraction(readNs)));
    Stat.modifySeconds.set(ram, at, clock.realtimeSeconds(writeNs));
    Stat.modifyNs.set(ram, at, Math.floor(clock.realtimeFraction(writeNs)));
    Stat.changeSeconds.set(ram, at, clock.realtimeSeconds(writeNs));
    Stat.changeNs.set(ram, at, Math.floor(clock.realtimeFraction(writeNs)));
    return 0;
  }

  release(file: number): void {
    const { ram } = this;
    const { locks } = this.kernel;
    const pipe = OpenFile.object.get(ram, file);
    const lock = Pipe.lock.addr(pipe);
    locks.acquire(lock);
    const unused = this.closeLocked(pipe, this.kernel.files.flags(file));
    if (unused) this.claim(pipe);
    locks.release(lock);
    if (unused) this.destroy(pipe);
  }

  /**
   * One more open file at a pipe (open of /proc/self/fd/N). A pipe's ends do not wait for each other as a FIFO's do.
   *
   * @returns an open file or -ENFILE
   */
  reopen(file: number, flags: number): number {
    const { ram } = this;
    const { locks, files } = this.kernel;
    const pipe = OpenFile.object.get(ram, file);
    const another = files.create(FileKind.pipe, flags, pipe, 0);
    if (another === 0) return -E.NFILE;
    const lock = Pipe.lock.addr(pipe);
    locks.acquire(lock);
    if (readable(flags)) Pipe.readopen.set(ram, pipe, Pipe.readopen.get(ram, pipe) + 1);
    if (writable(flags)) Pipe.writeopen.set(ram, pipe, Pipe.writeopen.get(ram, pipe) + 1);
    locks.release(lock);
    return another;
  }

  /** An end with these flags is closed: whether it was the last of all. */
  closeLocked(pipe: number, flags: number): boolean {
    const { ram } = this;
    const { waits, polls } = this.kernel;
    const readopen = Pipe.readopen.get(ram, pipe) - (readable(flags) ? 1 : 0);
    const writeopen = Pipe.writeopen.get(ram, pipe) - (writable(flags) ? 1 : 0);
    Pipe.readopen.set(ram, pipe, readopen);
    Pipe.writeopen.set(ram, pipe, writeopen);
    if (writeopen === 0) {
      waits.wakeAllLocked(Pipe.readers.addr(pipe));
      polls.notifyLocked(Pipe.polls.addr(pipe), PollEvent.HangUp);
    }
    if (readopen === 0) {
      waits.wakeAllLocked(Pipe.writers.addr(pipe));
      polls.notifyLocked(Pipe.polls.addr(pipe), PollEvent.Error);
    }
    return readopen + writeopen === 0;
  }

  /** Others can find the pipe from now on; nobody else can any more. Of interest to the seeded build only. */
  publish(pipe: number): void {
    if (SEEDED) this.pool.publish(pipe);
  }
  claim(pipe: number): void {
    if (SEEDED) this.pool.claim(pipe);
  }

  /** Frees a pipe that no open file names any more. */
  destroy(pipe: number): void {
    this.ring.discard(pipe);
    this.pool.free(pipe);
  }

  /** F_SETPIPE_SZ: the new size, bytes; -EINVAL, -EPERM, -EBUSY, -ENOMEM. */
  private resizeLocked(pipe: number, bytes: number): number {
    const { ring } = this;
    if (bytes > 2 ** 31) return -E.INVAL;
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1, Math.ceil(bytes / PAGE_SIZE))));
    if (slots > MAX_SLOTS) return -E.PERM;
    if (slots < ring.usedLocked(pipe)) return -E.BUSY;
    return ring.resizeLocked(pipe, slots) ? slots * PAGE_SIZE : -E.NOMEM;
  }

  private sleepLocked(thread: number, file: number, pipe: number, queue: number, reason: number): number {
    const { files, waits } = this.kernel;
    if ((files.flags(file) & Open.NonBlock) !== 0) return -E.AGAIN;
    return waits.sleepLocked(thread, queue, Pipe.lock.addr(pipe), WaitForm.Rerun, reason);
  }

  /** There are bytes where none were; `short`: so few that whoever waits for them can be given them. */
  private bytesLocked(pipe: number, short: boolean): void {
    const { waits, polls } = this.kernel;
    const readers = Pipe.readers.addr(pipe);
    const reader = waits.firstLocked(readers);
    if (reader !== 0) {
      if (!short || !this.handOff.tryLocked(pipe, reader)) waits.wakeLocked(reader);
      else if (!this.ring.isEmptyLocked(pipe)) this.wakeOneLocked(readers);
    }
    if (!this.ring.isEmptyLocked(pipe)) polls.notifyLocked(Pipe.polls.addr(pipe), READABLE);
  }

  /** There is room where none was. */
  private roomLocked(pipe: number): void {
    this.wakeOneLocked(Pipe.writers.addr(pipe));
    this.kernel.polls.notifyLocked(Pipe.polls.addr(pipe), WRITABLE);
  }

  private wakeOneLocked(queue: number): void {
    const { waits } = this.kernel;
    const thread = waits.firstLocked(queue);
    if (thread !== 0) waits.wakeLocked(thread);
  }
}

function pipesFor(memoryBytes: number): number {
  return Math.floor(Math.min(MOST_PIPES, Math.max(LEAST_PIPES, memoryBytes / MEMORY_PER_PIPE)));
}
