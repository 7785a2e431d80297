/*
 * The bytes of files: truncate(2), fallocate(2), sync(2) and its kin, sendfile(2), copy_file_range(2), memfd_create(2).
 */

import { PAGE_SIZE } from '../core/ram.ts';
import { E } from '../kernel/errno.ts';
import { FileKind, Open, readable, Whence, writable } from '../kernel/files/file-ops.ts';
import { OpenFile } from '../kernel/files/open-files.ts';
import { AT_FDCWD } from '../kernel/files/paths.ts';
import { Want } from '../kernel/files/permissions.ts';
import { Allocate } from '../kernel/files/regular-file.ts';
import { Mode } from '../kernel/files/stat.ts';
import { Process } from '../kernel/process.ts';
import { BLOCKED } from '../kernel/result.ts';
import { Thread } from '../kernel/thread.ts';
import type { Call } from './call.ts';
import { finish, hold, writeTransferred } from './file-calls.ts';

export function truncate(call: Call): number {
  const { fs } = call.kernel;
  const size = call.i64(1);
  if (size < 0) return -E.INVAL;
  const inode = fs.paths.lookup(call.process, call.space, AT_FDCWD, call.size(0), true);
  if (inode < 0) return inode;
  let result: number;
  const kind = fs.inodes.kind(inode);
  if (kind === Mode.Directory) result = -E.ISDIR;
  else if (kind !== Mode.Regular || fs.tree.systemOf(inode) !== undefined) result = -E.INVAL;
  else if (fs.permissions.check(call.process, inode, Want.Write) < 0) result = -E.ACCES;
  else {
    result = fs.inodes.beginWriting(inode);
    if (result === 0) {
      result = fs.regular.resize(call.process, inode, size);
      fs.inodes.endWriting(inode);
    }
  }
  fs.inodes.release(inode);
  return result;
}

export function fallocate(call: Call): number {
  const { ram, files, fs } = call.kernel;
  const mode = call.u32(1);
  const offset = call.i64(2);
  const length = call.i64(3);
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const punches = (mode & Allocate.PunchHole) !== 0;
  if (offset < 0 || length <= 0) return finish(call, -E.INVAL);
  if ((mode & ~(Allocate.KeepSize | Allocate.PunchHole | Allocate.ZeroRange)) !== 0) return finish(call, -E.OPNOTSUPP);
  if (punches && (mode & Allocate.KeepSize) === 0) return finish(call, -E.OPNOTSUPP);
  if (punches && (mode & Allocate.ZeroRange) !== 0) return finish(call, -E.OPNOTSUPP);
  if (!writable(files.flags(file))) return finish(call, -E.BADF);
  const kind = OpenFile.kind.get(ram, file);
  if (kind === FileKind.pipe || kind === FileKind.fifo) return finish(call, -E.SPIPE);
  if (kind !== FileKind.inode) return finish(call, -E.NODEV);
  return finish(call, fs.regular.allocate(call.thread, file, mode, offset, length));
}

/** fsync(2), fdatasync(2), syncfs(2): there is nothing that could be lost. */
export function fsync(call: Call): number {
  const { ram, files } = call.kernel;
  const file = hold(call);
  if (file === 0) return -E.BADF;
  if ((files.flags(file) & Open.Path) !== 0) return finish(call, -E.BADF);
  const kind = OpenFile.kind.get(ram, file);
  const isStored = kind === FileKind.inode || kind === FileKind.directory;
  return finish(call, isStored ? 0 : -E.INVAL);
}

export function syncfs(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  return finish(call, (call.kernel.files.flags(file) & Open.Path) !== 0 ? -E.BADF : 0);
}

export function sync(): number {
  return 0;
}

/** posix_fadvise(2) and readahead(2): all of a file is in memory. */
export function fadvise(call: Call): number {
  const { ram, files } = call.kernel;
  const file = hold(call);
  if (file === 0) return -E.BADF;
  if ((files.flags(file) & Open.Path) !== 0) return finish(call, -E.BADF);
  const kind = OpenFile.kind.get(ram, file);
  if (kind === FileKind.pipe || kind === FileKind.fifo) return finish(call, -E.SPIPE);
  return finish(call, call.i64(2) < 0 || call.u32(3) > MOST_ADVICE ? -E.INVAL : 0);
}

const MOST_ADVICE = 5;

const MemfdFlag = { CloseOnExec: 1, AllowSealing: 2, NoExecSeal: 8, Exec: 0x10 } as const;
const MAX_MEMFD_NAME = 249;

/** A regular file without a name. Seals are not there. */
export function memfdCreate(call: Call): number {
  const { ram, fs, files, copy, scratch, descriptors } = call.kernel;
  const flags = call.u32(1);
  const known = MemfdFlag.CloseOnExec | MemfdFlag.AllowSealing | MemfdFlag.NoExecSeal | MemfdFlag.Exec;
  if ((flags & ~known) !== 0 || (flags & (MemfdFlag.NoExecSeal | MemfdFlag.Exec)) === (MemfdFlag.NoExecSeal | MemfdFlag.Exec))
    return -E.INVAL;
  const length = copy.copyString(call.space, call.size(0), scratch, MAX_MEMFD_NAME + 1);
  if (length < 0) return length === -E.NAMETOOLONG ? -E.INVAL : length;
  const mode = (flags & MemfdFlag.NoExecSeal) !== 0 ? 0o666 : 0o777;
  const inode = fs.tree.createNameless(call.process, 0, Mode.Regular | mode);
  if (inode < 0) return inode;
  fs.inodes.beginWriting(inode);
  const file = files.create(FileKind.inode, Open.ReadWrite, inode, inode);
  if (file === 0) {
    fs.inodes.endWriting(inode);
    fs.inodes.release(inode);
    return -E.NFILE;
  }
  const fd = descriptors.install(Process.files.get(ram, call.process), file, (flags & MemfdFlag.CloseOnExec) !== 0);
  if (fd < 0) files.release(file);
  return fd;
}

