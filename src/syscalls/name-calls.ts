/*
 * Names of files: open(2), mkdir(2), mknod(2), unlink(2), symlink(2), link(2), rename(2), readlink(2), in their forms with a directory's
 * descriptor. Paths are walked by kernel/files/paths.ts, names changed by kernel/files/tree.ts.
 */

import { E } from '../kernel/errno.ts';
import { Open } from '../kernel/files/file-ops.ts';
import { PERMISSION_BITS } from '../kernel/files/opening.ts';
import { Last } from '../kernel/files/paths.ts';
import { type NamePlace, RenameFlag } from '../kernel/files/rename.ts';
import { Mode } from '../kernel/files/stat.ts';
import type { NewFile } from '../kernel/files/tree.ts';
import { Process } from '../kernel/process.ts';
import { BLOCKED } from '../kernel/result.ts';
import { STRUCT_SCRATCH, PATH_BYTES } from '../kernel/scratch.ts';
import { Thread } from '../kernel/thread.ts';
import type { Call } from './call.ts';

export const At = { SymlinkNoFollow: 0x100, RemoveDir: 0x200, SymlinkFollow: 0x400, EmptyPath: 0x1000 } as const;

/** The umask applied to the permissions of a new file. */
function masked(call: Call, mode: number, bits: number): number {
  return mode & bits & ~Process.umask.load(call.kernel.ram, call.process);
}

export function openat(call: Call): number {
  const { ram, fs, descriptors, files } = call.kernel;
  const table = Process.files.get(ram, call.process);
  const flags = call.u32(2);
  const waited = Thread.heldFile.get(ram, call.thread) !== 0;
  let file: number;
  if (waited) {
    file = fs.opening.resume(call.thread, descriptors.hold(call.thread, call.process, -1));
    if (file === BLOCKED) return file;
    if (file > 0) files.retain(file);
    descriptors.letGo(call.thread);
  } else {
    if (!descriptors.hasFree(table)) return checkPath(call) || -E.MFILE;
    file = fs.opening.open(call.thread, call.process, call.space, call.i32(0), call.size(1), flags, call.u32(3));
  }
  if (file < 0) return file;
  const fd = descriptors.install(table, file, (flags & Open.CloseOnExec) !== 0);
  if (fd < 0) files.release(file);
  return fd;
}

/** What is wrong with the path itself comes before all else. */
function checkPath(call: Call): number {
  const length = call.kernel.fs.paths.take(call.space, call.size(1));
  if (length < 0) return length;
  return length === 0 ? -E.NOENT : 0;
}

/**
 * Makes a file where a path says.
 *
 * @param directory, path arguments with the directory's descriptor and the path
 */
function make(call: Call, directory: number, path: number, file: NewFile): number {
  const { fs } = call.kernel;
  const { paths, tree, inodes } = fs;
  const parent = paths.lookupParent(call.process, call.space, call.i32(directory), call.size(path));
  if (parent < 0) return parent;
  let result: number = -E.EXIST;
  if (paths.last === Last.Name) {
    const { name, length, slash } = paths;
    const isDirectory = (file.mode & Mode.Kinds) === Mode.Directory;
    // Only directories can have names that end with a slash.
    if (slash && !isDirectory) {
      const found = tree.lookup(call.process, parent, name, length);
      if (found > 0) inodes.release(found);
      result = found > 0 ? -E.EXIST : found;
    } else result = tree.create(call.process, parent, name, length, file);
  }
  inodes.release(parent);
  if (result > 0) inodes.release(result);
  return Math.min(result, 0);
}

export function mkdirat(call: Call): number {
  const mode = Mode.Directory | masked(call, call.u32(2), 0o1777);
  return make(call, 0, 1, { mode, device: 0, text: 0, textLength: 0 });
}

export function mknodat(call: Call): number {
  const given = call.u32(2);
  const kind = given & Mode.Kinds;
  const isDevice = kind === Mode.Character || kind === Mode.Block;
  if (kind === Mode.Directory) return checkPath(call) || -E.PERM;
  if (![0, Mode.Regular, Mode.Fifo, Mode.Socket].includes(kind) && !isDevice) return checkPath(call) || -E.INVAL;
  if (isDevice && !call.kernel.fs.permissions.isRoot(call.process)) return -E.PERM;
  const mode = (kind || Mode.Regular) | masked(call, given, PERMISSION_BITS);
  return make(call, 0, 1, { mode, device: isDevice ? call.u32(3) : 0, text: 0, textLength: 0 });
}

export function symlinkat(call: Call): number {
  const { copy, scratch } = call.kernel;
  const text = scratch + STRUCT_SCRATCH;
  const textLength = copy.copyString(call.space, call.size(0), text, PATH_BYTES);
  if (textLength < 0) return textLength;
  if (textLength === 0) return -E.NOENT;
  return make(call, 1, 2, { mode: Mode.Link | 0o777, device: 0, text, textLength });
}

