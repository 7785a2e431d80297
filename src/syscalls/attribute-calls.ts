/*
 * What files are like: stat(2), statx(2), access(2), chmod(2), chown(2), utimensat(2), statfs(2).
 */

import { bytes, struct, u16, u32, u64 } from '../core/layout.ts';
import { PAGE_SIZE } from '../core/ram.ts';
import { E } from '../kernel/errno.ts';
import type { TimeChange } from '../kernel/files/attributes.ts';
import { MAX_NAME } from '../kernel/files/directory-entries.ts';
import { Open } from '../kernel/files/file-ops.ts';
import { Inode } from '../kernel/files/inodes.ts';
import { OpenFile } from '../kernel/files/open-files.ts';
import { AT_FDCWD } from '../kernel/files/paths.ts';
import { Stat } from '../kernel/files/stat.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';
import type { Call } from './call.ts';
import { finish, fstat, hold } from './file-calls.ts';
import { At } from './name-calls.ts';

const STATX_SYNC_TYPE = 0x6000;
const AT_NO_AUTOMOUNT = 0x800;
const STAT_FLAGS = At.SymlinkNoFollow | AT_NO_AUTOMOUNT | At.EmptyPath | STATX_SYNC_TYPE;

/** Whether the path in argument `index` is NULL or empty. */
function isEmpty(call: Call, index: number): boolean {
  const { copy } = call.kernel;
  const path = call.size(index);
  return path === 0 || (copy.readU8(call.space, path) === 0 && copy.value === 0);
}

/** Fills the Stat in scratch memory for directory, path and flags in arguments: 0 or an errno. */
function statPath(call: Call, flags: number): number {
  const { fs, scratch } = call.kernel;
  const mayBeEmpty = (flags & At.EmptyPath) !== 0;
  if (mayBeEmpty && call.i32(0) !== AT_FDCWD && isEmpty(call, 1)) return statDescriptor(call);
  const follow = (flags & At.SymlinkNoFollow) === 0;
  const inode = fs.paths.lookup(call.process, call.space, call.i32(0), call.size(1), follow, mayBeEmpty);
  if (inode < 0) return inode;
  const error = fs.stat(inode, scratch + STRUCT_SCRATCH);
  fs.inodes.release(inode);
  return error;
}

function statDescriptor(call: Call): number {
  const { files, scratch } = call.kernel;
  const file = hold(call);
  if (file === 0) return -E.BADF;
  return finish(call, files.opsOf(file).stat(file, scratch + STRUCT_SCRATCH));
}

export function newfstatat(call: Call): number {
  const { copy, scratch } = call.kernel;
  const flags = call.u32(3);
  if ((flags & ~STAT_FLAGS) !== 0) return -E.INVAL;
  if ((flags & At.EmptyPath) !== 0 && call.i32(0) !== AT_FDCWD && isEmpty(call, 1)) return fstat(call, 2);
  return statPath(call, flags) || copy.copyOut(call.space, call.size(2), scratch + STRUCT_SCRATCH, Stat.SIZE);
}

/** `struct statx` (linux/stat.h). */
const Statx = struct('statx', {
  mask: u32('guest'),
  blockSize: u32('guest'),
  attributes: u64('guest'),
  links: u32('guest'),
  uid: u32('guest'),
  gid: u32('guest'),
  mode: u16('guest'),
  spare: u16('guest'),
  inode: u64('guest'),
  size: u64('guest'),
  blocks: u64('guest'),
  attributesMask: u64('guest'),
  /** Access, birth, change, modification: seconds (8), nanoseconds (4), nothing (4). */
  times: bytes('guest', 64, 8),
  representsMajor: u32('guest'),
  representsMinor: u32('guest'),
  deviceMajor: u32('guest'),
  deviceMinor: u32('guest'),
  rest: bytes('guest', 112, 8),
});
/** All that stat(2) tells as well. */
const STATX_BASIC = 0x7ff;
const STATX_RESERVED = 0x8000_0000;
const STATX_AT = STRUCT_SCRATCH + 512;

