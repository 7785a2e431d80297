/*
 * The directory tree: looking up names, making, linking and removing them. Renaming is in rename.ts.
 *
 * One lock, `Namespace.lock`, guards all names. Each function takes it for one step, and returns inodes with a reference, so that what has
 * been found stays there. A directory that has been removed has no links: nothing can be made in it any more.
 */

import type { Ram } from '../../core/ram.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import type { DirectoryEntries } from './directory-entries.ts';
import type { FileSystem } from './file-system.ts';
import { Inode, type Inodes, Touch } from './inodes.ts';
import { type Permissions, Want } from './permissions.ts';
import { Mode } from './stat.ts';

const decoder = new TextDecoder();

/** Names of one file (as ext4 has it). */
const MAX_LINKS = 65_000;

/** What a new file is to be. */
export interface NewFile {
  /** Kind and permissions, the umask applied. */
  mode: number;
  /** Of a device file. */
  device: number;
  /** Kernel address and length of a link's target. */
  text: number;
  textLength: number;
  /** A word that its maker knows it by. */
  node?: number;
}

export class Tree {
  /** By number (FileSystemNumber). */
  private readonly systems: (FileSystem | undefined)[] = [];

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    readonly inodes: Inodes,
    readonly entries: DirectoryEntries,
    readonly permissions: Permissions,
  ) {
    inodes.onRelease = (inode) => this.systemOf(inode)?.released?.(inode);
  }

  /** Makes the root directory. Once, at power-on. */
  initialise(): void {
    const { ram, inodes, entries } = this;
    const root = inodes.create(Mode.Directory | 0o755, 0, 0);
    Inode.parent.set(ram, root, root);
    Inode.links.set(ram, root, 2);
    inodes.publish(root);
    this.locks.acquire(entries.lock);
    entries.setRootLocked(root);
    this.locks.release(entries.lock);
  }

  get root(): number {
    return this.entries.root;
  }

  /** Says how files of a file system of this number work. Every participant, at start. */
  register(number: number, system: FileSystem): void {
    this.systems[number] = system;
  }

  /** The file system that made an inode; undefined: the memory file system. */
  systemOf(inode: number): FileSystem | undefined {
    return this.systems[Inode.system.get(this.ram, inode)];
  }

  /** Shows a file system's root, to which the caller's reference is taken over, in place of a directory. Once, at power-on. */
  mount(root: number, on: number): void {
    const { ram, locks, entries, inodes } = this;
    locks.acquire(entries.lock);
    const parent = Inode.parent.get(ram, on);
    inodes.retain(parent);
    Inode.parent.set(ram, root, parent);
    Inode.entry.set(ram, root, Inode.entry.get(ram, on));
    Inode.links.set(ram, root, 2);
    Inode.mounted.set(ram, on, root);
    locks.release(entries.lock);
  }

  /** The file of that name in a directory, with a reference: or -ENOENT. Rights are the caller's affair. */
  lookup(process: number, directory: number, name: number, length: number): number {
    const system = this.systemOf(directory);
    if (system !== undefined) return system.lookup(process, directory, name, length);
    const { ram, locks, entries } = this;
    locks.acquire(entries.lock);
    const entry = entries.findLocked(directory, name, length);
    let inode = -E.NOENT;
    if (entry !== 0) {
      inode = entries.inodeLocked(entry);
      const mounted = Inode.mounted.get(ram, inode);
      if (mounted !== 0) inode = mounted;
      this.inodes.retain(inode);
    }
    locks.release(entries.lock);
    return inode;
  }

  /** The directory that a directory is in, with a reference. That of the root is the root. */
  parentOf(directory: number): number {
    const { ram, locks, entries } = this;
    locks.acquire(entries.lock);
    const parent = Inode.parent.get(ram, directory);
    if (parent !== 0) this.inodes.retain(parent);
    locks.release(entries.lock);
    return parent !== 0 ? parent : this.systemOf(directory)!.parent(directory);
  }

  /**
   * Copies the name of a directory to a kernel address: its length, -ENOENT when it has been removed, 0 for the root.
   */
  nameOf(directory: number, to: number): number {
    const { ram, locks, entries } = this;
    locks.acquire(entries.lock);
    const entry = Inode.entry.get(ram, directory);
    const isRoot = directory === entries.rootLocked();
    const length = entry === 0 ? -E.NOENT : entries.copyNameLocked(entry, to);
    locks.release(entries.lock);
    if (isRoot) return 0;
    return entry !== 0 ? length : (this.systemOf(directory)?.name(directory, to) ?? -E.NOENT);
  }

  /** The path of a file by one of its names, for people to read: of one that has none any more ` (deleted)`. */
  pathOf(inode: number, scratch: number): string {
    const { ram, locks, entries } = this;
    let path = '';
    locks.acquire(entries.lock);
    for (let at = inode; at !== entries.rootLocked();) {
      const entry = Inode.entry.get(ram, at);
      if (entry === 0) {
        path = ` (deleted)`;
        break;
      }
      const length = entries.copyNameLocked(entry, scratch);
      path = `/${decoder.decode(ram.bytes(scratch, length))}${path}`;
      at = entries.directoryLocked(entry);
    }
    locks.release(entries.lock);
    return path === '' ? '/' : path;
  }

  /** Whether a directory is still in the tree. */
  isRemoved(directory: number): boolean {
    return Inode.links.peek(this.ram, directory) === 0;
  }

  /**
   * Makes a file and its name.
   *
   * @returns the inode with a reference for the caller, or -EEXIST, -EACCES, -ENOENT (the directory has been removed), -EMLINK, -ENOSPC
   */
  create(process: number, directory: number, name: number, length: number, file: NewFile): number {
    const { locks, entries } = this;
    const system = this.systemOf(directory);
    if (system !== undefined) return this.cannotCreate(system, process, directory, name, length);
    locks.acquire(entries.lock);
    const result = this.createLocked(process, directory, name, length, file);
    locks.release(entries.lock);
    return result;
  }

  private createLocked(process: number, directory: number, name: number, length: number, file: NewFile): number {
    const { ram, inodes, entries } = this;
    if (entries.findLocked(directory, name, length) !== 0) return -E.EXIST;
    const error = this.checkCreateLocked(process, directory);
    if (error < 0) return error;
    const isDirectory = (file.mode & Mode.Kinds) === Mode.Directory;
    if (isDirectory && Inode.links.get(ram, directory) >= MAX_LINKS) return -E.MLINK;
    const inode = this.makeInode(process, directory, file);
    if (inode < 0) return inode;
    const entry = entries.insertLocked(directory, name, length, inode);
    if (entry < 0) {
      inodes.release(inode);
      return entry;
    }
    Inode.links.set(ram, inode, isDirectory ? 2 : 1);
    if (isDirectory) this.placeDirectoryLocked(inode, directory, entry);
    else Inode.entry.set(ram, inode, entry);
    // That of its names.
    inodes.retain(inode);
    inodes.publish(inode);
    inodes.touch(directory, Touch.Modify | Touch.Change);
    return inode;
  }

  /** A file without a name, which only open files hold (O_TMPFILE, memfd_create): an inode with a reference, or -ENOSPC. */
  createNameless(process: number, directory: number, mode: number): number {
    const inode = this.makeInode(process, directory, { mode, device: 0, text: 0, textLength: 0 });
    if (inode > 0) this.inodes.publish(inode);
    return inode;
  }

  private makeInode(process: number, directory: number, file: NewFile): number {
    const { ram, inodes, permissions } = this;
    let gid = permissions.gid(process);
    let { mode } = file;
    if (directory !== 0 && (Inode.mode.peek(ram, directory) & Mode.SetGid) !== 0) {
      gid = Inode.gid.peek(ram, directory);
      if ((mode & Mode.Kinds) === Mode.Directory) mode |= Mode.SetGid;
      else if ((mode & 0o2010) === 0o2010 && !permissions.mayKeepSetGid(process, gid)) mode &= ~Mode.SetGid;
    }
    const inode = inodes.create(mode, permissions.uid(process), gid, file.device);
    if (inode > 0 && file.node !== undefined) Inode.node.set(ram, inode, file.node);
    if (inode < 0 || file.textLength === 0) return inode;
    const error = inodes.setText(inode, file.text, file.textLength);
    if (error === 0) return inode;
    inodes.release(inode);
    return error;
  }

  /**
   * Gives a file one more name (link(2)).
   *
   * @returns 0, -EEXIST, -EACCES, -EPERM (a directory), -EMLINK, -ENOENT (directory or file have been removed), -ENOSPC, -EXDEV
   */
  link(process: number, inode: number, directory: number, name: number, length: number): number {
    const { locks, entries } = this;
    const system = this.systemOf(directory);
    if (system !== undefined) return this.cannotCreate(system, process, directory, name, length);
    locks.acquire(entries.lock);
    const result = this.linkLocked(process, inode, directory, name, length);
    locks.release(entries.lock);
    return result;
  }

  private linkLocked(process: number, inode: number, directory: number, name: number, length: number): number {
    const { ram, inodes, entries } = this;
    if (entries.findLocked(directory, name, length) !== 0) return -E.EXIST;
    if (this.systemOf(inode) !== undefined) return -E.XDEV;
    const error = this.checkCreateLocked(process, directory);
    if (error < 0) return error;
    if (inodes.isDirectory(inode)) return -E.PERM;
    const links = Inode.links.get(ram, inode);
    if (links === 0) return -E.NOENT;
    if (links >= MAX_LINKS) return -E.MLINK;
    const entry = entries.insertLocked(directory, name, length, inode);
    if (entry < 0) return entry;
    Inode.links.set(ram, inode, links + 1);
    if (Inode.entry.get(ram, inode) === 0) Inode.entry.set(ram, inode, entry);
    inodes.touch(inode, Touch.Change);
    inodes.touch(directory, Touch.Modify | Touch.Change);
    return 0;
  }

  /**
   * Takes a name away (unlink(2), rmdir(2)).
   *
   * @param slash whether slashes follow the name
   * @param isDirectory whether it is to be a directory
   * @returns 0, -ENOENT, -EACCES, -EPERM, -ENOTDIR, -EISDIR, -EBUSY, -ENOTEMPTY
   */
  remove(process: number, directory: number, name: number, length: number, slash: boolean, isDirectory: boolean): number {
    const { ram, locks, entries, inodes } = this;
    const system = this.systemOf(directory);
    if (system !== undefined) {
      const found = system.lookup(process, directory, name, length);
      if (found < 0) return found;
      inodes.release(found);
      return -E.PERM;
    }
    locks.acquire(entries.lock);
    const entry = entries.findLocked(directory, name, length);
    const inode = entry === 0 ? 0 : entries.inodeLocked(entry);
    let result = entry === 0 ? -E.NOENT : this.checkRemoveLocked(process, directory, inode, slash, isDirectory);
    let gone = 0;
    if (result === 0) {
      if (Inode.entry.get(ram, inode) === entry) Inode.entry.set(ram, inode, 0);
      entries.removeLocked(entry);
      inodes.touch(directory, Touch.Modify | Touch.Change);
      gone = this.dropLinkLocked(inode) ? inode : 0;
      if (isDirectory) Inode.links.set(ram, directory, Inode.links.get(ram, directory) - 1);
      result = 0;
    }
    locks.release(entries.lock);
    if (gone !== 0) inodes.release(gone);
    return result;
  }

  private checkRemoveLocked(process: number, directory: number, inode: number, slash: boolean, isDirectory: boolean): number {
    const { ram, entries, inodes } = this;
    const found = inodes.isDirectory(inode);
    if (slash && !isDirectory) return found ? -E.ISDIR : -E.NOTDIR;
    const error = this.checkDeleteLocked(process, directory, inode);
    if (error < 0) return error;
    if (isDirectory && !found) return -E.NOTDIR;
    if (!isDirectory && found) return -E.ISDIR;
    if (!found) return 0;
    if (Inode.mounted.get(ram, inode) !== 0) return -E.BUSY;
    return entries.isEmptyLocked(inode) ? 0 : -E.NOTEMPTY;
  }

  /** Whether a process may make names in a directory: 0, -EACCES or -ENOENT. */
  checkCreateLocked(process: number, directory: number): number {
    if (Inode.links.get(this.ram, directory) === 0) return -E.NOENT;
    return this.permissions.check(process, directory, Want.Write | Want.Execute);
  }

  /** Whether a process may take the name of a file out of a directory: 0, -EACCES or -EPERM. */
  checkDeleteLocked(process: number, directory: number, inode: number): number {
    const error = this.permissions.check(process, directory, Want.Write | Want.Execute);
    return error < 0 ? error : this.permissions.checkSticky(process, directory, inode);
  }

  /** One name less. True: that was the last, and the caller drops the reference of the names when the namespace is unlocked. */
  dropLinkLocked(inode: number): boolean {
    const { ram, inodes } = this;
    const links = inodes.isDirectory(inode) ? 0 : Inode.links.get(ram, inode) - 1;
    Inode.links.set(ram, inode, links);
    if (inodes.isDirectory(inode)) Inode.entry.set(ram, inode, 0);
    inodes.touch(inode, Touch.Change);
    return links === 0;
  }

  /** Notes where a directory is; it holds its parent. */
  placeDirectoryLocked(directory: number, parent: number, entry: number): void {
    const { ram } = this;
    Inode.parent.set(ram, directory, parent);
    Inode.entry.set(ram, directory, entry);
    this.inodes.retain(parent);
    Inode.links.set(ram, parent, Inode.links.get(ram, parent) + 1);
  }

  private cannotCreate(system: FileSystem, process: number, directory: number, name: number, length: number): number {
    const found = system.lookup(process, directory, name, length);
    if (found < 0) return found;
    this.inodes.release(found);
    return -E.EXIST;
  }
}
