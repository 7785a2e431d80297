/*
 * The console as open files: how threads read it and write to it. `OpenFile.object` is the stream: 0 input, 1 output, 2 error; each of them
 * can be a terminal or a pipe of the host. A terminal can be read and written through any of them.
 *
 * The device (devices/console.ts) holds the bytes; this file moves them from and to user memory and makes threads wait. Waits are of the
 * Rerun form under the console's lock: input wakes all readers, room wakes all writers, and each looks again. (To wake one would not do:
 * it may die before it looks.)
 */

import type { Ram } from '../../core/ram.ts';
import { ConsoleFlag } from '../../devices/console-layout.ts';
import { type Console, NO_INPUT } from '../../devices/console.ts';
import { HostCall, type HostBell } from '../../smp/host-bell.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { EventId, type Tracer } from '../../trace/index.ts';
import { E } from '../errno.ts';
import { LEAST_ERRNO } from '../result.ts';
import { STRUCT_SCRATCH } from '../scratch.ts';
import { Thread } from '../thread.ts';
import type { UserCopy } from '../user-copy.ts';
import { WaitForm, WaitReason } from '../wait.ts';
import type { WaitQueues } from '../wait-queue.ts';
import { Device } from './device-files.ts';
import { FileKind, type FileOps, Open, PollEvent } from './file-ops.ts';
import type { MemoryFiles } from './memory-files.ts';
import { OpenFile, type OpenFiles } from './open-files.ts';
import { deviceNumber, Mode, Stat } from './stat.ts';
import type { Transfer } from './transfer.ts';

/** Bytes that go through the scratch area at a time. */
const PIECE = 2048;
const STDIN = 0;
const STDOUT = 1;
export const STREAMS = 3;
const TERMINAL_FLAGS = [ConsoleFlag.InputTerminal, ConsoleFlag.OutputTerminal, ConsoleFlag.ErrorTerminal];

const Ioctl = { TCGETS: 0x5401, TIOCGWINSZ: 0x5413, FIONREAD: 0x541b } as const;
/** `struct termios` as the kernel has it: four words of flags, the line discipline, 19 control characters. */
const TERMIOS_BYTES = 36;
/** ICRNL | IXON, OPOST | ONLCR, B38400 | CS8 | CREAD, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN. */
const TERMIOS_FLAGS = [0x500, 0x5, 0xbf, 0x8a3b];
/** INTR QUIT ERASE KILL EOF TIME MIN SWTC START STOP SUSP EOL REPRINT DISCARD WERASE LNEXT EOL2. */
const CONTROL_CHARACTERS = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0];

/** What a console's files need of the kernel. */
export interface ConsoleParts {
  readonly ram: Ram;
  readonly locks: Locks;
  readonly console: Console;
  readonly copy: UserCopy;
  readonly waits: WaitQueues;
  readonly bell: HostBell;
  readonly trace: Tracer;
  readonly files: OpenFiles;
  /** SCRATCH_BYTES of RAM of this participant. */
  readonly scratch: number;
}

export class ConsoleFiles implements FileOps {
  constructor(private readonly parts: ConsoleParts) {
    parts.files.register(FileKind.console, this);
  }

  /** An open file on a stream, or 0 when there is no slot. */
  open(stream: number): number {
    const flags = this.isTerminal(stream) ? Open.ReadWrite : stream === STDIN ? 0 : Open.WriteOnly;
    return this.parts.files.create(FileKind.console, flags, stream, 0);
  }

  /** /dev/tty and /dev/console: the console, if it is a terminal; -ENXIO. */
  openAsDevices({ opening, inodes }: MemoryFiles): void {
    const open = (_thread: number, inode: number): number => {
      const stream = [STDIN, STDOUT].find((one) => this.isTerminal(one));
      if (stream === undefined) return -E.NXIO;
      const file = this.open(stream);
      if (file !== 0) inodes.release(inode);
      return file || -E.NFILE;
    };
    opening.registerDevice(Device.Terminal, { open });
    opening.registerDevice(Device.Console, { open });
  }

  /** read(2): a line of a terminal, or what there is of a pipe; 0 at the end. */
  read(thread: number, file: number, to: Transfer): number {
    const { console, locks, bell, trace } = this.parts;
    locks.acquire(console.lock);
    if (console.takeLocked(to.left) === NO_INPUT) {
      const result = this.nothingLocked(thread, file);
      locks.release(console.lock);
      return result;
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
    const stream = OpenFile.object.get(ram, file) || STDOUT;
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

  ioctl(_thread: number, space: number, file: number, request: number, argument: number): number {
    const { ram, locks, console, copy } = this.parts;
    const at = this.parts.scratch + STRUCT_SCRATCH;
    const stream = OpenFile.object.get(ram, file);
    const terminal = this.isTerminal(stream);
    if (request === Ioctl.FIONREAD && (stream === STDIN || terminal)) {
      locks.acquire(console.lock);
      const available = console.availableLocked();
      locks.release(console.lock);
      return copy.writeU32(space, argument, available);
    }
    if (!terminal) return -E.NOTTY;
    switch (request) {
      case Ioctl.TCGETS:
        ram.fill(at, TERMIOS_BYTES);
        TERMIOS_FLAGS.forEach((flags, i) => (ram.u32[(at >>> 2) + i] = flags));
        ram.u8.set(CONTROL_CHARACTERS, at + 17);
        return copy.copyOut(space, argument, at, TERMIOS_BYTES);
      case Ioctl.TIOCGWINSZ:
        locks.acquire(console.lock);
        ram.fill(at, 8);
        ram.u16[at >>> 1] = console.rowsLocked();
        ram.u16[(at >>> 1) + 1] = console.columnsLocked();
        locks.release(console.lock);
        return copy.copyOut(space, argument, at, 8);
      default:
        // Changing the terminal's mode is not there.
        return -E.INVAL;
    }
  }

  poll(file: number): number {
    const { ram, locks, console } = this.parts;
    const stream = OpenFile.object.get(ram, file);
    locks.acquire(console.lock);
    let events = 0;
    if (console.readableLocked() && (stream === STDIN || this.isTerminalLocked(stream)))
      events |= PollEvent.In | PollEvent.ReadNormal;
    if (console.roomLocked() > 0) events |= PollEvent.Out | PollEvent.WriteNormal;
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

  release(): void {
    // The console stays.
  }

  private nothingLocked(thread: number, file: number): number {
    const { files, waits, console } = this.parts;
    if ((files.flags(file) & Open.NonBlock) !== 0) return -E.AGAIN;
    return waits.sleepLocked(thread, console.readers, console.lock, WaitForm.Rerun, WaitReason.consoleInput);
  }

  private fullLocked(thread: number, file: number, done: number): number {
    const { ram, files, waits, console } = this.parts;
    if ((files.flags(file) & Open.NonBlock) !== 0) return done > 0 ? done : -E.AGAIN;
    Thread.progress.set(ram, thread, done);
    const result = waits.sleepLocked(thread, console.writers, console.lock, WaitForm.Rerun, WaitReason.consoleOutput);
    return result >= LEAST_ERRNO && done > 0 ? done : result;
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
