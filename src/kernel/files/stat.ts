/*
 * `struct stat` of riscv64 (asm-generic/stat.h), as a structure in scratch memory, and the modes of files.
 */

import { bytes, struct, u32, u64 } from '../../core/layout.ts';

export const Stat = struct('stat', {
  device: u64('guest'),
  inode: u64('guest'),
  mode: u32('guest'),
  links: u32('guest'),
  uid: u32('guest'),
  gid: u32('guest'),
  /** What a device file stands for. */
  represents: u64('guest'),
  padding: u64('guest'),
  /** Bytes. */
  size: u64('guest'),
  blockSize: u32('guest'),
  padding2: u32('guest'),
  /** In units of 512 bytes. */
  blocks: u64('guest'),
  accessSeconds: u64('guest'),
  accessNs: u64('guest'),
  modifySeconds: u64('guest'),
  modifyNs: u64('guest'),
  changeSeconds: u64('guest'),
  changeNs: u64('guest'),
  unused: bytes('guest', 8, 4),
});

/** Kinds of files in `mode`. */
export const Mode = {
  Kinds: 0o170000,
  Socket: 0o140000,
  Link: 0o120000,
  Regular: 0o100000,
  Block: 0o060000,
  Directory: 0o040000,
  Character: 0o020000,
  Fifo: 0o010000,
  SetUid: 0o4000,
  SetGid: 0o2000,
  Sticky: 0o1000,
} as const;

/** A device number as Linux packs it for stat(2). */
export function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
