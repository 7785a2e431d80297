/*
 * Processes and threads: clone(2), execve(2), exit(2), wait4(2), waitid(2), identity.
 */

import { E } from '../kernel/errno.ts';
import { AT_FDCWD } from '../kernel/files/paths.ts';
import { Process, SIGNALS } from '../kernel/process.ts';
import { statusOfExit } from '../kernel/signal-numbers.ts';
import { Clone, type CloneRequest } from '../kernel/spawn.ts';
import { Thread } from '../kernel/thread.ts';
import type { Call } from './call.ts';
import { At } from './name-calls.ts';

/** Namespaces and pidfds: what there is nothing of. */
const CLONE_UNSUPPORTED = 0x7e02_1000;

/** One object per hart would do; clone is no hot path. */
function requestOf(call: Call, flags: number): CloneRequest {
  const childTid = call.size(4);
  const exitSignal = flags & Clone.Signal;
  return {
    flags,
    stack: call.size(1),
    parentTid: (flags & Clone.ParentSetTid) !== 0 ? call.size(2) : 0,
    tls: call.size(3),
    childSetTid: (flags & Clone.ChildSetTid) !== 0 ? childTid : 0,
    childClearTid: (flags & Clone.ChildClearTid) !== 0 ? childTid : 0,
    exitSignal: exitSignal <= SIGNALS ? exitSignal : 0,
  };
}

/**
 * clone(2): threads, and processes with memory of their own or their parent's. Threads share files and directories with their process, also
 * without CLONE_FILES and CLONE_FS. Flags that concern tracing, SysV semaphores and I/O contexts are accepted, as there is nothing of these.
 */
export function clone(call: Call): number {
  const flags = call.u32(0);
  if ((flags & CLONE_UNSUPPORTED) !== 0) return -E.INVAL;
  if ((flags & Clone.Thread) !== 0 && (flags & Clone.Sighand) === 0) return -E.INVAL;
  if ((flags & Clone.Sighand) !== 0 && (flags & Clone.Vm) === 0) return -E.INVAL;
  const { spawner } = call.kernel;
  const request = requestOf(call, flags);
  return (flags & Clone.Thread) !== 0 ? spawner.cloneThread(call.thread, request) : spawner.cloneProcess(call.thread, request);
}

export function execve(call: Call): number {
  return call.kernel.exec.execve(call.thread, AT_FDCWD, call.size(0), call.size(1), call.size(2));
}

export function execveat(call: Call): number {
  const flags = call.u32(4);
  if ((flags & ~(At.SymlinkNoFollow | At.EmptyPath)) !== 0) return -E.INVAL;
  const follow = (flags & At.SymlinkNoFollow) === 0;
  const mayBeEmpty = (flags & At.EmptyPath) !== 0;
  return call.kernel.exec.execve(call.thread, call.i32(0), call.size(1), call.size(2), call.size(3), follow, mayBeEmpty);
}

export function exit(call: Call): number {
  return call.kernel.exits.endThread(call.thread, statusOfExit(call.i32(0)));
}

export function exitGroup(call: Call): number {
  return call.kernel.exits.endGroup(call.thread, statusOfExit(call.i32(0)));
}

export function wait4(call: Call): number {
  return call.kernel.children.wait4(call.thread, call.i32(0), call.size(1), call.u32(2), call.size(3));
}

export function waitid(call: Call): number {
  const { children } = call.kernel;
  return children.waitid(call.thread, call.i32(0), call.i32(1), call.size(2), call.u32(3), call.size(4));
}

export function getpid(call: Call): number {
  return Process.pid.get(call.kernel.ram, call.process);
}

/** Without a lock: the parent is the one of some moment during the call, which is all that a caller can tell. */
export function getppid(call: Call): number {
  return Process.parentPid.peek(call.kernel.ram, call.process);
}

export function gettid(call: Call): number {
  return Thread.tid.get(call.kernel.ram, call.thread);
}

export function setTidAddress(call: Call): number {
  Thread.clearChildTid.set(call.kernel.ram, call.thread, call.size(0));
  return gettid(call);
}

const ROBUST_LIST_HEAD_BYTES = 24;

export function setRobustList(call: Call): number {
  if (call.size(1) !== ROBUST_LIST_HEAD_BYTES) return -E.INVAL;
  Thread.robustList.set(call.kernel.ram, call.thread, call.size(0));
  return 0;
}

export function getRobustList(call: Call): number {
  const { ram, copy } = call.kernel;
  const tid = call.i32(0);
  if (tid !== 0 && tid !== gettid(call)) return -E.PERM;
  const error = copy.writeU64(call.space, call.size(1), Thread.robustList.get(ram, call.thread));
  return error !== 0 ? error : copy.writeU64(call.space, call.size(2), ROBUST_LIST_HEAD_BYTES);
}
