/*
 * From a directory back to its path, for getcwd(2): whatever file systems it leads through. Names are looked up from the directory to the root, one
 * at a time, so a path that is changed meanwhile may come out as it never was.
 */

import type { Ram } from '../../core/ram.ts';
import { E } from '../errno.ts';
import { PATH_BYTES } from '../scratch.ts';
import type { Tree } from './tree.ts';

const SLASH = 47;

export class PathNames {
  constructor(
    private readonly ram: Ram,
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
}
