/*
 * The memory file system as one participant sees it: inodes, names, paths and how files are opened, put together once.
 */

import type { Ram } from '../../core/ram.ts';
import type { Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { Locks } from '../../smp/spinlock.ts';
import type { Contents } from '../contents.ts';
import type { Frames } from '../frames.ts';
import type { MemoryMap } from '../memory-map.ts';
import type { Inspection } from '../oracles/inspection.ts';
import { NAME_SCRATCH } from '../scratch.ts';
import type { Truncation } from '../truncation.ts';
import type { UserCopy } from '../user-copy.ts';
import type { WaitQueues } from '../wait-queue.ts';
import { Attributes } from './attributes.ts';
import type { Descriptors } from './descriptors.ts';
import { DeviceFiles } from './device-files.ts';
import { DirectoryEntries } from './directory-entries.ts';
import { DirectoryFiles } from './directory-file.ts';
import { Inodes } from './inodes.ts';
import { FileLocks, LockKind } from './file-locks.ts';
import { OpenFile, type OpenFiles } from './open-files.ts';
import { Opening } from './opening.ts';
import { PathNames } from './path-names.ts';
import { Paths } from './paths.ts';
import { Permissions } from './permissions.ts';
import { RegularFiles } from './regular-file.ts';
import { Renaming } from './rename.ts';
import { Mode } from './stat.ts';
import { Tree } from './tree.ts';

/** What it needs of the kernel. */
export interface MemoryFilesParts {
  readonly ram: Ram;
  readonly locks: Locks;
  readonly frames: Frames;
  readonly contents: Contents;
  readonly truncation: Truncation;
  readonly clock: Clock;
  readonly random: Random;
  readonly copy: UserCopy;
  readonly files: OpenFiles;
  readonly descriptors: Descriptors;
  readonly waits: WaitQueues;
  readonly map: MemoryMap;
  readonly inspection: Inspection;
  readonly scratch: number;
}

export class MemoryFiles {
  readonly inodes: Inodes;
  readonly entries: DirectoryEntries;
  readonly permissions: Permissions;
  readonly tree: Tree;
  readonly renaming: Renaming;
  readonly paths: Paths;
  readonly regular: RegularFiles;
  readonly directories: DirectoryFiles;
  readonly devices: DeviceFiles;
  readonly opening: Opening;
  readonly attributes: Attributes;
  readonly locks: FileLocks;
  readonly pathNames: PathNames;

  /** Room for a name on its way, in this participant's scratch memory. */
  readonly nameScratch: number;

  constructor(parts: MemoryFilesParts) {
    const { ram, locks, frames, contents, clock, copy, files, descriptors, map, scratch, inspection } = parts;
    const { limits } = map;
    this.inodes = new Inodes(ram, locks, contents, clock, map.inodes, limits.inodes);
    this.entries = new DirectoryEntries(ram, locks, map.directoryEntries, limits.directoryEntries);
    this.permissions = new Permissions(ram);
    this.tree = new Tree(ram, locks, this.inodes, this.entries, this.permissions);
    this.renaming = new Renaming(ram, locks, this.tree);
    this.paths = new Paths(ram, locks, copy, descriptors, files, this.tree, scratch);
    this.regular = new RegularFiles(ram, frames, contents, parts.truncation, files, this.inodes, this.permissions);
    this.directories = new DirectoryFiles(ram, locks, copy, this.tree, files, scratch);
    this.devices = new DeviceFiles(ram, parts.random, files, this.inodes, scratch);
    this.opening = new Opening(ram, files, this.tree, this.paths, this.regular, this.devices);
    this.nameScratch = scratch + NAME_SCRATCH;
    this.pathNames = new PathNames(ram, this.tree, scratch, this.nameScratch);
    this.attributes = new Attributes(ram, this.inodes, this.permissions);
    this.locks = new FileLocks(ram, locks, parts.waits, map.fileLocks, limits.fileLocks);
    this.locks.describe(inspection);
    descriptors.onClose = (table, file) => {
      const inode = OpenFile.inode.get(ram, file);
      if (inode !== 0) this.locks.drop(inode, LockKind.Table, table);
    };
    files.onRelease = (file) => {
      const inode = OpenFile.inode.get(ram, file);
      if (inode === 0) return;
      this.locks.drop(inode, LockKind.Open, file);
      this.locks.drop(inode, LockKind.Flock, file);
    };
    inspection.count('inodes', () => this.inodes.inUse());
    inspection.count('names', () => this.entries.inUse());
    inspection.count('name pieces', () => this.entries.piecesInUse());
  }

  /** Fills a Stat at a kernel address: 0. */
  stat(inode: number, at: number): number {
    const error = this.inodes.stat(inode, at);
    this.tree.systemOf(inode)?.stat?.(inode, at);
    return error;
  }

  /** The path of a file, for people to read. */
  pathOf(inode: number): string {
    return this.tree.pathOf(inode, this.nameScratch);
  }

  isLink(inode: number): boolean {
    return this.inodes.kind(inode) === Mode.Link;
  }

  /** An empty root directory. By the host, once, before the first hart starts. */
  initialise(): void {
    this.inodes.initialise();
    this.entries.initialise();
    this.locks.initialise();
    this.tree.initialise();
  }
}
