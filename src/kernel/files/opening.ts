/*
 * open(2): from a path to an open file. What opening means for FIFOs and for devices, whoever knows them says (`Opener`).
 *
 * An opener may let the thread wait: it makes the open file first, has the thread hold it (`Descriptors.keep`), sleeps in the Rerun form and
 * returns BLOCKED. The thread makes its call again, finds that it holds a file, and `resume` goes on with that: the path is not walked twice.
 */

import type { Ram } from '../../core/ram.ts';
import { E } from '../errno.ts';
import { Process } from '../process.ts';
import { LEAST_ERRNO } from '../result.ts';
import type { DeviceFiles } from './device-files.ts';
import { FileKind, Open, writable } from './file-ops.ts';
import { Inode, type Inodes } from './inodes.ts';
import { OpenFile, type OpenFiles } from './open-files.ts';
import { Last, type Paths } from './paths.ts';
import { Want } from './permissions.ts';
import type { RegularFiles } from './regular-file.ts';
import { Mode } from './stat.ts';
import type { NewFile, Tree } from './tree.ts';

/** How files of a kind are opened. */
export interface Opener {
  /**
   * @param inode a reference to it is taken over with success and BLOCKED, and stays the caller's with an errno
   * @returns an open file, an errno, or BLOCKED
   */
  open(thread: number, inode: number, flags: number): number;
  /** Goes on after a wait: the file that the thread holds, an errno, or BLOCKED again. */
  resume?(thread: number, file: number): number;
}

/** By access mode of the flags: what must be allowed. */
const WANTED = [Want.Read, Want.Write, Want.Read | Want.Write, Want.Read | Want.Write];
const PATH_FLAGS = Open.Directory | Open.NoFollow | Open.Path | Open.CloseOnExec;
export const PERMISSION_BITS = 0o7777;

export class Opening {
  private readonly kinds = new Map<number, Opener>();
  private readonly devices = new Map<number, Opener>();
  private readonly inodes: Inodes;

  constructor(
    private readonly ram: Ram,
    private readonly files: OpenFiles,
    private readonly tree: Tree,
    private readonly paths: Paths,
    private readonly regular: RegularFiles,
    private readonly deviceFiles: DeviceFiles,
  ) {
    this.inodes = tree.inodes;
  }

  /** Says how files of a kind (Mode.Fifo, Mode.Socket) are opened. */
  registerKind(kind: number, opener: Opener): void {
    this.kinds.set(kind, opener);
  }

  /** Says how the character device of this number is opened. */
  registerDevice(device: number, opener: Opener): void {
    this.devices.set(device, opener);
  }

  /**
   * open(2) of a path in user memory.
   *
   * @returns an open file with a reference, an errno, or BLOCKED (the thread holds the file)
   */
  open(thread: number, process: number, space: number, directory: number, path: number, flags: number, mode: number): number {
    const { inodes, paths } = this;
    const bad = checkFlags(flags);
    if (bad !== 0) return bad;
    const wanted = (flags & Open.Path) !== 0 ? flags & PATH_FLAGS : flags;
    if ((wanted & Open.TemporaryFile) !== 0) return this.openNameless(process, space, directory, path, wanted, mode);
    let inode: number;
    this.created = false;
    if ((wanted & Open.Create) === 0) {
      inode = paths.lookup(process, space, directory, path, (wanted & Open.NoFollow) === 0);
    } else {
      const parent = paths.lookupParent(process, space, directory, path);
      inode = parent < 0 ? parent : this.findOrCreate(process, parent, wanted, mode);
    }
    if (inode < 0) return inode;
    const result = this.openInode(thread, process, inode, wanted, this.created);
    if (result < 0 && result >= LEAST_ERRNO) inodes.release(inode);
    return result;
  }

  /** Whether the last `findOrCreate` has made the file. */
  private created = false;

  /** O_CREAT, from the directory of the last name on, whose reference is taken over: an inode with a reference, or an errno. */
  private findOrCreate(process: number, start: number, flags: number, mode: number): number {
    const { ram, inodes, paths, tree } = this;
    const exclusive = (flags & Open.Exclusive) !== 0;
    let directory = start;
    for (;;) {
      if (paths.last !== Last.Name || paths.slash) {
        inodes.release(directory);
        return exclusive && paths.last !== Last.Name ? -E.EXIST : -E.ISDIR;
      }
      const found = tree.lookup(process, directory, paths.name, paths.length);
      if (found === -E.NOENT) {
        this.file.mode = Mode.Regular | (mode & PERMISSION_BITS & ~Process.umask.load(ram, process));
        const made = tree.create(process, directory, paths.name, paths.length, this.file);
        // Somebody has been faster: then it is there now.
        if (made === -E.EXIST) continue;
        inodes.release(directory);
        this.created = made > 0;
        return made;
      }
      const isLink = found > 0 && inodes.kind(found) === Mode.Link;
      if (isLink && !exclusive && (flags & Open.NoFollow) === 0) {
        const jump = tree.systemOf(found)?.follow?.(process, found) ?? 0;
        if (jump === 0) {
          directory = paths.followLast(process, directory, found);
          if (directory < 0) return directory;
          continue;
        }
        inodes.release(found);
        inodes.release(directory);
        return jump;
      }
      inodes.release(directory);
      if (found < 0 || !exclusive) return found;
      inodes.release(found);
      return -E.EXIST;
    }
  }