export function statx(call: Call): number {
  const { ram, copy, scratch } = call.kernel;
  const flags = call.u32(2);
  if ((call.u32(3) & STATX_RESERVED) !== 0 || (flags & STATX_SYNC_TYPE) === STATX_SYNC_TYPE) return -E.INVAL;
  if ((flags & ~STAT_FLAGS) !== 0) return -E.INVAL;
  const error = statPath(call, flags);
  if (error !== 0) return error;
  const from = scratch + STRUCT_SCRATCH;
  const to = scratch + STATX_AT;
  ram.fill(to, Statx.SIZE);
  Statx.mask.set(ram, to, STATX_BASIC);
  Statx.blockSize.set(ram, to, Stat.blockSize.get(ram, from));
  Statx.links.set(ram, to, Stat.links.get(ram, from));
  Statx.uid.set(ram, to, Stat.uid.get(ram, from));
  Statx.gid.set(ram, to, Stat.gid.get(ram, from));
  Statx.mode.set(ram, to, Stat.mode.get(ram, from));
  Statx.inode.set(ram, to, Stat.inode.get(ram, from));
  Statx.size.set(ram, to, Stat.size.get(ram, from));
  Statx.blocks.set(ram, to, Stat.blocks.get(ram, from));
  const times = Statx.times.addr(to);
  const time = (index: number, seconds: number, ns: number): void => {
    ram.setU64(times + index * 16, seconds);
    ram.u32[(times + index * 16 + 8) >>> 2] = ns;
  };
  time(0, Stat.accessSeconds.get(ram, from), Stat.accessNs.get(ram, from));
  time(2, Stat.changeSeconds.get(ram, from), Stat.changeNs.get(ram, from));
  time(3, Stat.modifySeconds.get(ram, from), Stat.modifyNs.get(ram, from));
  const represents = Stat.represents.get(ram, from);
  const device = Stat.device.get(ram, from);
  Statx.representsMajor.set(ram, to, major(represents));
  Statx.representsMinor.set(ram, to, minor(represents));
  Statx.deviceMajor.set(ram, to, major(device));
  Statx.deviceMinor.set(ram, to, minor(device));
  return copy.copyOut(call.space, call.size(4), to, Statx.SIZE);
}

function major(device: number): number {
  return (device >>> 8) & 0xfff;
}

function minor(device: number): number {
  return (device & 0xff) | ((device >>> 12) & 0xfff00);
}

export function faccessat(call: Call): number {
  return access(call, 0);
}

const AT_EACCESS = 0x200;

export function faccessat2(call: Call): number {
  const flags = call.u32(3);
  return (flags & ~(AT_EACCESS | At.SymlinkNoFollow | At.EmptyPath)) !== 0 ? -E.INVAL : access(call, flags);
}

function access(call: Call, flags: number): number {
  const { fs } = call.kernel;
  const mode = call.u32(2);
  if ((mode & ~7) !== 0) return -E.INVAL;
  const follow = (flags & At.SymlinkNoFollow) === 0;
  const mayBeEmpty = (flags & At.EmptyPath) !== 0;
  const inode = fs.paths.lookup(call.process, call.space, call.i32(0), call.size(1), follow, mayBeEmpty);
  if (inode < 0) return inode;
  const error = mode === 0 ? 0 : fs.permissions.check(call.process, inode, mode, (flags & AT_EACCESS) === 0);
  fs.inodes.release(inode);
  return error;
}

/** Does something with the inode of the file that a path leads to. */
function withPath(call: Call, follow: boolean, mayBeEmpty: boolean, action: (inode: number) => number): number {
  const { fs } = call.kernel;
  const inode = fs.paths.lookup(call.process, call.space, call.i32(0), call.size(1), follow, mayBeEmpty);
  if (inode < 0) return inode;
  const result = action(inode);
  fs.inodes.release(inode);
  return result;
}

/** Does something with the inode of the descriptor in argument 0; a file without one (a pipe) lets it pass. */
function withDescriptor(call: Call, action: (inode: number) => number): number {
  const { ram, files } = call.kernel;
  const file = hold(call);
  if (file === 0) return -E.BADF;
  if ((files.flags(file) & Open.Path) !== 0) return finish(call, -E.BADF);
  const inode = OpenFile.inode.get(ram, file);
  return finish(call, inode === 0 ? 0 : action(inode));
}

export function fchmod(call: Call): number {
  return withDescriptor(call, (inode) => call.kernel.fs.attributes.setMode(call.process, inode, call.u32(1)));
}

export function fchmodat(call: Call): number {
  return withPath(call, true, false, (inode) => call.kernel.fs.attributes.setMode(call.process, inode, call.u32(2)));
}

export function fchmodat2(call: Call): number {
  const flags = call.u32(3);
  const { fs } = call.kernel;
  if ((flags & ~(At.SymlinkNoFollow | At.EmptyPath)) !== 0) return -E.INVAL;
  return withPath(call, (flags & At.SymlinkNoFollow) === 0, (flags & At.EmptyPath) !== 0, (inode) =>
    fs.isLink(inode) ? -E.OPNOTSUPP : fs.attributes.setMode(call.process, inode, call.u32(2)),
  );
}

export function fchown(call: Call): number {
  const { attributes } = call.kernel.fs;
  return withDescriptor(call, (inode) => attributes.setOwner(call.process, inode, call.u32(1), call.u32(2)));
}

