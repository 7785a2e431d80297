/*
 * What can be done with an open file, whatever it is open on: the table of operations that each kind of file registers (open-files.ts),
 * and the Linux constants that they share.
 *
 * All operations run on the hart of the thread that makes the call, with no lock held. One that has to wait puts the thread to sleep in
 * the Rerun form and returns BLOCKED: the woken thread makes its whole call again, on the same open file (`Descriptors.hold`).
 */

import type { Transfer } from './transfer.ts';

/** What a file is open on. Each has one FileOps. */
export const FileKind = {
  console: 1,
  /** Regular files and directories of the memory file system. */
  inode: 2,
  device: 3,
  pipe: 4,
  fifo: 5,
  proc: 6,
  terminal: 7,
  directory: 8,
} as const;
export const FILE_KINDS = 16;

/** Flags of open(2) on riscv64: access mode, status flags and what only matters at opening. */
export const Open = {
  AccessMode: 3,
  WriteOnly: 1,
  ReadWrite: 2,
  Create: 0x40,
  Exclusive: 0x80,
  NoTerminal: 0x100,
  Truncate: 0x200,
  Append: 0x400,
  NonBlock: 0x800,
  DataSync: 0x1000,
  Async: 0x2000,
  Direct: 0x4000,
  LargeFile: 0x8000,
  Directory: 0x1_0000,
  NoFollow: 0x2_0000,
  NoAccessTime: 0x4_0000,
  CloseOnExec: 0x8_0000,
  Path: 0x20_0000,
  TemporaryFile: 0x40_0000,
} as const;

/** Events of poll(2). */
export const PollEvent = {
  In: 1,
  Priority: 2,
  Out: 4,
  Error: 8,
  HangUp: 0x10,
  Invalid: 0x20,
  ReadNormal: 0x40,
  WriteNormal: 0x100,
} as const;

export const Whence = { Set: 0, Current: 1, End: 2, Data: 3, Hole: 4 } as const;

/** Whoever polls and wants to be told of changes. */
export interface PollWatch {
  /** Puts the poller on an object's list of pollers (polls.ts), which `guard` guards; the caller holds it. */
  addLocked(list: number, guard: number): void;
}

/** The operations of a kind of file. `file` is the address of an OpenFile that somebody holds. */
export interface FileOps {
  /**
   * read(2) and its kin: as many bytes as there are and `to` takes (`to.left` > 0).
   *
   * @returns bytes, 0 at the end; BLOCKED; an errno or restart code
   */
  read(thread: number, file: number, to: Transfer): number;
  /**
   * write(2) and its kin. What earlier attempts of the same call have written is skipped already: before it sleeps, an operation
   * notes `from.done` in `Thread.progress`.
   *
   * @returns all bytes written by this call, earlier attempts included; BLOCKED; an errno or restart code
   */
  write(thread: number, file: number, from: Transfer): number;
  /** Whether pread and pwrite, and a position, make sense; then `seek` is there. */
  seek?(file: number, offset: number, whence: number): number;
  /** ioctl(2) beyond FIOCLEX and FIONBIO; `argument` is a number or an address in `space`, the caller's. */
  ioctl?(thread: number, space: number, file: number, request: number, argument: number): number;
  /** fcntl(2) beyond what concerns descriptors and status flags (locks, F_SETPIPE_SZ). */
  fcntl?(thread: number, space: number, file: number, command: number, argument: number): number;
  /** Events (PollEvent) that hold now. With `watch`, puts it on the lists of those that could make it true later, under the same lock. */
  poll(file: number, watch: PollWatch | undefined): number;
  /** Fills a Stat (stat.ts) at a physical address: 0 or an errno. */
  stat(file: number, at: number): number;
  /** Opens anew what a file without a name is open on (/proc/self/fd/N): an open file or an errno. */
  reopen?(file: number, flags: number): number;
  /** Status flags have changed (F_SETFL). */
  setFlags?(file: number, flags: number): number;
  /** ftruncate(2): 0 or an errno. */
  truncate?(thread: number, file: number, size: number): number;
  /** A thread leaves its call on this file without an end, for it dies: whatever it was woken for is now for others. */
  abandon?(file: number): void;
  /** The last reference is gone. The slot is freed after this. */
  release(file: number): void;
}

/** Whether a file with these flags can be read. */
export function readable(flags: number): boolean {
  return (flags & Open.WriteOnly) === 0 && (flags & Open.Path) === 0;
}

/** Whether a file with these flags can be written. */
export function writable(flags: number): boolean {
  const mode = flags & Open.AccessMode;
  return (mode === Open.WriteOnly || mode === Open.ReadWrite) && (flags & Open.Path) === 0;
}
