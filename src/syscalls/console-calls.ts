/*
 * Descriptors 0, 1 and 2, which are the console: read(2), write(2) and what C libraries ask of them.
 */

import { alignUp } from '../core/layout.ts';
import { PAGE_SIZE } from '../core/ram.ts';
import { ConsoleFlag } from '../devices/console-layout.ts';
import { E } from '../kernel/errno.ts';
import { Process } from '../kernel/process.ts';
import { LEAST_ERRNO } from '../kernel/result.ts';
import { PATH_BYTES, STRUCT_SCRATCH } from '../kernel/scratch.ts';
import { Signal } from '../kernel/signal-numbers.ts';
import { Thread } from '../kernel/thread.ts';
import type { Call } from './call.ts';

const STDIN = 0;
const DESCRIPTORS = 3;
const TERMINAL_FLAGS = [ConsoleFlag.InputTerminal, ConsoleFlag.OutputTerminal, ConsoleFlag.ErrorTerminal];
/** The most that one call transfers (Linux: INT_MAX rounded down to a page). */
const MAX_TRANSFER = 0x7fff_f000;
const MAX_VECTORS = 1024;
const IOVEC_BYTES = 16;

/** The descriptor in argument 0 if it is open, else -EBADF. */
function descriptor(call: Call): number {
  const fd = call.i32(0);
  const closed = Process.closed.load(call.kernel.ram, call.process);
  return fd >= 0 && fd < DESCRIPTORS && (closed & (1 << fd)) === 0 ? fd : -E.BADF;
}

function isTerminal(call: Call, fd: number): boolean {
  const { locks, console } = call.kernel;
  locks.acquire(console.lock);
  const flags = console.flagsLocked();
  locks.release(console.lock);
  return (flags & TERMINAL_FLAGS[fd]!) !== 0;
}

/** A terminal can be read and written through each of its descriptors, a pipe only one way. */
function mayRead(call: Call, fd: number): boolean {
  return fd === STDIN || isTerminal(call, fd);
}

function mayWrite(call: Call, fd: number): boolean {
  return fd !== STDIN || isTerminal(call, fd);
}

export function read(call: Call): number {
  const fd = descriptor(call);
  if (fd < 0 || !mayRead(call, fd)) return -E.BADF;
  const length = Math.min(call.size(2), MAX_TRANSFER);
  return call.kernel.consoleFile.read(call.thread, call.space, call.size(1), length);
}

export function readv(call: Call): number {
  const fd = descriptor(call);
  if (fd < 0 || !mayRead(call, fd)) return -E.BADF;
  const { copy, consoleFile } = call.kernel;
  const count = call.i32(2);
  if (count < 0 || count > MAX_VECTORS) return -E.INVAL;
  for (let i = 0; i < count; i++) {
    const vector = call.size(1) + i * IOVEC_BYTES;
    if (copy.readU64(call.space, vector + 8) !== 0) return -E.FAULT;
    const length = copy.value;
    if (length === 0) continue;
    if (copy.readU64(call.space, vector) !== 0) return -E.FAULT;
    // One line, or what is there of a pipe: a short count is what a reader of a terminal expects.
    return consoleFile.read(call.thread, call.space, copy.value, Math.min(length, MAX_TRANSFER));
  }
  return 0;
}

/**
 * Writes one piece of a larger write that starts at byte `before` of it. What earlier attempts have written is skipped; the rest is
 * written whole, however often the thread has to wait. Returns the total so far, or what the call returns at once (< 0).
 */
function writePiece(call: Call, fd: number, address: number, length: number, before: number): number {
  const { kernel, thread } = call;
  const { ram } = kernel;
  const stream = fd === STDIN ? 1 : fd;
  let done = Thread.progress.get(ram, thread);
  while (done < before + length) {
    const at = done - before;
    const written = kernel.consoleFile.write(thread, call.space, stream, address + at, length - at, true);
    if (written < LEAST_ERRNO) return written;
    if (written < 0) return done > 0 ? done : written;
    done += written;
    Thread.progress.set(ram, thread, done);
  }
  return done;
}

/** Ends a write: the next one starts from zero. A closed stream kills the writer with SIGPIPE, unless it ignores that. */
function finishWrite(call: Call, result: number): number {
  if (result < LEAST_ERRNO) return result;
  Thread.progress.set(call.kernel.ram, call.thread, 0);
  if (result === -E.PIPE) call.kernel.signals.sendToThread(call.thread, Signal.PIPE);
  return result;
}

export function write(call: Call): number {
  const fd = descriptor(call);
  // Another thread may have closed it while this one waited for room.
  if (fd < 0 || !mayWrite(call, fd)) return finishWrite(call, -E.BADF);
  return finishWrite(call, writePiece(call, fd, call.size(1), Math.min(call.size(2), MAX_TRANSFER), 0));
}

export function writev(call: Call): number {
  const fd = descriptor(call);
  if (fd < 0 || !mayWrite(call, fd)) return finishWrite(call, -E.BADF);
  const { copy } = call.kernel;
  const count = call.i32(2);
  if (count < 0 || count > MAX_VECTORS) return -E.INVAL;
  let before = 0;
  let done = 0;
  for (let i = 0; i < count; i++) {
    const vector = call.size(1) + i * IOVEC_BYTES;
    if (copy.readU64(call.space, vector) !== 0) return finishWrite(call, done > 0 ? done : -E.FAULT);
    const address = copy.value;
    if (copy.readU64(call.space, vector + 8) !== 0) return finishWrite(call, done > 0 ? done : -E.FAULT);
    const length = Math.min(copy.value, MAX_TRANSFER - before);
    const result = writePiece(call, fd, address, length, before);
    if (result < before + length) return finishWrite(call, result);
    before += length;
    done = result;
  }
  return finishWrite(call, done);
}

