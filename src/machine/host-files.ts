/*
 * The machine's files in the host's hands: what is put there before programs run, and looked at from outside. Paths are absolute, and
 * rights do not count.
 */

import { E, errnoName } from '../kernel/errno.ts';
import { Inode } from '../kernel/files/inodes.ts';
import { AT_FDCWD, Last } from '../kernel/files/paths.ts';
import { Mode } from '../kernel/files/stat.ts';
import type { NewFile } from '../kernel/files/tree.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';

/** The kernel, as process. */
const HOST = 0;
/** `Inode.node` of directories that are there for a program of the host only. */
const FOR_PROGRAM = 1;

/** The machine has refused something: `errno` says why. */
export class FileRefusal extends Error {
  constructor(
    readonly path: string,
    /** Positive. */
    readonly errno: number,
  ) {
    super(`${path}: ${errnoName(errno)}`);
  }
}

export class HostFiles {
  constructor(private readonly kernel: Kernel) {}

  exists(path: string): boolean {
    const inode = this.find(path, false);
    if (inode > 0) this.kernel.fs.inodes.release(inode);
    return inode > 0;
  }

  /** Whether a path leads to a file that can be run. */
  isProgram(path: string): boolean {
    const { ram, fs } = this.kernel;
    const inode = this.find(path, true);
    if (inode < 0) return false;
    const runs = fs.inodes.kind(inode) === Mode.Regular && (Inode.mode.peek(ram, inode) & 0o111) !== 0;
    fs.inodes.release(inode);
    return runs;
  }

  /** Makes a directory, and those above it; one that is there already stays as it is. */
  makeDirectory(path: string, mode = 0o755): void {
    this.makeAbove(path);
    this.make(path, { ...NOTHING, mode: Mode.Directory | mode }, true);
  }

  /** Makes a file with these bytes, in place of one that is there. */
  putFile(path: string, bytes: Uint8Array, mode = 0o644, isForProgram = false): void {
    const { fs } = this.kernel;
    this.makeAbove(path, isForProgram);
    this.remove(path);
    const inode = this.create(path, { ...NOTHING, mode: Mode.Regular | mode });
    const error = inode < 0 ? inode : fs.inodes.setBytes(inode, bytes);
    if (inode > 0) fs.inodes.release(inode);
    if (error >= 0) return;
    if (inode > 0) this.remove(path);
    throw new FileRefusal(path, -error);
  }

  putLink(path: string, target: string): void {
    const { ram, scratch } = this.kernel;
    const bytes = new TextEncoder().encode(target);
    const text = scratch + STRUCT_SCRATCH;
    ram.u8.set(bytes, text);
    this.makeAbove(path);
    this.make(path, { mode: Mode.Link | 0o777, device: 0, text, textLength: bytes.length }, true);
  }

  putDevice(path: string, device: number, mode = 0o666): void {
    this.make(path, { ...NOTHING, mode: Mode.Character | mode, device }, true);
  }

  putFifo(path: string, mode: number): void {
    this.make(path, { ...NOTHING, mode: Mode.Fifo | mode }, true);
  }

  /** Gives the file at `existing` one more name. */
  putName(path: string, existing: string): void {
    const { fs } = this.kernel;
    const inode = this.find(existing, false);
    if (inode < 0) throw new FileRefusal(existing, -inode);
    const directory = this.parent(path);
    const { name, length } = fs.paths;
    const error = directory < 0 ? directory : fs.tree.link(HOST, inode, directory, name, length);
    if (directory > 0) fs.inodes.release(directory);
    fs.inodes.release(inode);
    if (error < 0 && error !== -E.EXIST) throw new FileRefusal(path, -error);
  }

  /** Sets mode, owner and time of the last change (seconds since 1970). */
  setAttributes(path: string, mode: number, uid: number, gid: number, seconds: number): void {
    const { fs } = this.kernel;
    const inode = this.find(path, false);
    if (inode < 0) throw new FileRefusal(path, -inode);
    if (uid !== 0 || gid !== 0) fs.attributes.setOwner(HOST, inode, uid, gid);
    if (fs.inodes.kind(inode) !== Mode.Link) fs.attributes.setMode(HOST, inode, mode);
    const time = { kind: 'given', seconds: Math.floor(seconds), ns: Math.floor((seconds % 1) * 1e9) } as const;
    fs.attributes.setTimes(HOST, inode, time, time);
    fs.inodes.release(inode);
  }

  /** Takes a file's name away, if it is there. */
  remove(path: string): void {
    this.removeName(path, false);
  }

  /** Takes away a file that `putFile` has put for a program, and the directories that were made for it. */
  removeForProgram(path: string): void {
    const { ram, fs } = this.kernel;
    this.remove(path);
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      const inode = this.find(above, false);
      if (inode < 0) return;
      const isOurs = Inode.node.get(ram, inode) === FOR_PROGRAM;
      fs.inodes.release(inode);
      if (!isOurs || this.removeName(above, true) < 0) return;
    }
  }

  private removeName(path: string, isDirectory: boolean): number {
    const { fs } = this.kernel;
    const directory = this.parent(path);
    if (directory < 0) return directory;
    const { name, length } = fs.paths;
    const result = fs.tree.remove(HOST, directory, name, length, false, isDirectory);
    fs.inodes.release(directory);
    return result;
  }

  private makeAbove(path: string, isForProgram = false): void {
    const node = isForProgram ? FOR_PROGRAM : 0;
    for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) {
      const above = path.slice(0, at);
      if (!this.exists(above)) this.make(above, { ...NOTHING, mode: Mode.Directory | 0o755, node }, true);
    }
  }

  private make(path: string, file: NewFile, mayExist: boolean): void {
    const inode = this.create(path, file);
    if (inode > 0) this.kernel.fs.inodes.release(inode);
    else if (!mayExist || inode !== -E.EXIST) throw new FileRefusal(path, -inode);
  }

  private create(path: string, file: NewFile): number {
    const { fs } = this.kernel;
    const directory = this.parent(path);
    if (directory < 0) return directory;
    const { last, name, length } = fs.paths;
    const inode = last === Last.Name ? fs.tree.create(HOST, directory, name, length, file) : -E.EXIST;
    fs.inodes.release(directory);
    return inode;
  }

  private find(path: string, follow: boolean): number {
    const { paths } = this.kernel.fs;
    paths.putBytes(new TextEncoder().encode(path));
    return paths.resolve(HOST, AT_FDCWD, follow);
  }

  private parent(path: string): number {
    const { paths } = this.kernel.fs;
    paths.putBytes(new TextEncoder().encode(path));
    return paths.parent(HOST, AT_FDCWD);
  }
}

const NOTHING: NewFile = { mode: 0, device: 0, text: 0, textLength: 0 };

/** The path of the directory that a path is in; '' for one in the root. */
function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
