/*
 * The console as descriptors 0, 1 and 2: how threads read it and write to it.
 *
 * The device (devices/console.ts) holds the bytes; this file moves them from and to user memory and makes threads wait. Waits are of the
 * Rerun form under the console's lock: input wakes all readers, room wakes all writers, and each looks again. (To wake one would not do:
 * it may die before it looks.)
 */

import type { Console } from '../devices/console.ts';
import { NO_INPUT, STREAM_CLOSED } from '../devices/console.ts';
import { HostCall, type HostBell } from '../smp/host-bell.ts';
import type { Locks } from '../smp/spinlock.ts';
import { EventId, type Tracer } from '../trace/index.ts';
import { E } from './errno.ts';
import type { UserCopy } from './user-copy.ts';
import { WaitForm, WaitReason } from './wait.ts';
import type { WaitQueues } from './wait-queue.ts';

/** Bytes that go through the scratch area at a time. */
const PIECE = 2048;

export class ConsoleFile {
  constructor(
    private readonly locks: Locks,
    private readonly console: Console,
    private readonly copy: UserCopy,
    private readonly waits: WaitQueues,
    private readonly bell: HostBell,
    private readonly trace: Tracer,
    /** PIECE bytes of RAM of this participant. */
    private readonly scratch: number,
  ) {}

  /** read(2): a line of a terminal, or what there is of a pipe; 0 at the end; BLOCKED; -EFAULT. */
  read(thread: number, space: number, address: number, length: number): number {
    const { console, locks } = this;
    if (length === 0) return 0;
    locks.acquire(console.lock);
    if (console.takeLocked(length) === NO_INPUT) {
      const result = this.waits.sleepLocked(thread, console.readers, console.lock, WaitForm.Rerun, WaitReason.consoleInput);
      locks.release(console.lock);
      return result;
    }
    let taken = 0;
    let error = 0;
    for (; console.spanLength > 0 && error === 0; console.nextSpanLocked()) {
      error = this.copy.copyOut(space, address + taken, console.spanAddress, console.spanLength);
      if (error === 0) taken += console.spanLength;
    }
    // Also when nothing was copied: an end of file is consumed, too.
    const hostHasMore = console.consumeLocked(taken);
    locks.release(console.lock);
    if (hostHasMore) this.bell.ring(HostCall.Input);
    if (this.trace.on) this.trace.emit(EventId.console, 0, 0, taken, 0, 0);
    return taken > 0 ? taken : error;
  }

  /**
   * Writes to a stream (1: output, 2: error) what it has room for.
   *
   * @param wait when there is no room at all: sleep (true), or return 0
   * @returns bytes written; BLOCKED; -EFAULT; -EPIPE when nobody reads the stream any more
   */
  write(thread: number, space: number, stream: number, address: number, length: number, wait: boolean): number {
    const { console, locks } = this;
    let written = 0;
    while (written < length) {
      const piece = Math.min(length - written, PIECE);
      const error = this.copy.copyIn(space, address + written, this.scratch, piece);
      if (error < 0) return written > 0 ? written : error;
      locks.acquire(console.lock);
      const accepted = console.writeLocked(stream, this.scratch, piece);
      const result =
        accepted === 0 && written === 0 && wait
          ? this.waits.sleepLocked(thread, console.writers, console.lock, WaitForm.Rerun, WaitReason.consoleOutput)
          : 0;
      locks.release(console.lock);
      if (accepted === STREAM_CLOSED) return -E.PIPE;
      this.bell.ring(HostCall.Output);
      if (result !== 0) return result;
      if (this.trace.on) this.trace.emit(EventId.console, 0, stream, accepted, 0, 0);
      written += accepted;
      if (accepted < piece) break;
    }
    return written;
  }
}
