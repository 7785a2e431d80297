/*
 * The console as open files: how threads read it and write to it. `OpenFile.object` is the stream: 0 input, 1 output, 2 error, each of them a
 * terminal or a pipe of the host; 3 is the terminal as such (/dev/tty, /dev/console). A terminal can be read and written through any of them.
 *
 * The device (devices/console.ts) holds the bytes; this file moves them from and to user memory and makes threads wait. Waits are of the
 * Rerun form under the console's lock: input wakes all readers, room wakes all writers, and each looks again. (To wake one would not do:
 * it may die before it looks.) Who may use the terminal: terminal-access.ts; its ioctls: terminal-ioctl.ts.
 */

import type { Ram } from '../../core/ram.ts';
import { ConsoleFlag, Stream } from '../../devices/console-layout.ts';
import type { Clock } from '../../devices/clock.ts';
import { type Console, NO_INPUT } from '../../devices/console.ts';
import { LocalMode } from '../../devices/termios.ts';
import { HostCall, type HostBell } from '../../smp/host-bell.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { EventId, type Tracer } from '../../trace/index.ts';
import { E } from '../errno.ts';
import { BLOCKED, LEAST_ERRNO } from '../result.ts';
import { STRUCT_SCRATCH } from '../scratch.ts';
import { Signal } from '../signal-numbers.ts';
import { Thread } from '../thread.ts';
import { NO_DEADLINE } from '../timers.ts';
import type { UserCopy } from '../user-copy.ts';
import { WaitForm, WaitReason } from '../wait.ts';
import type { WaitQueues } from '../wait-queue.ts';
import { Device } from './device-files.ts';
import { FileKind, type FileOps, Open, PollEvent, type PollWatch } from './file-ops.ts';
import type { MemoryFiles } from './memory-files.ts';
import { OpenFile, type OpenFiles } from './open-files.ts';
import type { TerminalAccess } from './terminal-access.ts';
import { TerminalIoctl } from './terminal-ioctl.ts';
import { deviceNumber, Mode, Stat } from './stat.ts';
import type { Transfer } from './transfer.ts';

/** Bytes that go through the scratch area at a time. */
const PIECE = 2048;
const STDIN = 0;
/** Standard streams. */
export const STREAMS = 3;
/** The stream of /dev/tty and /dev/console. */
export const TERMINAL_STREAM = 3;
const { InputTerminal, OutputTerminal, ErrorTerminal } = ConsoleFlag;
/** By stream: the flags of which one must be set for it to be a terminal. */
const TERMINAL_FLAGS = [InputTerminal, OutputTerminal, ErrorTerminal, InputTerminal | OutputTerminal | ErrorTerminal];
/** Where what is written to a stream goes. */
const OUTPUT_OF = [Stream.Out, Stream.Out, Stream.Error, Stream.Echo];

/** `waitLocked`: there is nothing to wait for. */
const READY = 1;
const FIONREAD = 0x541b;
const TENTH_NS = 1e8;

/** What a console's files need of the kernel. */
export interface ConsoleParts {
  readonly ram: Ram;
  readonly locks: Locks;
  readonly console: Console;
  readonly copy: UserCopy;
  readonly waits: WaitQueues;
  readonly bell: HostBell;
  readonly trace: Tracer;
  readonly clock: Clock;
  readonly files: OpenFiles;
  /** SCRATCH_BYTES of RAM of this participant. */
  readonly scratch: number;
}

export class ConsoleFiles implements FileOps {
  private readonly requests: TerminalIoctl;
  private releaseInode: (inode: number) => void = () => undefined;

  constructor(
    private readonly parts: ConsoleParts,
    private readonly access: TerminalAccess,
  ) {
    this.requests = new TerminalIoctl(parts, access);
    parts.files.register(FileKind.console, this);
  }

  /** An open file on a stream, or 0 when there is no slot. */
  open(stream: number): number {
    const flags = this.isTerminal(stream) ? Open.ReadWrite : stream === STDIN ? 0 : Open.WriteOnly;
    return this.parts.files.create(FileKind.console, flags, stream, 0);
  }

