/*
 * Processes and threads: clone(2), execve(2), exit(2), wait4(2), identity, kill(2) and signal dispositions.
 */

import { E } from '../kernel/errno.ts';
import { AT_FDCWD } from '../kernel/files/paths.ts';
import { Process, SIGACTION_BYTES, SIGNALS } from '../kernel/process.ts';
import { Signal, statusOfExit, statusOfSignal } from '../kernel/signal-numbers.ts';
import type { CloneRequest } from '../kernel/spawn.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';
import { Thread } from '../kernel/thread.ts';
import type { Call } from './call.ts';
import { At } from './name-calls.ts';

const Clone = {
  SignalMask: 0xff,
  Vm: 0x100,
  Files: 0x400,
  Sighand: 0x800,
  Vfork: 0x4000,
  Thread: 0x1_0000,
  SetTls: 0x8_0000,
  ParentSetTid: 0x10_0000,
  ChildClearTid: 0x20_0000,
  ChildSetTid: 0x100_0000,
} as const;
/** Namespaces, pidfd, ptrace: what there is nothing of. */
const CLONE_UNSUPPORTED = 0x7e02_3000;

/** One object per hart would do; clone is no hot path. */
function requestOf(call: Call, flags: number): CloneRequest {
  const childTid = call.size(4);
  return {
    stack: call.size(1),
    parentTid: (flags & Clone.ParentSetTid) !== 0 ? call.size(2) : 0,
    tls: call.size(3),
    setTls: (flags & Clone.SetTls) !== 0,
    childSetTid: (flags & Clone.ChildSetTid) !== 0 ? childTid : 0,
    childClearTid: (flags & Clone.ChildClearTid) !== 0 ? childTid : 0,
    shareFiles: (flags & Clone.Files) !== 0,
  };
}

/** Threads, and processes that share memory until they execute a program; a copy of the memory (fork) is not there: ENOSYS. */
export function clone(call: Call): number {
  const flags = call.u32(0);
  if ((flags & CLONE_UNSUPPORTED) !== 0) return -E.INVAL;
  if ((flags & Clone.Thread) !== 0 && (flags & Clone.Sighand) === 0) return -E.INVAL;
  if ((flags & Clone.Sighand) !== 0 && (flags & Clone.Vm) === 0) return -E.INVAL;
  if ((flags & Clone.Vm) === 0) return -E.NOSYS;
  const request = requestOf(call, flags);
  if ((flags & Clone.Thread) !== 0) return call.kernel.spawner.cloneThread(call.thread, request);
  return call.kernel.spawner.cloneProcess(call.thread, request, (flags & Clone.Vfork) !== 0);
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

/** Everybody is root. */
export function getuid(): number {
  return 0;
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

/** There are no process groups yet: 0 is the caller's own process. */
export function kill(call: Call): number {
  const { signals } = call.kernel;
  const pid = call.i32(0);
  const signal = call.i32(1);
  if (pid > 0) return signals.kill(pid, signal);
  if (pid === 0) return signals.kill(getpid(call), signal);
  if (pid === -1) return signals.killAll(call.process, signal);
  return signal < 0 || signal > SIGNALS ? -E.INVAL : -E.SRCH;
}

export function tkill(call: Call): number {
  return call.kernel.signals.killThread(0, call.i32(0), call.i32(1));
}

export function tgkill(call: Call): number {
  if (call.i32(0) <= 0) return -E.INVAL;
  return call.kernel.signals.killThread(call.i32(0), call.i32(1), call.i32(2));
}

const SIGSET_BYTES = 8;

export function sigaction(call: Call): number {
  const { ram, locks, copy, signals, scratch } = call.kernel;
  const signal = call.i32(0);
  const action = call.size(1);
  const oldAction = call.size(2);
  if (call.size(3) !== SIGSET_BYTES || signal < 1 || signal > SIGNALS) return -E.INVAL;
  if (action !== 0 && (signal === Signal.KILL || signal === Signal.STOP)) return -E.INVAL;
  const given = scratch + STRUCT_SCRATCH;
  const former = given + SIGACTION_BYTES;
  if (action !== 0) {
    const error = copy.copyIn(call.space, action, given, SIGACTION_BYTES);
    if (error !== 0) return error;
  }
  const stored = Process.actions.addr(call.process) + (signal - 1) * SIGACTION_BYTES;
  const lock = Process.lock.addr(call.process);
  locks.acquire(lock);
  ram.copy(former, stored, SIGACTION_BYTES);
  if (action !== 0) {
    ram.copy(stored, given, SIGACTION_BYTES);
    signals.noteActionLocked(call.process, signal, ram.getU64(given));
  }
  locks.release(lock);
  return oldAction === 0 ? 0 : copy.copyOut(call.space, oldAction, former, SIGACTION_BYTES);
}

export function sigprocmask(call: Call): number {
  const { ram, copy, signals, exits } = call.kernel;
  const set = call.size(1);
  const old = call.size(2);
  if (call.size(3) !== SIGSET_BYTES) return -E.INVAL;
  const low = Thread.blockedLow.load(ram, call.thread);
  const high = Thread.blockedHigh.load(ram, call.thread);
  let error = 0;
  let deadly = 0;
  if (set !== 0) {
    error = copy.readU64(call.space, set);
    if (error === 0) deadly = signals.setMask(call.thread, call.i32(0), copy.lo, copy.hi);
    if (deadly < 0) error = deadly;
  }
  if (error === 0 && old !== 0) error = copy.writeWords(call.space, old, low, high);
  if (deadly > 0) return exits.endGroup(call.thread, statusOfSignal(deadly));
  return error;
}

export function sigpending(call: Call): number {
  const { ram, copy } = call.kernel;
  if (call.size(1) > SIGSET_BYTES) return -E.INVAL;
  return copy.writeWords(
    call.space,
    call.size(0),
    Process.pendingLow.load(ram, call.process),
    Process.pendingHigh.load(ram, call.process),
  );
}
