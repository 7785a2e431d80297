/*
 * Files by name: so far the programs of /bin, read-only.
 */

import { PAGE_SIZE } from '../core/ram.ts';
import { alignUp } from '../core/layout.ts';
import { E } from '../kernel/errno.ts';
import { Mode, Stat } from '../kernel/files/stat.ts';
import { PATH_BYTES, STRUCT_SCRATCH } from '../kernel/scratch.ts';
import type { Call } from './call.ts';
import { fstat } from './file-calls.ts';

const AT_EMPTY_PATH = 0x1000;

/** Looks up the path in argument 1 among the programs: an image with a reference, or a negative errno. */
function program(call: Call): number {
  const { copy, names, scratch } = call.kernel;
  const length = copy.copyString(call.space, call.size(1), scratch, PATH_BYTES);
  if (length < 0) return length;
  return length === 0 ? -E.NOENT : names.lookup(scratch, length);
}

/** The files there are: descriptors by AT_EMPTY_PATH, and the programs of /bin. */
export function newfstatat(call: Call): number {
  const { ram, copy, contents, scratch } = call.kernel;
  if (
    (call.u32(3) & AT_EMPTY_PATH) !== 0 &&
    (call.size(1) === 0 || (copy.readU8(call.space, call.size(1)) === 0 && copy.value === 0))
  )
    return fstat(call, 2);
  const image = program(call);
  if (image < 0) return image;
  const size = contents.size(image);
  contents.release(image);
  const at = scratch + STRUCT_SCRATCH;
  ram.fill(at, Stat.SIZE);
  Stat.device.set(ram, at, 1);
  Stat.inode.set(ram, at, 16);
  Stat.mode.set(ram, at, Mode.Regular | 0o755);
  Stat.links.set(ram, at, 1);
  Stat.size.set(ram, at, size);
  Stat.blockSize.set(ram, at, PAGE_SIZE);
  Stat.blocks.set(ram, at, alignUp(size, 512) / 512);
  return copy.copyOut(call.space, call.size(2), at, Stat.SIZE);
}

const W_OK = 2;

export function faccessat(call: Call): number {
  const image = program(call);
  if (image < 0) return image;
  call.kernel.contents.release(image);
  return (call.i32(2) & W_OK) !== 0 ? -E.ROFS : 0;
}

/** There are no symbolic links. */
export function readlinkat(call: Call): number {
  const image = program(call);
  if (image < 0) return image;
  call.kernel.contents.release(image);
  return -E.INVAL;
}
