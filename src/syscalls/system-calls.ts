/*
 * The machine as Linux programs ask for it: uname(2), sysinfo(2), getrandom(2), prctl(2), limits, reboot(2).
 */

import { PAGE_SIZE } from '../core/ram.ts';
import { processCpuNs } from '../kernel/cpu-time.ts';
import { E } from '../kernel/errno.ts';
import { MAX_DESCRIPTORS } from '../kernel/files/descriptors.ts';
import { STACK_BYTES } from '../kernel/mman.ts';
import { NAME_BYTES, Process } from '../kernel/process.ts';
import { writeRusage } from '../kernel/rusage.ts';
import { PATH_BYTES, STRUCT_SCRATCH } from '../kernel/scratch.ts';
import { QUEUE_LIMIT } from '../kernel/signal-info.ts';
import { Thread } from '../kernel/thread.ts';
import { HOST_NAME, MACHINE, RELEASE, VERSION } from '../kernel/uts.ts';
import type { Call } from './call.ts';

const UTS_FIELD = 65;
const UTS = ['Linux', HOST_NAME, RELEASE, VERSION, MACHINE, '(none)'].map((text) => new TextEncoder().encode(text));

export function uname(call: Call): number {
  const { ram, copy, scratch } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  ram.fill(at, UTS.length * UTS_FIELD);
  UTS.forEach((text, i) => ram.u8.set(text, at + i * UTS_FIELD));
  return copy.copyOut(call.space, call.size(0), at, UTS.length * UTS_FIELD);
}

const SYSINFO_BYTES = 112;

export function sysinfo(call: Call): number {
  const { ram, copy, scratch, clock, frames, table } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  ram.fill(at, SYSINFO_BYTES);
  ram.setU64(at, Math.floor(clock.nowNs() / 1e9));
  ram.setU64(at + 32, frames.total * PAGE_SIZE);
  ram.setU64(at + 40, frames.freeCount() * PAGE_SIZE);
  ram.u16[(at + 80) >>> 1] = Math.min(table.threads.inUse(), 0xffff);
  ram.u32[(at + 104) >>> 2] = 1;
  return copy.copyOut(call.space, call.size(0), at, SYSINFO_BYTES);
}

/** GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE. */
const RANDOM_FLAGS = 7;
/** More than this takes several calls, as getrandom(2) reserves the right to: a hart must not be busy with it for long. */
const MAX_RANDOM = 1024 * 1024;

export function getrandom(call: Call): number {
  const { copy, random, scratch } = call.kernel;
  if ((call.u32(2) & ~RANDOM_FLAGS) !== 0) return -E.INVAL;
  const length = Math.min(call.size(1), MAX_RANDOM);
  for (let done = 0; done < length; done += PATH_BYTES) {
    const piece = Math.min(PATH_BYTES, length - done);
    random.fill(scratch, piece);
    const error = copy.copyOut(call.space, call.size(0) + done, scratch, piece);
    if (error !== 0) return done > 0 ? done : error;
  }
  return length;
}

const Prctl = { SetName: 15, GetName: 16 } as const;
/** TASK_COMM_LEN. */
const COMM_BYTES = 16;

/** The name is the process's here, not the thread's. */
export function prctl(call: Call): number {
  const { ram, locks, copy, scratch } = call.kernel;
  const at = scratch + STRUCT_SCRATCH;
  const name = Process.name.addr(call.process);
  const lock = Process.lock.addr(call.process);
  const address = call.size(1);
  switch (call.i32(0)) {
    case Prctl.SetName: {
      ram.fill(at, NAME_BYTES);
      const length = copy.copyString(call.space, address, at, COMM_BYTES);
      if (length < 0 && length !== -E.NAMETOOLONG) return length;
      ram.u8[at + COMM_BYTES - 1] = 0;
      locks.acquire(lock);
      ram.copy(name, at, NAME_BYTES);
      locks.release(lock);
      return 0;
    }
    case Prctl.GetName:
      locks.acquire(lock);
      ram.copy(at, name, COMM_BYTES);
      locks.release(lock);
      ram.u8[at + COMM_BYTES - 1] = 0;
      return copy.copyOut(call.space, address, at, COMM_BYTES);
    default:
      return -E.INVAL;
  }
}

const RLIMITS = 16;
const Rlimit = { Stack: 3, Core: 4, Nproc: 6, Nofile: 7, SigPending: 11 } as const;
const INFINITE = 0xffff_ffff;

/** Limits are what they are: they can be read, and set to what they are or (core files) to anything. */
export function prlimit64(call: Call): number {
  const { copy, map } = call.kernel;
  const pid = call.i32(0);
  const resource = call.i32(1);
  if (resource < 0 || resource >= RLIMITS) return -E.INVAL;
  if (pid !== 0 && pid !== Process.pid.get(call.kernel.ram, call.process)) return -E.SRCH;
  const limits: Partial<Record<number, number>> = {
    [Rlimit.Stack]: STACK_BYTES,
    [Rlimit.Core]: 0,
    [Rlimit.Nproc]: map.limits.processes,
    [Rlimit.Nofile]: MAX_DESCRIPTORS,
    [Rlimit.SigPending]: QUEUE_LIMIT,
  };
  const limit = limits[resource];
  if (call.size(2) !== 0) {
    const error = copy.readU64(call.space, call.size(2));
    if (error !== 0) return error;
    if (resource !== Rlimit.Core && copy.value !== (limit ?? copy.value)) return -E.PERM;
  }
  if (call.size(3) === 0) return 0;
  const low = limit ?? INFINITE;
  const high = limit === undefined ? INFINITE : 0;
  const error = copy.writeWords(call.space, call.size(3), low, high);
  return error !== 0 ? error : copy.writeWords(call.space, call.size(3) + 8, low, high);
}

const Who = { Self: 0, Children: -1, Thread: 1 } as const;

export function getrusage(call: Call): number {
  const { ram, locks, copy, scratch, scheduler, clock } = call.kernel;
  const who = call.i32(0);
  if (who !== Who.Self && who !== Who.Children && who !== Who.Thread) return -E.INVAL;
  scheduler.charge(call.thread, clock.nowNs());
  let used: number;
  if (who === Who.Children) used = Process.childrenNs.get(ram, call.process);
  else if (who === Who.Thread) used = Thread.cpuNs.get(ram, call.thread);
  else used = processCpuNs(ram, locks, call.process);
  return writeRusage(ram, copy, scratch + STRUCT_SCRATCH, call.space, call.size(1), used);
}

const PERMISSIONS = 0o777;

export function umask(call: Call): number {
  return Process.umask.exchange(call.kernel.ram, call.process, call.u32(0) & PERMISSIONS);
}

const REBOOT_MAGIC = 0xfee1_dead;
const REBOOT_MAGIC2 = [672274793, 85072278, 369367448, 537993216];
const Reboot = { Restart: 0x0123_4567, Halt: 0xcdef_0123, PowerOff: 0x4321_fedc } as const;

/** Powers the machine off; it cannot restart itself. */
export function reboot(call: Call): number {
  if (call.u32(0) !== REBOOT_MAGIC || !REBOOT_MAGIC2.includes(call.i32(1))) return -E.INVAL;
  const command = call.u32(2);
  if (command !== Reboot.Halt && command !== Reboot.PowerOff) return -E.INVAL;
  call.kernel.power.off(0);
  return 0;
}