export function unlinkat(call: Call): number {
  const { paths, tree, inodes } = call.kernel.fs;
  const flags = call.u32(2);
  if ((flags & ~At.RemoveDir) !== 0) return -E.INVAL;
  const isDirectory = flags !== 0;
  const parent = paths.lookupParent(call.process, call.space, call.i32(0), call.size(1));
  if (parent < 0) return parent;
  let result: number;
  if (paths.last === Last.Name) {
    result = tree.remove(call.process, parent, paths.name, paths.length, paths.slash, isDirectory);
  } else if (!isDirectory) result = -E.ISDIR;
  else result = paths.last === Last.Dot ? -E.INVAL : paths.last === Last.DotDot ? -E.NOTEMPTY : -E.BUSY;
  inodes.release(parent);
  return result;
}

export function linkat(call: Call): number {
  const { paths, tree, inodes, permissions } = call.kernel.fs;
  const flags = call.u32(4);
  if ((flags & ~(At.SymlinkFollow | At.EmptyPath)) !== 0) return -E.INVAL;
  const mayBeEmpty = (flags & At.EmptyPath) !== 0;
  const follow = (flags & At.SymlinkFollow) !== 0;
  if (mayBeEmpty && !permissions.isRoot(call.process)) return -E.NOENT;
  const inode = paths.lookup(call.process, call.space, call.i32(0), call.size(1), follow, mayBeEmpty);
  if (inode < 0) return inode;
  const parent = paths.lookupParent(call.process, call.space, call.i32(2), call.size(3));
  let result = parent;
  if (parent > 0) {
    if (paths.last !== Last.Name) result = -E.EXIST;
    else if (paths.slash) {
      result = tree.lookup(call.process, parent, paths.name, paths.length);
      if (result > 0) {
        inodes.release(result);
        result = -E.EXIST;
      }
    } else result = tree.link(call.process, inode, parent, paths.name, paths.length);
    inodes.release(parent);
  }
  inodes.release(inode);
  return result;
}

/** The two ends of a renaming; one object a worker. */
const ends: [NamePlace, NamePlace] = [
  { directory: 0, name: 0, length: 0, slash: false },
  { directory: 0, name: 0, length: 0, slash: false },
];

export function renameat2(call: Call): number {
  const { paths, renaming, inodes } = call.kernel.fs;
  const flags = call.u32(4);
  const exchange = (flags & RenameFlag.Exchange) !== 0;
  if ((flags & ~(RenameFlag.NoReplace | RenameFlag.Exchange)) !== 0) return -E.INVAL;
  if (exchange && (flags & RenameFlag.NoReplace) !== 0) return -E.INVAL;
  const from = paths.lookupParent(call.process, call.space, call.i32(0), call.size(1), 0);
  if (from < 0) return from;
  const { last } = paths;
  note(ends[0], call, from);
  const to = paths.lookupParent(call.process, call.space, call.i32(2), call.size(3), 1);
  let result = to;
  if (to > 0) {
    note(ends[1], call, to);
    if (last !== Last.Name) result = -E.BUSY;
    else if (paths.last !== Last.Name) result = (flags & RenameFlag.NoReplace) !== 0 ? -E.EXIST : -E.BUSY;
    else result = renaming.rename(call.process, ends[0], ends[1], flags);
    inodes.release(to);
  }
  inodes.release(from);
  return result;
}

function note(end: NamePlace, call: Call, directory: number): void {
  const { paths } = call.kernel.fs;
  end.directory = directory;
  end.name = paths.name;
  end.length = paths.length;
  end.slash = paths.slash;
}

export function readlinkat(call: Call): number {
  const { fs, copy, scratch } = call.kernel;
  const size = call.i32(3);
  if (size <= 0) return -E.INVAL;
  const inode = fs.paths.lookup(call.process, call.space, call.i32(0), call.size(1), false, true);
  if (inode < 0) return inode === -E.NXIO ? -E.NOENT : inode;
  const isLink = fs.inodes.kind(inode) === Mode.Link;
  const isEmpty = copy.readU8(call.space, call.size(1)) === 0 && copy.value === 0;
  // An empty path stands for a link that has been opened itself.
  let result: number = isEmpty ? -E.NOENT : -E.INVAL;
  if (isLink) {
    result = fs.paths.readLink(call.process, inode, scratch);
    if (result > 0) result = Math.min(result, size);
  }
  fs.inodes.release(inode);
  if (result < 0) return result;
  return copy.copyOut(call.space, call.size(2), scratch, result) || result;
}
