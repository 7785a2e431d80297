/*
 * Who may do what with a file: modes, owners and groups, as path_resolution(7) and inode(7) have it. Root may do everything but execute
 * what nobody can.
 *
 * Process 0 is the kernel itself, which may do everything.
 */

import type { Ram } from '../../core/ram.ts';
import { E } from '../errno.ts';
import { Inode } from './inodes.ts';
import { Mode } from './stat.ts';

/** What is wanted of a file: bits as access(2) has them. */
export const Want = { Execute: 1, Write: 2, Read: 4 } as const;

export class Permissions {
  constructor(private readonly ram: Ram) {}

  uid(_process: number, _real = false): number {
    return 0;
  }

  gid(_process: number): number {
    return 0;
  }

  private inGroup(_process: number, _gid: number, _real = false): boolean {
    return true;
  }

  isRoot(process: number): boolean {
    return this.uid(process) === 0;
  }

  /**
   * Whether the process has all that it wants of a file (bits of `Want`): 0 or -EACCES.
   *
   * @param real it is asked for the real user, as access(2) does
   */
  check(process: number, inode: number, want: number, real = false): number {
    const { ram } = this;
    const mode = Inode.mode.peek(ram, inode);
    const uid = this.uid(process, real);
    if (uid === 0) {
      const neverRuns = (mode & 0o111) === 0 && (mode & Mode.Kinds) !== Mode.Directory;
      return (want & Want.Execute) !== 0 && neverRuns ? -E.ACCES : 0;
    }
    let granted = mode;
    if (Inode.uid.peek(ram, inode) === uid) granted >>= 6;
    else if (this.inGroup(process, Inode.gid.peek(ram, inode), real)) granted >>= 3;
    return (want & ~granted) === 0 ? 0 : -E.ACCES;
  }

  /** Whether it may change what a file is like: its owner and root. */
  owns(process: number, inode: number): boolean {
    return this.isRoot(process) || Inode.uid.peek(this.ram, inode) === this.uid(process);
  }

  /** Whether a process may take a file's name out of a directory that it may write: in a sticky one only its own. 0 or -EPERM. */
  checkSticky(process: number, directory: number, inode: number): number {
    if ((Inode.mode.peek(this.ram, directory) & Mode.Sticky) === 0) return 0;
    return this.owns(process, inode) || this.owns(process, directory) ? 0 : -E.PERM;
  }

  /** Whether a file of this group may be set-group-id when the process makes it so. */
  mayKeepSetGid(process: number, gid: number): boolean {
    return this.isRoot(process) || this.inGroup(process, gid);
  }
}
