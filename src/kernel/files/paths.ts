/*
 * Paths: from a name to an inode, as path_resolution(7) has it.
 *
 * One object a participant, used again and again. What is left of the path lies at the end of a buffer in scratch memory; a symbolic link
 * puts its target before that, so nothing recurses. The walk holds a reference to the directory where it is, and no lock between steps.
 *
 * `resolve` leads to the file itself, `parent` to the directory of the last name, for calls that make or remove names; `last` and `slash`
 * tell of that name, which is copied to a place of its own, so that a second path may be walked.
 */

import type { Ram } from '../../core/ram.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import { Process } from '../process.ts';
import { NAME_SCRATCH, PATH_BYTES, WALK_BYTES, WALK_SCRATCH } from '../scratch.ts';
import type { UserCopy } from '../user-copy.ts';
import { MAX_NAME } from './directory-entries.ts';
import type { Descriptors } from './descriptors.ts';
import type { Inodes } from './inodes.ts';
import { OpenFile, type OpenFiles } from './open-files.ts';
import { type Permissions, Want } from './permissions.ts';
import { Mode } from './stat.ts';
import type { Tree } from './tree.ts';

/** Stands for the working directory. */
export const AT_FDCWD = -100;
/** Symbolic links on one way. */
const MAX_FOLLOWED = 40;
/** Room for a last name. */
export const NAME_SLOT_BYTES = 512;

const SLASH = 47;
const DOT = 46;

/** What kind of name a path ends with. */
export const Last = { Root: 0, Name: 1, Dot: 2, DotDot: 3 } as const;

export class Paths {
  /** What the last `parent` has found: kind of the last name, its place (kernel address), its length, whether slashes follow. */
  last: number = Last.Root;
  name = 0;
  length = 0;
  slash = false;