  /** /dev/tty, for whose terminal it is, and /dev/console. -ENXIO when there is none. */
  openAsDevices({ opening, inodes }: MemoryFiles): void {
    const { ram } = this.parts;
    const open = (thread: number, inode: number, flags: number, controlling: boolean): number => {
      const process = Thread.process.get(ram, thread);
      if (!this.isTerminal(TERMINAL_STREAM)) return -E.NXIO;
      if (controlling && !this.access.isControlling(process)) return -E.NXIO;
      // A session leader without a terminal gets the one that it opens.
      if ((flags & Open.NoTerminal) === 0 && !controlling) this.access.take(process, false);
      const file = this.parts.files.create(FileKind.console, flags, TERMINAL_STREAM, inode);
      return file || -E.NFILE;
    };
    opening.registerDevice(Device.Terminal, { open: (thread, inode, flags) => open(thread, inode, flags, true) });
    opening.registerDevice(Device.Console, { open: (thread, inode, flags) => open(thread, inode, flags, false) });
    this.releaseInode = (inode) => {
      inodes.release(inode);
    };
  }

  /** read(2): a line of a terminal, or what there is of a pipe or in raw mode; 0 at the end. */
  read(thread: number, file: number, to: Transfer): number {
    const { console, locks, bell, trace } = this.parts;
    const refusal = this.access.check(thread, Signal.TTIN);
    if (refusal !== 0) return refusal;
    locks.acquire(console.lock);
    const wait = this.waitLocked(thread, file, to.left);
    if (wait !== READY) {
      locks.release(console.lock);
      return wait;
    }
    if (console.takeLocked(to.left) === NO_INPUT) {
      // Raw input with a minimum of 0, or whose time is up.
      locks.release(console.lock);
      return 0;
    }
    let error = 0;
    for (; console.spanLength > 0 && error === 0; console.nextSpanLocked())
      error = to.out(console.spanAddress, console.spanLength);
    // Also when nothing was copied: an end of file is consumed, too.
    const hostHasMore = console.consumeLocked(to.done);
    locks.release(console.lock);
    if (hostHasMore) bell.ring(HostCall.Input);
    if (trace.on) trace.emit(EventId.console, 0, 0, to.done, 0, 0);
    return to.done > 0 ? to.done : error;
  }

  /** write(2): waits until all of it has found room. -EPIPE when nobody reads the stream any more. */
  write(thread: number, file: number, from: Transfer): number {
    const { ram, console, locks, bell, trace } = this.parts;
    const scratch = this.parts.scratch + STRUCT_SCRATCH;
    const stream = OUTPUT_OF[OpenFile.object.get(ram, file)]!;
    if (this.stopsBackground()) {
      const refusal = this.access.check(thread, Signal.TTOU);
      if (refusal !== 0) return from.done > 0 ? from.done : refusal;
    }
    let error = 0;
    while (from.left > 0 && error === 0) {
      locks.acquire(console.lock);
      if (console.isClosedLocked(stream)) {
        locks.release(console.lock);
        return from.done > 0 ? from.done : -E.PIPE;
      }
      const room = Math.min(console.roomLocked(), from.left, PIECE);
      if (room <= 0) {
        const result = this.fullLocked(thread, file, from.done);
        locks.release(console.lock);
        bell.ring(HostCall.Output);
        return result;
      }
      const before = from.done;
      error = from.in(scratch, room);
      const accepted = console.writeLocked(stream, scratch, from.done - before);
      locks.release(console.lock);
      bell.ring(HostCall.Output);
      if (trace.on) trace.emit(EventId.console, 0, stream, accepted, 0, 0);
    }
    return from.done > 0 ? from.done : error;
  }

  ioctl(thread: number, space: number, file: number, request: number, argument: number): number {
    const { ram, locks, console, copy } = this.parts;
    const stream = OpenFile.object.get(ram, file);
    if (this.isTerminal(stream)) return this.requests.perform(thread, space, request, argument);
    if (request !== FIONREAD || stream !== STDIN) return -E.NOTTY;
    locks.acquire(console.lock);
    const available = console.availableLocked();
    locks.release(console.lock);
    return copy.writeU32(space, argument, available);
  }

  poll(file: number, watch: PollWatch | undefined): number {
    const { ram, locks, console } = this.parts;
    const stream = OpenFile.object.get(ram, file);
    locks.acquire(console.lock);
    let events = 0;
    if (console.readableLocked() && (stream === STDIN || this.isTerminalLocked(stream)))
      events |= PollEvent.In | PollEvent.ReadNormal;
    if (console.roomLocked() > 0) events |= PollEvent.Out | PollEvent.WriteNormal;
    watch?.addLocked(console.polls, console.lock);
    locks.release(console.lock);
    return events;
  }