export function close(call: Call): number {
  const fd = descriptor(call);
  if (fd < 0) return fd;
  Process.closed.or(call.kernel.ram, call.process, 1 << fd);
  return 0;
}

export function lseek(call: Call): number {
  const fd = descriptor(call);
  return fd < 0 ? fd : -E.SPIPE;
}

const Ioctl = { TCGETS: 0x5401, TIOCGWINSZ: 0x5413, FIONREAD: 0x541b } as const;
/** `struct termios` as the kernel has it: four words of flags, the line discipline, 19 control characters. */
const TERMIOS_BYTES = 36;
/** ICRNL | IXON, OPOST | ONLCR, B38400 | CS8 | CREAD, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN. */
const TERMIOS_FLAGS = [0x500, 0x5, 0xbf, 0x8a3b];
/** INTR QUIT ERASE KILL EOF TIME MIN SWTC START STOP SUSP EOL REPRINT DISCARD WERASE LNEXT EOL2. */
const CONTROL_CHARACTERS = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0];

export function ioctl(call: Call): number {
  const fd = descriptor(call);
  if (fd < 0) return fd;
  const { ram, locks, console, copy, scratch } = call.kernel;
  const to = call.size(2);
  const at = scratch + STRUCT_SCRATCH;
  const request = call.u32(1);
  if (request === Ioctl.FIONREAD && mayRead(call, fd)) {
    locks.acquire(console.lock);
    const available = console.availableLocked();
    locks.release(console.lock);
    return copy.writeU32(call.space, to, available);
  }
  if (!isTerminal(call, fd)) return -E.NOTTY;
  switch (request) {
    case Ioctl.TCGETS:
      ram.fill(at, TERMIOS_BYTES);
      TERMIOS_FLAGS.forEach((flags, i) => (ram.u32[(at >>> 2) + i] = flags));
      ram.u8.set(CONTROL_CHARACTERS, at + 17);
      return copy.copyOut(call.space, to, at, TERMIOS_BYTES);
    case Ioctl.TIOCGWINSZ:
      locks.acquire(console.lock);
      ram.fill(at, 8);
      ram.u16[at >>> 1] = console.rowsLocked();
      ram.u16[(at >>> 1) + 1] = console.columnsLocked();
      locks.release(console.lock);
      return copy.copyOut(call.space, to, at, 8);
    default:
      // Changing the terminal's mode is not there.
      return -E.INVAL;
  }
}

/** `struct stat` of riscv64. */
const STAT_BYTES = 128;
const S_IFREG = 0o100000;
const S_IFCHR = 0o020000;
const S_IFIFO = 0o010000;

function writeStat(
  call: Call,
  to: number,
  inode: number,
  mode: number,
  device: number,
  size: number,
  blockSize: number,
): number {
  const { ram, scratch, copy } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  ram.fill(at, STAT_BYTES);
  ram.setU64(at, 1);
  ram.setU64(at + 8, inode);
  ram.u32[(at + 16) >>> 2] = mode;
  ram.u32[(at + 20) >>> 2] = 1;
  ram.setU64(at + 32, device);
  ram.setU64(at + 48, size);
  ram.u32[(at + 56) >>> 2] = blockSize;
  ram.setU64(at + 64, alignUp(size, 512) / 512);
  return copy.copyOut(call.space, to, at, STAT_BYTES);
}

/** A terminal is a character device (136:0, as a pseudo-terminal), anything else a pipe. */
function statDescriptor(call: Call, fd: number, to: number): number {
  return isTerminal(call, fd)
    ? writeStat(call, to, 3, S_IFCHR | 0o620, 0x8800, 0, 1024)
    : writeStat(call, to, 4 + fd, S_IFIFO | 0o600, 0, 0, PAGE_SIZE);
}

export function fstat(call: Call): number {
  const fd = descriptor(call);
  return fd < 0 ? fd : statDescriptor(call, fd, call.size(1));
}

const AT_EMPTY_PATH = 0x1000;

/** Looks up the path in argument 1 among the programs: an image with a reference, or a negative errno. */
function program(call: Call): number {
  const { copy, names, scratch } = call.kernel;
  const length = copy.copyString(call.space, call.size(1), scratch, PATH_BYTES);
  if (length < 0) return length;
  return length === 0 ? -E.NOENT : names.lookup(scratch, length);
}

/** The files there are: the console's descriptors by AT_EMPTY_PATH, and the programs of /bin. */
export function newfstatat(call: Call): number {
  const { copy, images } = call.kernel;
  if (
    (call.u32(3) & AT_EMPTY_PATH) !== 0 &&
    (call.size(1) === 0 || (copy.readU8(call.space, call.size(1)) === 0 && copy.value === 0))
  ) {
    const fd = descriptor(call);
    return fd < 0 ? fd : statDescriptor(call, fd, call.size(2));
  }
  const image = program(call);
  if (image < 0) return image;
  const size = images.size(image);
  images.release(image);
  return writeStat(call, call.size(2), 16, S_IFREG | 0o755, 0, size, PAGE_SIZE);
}

const W_OK = 2;

export function faccessat(call: Call): number {
  const image = program(call);
  if (image < 0) return image;
  call.kernel.images.release(image);
  return (call.i32(2) & W_OK) !== 0 ? -E.ROFS : 0;
}

/** There are no symbolic links. */
export function readlinkat(call: Call): number {
  const image = program(call);
  if (image < 0) return image;
  call.kernel.images.release(image);
  return -E.INVAL;
}