export function fchownat(call: Call): number {
  const flags = call.u32(4);
  if ((flags & ~(At.SymlinkNoFollow | At.EmptyPath)) !== 0) return -E.INVAL;
  const { attributes } = call.kernel.fs;
  return withPath(call, (flags & At.SymlinkNoFollow) === 0, (flags & At.EmptyPath) !== 0, (inode) =>
    attributes.setOwner(call.process, inode, call.u32(2), call.u32(3)),
  );
}

function keeps({ kind }: TimeChange): boolean {
  return kind === 'keep';
}

const UTIME_NOW = 0x3fff_ffff;
const UTIME_OMIT = 0x3fff_fffe;
const NS_PER_S = 1_000_000_000;
const TIMESPEC_BYTES = 16;

/** The time at a user address, put into `change`: 0, -EFAULT, -EINVAL. */
function readTime(call: Call, address: number, change: TimeChange): number {
  const { copy } = call.kernel;
  const error = copy.readU64(call.space, address);
  if (error !== 0) return error;
  change.seconds = (copy.hi | 0) * 2 ** 32 + copy.lo;
  const second = copy.readU64(call.space, address + 8);
  if (second !== 0) return second;
  const ns = copy.value;
  change.ns = ns;
  change.kind = ns === UTIME_NOW ? 'now' : ns === UTIME_OMIT ? 'keep' : 'given';
  return change.kind === 'given' && ns >= NS_PER_S ? -E.INVAL : 0;
}

export function utimensat(call: Call): number {
  const { attributes } = call.kernel.fs;
  const times = call.size(2);
  const flags = call.u32(3);
  const accessChange: TimeChange = { kind: 'now', seconds: 0, ns: 0 };
  const modifyChange: TimeChange = { kind: 'now', seconds: 0, ns: 0 };
  if (times !== 0) {
    const error = readTime(call, times, accessChange) || readTime(call, times + TIMESPEC_BYTES, modifyChange);
    if (error !== 0) return error;
    if (keeps(accessChange) && keeps(modifyChange)) return 0;
  }
  if ((flags & ~(At.SymlinkNoFollow | At.EmptyPath)) !== 0) return -E.INVAL;
  const set = (inode: number): number => attributes.setTimes(call.process, inode, accessChange, modifyChange);
  if (call.size(1) === 0 && call.i32(0) !== AT_FDCWD) return flags !== 0 ? -E.INVAL : withDescriptor(call, set);
  return withPath(call, (flags & At.SymlinkNoFollow) === 0, (flags & At.EmptyPath) !== 0, set);
}

/** `struct statfs` of riscv64. */
const Statfs = struct('statfs', {
  type: u64('guest'),
  blockSize: u64('guest'),
  blocks: u64('guest'),
  free: u64('guest'),
  available: u64('guest'),
  files: u64('guest'),
  filesFree: u64('guest'),
  id: u64('guest'),
  nameLength: u64('guest'),
  fragmentSize: u64('guest'),
  flags: u64('guest'),
  spare: bytes('guest', 32, 8),
});
const TMPFS_MAGIC = 0x0102_1994;
const PROC_MAGIC = 0x9fa0;
/** ST_VALID | ST_RELATIME. */
const MOUNT_FLAGS = 0x20 | 0x1000;

function writeStatfs(call: Call, to: number, inode: number): number {
  const { ram, copy, frames, fs, scratch } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  const own = Inode.system.get(ram, inode) === 0;
  ram.fill(at, Statfs.SIZE);
  Statfs.type.set(ram, at, own ? TMPFS_MAGIC : PROC_MAGIC);
  Statfs.blockSize.set(ram, at, PAGE_SIZE);
  Statfs.fragmentSize.set(ram, at, PAGE_SIZE);
  Statfs.nameLength.set(ram, at, MAX_NAME);
  Statfs.flags.set(ram, at, MOUNT_FLAGS);
  if (own) {
    Statfs.blocks.set(ram, at, frames.total);
    Statfs.free.set(ram, at, frames.freeCount());
    Statfs.available.set(ram, at, frames.freeCount());
    Statfs.files.set(ram, at, fs.inodes.count);
    Statfs.filesFree.set(ram, at, fs.inodes.count - fs.inodes.inUse());
  }
  return copy.copyOut(call.space, call.size(to), at, Statfs.SIZE);
}

export function statfs(call: Call): number {
  const { fs } = call.kernel;
  const inode = fs.paths.lookup(call.process, call.space, AT_FDCWD, call.size(0), true);
  if (inode < 0) return inode;
  const result = writeStatfs(call, 1, inode);
  fs.inodes.release(inode);
  return result;
}

export function fstatfs(call: Call): number {
  const { ram, fs } = call.kernel;
  const file = hold(call);
  if (file === 0) return -E.BADF;
  return finish(call, writeStatfs(call, 1, OpenFile.inode.get(ram, file) || fs.tree.root));
}
