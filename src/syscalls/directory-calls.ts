/*
 * Directories: chdir(2), getcwd(2), getdents64(2), and what root could do to the tree as a whole, which nobody can here.
 */

import { E } from '../kernel/errno.ts';
import { FileKind, Open } from '../kernel/files/file-ops.ts';
import { OpenFile } from '../kernel/files/open-files.ts';
import { AT_FDCWD } from '../kernel/files/paths.ts';
import { Want } from '../kernel/files/permissions.ts';
import type { Call } from './call.ts';
import { finish, hold } from './file-calls.ts';

/** Makes a file, whose reference it takes over, the working directory. */
function enter(call: Call, inode: number): number {
  const { fs, processFiles } = call.kernel;
  const error = fs.inodes.isDirectory(inode) ? fs.permissions.check(call.process, inode, Want.Execute) : -E.NOTDIR;
  if (error === 0) processFiles.setWorkingDirectory(call.process, inode);
  else fs.inodes.release(inode);
  return error;
}

export function chdir(call: Call): number {
  const inode = call.kernel.fs.paths.lookup(call.process, call.space, AT_FDCWD, call.size(0), true);
  return inode < 0 ? inode : enter(call, inode);
}

export function fchdir(call: Call): number {
  const fd = call.i32(0);
  const inode = fd === AT_FDCWD ? -E.BADF : call.kernel.fs.paths.ofDescriptor(call.process, fd);
  if (inode === -E.NXIO) return -E.NOTDIR;
  return inode < 0 ? inode : enter(call, inode);
}

/** The path, with its NUL: how many bytes; -ERANGE when there is no room for them. */
export function getcwd(call: Call): number {
  const { ram, fs, copy } = call.kernel;
  const { pathNames } = fs;
  ram.u8[pathNames.end - 1] = 0;
  const at = pathNames.ofDirectory(fs.paths.workingDirectory(call.process), 1);
  if (at < 0) return at;
  const bytes = pathNames.end - at;
  if (call.size(1) < bytes) return -E.RANGE;
  return copy.copyOut(call.space, call.size(0), at, bytes) || bytes;
}

export function getdents64(call: Call): number {
  const { ram, files, fs } = call.kernel;
  const file = hold(call);
  if (file === 0) return -E.BADF;
  if ((files.flags(file) & Open.Path) !== 0) return finish(call, -E.BADF);
  if (OpenFile.kind.get(ram, file) !== FileKind.directory) return finish(call, -E.NOTDIR);
  const size = Math.min(call.u32(2), MAX_LISTING);
  return finish(call, fs.directories.list(call.process, call.space, file, call.size(1), size));
}

/** More than so many bytes are not given at a time, for the tree is locked meanwhile. */
const MAX_LISTING = 256 * 1024;

/** What a tree of one piece has no use for: chroot(2), mount(2), umount(2), pivot_root(2). */
export function notPermitted(): number {
  return -E.PERM;
}
