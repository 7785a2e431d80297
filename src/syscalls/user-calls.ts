/*
 * Users and groups: setuid(2), setgid(2), getgroups(2) and their relatives. What they do is in kernel/credentials.ts.
 */

import type { U32Field } from '../core/layout.ts';
import { GROUP, type Ids, USER } from '../kernel/credentials.ts';
import { E } from '../kernel/errno.ts';
import { MAX_GROUPS, Process } from '../kernel/process.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';
import type { Call } from './call.ts';

/** Numbers of users are below 2^32 - 1, which is beyond what a result may be read as by signed programs, as on Linux. */
const get = (field: U32Field) => (call: Call) => field.peek(call.kernel.ram, call.process);

export const getuid = get(USER.real);
export const geteuid = get(USER.effective);
export const getgid = get(GROUP.real);
export const getegid = get(GROUP.effective);

export function setuid(call: Call): number {
  return call.kernel.credentials.set(call.process, USER, call.u32(0));
}

export function setgid(call: Call): number {
  return call.kernel.credentials.set(call.process, GROUP, call.u32(0));
}

export function setreuid(call: Call): number {
  return call.kernel.credentials.setRealEffective(call.process, USER, call.u32(0), call.u32(1));
}

export function setregid(call: Call): number {
  return call.kernel.credentials.setRealEffective(call.process, GROUP, call.u32(0), call.u32(1));
}

export function setresuid(call: Call): number {
  return call.kernel.credentials.setAll(call.process, USER, call.u32(0), call.u32(1), call.u32(2));
}

export function setresgid(call: Call): number {
  return call.kernel.credentials.setAll(call.process, GROUP, call.u32(0), call.u32(1), call.u32(2));
}

function writeThree(call: Call, ids: Ids): number {
  const { ram, copy } = call.kernel;
  let error = copy.writeU32(call.space, call.size(0), ids.real.peek(ram, call.process));
  if (error === 0) error = copy.writeU32(call.space, call.size(1), ids.effective.peek(ram, call.process));
  if (error === 0) error = copy.writeU32(call.space, call.size(2), ids.saved.peek(ram, call.process));
  return error;
}

export function getresuid(call: Call): number {
  return writeThree(call, USER);
}

export function getresgid(call: Call): number {
  return writeThree(call, GROUP);
}

export function setfsuid(call: Call): number {
  return call.kernel.credentials.setFile(call.process, USER, call.u32(0));
}

export function setfsgid(call: Call): number {
  return call.kernel.credentials.setFile(call.process, GROUP, call.u32(0));
}

export function getgroups(call: Call): number {
  const { ram, locks, copy, scratch } = call.kernel;
  const room = call.i32(0);
  if (room < 0) return -E.INVAL;
  const at = scratch + STRUCT_SCRATCH;
  const lock = Process.lock.addr(call.process);
  locks.acquire(lock);
  const count = Process.groupCount.get(ram, call.process);
  ram.copy(at, Process.groups.addr(call.process), 4 * count);
  locks.release(lock);
  if (room === 0) return count;
  if (count > room) return -E.INVAL;
  return copy.copyOut(call.space, call.size(1), at, 4 * count) !== 0 ? -E.FAULT : count;
}

export function setgroups(call: Call): number {
  const { copy, credentials, scratch } = call.kernel;
  const count = call.i32(0);
  if (!credentials.isRoot(call.process)) return -E.PERM;
  if (count < 0 || count > MAX_GROUPS) return -E.INVAL;
  const at = scratch + STRUCT_SCRATCH;
  if (copy.copyIn(call.space, call.size(1), at, 4 * count) !== 0) return -E.FAULT;
  return credentials.setGroups(call.process, at, count);
}
