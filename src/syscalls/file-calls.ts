/*
 * Reading and writing by descriptor: read(2), write(2), their vector and positioned forms, lseek(2), ioctl(2), fstat(2).
 *
 * Each holds the open file from the call's first attempt to its end (kernel/files/descriptors.ts).
 */

import { E } from '../kernel/errno.ts';
import { Open, readable, writable } from '../kernel/files/file-ops.ts';
import { Stat } from '../kernel/files/stat.ts';
import { Process } from '../kernel/process.ts';
import { BLOCKED } from '../kernel/result.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';
import { Signal } from '../kernel/signal-numbers.ts';
import { Thread } from '../kernel/thread.ts';
import type { Call } from './call.ts';

/** The open file of the descriptor in argument 0, held until `finish`; 0: there is none (-EBADF). */
export function hold(call: Call): number {
  return call.kernel.descriptors.hold(call.thread, call.process, call.i32(0));
}

/** Ends what `hold` began, unless the thread waits: then it will make the call again. */
export function finish(call: Call, result: number): number {
  if (result !== BLOCKED) call.kernel.descriptors.letGo(call.thread);
  return result;
}

/** Reads from the held file into the prepared transfer. */
function readHeld(call: Call, file: number): number {
  const { files, transfer } = call.kernel;
  if (!readable(files.flags(file))) return -E.BADF;
  const ops = files.opsOf(file);
  if (ops.seek === undefined) {
    if (transfer.offset >= 0) return -E.SPIPE;
    if (transfer.left === 0) return 0;
  }
  return ops.read(call.thread, file, transfer);
}

/** Writes a prepared transfer from kernel memory to a file that can be written. */
export function writeTransferred(call: Call, file: number): number {
  const { ram, files, transfer, signals } = call.kernel;
  const result = files.opsOf(file).write(call.thread, file, transfer);
  if (result === BLOCKED) return result;
  Thread.progress.set(ram, call.thread, 0);
  if (result === -E.PIPE) signals.kill(Process.pid.get(ram, call.process), Signal.PIPE);
  return result;
}

/** Writes the prepared transfer to the held file. The thread's progress tells what earlier attempts have written. */
function writeHeld(call: Call, file: number): number {
  const { ram, files, transfer, signals } = call.kernel;
  if (!writable(files.flags(file))) return -E.BADF;
  const ops = files.opsOf(file);
  if (ops.seek === undefined) {
    if (transfer.offset >= 0) return -E.SPIPE;
    if (transfer.left === 0) return 0;
  }
  const progress = Thread.progress.get(ram, call.thread);
  if (progress !== 0) transfer.skip(progress);
  const result = ops.write(call.thread, file, transfer);
  if (result === BLOCKED) return result;
  if (Thread.progress.get(ram, call.thread) !== 0) Thread.progress.set(ram, call.thread, 0);
  if (transfer.broken || result === -E.PIPE) signals.sendToThread(call.thread, Signal.PIPE);
  return result;
}

/** Prepares one buffer: arguments 1 and 2. -EINVAL for a length that is negative as ssize_t. */
function oneBuffer(call: Call): number {
  const length = call.size(2);
  if (length >= 2 ** 63) return -E.INVAL;
  call.kernel.transfer.begin(call.space, call.size(1), length);
  return 0;
}

/** Sets the position of a positioned call: -EINVAL when it is negative. */
function position(call: Call, index: number): number {
  const offset = call.i64(index);
  if (offset < 0) return -E.INVAL;
  call.kernel.transfer.offset = offset;
  return 0;
}

export function read(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  return finish(call, oneBuffer(call) || readHeld(call, file));
}

export function write(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  return finish(call, oneBuffer(call) || writeHeld(call, file));
}

export function readv(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const error = call.kernel.transfer.load(call.space, call.size(1), call.i32(2));
  return finish(call, error || readHeld(call, file));
}

export function writev(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const error = call.kernel.transfer.load(call.space, call.size(1), call.i32(2));
  return finish(call, error || writeHeld(call, file));
}

export function pread(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  return finish(call, oneBuffer(call) || position(call, 3) || readHeld(call, file));
}

export function pwrite(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  return finish(call, oneBuffer(call) || position(call, 3) || writeHeld(call, file));
}

export function preadv(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const error = call.kernel.transfer.load(call.space, call.size(1), call.i32(2));
  return finish(call, error || position(call, 3) || readHeld(call, file));
}

export function pwritev(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const error = call.kernel.transfer.load(call.space, call.size(1), call.i32(2));
  return finish(call, error || position(call, 3) || writeHeld(call, file));
}

export function lseek(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const { files } = call.kernel;
  if ((files.flags(file) & Open.Path) !== 0) return finish(call, -E.BADF);
  const ops = files.opsOf(file);
  return finish(call, ops.seek === undefined ? -E.SPIPE : ops.seek(file, call.i64(1), call.i32(2)));
}

export function ftruncate(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const { files } = call.kernel;
  const size = call.i64(1);
  const ops = files.opsOf(file);
  if (size < 0 || ops.truncate === undefined || !writable(files.flags(file))) return finish(call, -E.INVAL);
  return finish(call, ops.truncate(call.thread, file, size));
}

const Ioctl = { FIONCLEX: 0x5450, FIOCLEX: 0x5451, FIONBIO: 0x5421 } as const;

export function ioctl(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const { files, descriptors, copy } = call.kernel;
  const table = Process.files.get(call.kernel.ram, call.process);
  const flags = files.flags(file);
  if ((flags & Open.Path) !== 0) return finish(call, -E.BADF);
  switch (call.u32(1)) {
    case Ioctl.FIOCLEX:
      return finish(call, descriptors.setCloseOnExec(table, call.i32(0), true));
    case Ioctl.FIONCLEX:
      return finish(call, descriptors.setCloseOnExec(table, call.i32(0), false));
    case Ioctl.FIONBIO: {
      const error = copy.readU32(call.space, call.size(2));
      if (error !== 0) return finish(call, error);
      return finish(call, files.setFlags(file, copy.value === 0 ? flags & ~Open.NonBlock : flags | Open.NonBlock));
    }
    default: {
      const ops = files.opsOf(file);
      const result = ops.ioctl?.(call.thread, call.space, file, call.u32(1), call.size(2)) ?? -E.NOTTY;
      return finish(call, result);
    }
  }
}

/** fstat(2), and newfstatat(2) of a descriptor: the structure goes to the address in argument `to`. */
export function fstat(call: Call, to = 1): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const { files, copy, scratch } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  const error = files.opsOf(file).stat(file, at);
  return finish(call, error || copy.copyOut(call.space, call.size(to), at, Stat.SIZE));
}
