/*
 * renameat2(2): a name goes elsewhere, replacing what is there, or two names change places. One step under `Namespace.lock`, so nobody ever
 * sees both names, or none.
 */

import type { Ram } from '../../core/ram.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import type { DirectoryEntries } from './directory-entries.ts';
import { Inode, type Inodes, Touch } from './inodes.ts';
import { Want } from './permissions.ts';
import type { Tree } from './tree.ts';

export const RenameFlag = { NoReplace: 1, Exchange: 2 } as const;

/** One end of a renaming: a name in a directory. */
export interface NamePlace {
  directory: number;
  /** Kernel address. */
  name: number;
  length: number;
  /** Slashes follow it. */
  slash: boolean;
}

export class Renaming {
  private readonly entries: DirectoryEntries;
  private readonly inodes: Inodes;
  /** References to be dropped when the namespace is unlocked. */
  private readonly dropped: number[] = [];

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly tree: Tree,
  ) {
    this.entries = tree.entries;
    this.inodes = tree.inodes;
  }

  /** @returns 0, or as rename(2) has it */
  rename(process: number, from: NamePlace, to: NamePlace, flags: number): number {
    const { locks, entries, tree, inodes } = this;
    const systems = [tree.systemOf(from.directory), tree.systemOf(to.directory)];
    if (systems[0] !== systems[1]) return -E.XDEV;
    if (systems[0] !== undefined) return -E.PERM;
    this.dropped.length = 0;
    locks.acquire(entries.lock);
    const result = this.renameLocked(process, from, to, flags);
    locks.release(entries.lock);
    for (const inode of this.dropped) inodes.release(inode);
    return result;
  }

  private renameLocked(process: number, from: NamePlace, to: NamePlace, flags: number): number {
    const { entries } = this;
    const source = entries.findLocked(from.directory, from.name, from.length);
    if (source === 0) return -E.NOENT;
    const target = entries.findLocked(to.directory, to.name, to.length);
    const error = this.checkLocked(from, to, source, target, flags);
    if (error !== 0) return error;
    if (target !== 0 && entries.inodeLocked(source) === entries.inodeLocked(target)) return 0;
    const refused = this.checkRightsLocked(process, from.directory, to.directory, source, target, flags);
    if (refused !== 0) return refused;
    if ((flags & RenameFlag.Exchange) !== 0) this.exchangeLocked(source, target);
    else if (target !== 0) this.replaceLocked(source, target);
    else {
      const moved = entries.insertLocked(to.directory, to.name, to.length, entries.inodeLocked(source));
      if (moved < 0) return moved;
      this.moveLocked(source, moved);
    }
    this.touchLocked(from.directory);
    if (to.directory !== from.directory) this.touchLocked(to.directory);
    return 0;
  }

  /** Whether the names allow it. */
  private checkLocked(from: NamePlace, to: NamePlace, source: number, target: number, flags: number): number {
    const { entries, inodes } = this;
    const exchange = (flags & RenameFlag.Exchange) !== 0;
    const file = entries.inodeLocked(source);
    const other = target === 0 ? 0 : entries.inodeLocked(target);
    if (other !== 0 && (flags & RenameFlag.NoReplace) !== 0) return -E.EXIST;
    if (exchange && other === 0) return -E.NOENT;
    if (exchange && to.slash && !inodes.isDirectory(other)) return -E.NOTDIR;
    if (!inodes.isDirectory(file) && (from.slash || (!exchange && to.slash))) return -E.NOTDIR;
    if (inodes.isDirectory(file) && this.isWithinLocked(to.directory, file)) return -E.INVAL;
    if (other !== 0 && inodes.isDirectory(other) && this.isWithinLocked(from.directory, other))
      return exchange ? -E.INVAL : -E.NOTEMPTY;
    return 0;
  }

  /** Whether the process may do it, and the files let themselves be renamed. */
  private checkRightsLocked(
    process: number,
    fromDirectory: number,
    toDirectory: number,
    source: number,
    target: number,
    flags: number,
  ): number {
    const { ram, tree, entries, inodes } = this;
    const { permissions } = tree;
    const exchange = (flags & RenameFlag.Exchange) !== 0;
    const file = entries.inodeLocked(source);
    const other = target === 0 ? 0 : entries.inodeLocked(target);
    let error = tree.checkDeleteLocked(process, fromDirectory, file);
    if (error === 0) {
      error = other === 0 ? tree.checkCreateLocked(process, toDirectory) : tree.checkDeleteLocked(process, toDirectory, other);
    }
    if (error !== 0) return error;
    const isDirectory = inodes.isDirectory(file);
    if (other !== 0 && !exchange) {
      if (isDirectory && !inodes.isDirectory(other)) return -E.NOTDIR;
      if (!isDirectory && inodes.isDirectory(other)) return -E.ISDIR;
    }
    // The `..` of a directory that moves is written.
    if (fromDirectory !== toDirectory) {
      if (isDirectory) error = permissions.check(process, file, Want.Write);
      if (error === 0 && exchange && inodes.isDirectory(other)) error = permissions.check(process, other, Want.Write);
      if (error !== 0) return error;
    }
    if (Inode.mounted.get(ram, file) !== 0 || (other !== 0 && Inode.mounted.get(ram, other) !== 0)) return -E.BUSY;
    if (other !== 0 && !exchange && isDirectory && !entries.isEmptyLocked(other)) return -E.NOTEMPTY;
    return 0;
  }

  /** Whether a directory is `above`, or somewhere in it. */
  private isWithinLocked(directory: number, above: number): boolean {
    const { ram } = this;
    for (let at = directory; ; at = Inode.parent.get(ram, at)) {
      if (at === above) return true;
      if (Inode.parent.get(ram, at) === at) return false;
    }
  }

  /** The file of `source` has a new entry as well, and keeps that alone. */
  private moveLocked(source: number, moved: number): void {
    const { entries, inodes } = this;
    const file = entries.inodeLocked(source);
    const from = entries.directoryLocked(source);
    if (!inodes.isDirectory(file) && Inode.entry.get(this.ram, file) === source) Inode.entry.set(this.ram, file, moved);
    entries.removeLocked(source);
    if (inodes.isDirectory(file)) this.relocateLocked(file, from, moved);
    inodes.touch(file, Touch.Change);
  }

  /** The file of `source` takes over the entry `target`. */
  private replaceLocked(source: number, target: number): void {
    const { ram, tree, entries, inodes } = this;
    const victim = entries.inodeLocked(target);
    const directory = entries.directoryLocked(target);
    if (Inode.entry.get(ram, victim) === target) Inode.entry.set(ram, victim, 0);
    entries.setInodeLocked(target, entries.inodeLocked(source));
    if (inodes.isDirectory(victim)) Inode.links.set(ram, directory, Inode.links.get(ram, directory) - 1);
    if (tree.dropLinkLocked(victim)) this.dropped.push(victim);
    this.moveLocked(source, target);
  }

  private exchangeLocked(source: number, target: number): void {
    const { entries, inodes } = this;
    const file = entries.inodeLocked(source);
    const other = entries.inodeLocked(target);
    entries.setInodeLocked(source, other);
    entries.setInodeLocked(target, file);
    this.settleLocked(file, source, target);
    this.settleLocked(other, target, source);
    inodes.touch(file, Touch.Change);
    inodes.touch(other, Touch.Change);
  }

  /** A file has changed its name from one entry to another. */
  private settleLocked(file: number, before: number, after: number): void {
    const { ram, entries, inodes } = this;
    if (inodes.isDirectory(file)) this.relocateLocked(file, entries.directoryLocked(before), after);
    else if (Inode.entry.get(ram, file) === before) Inode.entry.set(ram, file, after);
  }

  /** A directory was in `from`, and its entry is another one now. */
  private relocateLocked(directory: number, from: number, entry: number): void {
    const { ram, tree, entries } = this;
    tree.placeDirectoryLocked(directory, entries.directoryLocked(entry), entry);
    Inode.links.set(ram, from, Inode.links.get(ram, from) - 1);
    this.dropped.push(from);
  }

  private touchLocked(directory: number): void {
    this.inodes.touch(directory, Touch.Modify | Touch.Change);
  }
}
