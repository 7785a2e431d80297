/*
 * brk(2), mmap(2) and its kin, mremap(2), mlock(2) and its kin, the RISC-V instruction cache flush, and membarrier(2).
 */

import { PAGE_SIZE } from '../core/ram.ts';
import { Space } from '../kernel/address-space.ts';
import { AreaFlag } from '../kernel/areas.ts';
import { E } from '../kernel/errno.ts';
import { FileKind, Open, readable, writable } from '../kernel/files/file-ops.ts';
import { Inode } from '../kernel/files/inodes.ts';
import { OpenFile } from '../kernel/files/open-files.ts';
import { MapFlag, Prot } from '../kernel/mman.ts';
import { Process, ProcessFlag } from '../kernel/process.ts';
import { HartCall } from '../smp/hart-calls.ts';
import { TlbState } from '../smp/shootdown.ts';
import type { Call } from './call.ts';

export function brk(call: Call): number {
  return call.kernel.mappings.setBrk(call.space, call.size(0));
}

export function mmap(call: Call): number {
  const flags = call.u32(3);
  if (call.size(5) % PAGE_SIZE !== 0) return -E.INVAL;
  if ((flags & MapFlag.Anonymous) === 0) return mapFile(call, flags);
  return call.kernel.mappings.map(call.space, call.size(0), call.size(1), call.u32(2), flags);
}

/** mmap(2) of a descriptor (argument 4). */
function mapFile(call: Call, flags: number): number {
  const { ram, files, descriptors } = call.kernel;
  const file = descriptors.take(Process.files.get(ram, call.process), call.i32(4));
  if (file === 0) return -E.BADF;
  const result = (files.flags(file) & Open.Path) !== 0 ? -E.BADF : mapOpenFile(call, file, flags);
  files.release(file);
  return result;
}

function mapOpenFile(call: Call, file: number, flags: number): number {
  const { ram, files, fs, mappings } = call.kernel;
  const prot = call.u32(2);
  const length = call.size(1);
  const type = flags & MapFlag.Type;
  const isShared = type === MapFlag.Shared || type === MapFlag.SharedValidate;
  if (!(length > 0)) return -E.INVAL;
  const writes = writable(files.flags(file));
  if (isShared && (prot & Prot.Write) !== 0 && !writes) return -E.ACCES;
  if (!readable(files.flags(file))) return -E.ACCES;
  if (OpenFile.kind.get(ram, file) === FileKind.device && fs.devices.isZero(file)) {
    const kept = flags & ~MapFlag.Type;
    return mappings.map(call.space, call.size(0), length, prot, kept | (isShared ? MapFlag.Shared : type) | MapFlag.Anonymous);
  }
  if (OpenFile.kind.get(ram, file) !== FileKind.inode) return -E.NODEV;
  const content = Inode.content.get(ram, OpenFile.object.get(ram, file));
  const page = call.size(5) / PAGE_SIZE;
  const areaFlags = isShared && !writes ? AreaFlag.ReadOnly : 0;
  return mappings.mapContent(call.space, call.size(0), length, prot, flags, content, page, areaFlags);
}

export function munmap(call: Call): number {
  return call.kernel.mappings.unmap(call.space, call.size(0), call.size(1));
}

export function mprotect(call: Call): number {
  return call.kernel.mappings.protect(call.space, call.size(0), call.size(1), call.u32(2));
}

export function madvise(call: Call): number {
  return call.kernel.mappings.advise(call.space, call.size(0), call.size(1), call.i32(2));
}

export function mremap(call: Call): number {
  return call.kernel.remaps.remap(call.space, call.size(0), call.size(1), call.size(2), call.u32(3), call.size(4));
}

export function msync(call: Call): number {
  return call.kernel.residence.sync(call.space, call.size(0), call.size(1), call.u32(2));
}

export function mlock(call: Call): number {
  return call.kernel.residence.lock(call.space, call.size(0), call.size(1), 0);
}

export function mlock2(call: Call): number {
  return call.kernel.residence.lock(call.space, call.size(0), call.size(1), call.u32(2));
}

export function munlock(call: Call): number {
  return call.kernel.residence.unlock(call.space, call.size(0), call.size(1));
}

export function mlockall(call: Call): number {
  return call.kernel.residence.lockAll(call.u32(0));
}

/** Nothing is locked in the first place: nothing is ever swapped out. */
export function munlockall(): number {
  return 0;
}

export function mincore(call: Call): number {
  return call.kernel.residence.mincore(call.space, call.size(0), call.size(1), call.size(2));
}

/** Makes every hart decode the space's code anew; a hart that does not run it does so before it runs it again. */
export function flushInstructionCache(call: Call): number {
  if ((call.size(2) & ~1) !== 0) return -E.INVAL;
  call.kernel.shootdown.shootCode(Space.tlb.addr(call.space));
  return 0;
}

const Barrier = {
  Query: 0,
  Global: 1,
  GlobalExpedited: 2,
  RegisterGlobalExpedited: 4,
  PrivateExpedited: 8,
  RegisterPrivateExpedited: 16,
  PrivateExpeditedSyncCore: 32,
  RegisterPrivateExpeditedSyncCore: 64,
} as const;
const BARRIERS = 127;
const ALL = -1;

/** Has the harts that run the caller's process, or all, pass a full memory barrier: they leave guest code for it. */
export function membarrier(call: Call): number {
  const { ram, calls, shootdown } = call.kernel;
  const tlb = Space.tlb.addr(call.space);
  const flags = Process.flags.load(ram, call.process);
  if (call.u32(1) !== 0) return -E.INVAL;
  switch (call.i32(0)) {
    case Barrier.Query:
      return BARRIERS;
    case Barrier.Global:
    case Barrier.GlobalExpedited:
      calls.run(HartCall.Barrier, ALL, ALL);
      return 0;
    case Barrier.RegisterGlobalExpedited:
      return 0;
    case Barrier.RegisterPrivateExpedited:
      Process.flags.or(ram, call.process, ProcessFlag.Barrier);
      return 0;
    case Barrier.RegisterPrivateExpeditedSyncCore:
      Process.flags.or(ram, call.process, ProcessFlag.BarrierSyncCore);
      return 0;
    case Barrier.PrivateExpedited:
      if ((flags & ProcessFlag.Barrier) === 0) return -E.PERM;
      calls.run(HartCall.Barrier, TlbState.harts.load(ram, tlb, 0), TlbState.harts.load(ram, tlb, 1));
      return 0;
    case Barrier.PrivateExpeditedSyncCore:
      if ((flags & ProcessFlag.BarrierSyncCore) === 0) return -E.PERM;
      // Also harts that come back to the process later must not run what they have decoded before.
      shootdown.shootCode(tlb);
      calls.run(HartCall.Barrier, TlbState.harts.load(ram, tlb, 0), TlbState.harts.load(ram, tlb, 1));
      return 0;
    default:
      return -E.INVAL;
  }
}