  /** A terminal is a character device (136:0, as a pseudo-terminal), anything else a pipe. */
  stat(file: number, at: number): number {
    const { ram } = this.parts;
    const stream = OpenFile.object.get(ram, file);
    const terminal = this.isTerminal(stream);
    ram.fill(at, Stat.SIZE);
    Stat.device.set(ram, at, 1);
    Stat.inode.set(ram, at, terminal ? 3 : 4 + stream);
    Stat.mode.set(ram, at, terminal ? Mode.Character | 0o620 : Mode.Fifo | 0o600);
    Stat.links.set(ram, at, 1);
    Stat.represents.set(ram, at, terminal ? deviceNumber(136, 0) : 0);
    Stat.blockSize.set(ram, at, terminal ? 1024 : 4096);
    return 0;
  }

  reopen(file: number, flags: number): number {
    return this.parts.files.create(FileKind.console, flags, OpenFile.object.get(this.parts.ram, file), 0) || -E.NFILE;
  }

  release(file: number): void {
    // The console stays, but not the name that it was opened by.
    const inode = OpenFile.inode.get(this.parts.ram, file);
    if (inode !== 0) this.releaseInode(inode);
  }

  /**
   * Whether a read may take what there is (READY), or else what it returns at once: BLOCKED, -EAGAIN, a restart code. In raw mode as VMIN and VTIME
   * have it (termios(3)): with both, the time counts from the byte that came last, which `Thread.progress` tells apart from none.
   */
  private waitLocked(thread: number, file: number, wanted: number): number {
    const { ram, console, clock, files, waits } = this.parts;
    const minimum = console.minimumLocked();
    const time = console.patienceLocked();
    const available = console.availableLocked();
    if (console.isHungUpLocked()) return READY;
    if (available > 0 && available >= Math.min(minimum, wanted)) return READY;
    if (minimum === 0 && time === 0) return READY;
    if ((files.flags(file) & Open.NonBlock) !== 0) return available > 0 ? READY : -E.AGAIN;
    let deadline = NO_DEADLINE;
    if (time !== 0 && (minimum === 0 || available > 0)) {
      const now = clock.nowNs();
      const before = Thread.callDeadline.get(ram, thread);
      const same = before !== 0 && Thread.progress.get(ram, thread) === available;
      if (same && now >= before) {
        this.forgetTime(thread);
        return READY;
      }
      deadline = same ? before : now + time * TENTH_NS;
      Thread.callDeadline.set(ram, thread, deadline);
      Thread.progress.set(ram, thread, available);
    }
    const result = waits.sleepLocked(
      thread,
      console.readers,
      console.lock,
      WaitForm.Rerun,
      WaitReason.consoleInput,
      deadline,
      deadline === NO_DEADLINE ? 0 : -E.TIMEDOUT,
    );
    if (result !== BLOCKED) this.forgetTime(thread);
    return result;
  }

  private forgetTime(thread: number): void {
    Thread.callDeadline.set(this.parts.ram, thread, 0);
    Thread.progress.set(this.parts.ram, thread, 0);
  }

  private fullLocked(thread: number, file: number, done: number): number {
    const { ram, files, waits, console } = this.parts;
    if ((files.flags(file) & Open.NonBlock) !== 0) return done > 0 ? done : -E.AGAIN;
    Thread.progress.set(ram, thread, done);
    const result = waits.sleepLocked(thread, console.writers, console.lock, WaitForm.Rerun, WaitReason.consoleOutput);
    return result >= LEAST_ERRNO && done > 0 ? done : result;
  }

  /** TOSTOP. */
  private stopsBackground(): boolean {
    const { locks, console } = this.parts;
    locks.acquire(console.lock);
    const stops = console.flagsLocked() !== 0 && console.termios.localLocked(LocalMode.StopBackground);
    locks.release(console.lock);
    return stops;
  }

  private isTerminal(stream: number): boolean {
    const { locks, console } = this.parts;
    locks.acquire(console.lock);
    const terminal = this.isTerminalLocked(stream);
    locks.release(console.lock);
    return terminal;
  }

  private isTerminalLocked(stream: number): boolean {
    return (this.parts.console.flagsLocked() & TERMINAL_FLAGS[stream]!) !== 0;
  }
}