/** sendfile(2): from a regular file to any file. */
export function sendfile(call: Call): number {
  const { ram, copy, files } = call.kernel;
  const place = call.size(2);
  const count = call.i64(3);
  if (place !== 0) {
    const error = copy.readU64(call.space, place);
    if (error !== 0) return error;
  }
  const offset = place === 0 ? -1 : (copy.hi | 0) * 2 ** 32 + copy.lo;
  // The output is what may let wait, so it is held.
  const out = hold(call);
  if (out === 0) return -E.BADF;
  const table = Process.files.get(ram, call.process);
  const source = call.kernel.descriptors.take(table, call.i32(1));
  if (source === 0) return finish(call, -E.BADF);
  let result = checkEnds(call, source, out, offset, count);
  if (result === 0) result = transferBetween(call, source, offset, out, -1, Math.min(count, MAX_COPY));
  if (result >= 0 && place !== 0) {
    const error = copy.writeU64(call.space, place, offset + result);
    if (error !== 0) result = error;
  }
  files.release(source);
  return finish(call, result);
}

function checkEnds(call: Call, source: number, out: number, offset: number, count: number): number {
  const { ram, files } = call.kernel;
  if (!readable(files.flags(source)) || !writable(files.flags(out))) return -E.BADF;
  if (offset !== -1 && files.opsOf(source).seek === undefined) return -E.SPIPE;
  if (offset < -1 || count < 0) return -E.INVAL;
  const kind = OpenFile.kind.get(ram, source);
  if (kind !== FileKind.inode && kind !== FileKind.device && kind !== FileKind.proc) return -E.INVAL;
  return (files.flags(out) & Open.Append) !== 0 ? -E.INVAL : 0;
}

/**
 * Copies from and to positions of the files (-1) or given ones, a page at a time. The output may let the thread wait: the transfer counts
 * from the start of the whole call, so `Thread.progress` tells the next attempt how far it has come; the input's position moves at the end.
 *
 * @returns bytes; an errno if there are none; BLOCKED
 */
function transferBetween(call: Call, source: number, from: number, out: number, to: number, count: number): number {
  const { ram, files, frames, transfer } = call.kernel;
  const buffer = frames.allocRaw();
  if (buffer === 0) return -E.NOMEM;
  const input = files.opsOf(source);
  const start = from >= 0 ? from : OpenFile.offset.get(ram, source);
  let done = Thread.progress.get(ram, call.thread);
  let result = 0;
  while (done < count && result >= 0) {
    transfer.begin(0, buffer, Math.min(PAGE_SIZE, count - done));
    transfer.offset = start + done;
    const got = input.read(call.thread, source, transfer);
    result = got;
    if (got <= 0) break;
    transfer.begin(0, buffer - done, done + got);
    transfer.skip(done);
    transfer.offset = to;
    result = writeTransferred(call, out);
    if (result < done + got) break;
    done = result;
  }
  frames.release(buffer);
  if (result === BLOCKED) return result;
  Thread.progress.set(ram, call.thread, 0);
  if (result > done) done = result;
  if (from < 0 && done > 0) input.seek?.(source, start + done, Whence.Set);
  return done > 0 ? done : result;
}

/** copy_file_range(2) between regular files. */
export function copyFileRange(call: Call): number {
  const { ram, files, descriptors } = call.kernel;
  if (call.u32(5) !== 0) return -E.INVAL;
  const table = Process.files.get(ram, call.process);
  const source = hold(call);
  if (source === 0) return -E.BADF;
  const out = descriptors.take(table, call.i32(2));
  if (out === 0) return finish(call, -E.BADF);
  const result = copyRange(call, source, out);
  files.release(out);
  return finish(call, result);
}

function copyRange(call: Call, source: number, out: number): number {
  const { ram, copy, files } = call.kernel;
  const from = readPlace(call, 1, source);
  if (from < 0) return from;
  const to = readPlace(call, 3, out);
  if (to < 0) return to;
  for (const file of [source, out]) {
    const kind = OpenFile.kind.get(ram, file);
    if (kind === FileKind.directory) return -E.ISDIR;
    if (kind !== FileKind.inode) return -E.INVAL;
  }
  const refused = !readable(files.flags(source)) || !writable(files.flags(out)) || (files.flags(out) & Open.Append) !== 0;
  if (refused) return -E.BADF;
  const count = Math.min(call.size(4), MAX_COPY);
  const isSame = OpenFile.object.get(ram, source) === OpenFile.object.get(ram, out);
  if (isSame && from < to + count && to < from + count) return -E.INVAL;
  const result = transferBetween(call, source, from, out, to, count);
  if (result <= 0) return result;
  for (const [index, file, start] of [
    [1, source, from],
    [3, out, to],
  ] as const) {
    const address = call.size(index);
    const error = address === 0 ? 0 : copy.writeU64(call.space, address, start + result);
    if (error !== 0) return error;
    if (address === 0) files.opsOf(file).seek?.(file, start + result, Whence.Set);
  }
  return result;
}

const MAX_COPY = 0x7fff_f000;

/** The offset at the address in an argument, or the file's position if that is NULL. */
function readPlace(call: Call, index: number, file: number): number {
  const { ram, copy } = call.kernel;
  const address = call.size(index);
  if (address === 0) return OpenFile.offset.get(ram, file);
  const error = copy.readU64(call.space, address);
  if (error !== 0) return error;
  const offset = (copy.hi | 0) * 2 ** 32 + copy.lo;
  return offset < 0 ? -E.INVAL : offset;
}
