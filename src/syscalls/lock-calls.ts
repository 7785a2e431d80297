/*
 * Advisory locks: flock(2), and the commands of fcntl(2) that are about `struct flock`.
 */

import { E } from '../kernel/errno.ts';
import { Open, readable, writable } from '../kernel/files/file-ops.ts';
import { LockKind, type LockRequest, LockType } from '../kernel/files/file-locks.ts';
import type { Inodes } from '../kernel/files/inodes.ts';
import { OpenFile } from '../kernel/files/open-files.ts';
import { Process } from '../kernel/process.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';
import type { Call } from './call.ts';
import { finish, hold } from './file-calls.ts';

const Flock = { Shared: 1, Exclusive: 2, NonBlocking: 4, Unlock: 8 } as const;

/** The request on its way; one object a worker. */
const request: LockRequest = { kind: 0, owner: 0, type: 0, pid: 0, start: 0, end: 0 };

export function flock(call: Call): number {
  const { ram, files, fs } = call.kernel;
  const operation = call.i32(1);
  const what = operation & ~Flock.NonBlocking;
  const file = hold(call);
  if (file === 0) return -E.BADF;
  if (what !== Flock.Shared && what !== Flock.Exclusive && what !== Flock.Unlock) return finish(call, -E.INVAL);
  if ((files.flags(file) & Open.Path) !== 0) return finish(call, -E.BADF);
  const inode = OpenFile.inode.get(ram, file);
  // What has no name has nobody to share it with by name.
  if (inode === 0) return finish(call, 0);
  request.kind = LockKind.Flock;
  request.owner = file;
  request.type = what === Flock.Shared ? LockType.Read : what === Flock.Exclusive ? LockType.Write : LockType.None;
  request.pid = Process.pid.get(ram, call.process);
  request.start = 0;
  request.end = Infinity;
  return finish(call, fs.locks.set(call.thread, inode, request, (operation & Flock.NonBlocking) === 0));
}

/** Commands: for the caller's table, and (Ofd) for its open file. */
export const LockCommand = { Get: 5, Set: 6, SetWait: 7, GetOfd: 36, SetOfd: 37, SetWaitOfd: 38 } as const;

/** `struct flock`: type (2), whence (2), start (8), length (8), pid (4). */
const FLOCK_BYTES = 32;
const MAX_OFFSET = 2 ** 63;

/** Whether a command of fcntl(2) is one of these. */
export function isLockCommand(command: number): boolean {
  return (
    (command >= LockCommand.Get && command <= LockCommand.SetWait) ||
    (command >= LockCommand.GetOfd && command <= LockCommand.SetWaitOfd)
  );
}

/** The commands, for a held file. */
export function lockRange(call: Call, file: number, command: number): number {
  const { ram, fs, copy, scratch, descriptors } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  const inode = OpenFile.inode.get(ram, file);
  const error = copy.copyIn(call.space, call.size(2), at, FLOCK_BYTES) || readRequest(call, fs.inodes, file, inode, at);
  if (error !== 0) return error;
  const isOfd = command >= LockCommand.GetOfd;
  const pid = ram.i32[(at + 24) >>> 2]!;
  if (isOfd && pid !== 0) return -E.INVAL;
  const table = Process.files.get(ram, call.process);
  request.kind = isOfd ? LockKind.Open : LockKind.Table;
  request.owner = isOfd ? file : table;
  request.pid = Process.pid.get(ram, call.process);
  if (command === LockCommand.Get || command === LockCommand.GetOfd) {
    if (request.type === LockType.None) return -E.INVAL;
    if (inode === 0) request.type = LockType.None;
    else fs.locks.find(inode, request);
    return writeRequest(call, at);
  }
  if (request.type === LockType.Read && !readable(call.kernel.files.flags(file))) return -E.BADF;
  if (request.type === LockType.Write && !writable(call.kernel.files.flags(file))) return -E.BADF;
  if (inode === 0) return 0;
  const waits = command === LockCommand.SetWait || command === LockCommand.SetWaitOfd;
  const result = fs.locks.set(call.thread, inode, request, waits);
  // Whoever has closed the descriptor meanwhile has found no lock to take away.
  if (result === 0 && !isOfd && !descriptors.isNamed(table, call.i32(0), file)) fs.locks.drop(inode, LockKind.Table, table);
  return result;
}

/** What the structure at `at` asks for: 0, -EINVAL, -EOVERFLOW. */
function readRequest(call: Call, inodes: Inodes, file: number, inode: number, at: number): number {
  const { ram } = call.kernel;
  const type = ram.u16[at >>> 1]!;
  const whence = ram.u16[(at + 2) >>> 1]!;
  if (type > LockType.None || whence > 2) return -E.INVAL;
  let start = ram.getI64(at + 8);
  const length = ram.getI64(at + 16);
  if (whence === 1) start += OpenFile.offset.get(ram, file);
  else if (whence === 2 && inode !== 0) start += inodes.size(inode);
  let end = length === 0 ? Infinity : start + length;
  if (length < 0) [start, end] = [end, start];
  if (start < 0) return -E.INVAL;
  if (start >= MAX_OFFSET || (length > 0 && end > MAX_OFFSET)) return -E.OVERFLOW;
  request.type = type;
  request.start = start;
  request.end = end >= MAX_OFFSET ? Infinity : end;
  return 0;
}

function writeRequest(call: Call, at: number): number {
  const { ram, copy } = call.kernel;
  ram.u16[at >>> 1] = request.type;
  if (request.type !== LockType.None) {
    ram.u16[(at + 2) >>> 1] = 0;
    ram.setU64(at + 8, request.start);
    ram.setU64(at + 16, request.end === Infinity ? 0 : request.end - request.start);
    ram.i32[(at + 24) >>> 2] = request.kind === LockKind.Table ? request.pid : -1;
  }
  return copy.copyOut(call.space, call.size(2), at, FLOCK_BYTES);
}
