/*
 * From an inode back to a path: for getcwd(2) and the links of /proc. Names are looked up from the file to the root, one at a time, so a path
 * that is changed meanwhile may come out as it never was.
 *
 * A directory knows where it is. Any other file is looked for among all names, which takes as long as there are names: for people's eyes.
 */

import type { Ram } from '../../core/ram.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import { PATH_BYTES } from '../scratch.ts';
import type { Tree } from './tree.ts';

const SLASH = 47;
const DELETED = ' (deleted)';

export class PathNames {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly tree: Tree,
    /** Scratch: PATH_BYTES for the path, and where a name comes to lie. */
    private readonly scratch: number,
    private readonly name: number,
  ) {}

  /** Where the path that `ofDirectory` has written ends: behind its last byte. */
  get end(): number {
    return this.scratch + PATH_BYTES;
  }

  /**
   * Writes the path of a directory, whose reference it takes over, so that it ends at `end` less `room` bytes.
   *
   * @returns where it begins, -ENOENT (it has been removed) or -ENAMETOOLONG
   */
  ofDirectory(directory: number, room: number): number {
    const { ram, tree, name, scratch } = this;
    const { inodes } = tree;
    const end = this.end - room;
    let at = end;
    let here = directory;
    let length: number;
    while ((length = tree.nameOf(here, name)) > 0 && at - length - 1 >= scratch) {
      at -= length;
      ram.copy(at, name, length);
      ram.u8[--at] = SLASH;
      const parent = tree.parentOf(here);
      inodes.release(here);
      here = parent;
    }
    inodes.release(here);
    if (length < 0) return length;
    if (length > 0) return -E.NAMETOOLONG;
    if (at === end) ram.u8[--at] = SLASH;
    return at;
  }

  /** A path that leads to a file now, as text; one without a name is said to be deleted. */
  textOf(inode: number): string {
    const { ram, locks, tree, name } = this;
    const { inodes, entries } = tree;
    if (inodes.isDirectory(inode)) {
      inodes.retain(inode);
      const at = this.ofDirectory(inode, 0);
      return at < 0 ? `/${DELETED}` : text(ram, at, this.end - at);
    }
    locks.acquire(entries.lock);
    const entry = entries.anyOfLocked(inode);
    const length = entry === 0 ? 0 : entries.copyNameLocked(entry, name);
    const directory = entry === 0 ? 0 : entries.directoryLocked(entry);
    if (directory !== 0) inodes.retain(directory);
    locks.release(entries.lock);
    if (directory === 0) return `/${DELETED}`;
    const last = text(ram, name, length);
    const at = this.ofDirectory(directory, 0);
    if (at < 0) return `/${last}${DELETED}`;
    const path = text(ram, at, this.end - at);
    return path === '/' ? `/${last}` : `${path}/${last}`;
  }
}

function text(ram: Ram, address: number, length: number): string {
  return new TextDecoder().decode(ram.bytes(address, length));
}
