/*
 * Who may do what with a file: modes, owners and groups, as path_resolution(7) and inode(7) have it. Root may do everything but execute
 * what nobody can.
 *
 * Process 0 is the kernel itself, which may do everything. A process's users and groups are peeked at: they change when it asks for that.
 */

import type { Ram } from '../../core/ram.ts';
import { E } from '../errno.ts';
import { Process } from '../process.ts';
import { Inode } from './inodes.ts';
import { Mode } from './stat.ts';

/** What is wanted of a file: bits as access(2) has them. */
export const Want = { Execute: 1, Write: 2, Read: 4 } as const;

export class Permissions {
  constructor(private readonly ram: Ram) {}

  /** The user that files are made and looked at as; `real`: as access(2) asks. */
  uid(process: number, real = false): number {
    if (process === 0) return 0;
    return (real ? Process.uid : Process.fsuid).peek(this.ram, process);
  }

  gid(process: number, real = false): number {
    if (process === 0) return 0;
    return (real ? Process.gid : Process.fsgid).peek(this.ram, process);
  }

  private inGroup(process: number, gid: number, real = false): boolean {
    const { ram } = this;
    if (this.gid(process, real) === gid) return true;
    for (let i = 0; i < Process.groupCount.peek(ram, process); i++)
      if (Process.groups.peek(ram, process, i) === gid) return true;
    return false;
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