  private readonly end: number;
  /** Where the rest of the path begins. */
  private at = 0;
  private followed = 0;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly copy: UserCopy,
    private readonly descriptors: Descriptors,
    private readonly files: OpenFiles,
    private readonly tree: Tree,
    private readonly scratch: number,
  ) {
    this.end = scratch + WALK_SCRATCH + WALK_BYTES;
  }

  private get inodes(): Inodes {
    return this.tree.inodes;
  }

  private get permissions(): Permissions {
    return this.tree.permissions;
  }

  /** Takes a path from user memory: its length (0: it is empty), -EFAULT, -ENAMETOOLONG. */
  take(space: number, path: number): number {
    const length = this.copy.copyString(space, path, this.scratch, PATH_BYTES);
    if (length < 0) return length;
    this.put(this.scratch, length);
    return length;
  }

  /** Takes a path from kernel memory, outside of the walk's own. */
  put(address: number, length: number): void {
    this.at = this.end - length;
    this.followed = 0;
    this.ram.copy(this.at, address, length);
  }

  /** Takes a path that lies outside of RAM; of one that is too long only the beginning. */
  putBytes(path: Uint8Array): void {
    const bytes = path.subarray(0, PATH_BYTES);
    this.ram.u8.set(bytes, this.scratch);
    this.put(this.scratch, bytes.length);
  }

  /**
   * The file that a path in user memory leads to.
   *
   * @param follow whether a link at its end is followed
   * @param emptyIsStart an empty path stands for `directory` itself (AT_EMPTY_PATH)
   * @returns an inode with a reference, or an errno
   */
  lookup(process: number, space: number, directory: number, path: number, follow: boolean, emptyIsStart = false): number {
    if (emptyIsStart && path === 0) return this.ofDescriptor(process, directory);
    const length = this.take(space, path);
    if (length < 0) return length;
    if (length === 0) return emptyIsStart ? this.ofDescriptor(process, directory) : -E.NOENT;
    return this.resolve(process, directory, follow);
  }

  /** The directory that the last name of a path in user memory is in; `slot`: 0 or 1, where that name is put. */
  lookupParent(process: number, space: number, directory: number, path: number, slot = 0): number {
    const length = this.take(space, path);
    if (length < 0) return length;
    return length === 0 ? -E.NOENT : this.parent(process, directory, slot);
  }

  /** The file that the path taken leads to: an inode with a reference, or an errno. */
  resolve(process: number, directory: number, follow: boolean): number {
    const start = this.start(process, directory);
    return start < 0 ? start : this.walk(process, start, follow, -1);
  }

  /** The directory of the last name of the path taken, with a reference; see `last`. */
  parent(process: number, directory: number, slot = 0): number {
    const start = this.start(process, directory);
    return start < 0 ? start : this.walk(process, start, false, slot);
  }

  /**
   * Goes on behind a `parent` whose last name is a link: the parent of where that leads.
   *
   * @param directory, link references that are taken over
   */
  followLast(process: number, directory: number, link: number, slot = 0): number {
    const error = this.expand(process, link);
    this.inodes.release(link);
    if (error < 0) {
      this.inodes.release(directory);
      return error;
    }
    return this.walk(process, this.startOver(directory), false, slot);
  }

  /** The inode of a descriptor, whatever it is open on, or of the working directory (AT_FDCWD): with a reference. */
  ofDescriptor(process: number, fd: number): number {
    const { ram } = this;
    if (fd === AT_FDCWD) return this.workingDirectory(process);
    const file = this.descriptors.take(Process.files.get(ram, process), fd);
    if (file === 0) return -E.BADF;
    const inode = OpenFile.inode.get(ram, file);
    if (inode !== 0) this.inodes.retain(inode);
    this.files.release(file);
    // A pipe, say: fstat(2) knows what it is like.
    return inode === 0 ? -E.NXIO : inode;
  }

  /** The working directory, with a reference. */
  workingDirectory(process: number): number {
    if (process === 0) return this.rootOf();
    const { ram, locks } = this;
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    const directory = Process.cwd.get(ram, process);
    if (directory !== 0) this.inodes.retain(directory);
    locks.release(lock);
    return directory === 0 ? this.rootOf() : directory;
  }

  private rootOf(): number {
    const { root } = this.tree;
    this.inodes.retain(root);
    return root;
  }

  /** Where the path taken begins. */
  private start(process: number, directory: number): number {
    if (this.at < this.end && this.ram.u8[this.at] === SLASH) return this.rootOf();
    const start = this.ofDescriptor(process, directory);
    if (start === -E.NXIO) return -E.NOTDIR;
    if (start < 0 || this.inodes.isDirectory(start)) return start;
    this.inodes.release(start);
    return -E.NOTDIR;
  }

  /** Where a link in `directory` begins. */
  private startOver(directory: number): number {
    if (this.ram.u8[this.at] !== SLASH) return directory;
    this.inodes.release(directory);
    return this.rootOf();
  }

  /**
   * Walks from a directory, whose reference it takes over.
   *
   * @param follow whether a link at the end is followed
   * @param slot -1: to the end; else to the directory before the last name, which is put there
   */
  private walk(process: number, start: number, follow: boolean, slot: number): number {
    const { ram, inodes, permissions, end } = this;
    const { u8 } = ram;
    let here = start;
    this.last = Last.Root;
    this.slash = false;
    this.length = 0;
    for (;;) {
      while (this.at < end && u8[this.at] === SLASH) this.at++;
      if (this.at === end) return here;
      const name = this.at;
      let rest = name;
      while (rest < end && u8[rest] !== SLASH) rest++;
      const length = rest - name;
      let next = rest;
      while (next < end && u8[next] === SLASH) next++;
      const isLast = next === end;
      let error = inodes.isDirectory(here) ? permissions.check(process, here, Want.Execute) : -E.NOTDIR;
      if (error === 0 && length > MAX_NAME) error = -E.NAMETOOLONG;
      if (error < 0) return this.fail(here, error);

      const dots = u8[name] !== DOT ? 0 : length === 1 ? 1 : length === 2 && u8[name + 1] === DOT ? 2 : 0;
      if (isLast && slot >= 0) {
        this.last = dots === 0 ? Last.Name : dots === 1 ? Last.Dot : Last.DotDot;
        this.name = this.scratch + NAME_SCRATCH + slot * NAME_SLOT_BYTES;
        this.length = length;
        this.slash = next !== rest;
        ram.copy(this.name, name, length);
        this.at = end;
        return here;
      }
      this.at = rest;
      if (dots === 1) continue;
      const found = dots === 2 ? this.tree.parentOf(here) : this.tree.lookup(process, here, name, length);
      if (found < 0) return this.fail(here, found);
      if (inodes.kind(found) === Mode.Link && (!isLast || follow || next !== rest)) {
        const jump = this.tree.systemOf(found)?.follow?.(process, found) ?? 0;
        if (jump === 0) {
          error = this.expand(process, found);
          inodes.release(found);
          if (error < 0) return this.fail(here, error);
          here = this.startOver(here);
          continue;
        }
        inodes.release(found);
        if (jump < 0) return this.fail(here, jump);
        inodes.release(here);
        here = jump;
      } else {
        inodes.release(here);
        here = found;
      }
      if (isLast && next !== rest && !inodes.isDirectory(here)) return this.fail(here, -E.NOTDIR);
    }
  }

  /** Puts the target of a link before the rest of the path: 0, -ELOOP, -ENAMETOOLONG. */
  private expand(process: number, link: number): number {
    if (this.followed === MAX_FOLLOWED) return -E.LOOP;
    this.followed++;
    // The place where the path was when it was taken.
    const to = this.scratch;
    const length = this.readLink(process, link, to);
    if (length < 0) return length;
    if (this.at - length < this.scratch + WALK_SCRATCH) return -E.NAMETOOLONG;
    this.at -= length;
    this.ram.copy(this.at, to, length);
    return 0;
  }

  /** Copies the target of a link to a kernel address with room for PATH_BYTES: its length or an errno. */
  readLink(process: number, link: number, to: number): number {
    const system = this.tree.systemOf(link);
    return system === undefined ? this.inodes.copyText(link, to) : system.readLink(process, link, to);
  }

  private fail(here: number, error: number): number {
    this.inodes.release(here);
    return error;
  }
}
