/*
 * Descriptors themselves: close(2), close_range(2), dup(2), dup3(2), fcntl(2).
 */

import { E } from '../kernel/errno.ts';
import { Open } from '../kernel/files/file-ops.ts';
import { MAX_DESCRIPTORS } from '../kernel/files/descriptors.ts';
import { Process } from '../kernel/process.ts';
import type { Call } from './call.ts';
import { finish, hold } from './file-calls.ts';
import { isLockCommand, lockRange } from './lock-calls.ts';

function tableOf(call: Call): number {
  return Process.files.get(call.kernel.ram, call.process);
}

export function close(call: Call): number {
  return call.kernel.descriptors.close(tableOf(call), call.i32(0));
}

const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;

export function closeRange(call: Call): number {
  const { descriptors } = call.kernel;
  const first = call.u32(0);
  const last = call.u32(1);
  const flags = call.u32(2);
  if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) !== 0 || first > last) return -E.INVAL;
  if ((flags & CLOSE_RANGE_UNSHARE) !== 0) {
    const error = descriptors.unshare(call.process);
    if (error !== 0) return error;
  }
  const table = tableOf(call);
  for (let fd = descriptors.nextInUse(table, first); fd >= 0 && fd <= last; fd = descriptors.nextInUse(table, fd + 1)) {
    if ((flags & CLOSE_RANGE_CLOEXEC) !== 0) descriptors.setCloseOnExec(table, fd, true);
    else descriptors.close(table, fd);
  }
  return 0;
}

/** Enters another reference to the held file under a number that `enter` chooses. */
function duplicate(call: Call, file: number, enter: (table: number) => number): number {
  const { files } = call.kernel;
  files.retain(file);
  const fd = enter(tableOf(call));
  if (fd < 0) files.release(file);
  return finish(call, fd);
}

export function dup(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  return duplicate(call, file, (table) => call.kernel.descriptors.install(table, file, false));
}

export function dup3(call: Call): number {
  const to = call.i32(1);
  const flags = call.u32(2);
  if ((flags & ~Open.CloseOnExec) !== 0 || call.i32(0) === to) return -E.INVAL;
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const closes = (flags & Open.CloseOnExec) !== 0;
  return duplicate(call, file, (table) => call.kernel.descriptors.replace(table, to, file, closes));
}

const Fcntl = {
  DupFd: 0,
  GetFd: 1,
  SetFd: 2,
  GetFlags: 3,
  SetFlags: 4,
  DupFdCloseOnExec: 1030,
} as const;
const FD_CLOEXEC = 1;

export function fcntl(call: Call): number {
  const file = hold(call);
  if (file === 0) return -E.BADF;
  const { files, descriptors } = call.kernel;
  const command = call.i32(1);
  const argument = call.i32(2);
  switch (command) {
    case Fcntl.DupFd:
    case Fcntl.DupFdCloseOnExec: {
      if (argument < 0 || argument >= MAX_DESCRIPTORS) return finish(call, -E.INVAL);
      const closes = command === Fcntl.DupFdCloseOnExec;
      return duplicate(call, file, (table) => descriptors.install(table, file, closes, argument));
    }
    case Fcntl.GetFd:
      return finish(call, descriptors.closesOnExec(tableOf(call), call.i32(0)));
    case Fcntl.SetFd:
      return finish(call, descriptors.setCloseOnExec(tableOf(call), call.i32(0), (argument & FD_CLOEXEC) !== 0));
    case Fcntl.GetFlags:
      return finish(call, files.flags(file) | Open.LargeFile);
    case Fcntl.SetFlags:
      return finish(call, (files.flags(file) & Open.Path) !== 0 ? -E.BADF : files.setFlags(file, argument));
    default: {
      if ((files.flags(file) & Open.Path) !== 0) return finish(call, -E.BADF);
      if (isLockCommand(command)) return finish(call, lockRange(call, file, command));
      const ops = files.opsOf(file);
      return finish(call, ops.fcntl?.(call.thread, call.space, file, command, call.size(2)) ?? -E.INVAL);
    }
  }
}