  private readonly file: NewFile = { mode: 0, device: 0, text: 0, textLength: 0 };

  /**
   * Opens a file that has been found.
   *
   * @param created whether this very call has made it: then its mode does not count
   * @returns an open file that has taken over the caller's reference, BLOCKED likewise, or an errno
   */
  openInode(thread: number, process: number, inode: number, flags: number, created: boolean): number {
    const { ram, tree, inodes, files } = this;
    const { permissions } = tree;
    const kind = inodes.kind(inode);
    if ((flags & Open.Directory) !== 0 && kind !== Mode.Directory) return -E.NOTDIR;
    if ((flags & Open.Path) !== 0) return files.create(FileKind.inode, flags, inode, inode) || -E.NFILE;
    if (kind === Mode.Directory && (flags & Open.Create) !== 0) return -E.ISDIR;
    if (kind === Mode.Link) return -E.LOOP;
    const truncates = (flags & Open.Truncate) !== 0 && kind === Mode.Regular;
    const want = WANTED[flags & Open.AccessMode]! | ((flags & Open.Truncate) !== 0 ? Want.Write : 0);
    if (kind === Mode.Directory && (want & Want.Write) !== 0) return -E.ISDIR;
    if (!created && permissions.check(process, inode, want) < 0) return -E.ACCES;
    if ((flags & Open.NoAccessTime) !== 0 && !permissions.owns(process, inode)) return -E.PERM;
    if (kind === Mode.Directory) return files.create(FileKind.directory, flags, inode, inode) || -E.NFILE;
    const system = tree.systemOf(inode);
    if (system !== undefined) return system.open(thread, inode, flags);
    if (kind === Mode.Character) {
      const device = Inode.device.get(ram, inode);
      const opener = this.devices.get(device);
      return opener === undefined ? this.deviceFiles.open(device, flags, inode) : opener.open(thread, inode, flags);
    }
    if (kind !== Mode.Regular) return this.kinds.get(kind)?.open(thread, inode, flags) ?? -E.NXIO;
    return this.openRegular(process, inode, flags, truncates && !created);
  }

  private openRegular(process: number, inode: number, flags: number, truncates: boolean): number {
    const { inodes, files } = this;
    const writes = writable(flags);
    if (writes || truncates) {
      const busy = inodes.beginWriting(inode);
      if (busy !== 0) return busy;
    }
    const file = files.create(FileKind.inode, flags, inode, inode);
    if (file !== 0 && truncates) this.regular.resize(process, inode, 0);
    if ((writes && file === 0) || (truncates && !writes)) inodes.endWriting(inode);
    return file || -E.NFILE;
  }

  /** O_TMPFILE: a file without a name, in the directory that the path names. */
  private openNameless(process: number, space: number, directory: number, path: number, flags: number, mode: number): number {
    const { ram, inodes, paths, tree } = this;
    const parent = paths.lookup(process, space, directory, path, true);
    if (parent < 0) return parent;
    let result = inodes.isDirectory(parent) ? tree.permissions.check(process, parent, Want.Write | Want.Execute) : -E.NOTDIR;
    if (result === 0 && tree.systemOf(parent) !== undefined) result = -E.OPNOTSUPP;
    if (result === 0) {
      const bits = mode & PERMISSION_BITS & ~Process.umask.load(ram, process);
      result = tree.createNameless(process, parent, Mode.Regular | bits);
    }
    inodes.release(parent);
    if (result < 0) return result;
    const file = this.openRegular(process, result, flags & ~Open.Directory, false);
    if (file < 0) inodes.release(result);
    return file;
  }

  /** Goes on with an open file that the thread holds since an earlier attempt of its call. */
  resume(thread: number, file: number): number {
    const inode = OpenFile.inode.get(this.ram, file);
    const kind = this.inodes.kind(inode);
    const opener = kind === Mode.Character ? this.devices.get(Inode.device.get(this.ram, inode)) : this.kinds.get(kind);
    return opener?.resume?.(thread, file) ?? file;
  }
}

function checkFlags(flags: number): number {
  if ((flags & Open.Path) !== 0) return 0;
  if ((flags & Open.TemporaryFile) !== 0) {
    if ((flags & Open.Directory) === 0 || (flags & Open.Create) !== 0) return -E.INVAL;
    return (flags & Open.AccessMode) === 0 ? -E.INVAL : 0;
  }
  return (flags & Open.Create) !== 0 && (flags & Open.Directory) !== 0 ? -E.INVAL : 0;
}
