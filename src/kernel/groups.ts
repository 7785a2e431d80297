/*
 * Process groups and sessions (setpgid(2), setsid(2), credentials(7)): who gets ^C, and which jobs belong to one terminal.
 *
 * Every process, zombies included, is a member of one group, every group belongs to one session. Both live as long as they have members,
 * so there are never more of them than processes, and a number is not given to a new process while a group or session bears it.
 * Everything is guarded by the tree lock.
 */

import { bytes, struct, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { KernelPanic } from '../smp/panic.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import type { Locks } from '../smp/spinlock.ts';
import { E } from './errno.ts';
import { IdTable } from './ids.ts';
import { placed } from './oracles/places.ts';
import { Process, ProcessFlag, ProcessState } from './process.ts';
import { SlotPool } from './slots.ts';

const Group = struct(
  'Group',
  {
    id: u32('tree'),
    idNext: u32('tree'),
    session: u32('tree'),
    /** First of its processes. */
    members: u32('tree'),
  },
  { align: 64 },
);

export const Session = struct(
  'Session',
  {
    id: u32('tree'),
    idNext: u32('tree'),
    /** How many groups it has. */
    groups: u32('tree'),
  },
  { align: 64 },
);

const Tables = struct(
  'GroupTables',
  { groupIds: bytes('tree', IdTable.BYTES, 64), sessionIds: bytes('tree', IdTable.BYTES, 64) },
  { align: 64 },
);

export class Groups {
  private readonly groups: SlotPool;
  private readonly sessions: SlotPool;
  private readonly groupIds: IdTable;
  private readonly sessionIds: IdTable;

  constructor(
    private readonly ram: Ram,
    locks: Locks,
    private readonly base: number,
    processes: number,
  ) {
    const pools = base + Tables.SIZE;
    // One more: a process that moves has its new group before it leaves the old one.
    const shape = { count: processes + 1, order: 'lifo' } as const;
    this.groups = new SlotPool(ram, locks, pools, { name: 'group', size: Group.SIZE, layout: Group, ...shape });
    this.sessions = new SlotPool(ram, locks, pools + SlotPool.bytes(processes + 1, Group.SIZE), {
      name: 'session',
      size: Session.SIZE,
      layout: Session,
      ...shape,
    });
    if (SEEDED) placed(Tables, base, Tables.SIZE, 1);
    this.groupIds = new IdTable(ram, Tables.groupIds.addr(base), Group.id, Group.idNext);
    this.sessionIds = new IdTable(ram, Tables.sessionIds.addr(base), Session.id, Session.idNext);
  }

  static bytes(processes: number): number {
    return Tables.SIZE + SlotPool.bytes(processes + 1, Group.SIZE) + SlotPool.bytes(processes + 1, Session.SIZE);
  }

  initialise(): void {
    this.ram.fill(this.base, Tables.SIZE);
    this.groups.initialise();
    this.sessions.initialise();
  }

  /** Groups and sessions in use: statistics. */
  inUse(): number {
    return this.groups.inUse() + this.sessions.inUse();
  }

  /** Whether a group or a session bears this number. */
  isUsedLocked(id: number): boolean {
    return this.groupIds.findLocked(id) !== 0 || this.sessionIds.findLocked(id) !== 0;
  }

  /** The group with this number, or 0. */
  findLocked(id: number): number {
    return this.groupIds.findLocked(id);
  }

  /** The session with this number, or 0. */
  sessionLocked(id: number): number {
    return this.sessionIds.findLocked(id);
  }

  /** The number of the process's group. */
  groupIdLocked(process: number): number {
    return Group.id.get(this.ram, Process.group.get(this.ram, process));
  }

  /** The session of a process: the address of its block. */
  sessionOfLocked(process: number): number {
    return Group.session.get(this.ram, Process.group.get(this.ram, process));
  }

  /** The number of the process's session. */
  sessionIdLocked(process: number): number {
    return Session.id.get(this.ram, this.sessionOfLocked(process));
  }

  /** The number of a group's session. */
  sessionOfGroupLocked(group: number): number {
    return Session.id.get(this.ram, Group.session.get(this.ram, group));
  }

  /** First process of a group; the others follow by `Process.groupNext`. */
  firstLocked(group: number): number {
    return Group.members.get(this.ram, group);
  }

  /** A new process joins the group of its parent. */
  inheritLocked(process: number, parent: number): void {
    this.joinLocked(process, Process.group.get(this.ram, parent));
  }

  /** The process becomes the leader of a session and of a group with its number. Its own are left. */
  newSessionLocked(process: number, id: number): void {
    const { ram } = this;
    if (Process.group.get(ram, process) !== 0) this.leaveLocked(process);
    const session = take(this.sessions);
    Session.id.set(ram, session, id);
    Session.groups.set(ram, session, 0);
    this.sessionIds.insertLocked(session);
    this.joinLocked(process, this.newGroupLocked(id, session));
  }

  /** The process has no group any more; a group and a session without members are gone. */
  leaveLocked(process: number): void {
    const { ram } = this;
    const group = Process.group.get(ram, process);
    const next = Process.groupNext.get(ram, process);
    const prev = Process.groupPrev.get(ram, process);
    if (next !== 0) Process.groupPrev.set(ram, next, prev);
    if (prev !== 0) Process.groupNext.set(ram, prev, next);
    else Group.members.set(ram, group, next);
    Process.group.set(ram, process, 0);
    if (Group.members.get(ram, group) !== 0) return;
    const session = Group.session.get(ram, group);
    this.groupIds.removeLocked(group);
    release(this.groups, group);
    const left = Session.groups.get(ram, session) - 1;
    Session.groups.set(ram, session, left);
    if (left > 0) return;
    this.sessionIds.removeLocked(session);
    release(this.sessions, session);
  }

  /** setsid(2): the new session's number, or -EPERM when a group has the caller's number already. */
  setsidLocked(process: number): number {
    const pid = Process.pid.get(this.ram, process);
    if (this.isUsedLocked(pid)) return -E.PERM;
    this.newSessionLocked(process, pid);
    return pid;
  }

  /**
   * setpgid(2).
   *
   * @param caller the process that asks; `process`, itself or a child of it
   * @param id the group's number; the process's own for a new one
   * @returns 0, -ESRCH, -EPERM, -EACCES
   */
  setpgidLocked(caller: number, process: number, id: number): number {
    const { ram } = this;
    const session = this.sessionOfLocked(process);
    if (Process.parent.get(ram, process) === caller) {
      if (session !== this.sessionOfLocked(caller)) return -E.PERM;
      if ((Process.flags.load(ram, process) & ProcessFlag.Forked) === 0) return -E.ACCES;
    } else if (process !== caller) {
      return -E.SRCH;
    }
    const pid = Process.pid.get(ram, process);
    if (Session.id.get(ram, session) === pid) return -E.PERM;
    let group = this.findLocked(id);
    if (group === Process.group.get(ram, process)) return 0;
    if (group === 0 ? id !== pid : Group.session.get(ram, group) !== session) return -E.PERM;
    if (group === 0) group = this.newGroupLocked(id, session);
    this.leaveLocked(process);
    this.joinLocked(process, group);
    return 0;
  }

  /**
   * Whether no process of a group has a parent in another group of its session, which could continue it if it stopped.
   *
   * @param ignored a member that does not count because it ends, or 0
   */
  isOrphanedLocked(group: number, ignored: number): boolean {
    const { ram } = this;
    for (let process = this.firstLocked(group); process !== 0; process = Process.groupNext.get(ram, process)) {
      if (process === ignored || Process.state.get(ram, process) !== ProcessState.Live) continue;
      const parent = Process.parent.get(ram, process);
      if (parent !== 0 && this.couldContinueLocked(parent, group)) return false;
    }
    return true;
  }

  /** Whether a process is of the group's session, but of another group. */
  couldContinueLocked(process: number, group: number): boolean {
    const { ram } = this;
    const own = Process.group.get(ram, process);
    return own !== group && Group.session.get(ram, own) === Group.session.get(ram, group);
  }

  private newGroupLocked(id: number, session: number): number {
    const { ram } = this;
    const group = take(this.groups);
    Group.id.set(ram, group, id);
    Group.session.set(ram, group, session);
    Group.members.set(ram, group, 0);
    this.groupIds.insertLocked(group);
    Session.groups.set(ram, session, Session.groups.get(ram, session) + 1);
    return group;
  }

  private joinLocked(process: number, group: number): void {
    const { ram } = this;
    const head = Group.members.get(ram, group);
    Process.group.set(ram, process, group);
    Process.groupNext.set(ram, process, head);
    Process.groupPrev.set(ram, process, 0);
    if (head !== 0) Process.groupPrev.set(ram, head, process);
    Group.members.set(ram, group, process);
  }
}

/** There is one for every process; a schedule that refuses memory must not refuse these. */
function take(pool: SlotPool): number {
  const slot = pool.allocAlways();
  if (slot === 0) throw new KernelPanic('more process groups than processes');
  if (SEEDED) pool.publish(slot);
  return slot;
}

function release(pool: SlotPool, slot: number): void {
  if (SEEDED) pool.claim(slot);
  pool.free(slot);
}
