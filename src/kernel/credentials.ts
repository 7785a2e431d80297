/*
 * Users and groups (credentials(7)): who may send signals to whom, and what a process may become. Root is user 0 and may everything; what the
 * host starts is root.
 *
 * They are the process's, not the thread's as in Linux: threads that call set*uid for all of themselves, as C libraries do, see no difference.
 * Guard: the process's lock; whoever only asks peeks, for any moment is as good as another.
 */

import type { U32Field } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { E } from './errno.ts';
import { MAX_GROUPS, Process } from './process.ts';

/** The value that leaves an id as it is. */
const KEEP = 0xffff_ffff;

/** Real, effective, saved, and the one for files: of users, of groups. */
export interface Ids {
  readonly real: U32Field;
  readonly effective: U32Field;
  readonly saved: U32Field;
  readonly file: U32Field;
}

export const USER: Ids = { real: Process.uid, effective: Process.euid, saved: Process.suid, file: Process.fsuid };
export const GROUP: Ids = { real: Process.gid, effective: Process.egid, saved: Process.sgid, file: Process.fsgid };

const FIELDS = [
  ...[USER, GROUP].flatMap(({ real, effective, saved, file }) => [real, effective, saved, file]),
  Process.groupCount,
];

export class Credentials {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
  ) {}

  isRoot(process: number): boolean {
    return Process.euid.peek(this.ram, process) === 0;
  }

  /** Whether one process may send another a signal: root, or the same user. */
  maySignal(sender: number, target: number): boolean {
    const { ram } = this;
    const euid = Process.euid.peek(ram, sender);
    if (euid === 0) return true;
    const uid = Process.uid.peek(ram, sender);
    const targetUid = Process.uid.peek(ram, target);
    const targetSaved = Process.suid.peek(ram, target);
    return euid === targetUid || euid === targetSaved || uid === targetUid || uid === targetSaved;
  }

  /** A child that nobody knows yet has what its parent has. */
  inherit(child: number, parent: number): void {
    const { ram, locks } = this;
    const lock = Process.lock.addr(parent);
    locks.acquire(lock);
    for (const field of FIELDS) field.set(ram, child, field.get(ram, parent));
    ram.copy(Process.groups.addr(child), Process.groups.addr(parent), Process.groups.size);
    locks.release(lock);
  }

  /** Program execution: the saved ids become the effective ones. */
  executeLocked(process: number): void {
    const { ram } = this;
    for (const { effective, saved, file } of [USER, GROUP]) {
      saved.set(ram, process, effective.get(ram, process));
      file.set(ram, process, effective.get(ram, process));
    }
  }

  /** setuid(2), setgid(2): root sets all three, others the effective one to their real or saved one. 0, -EINVAL, -EPERM. */
  set(process: number, ids: Ids, id: number): number {
    if (id === KEEP) return -E.INVAL;
    return this.change(process, () => {
      const { ram } = this;
      if (this.isRoot(process)) {
        ids.real.set(ram, process, id);
        ids.saved.set(ram, process, id);
      } else if (id !== ids.real.get(ram, process) && id !== ids.saved.get(ram, process)) {
        return -E.PERM;
      }
      this.setEffective(process, ids, id);
      return 0;
    });
  }

  /** setreuid(2), setregid(2). */
  setRealEffective(process: number, ids: Ids, real: number, effective: number): number {
    return this.change(process, () => {
      const { ram } = this;
      const former = ids.real.get(ram, process);
      const formerEffective = ids.effective.get(ram, process);
      if (!this.isRoot(process)) {
        if (real !== KEEP && real !== former && real !== formerEffective) return -E.PERM;
        const known = [former, formerEffective, ids.saved.get(ram, process)];
        if (effective !== KEEP && !known.includes(effective)) return -E.PERM;
      }
      if (real !== KEEP) ids.real.set(ram, process, real);
      if (effective !== KEEP) this.setEffective(process, ids, effective);
      const now = ids.effective.get(ram, process);
      if (real !== KEEP || (effective !== KEEP && effective !== former)) ids.saved.set(ram, process, now);
      return 0;
    });
  }

  /** setresuid(2), setresgid(2). */
  setAll(process: number, ids: Ids, real: number, effective: number, saved: number): number {
    return this.change(process, () => {
      const { ram } = this;
      const known = [ids.real, ids.effective, ids.saved].map((field) => field.get(ram, process));
      const fits = (id: number): boolean => id === KEEP || known.includes(id);
      if (!this.isRoot(process) && !(fits(real) && fits(effective) && fits(saved))) return -E.PERM;
      if (real !== KEEP) ids.real.set(ram, process, real);
      if (effective !== KEEP) ids.effective.set(ram, process, effective);
      if (saved !== KEEP) ids.saved.set(ram, process, saved);
      ids.file.set(ram, process, ids.effective.get(ram, process));
      return 0;
    });
  }

  /** setfsuid(2), setfsgid(2): the former one, whether it was changed or not. */
  setFile(process: number, ids: Ids, id: number): number {
    return this.change(process, () => {
      const { ram } = this;
      const former = ids.file.get(ram, process);
      const known = [ids.real, ids.effective, ids.saved, ids.file].map((field) => field.get(ram, process));
      if (id !== KEEP && (this.isRoot(process) || known.includes(id))) ids.file.set(ram, process, id);
      return former;
    });
  }

  /** setgroups(2) with so many words at a kernel address. */
  setGroups(process: number, from: number, count: number): number {
    if (!this.isRoot(process)) return -E.PERM;
    if (count < 0 || count > MAX_GROUPS) return -E.INVAL;
    return this.change(process, () => {
      Process.groupCount.set(this.ram, process, count);
      this.ram.copy(Process.groups.addr(process), from, 4 * count);
      return 0;
    });
  }

  /** Whether the process is in a group, by its group for files or a supplementary one. */
  isInGroup(process: number, group: number): boolean {
    const { ram } = this;
    if (Process.fsgid.peek(ram, process) === group) return true;
    const count = Process.groupCount.peek(ram, process);
    for (let i = 0; i < count; i++) if (Process.groups.peek(ram, process, i) === group) return true;
    return false;
  }

  private setEffective(process: number, ids: Ids, id: number): void {
    ids.effective.set(this.ram, process, id);
    ids.file.set(this.ram, process, id);
  }

  private change(process: number, action: () => number): number {
    const lock = Process.lock.addr(process);
    this.locks.acquire(lock);
    const result = action();
    this.locks.release(lock);
    return result;
  }
}
