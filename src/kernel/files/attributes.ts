/*
 * What files are like, changed on request: chmod(2), chown(2), utimensat(2).
 */

import type { Ram } from '../../core/ram.ts';
import { E } from '../errno.ts';
import { Inode, type Inodes, Touch } from './inodes.ts';
import { type Permissions, Want } from './permissions.ts';
import { Mode } from './stat.ts';

const PERMISSION_BITS = 0o7777;
/** Stands for "as it is" in chown(2). */
const UNCHANGED = 0xffff_ffff;

/** What utimensat(2) does with one time. */
export interface TimeChange {
  /** 'keep', 'now', or as given. */
  kind: 'keep' | 'now' | 'given';
  seconds: number;
  ns: number;
}

export class Attributes {
  constructor(
    private readonly ram: Ram,
    private readonly inodes: Inodes,
    private readonly permissions: Permissions,
  ) {}

  /** 0, or -EPERM when it is not the process's file. */
  setMode(process: number, inode: number, mode: number): number {
    const { ram, inodes, permissions } = this;
    if (!permissions.owns(process, inode) || Inode.system.get(ram, inode) !== 0) return -E.PERM;
    inodes.lock(inode);
    let bits = mode & PERMISSION_BITS;
    if ((bits & Mode.SetGid) !== 0 && !permissions.mayKeepSetGid(process, Inode.gid.get(ram, inode))) bits &= ~Mode.SetGid;
    Inode.mode.set(ram, inode, (Inode.mode.get(ram, inode) & Mode.Kinds) | bits);
    inodes.touchLocked(inode, Touch.Change);
    inodes.unlock(inode);
    return 0;
  }

  /** uid and gid as unsigned numbers; 2^32 − 1 leaves one as it is. 0 or -EPERM. */
  setOwner(process: number, inode: number, uid: number, gid: number): number {
    const { ram, inodes, permissions } = this;
    if (Inode.system.get(ram, inode) !== 0) return -E.PERM;
    inodes.lock(inode);
    const error = this.checkOwnerLocked(process, inode, uid, gid);
    if (error === 0) {
      const mode = Inode.mode.get(ram, inode);
      let kept = mode;
      if ((mode & Mode.Kinds) !== Mode.Directory) {
        const owner = Inode.gid.get(ram, inode);
        const dropsGid = (mode & 0o010) !== 0 || !permissions.mayKeepSetGid(process, owner);
        kept &= ~(Mode.SetUid | (dropsGid ? Mode.SetGid : 0));
      }
      Inode.mode.set(ram, inode, kept);
      if (uid !== UNCHANGED) Inode.uid.set(ram, inode, uid);
      if (gid !== UNCHANGED) Inode.gid.set(ram, inode, gid);
      inodes.touchLocked(inode, Touch.Change);
    }
    inodes.unlock(inode);
    return error;
  }

  private checkOwnerLocked(process: number, inode: number, uid: number, gid: number): number {
    const { ram, permissions } = this;
    if (permissions.isRoot(process)) return 0;
    const mine = permissions.owns(process, inode);
    if (uid !== UNCHANGED && !(mine && uid === Inode.uid.get(ram, inode))) return -E.PERM;
    if (gid === UNCHANGED) return 0;
    return mine && (gid === Inode.gid.get(ram, inode) || permissions.mayKeepSetGid(process, gid)) ? 0 : -E.PERM;
  }

  /** 0; -EPERM (times of one's choice are for the owner), -EACCES (now is for those who may write, too). */
  setTimes(process: number, inode: number, access: TimeChange, modify: TimeChange): number {
    const { ram, inodes, permissions } = this;
    if (Inode.system.get(ram, inode) !== 0) return -E.PERM;
    if (!permissions.owns(process, inode)) {
      if (access.kind !== 'now' || modify.kind !== 'now') return -E.PERM;
      if (permissions.check(process, inode, Want.Write) < 0) return -E.ACCES;
    }
    inodes.lock(inode);
    inodes.touchLocked(inode, Touch.Change);
    this.setTimeLocked(inode, Touch.Access, access);
    this.setTimeLocked(inode, Touch.Modify, modify);
    inodes.unlock(inode);
    return 0;
  }

  private setTimeLocked(inode: number, which: number, { kind, seconds, ns }: TimeChange): void {
    if (kind === 'now') this.inodes.touchLocked(inode, which);
    else if (kind === 'given') this.inodes.setTimesLocked(inode, which, seconds, ns);
  }
}
