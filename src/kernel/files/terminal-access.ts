/*
 * Who may use the terminal (termios(3), "job control"): processes of its session outside of the foreground group are stopped by SIGTTIN when they
 * read, and by SIGTTOU when they change it (or write, with TOSTOP). And whose terminal it is: sessions take it and lose it.
 *
 * Locks: the tree lock for sessions and groups, the console's for which of them has it, in this order.
 */

import type { Ram } from '../../core/ram.ts';
import type { Console } from '../../devices/console.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import { Process } from '../process.ts';
import type { ProcessTable } from '../process-table.ts';
import { ERESTARTSYS } from '../result.ts';
import { Signal } from '../signal-numbers.ts';
import type { SignalMasks } from '../signal-masks.ts';
import type { Signals } from '../signals.ts';
import { Thread } from '../thread.ts';

/** What the terminal's rules need of the kernel. */
interface TerminalParts {
  readonly ram: Ram;
  readonly locks: Locks;
  readonly console: Console;
  readonly table: ProcessTable;
  readonly signals: Signals;
  readonly masks: SignalMasks;
}

export class TerminalAccess {
  constructor(private readonly parts: TerminalParts) {}

  /**
   * Whether the running thread may read (`signal` TTIN) or change (TTOU) the terminal now.
   *
   * @returns 0; -EIO; or ERESTARTSYS after its group has been sent the signal
   */
  check(thread: number, signal: number): number {
    const { ram, locks, console, table, signals, masks } = this.parts;
    const process = Thread.process.get(ram, thread);
    const { groups } = table;
    locks.acquire(table.lock);
    locks.acquire(console.lock);
    const session = console.sessionLocked();
    const foreground = console.foregroundLocked();
    locks.release(console.lock);
    let result = 0;
    if (session !== 0 && session === groups.sessionIdLocked(process) && groups.groupIdLocked(process) !== foreground) {
      const group = Process.group.get(ram, process);
      if (masks.isBlockedOrIgnored(thread, signal)) result = signal === Signal.TTIN ? -E.IO : 0;
      else if (groups.isOrphanedLocked(group, 0)) result = -E.IO;
      else {
        signals.sendGroupLocked(group, signal);
        result = ERESTARTSYS;
      }
    }
    locks.release(table.lock);
    return result;
  }

  /** Whether the terminal is the controlling one of the process's session. */
  isControlling(process: number): boolean {
    const { locks, console, table } = this.parts;
    locks.acquire(table.lock);
    const own = table.groups.sessionIdLocked(process);
    locks.acquire(console.lock);
    const session = console.sessionLocked();
    locks.release(console.lock);
    locks.release(table.lock);
    return session !== 0 && session === own;
  }

  /** The session and the foreground group, if the terminal is the process's; -ENOTTY. */
  sessionFor(process: number): number {
    return this.ofControlling(process, () => this.parts.console.sessionLocked());
  }

  foregroundFor(process: number): number {
    return this.ofControlling(process, () => this.parts.console.foregroundLocked());
  }

  /** tcsetpgrp(3): gives the terminal to a group of the process's session. 0, -ENOTTY, -EINVAL, -ESRCH, -EPERM. */
  setForeground(process: number, id: number): number {
    const { locks, console, table } = this.parts;
    const { groups } = table;
    if (id < 0) return -E.INVAL;
    locks.acquire(table.lock);
    const own = groups.sessionIdLocked(process);
    const group = groups.findLocked(id);
    locks.acquire(console.lock);
    let result = 0;
    if (console.sessionLocked() === 0 || console.sessionLocked() !== own) result = -E.NOTTY;
    else if (group === 0) result = -E.SRCH;
    else if (groups.sessionOfGroupLocked(group) !== own) result = -E.PERM;
    else console.setForegroundLocked(id);
    locks.release(console.lock);
    locks.release(table.lock);
    return result;
  }

  /**
   * TIOCSCTTY, and open(2) by a session leader without a terminal: the terminal becomes that of the process's session.
   *
   * @param steal from another session, for root
   * @returns 0, or -EPERM
   */
  take(process: number, steal: boolean): number {
    const { ram, locks, console, table } = this.parts;
    const { groups } = table;
    locks.acquire(table.lock);
    const pid = Process.pid.get(ram, process);
    const own = groups.sessionIdLocked(process);
    locks.acquire(console.lock);
    const session = console.sessionLocked();
    let result = 0;
    if (session !== own || session === 0) {
      if (own !== pid || (session !== 0 && !steal)) result = -E.PERM;
      else {
        console.setSessionLocked(own);
        console.setForegroundLocked(groups.groupIdLocked(process));
      }
    }
    locks.release(console.lock);
    locks.release(table.lock);
    return result;
  }

  /** TIOCNOTTY: the process lets go of the terminal; its session loses it if the process leads that. 0 or -ENOTTY. */
  giveUp(process: number): number {
    if (!this.isControlling(process)) return -E.NOTTY;
    this.leaderLeaves(process);
    return 0;
  }

  /** A process ends: if it leads the terminal's session, the foreground group is hung up and the terminal is nobody's. */
  leaderLeaves(process: number): void {
    const { ram, locks, console, table, signals } = this.parts;
    const { groups } = table;
    // Without locks: only a leader's own number can be there.
    if (console.sessionNow() !== Process.pid.get(ram, process)) return;
    locks.acquire(table.lock);
    locks.acquire(console.lock);
    const foreground = console.foregroundLocked();
    console.setSessionLocked(0);
    console.setForegroundLocked(0);
    locks.release(console.lock);
    const group = groups.findLocked(foreground);
    if (group !== 0) {
      signals.sendGroupLocked(group, Signal.HUP);
      signals.sendGroupLocked(group, Signal.CONT);
    }
    locks.release(table.lock);
  }

  /** The program that the host has started leads a session of its own, at the terminal. Before it runs. */
  give(pid: number): void {
    const { locks, console } = this.parts;
    locks.acquire(console.lock);
    if (console.flagsLocked() !== 0) {
      console.setSessionLocked(pid);
      console.setForegroundLocked(pid);
    }
    locks.release(console.lock);
  }

  private ofControlling(process: number, value: () => number): number {
    const { locks, console, table } = this.parts;
    locks.acquire(table.lock);
    const own = table.groups.sessionIdLocked(process);
    locks.acquire(console.lock);
    const session = console.sessionLocked();
    const result = session !== 0 && session === own ? value() : -E.NOTTY;
    locks.release(console.lock);
    locks.release(table.lock);
    return result;
  }
}
