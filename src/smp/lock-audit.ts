/*
 * Who holds which lock and who waits for one, as the control blocks tell. Exact while nothing runs; takes no lock itself.
 */

import type { Ram } from '../core/ram.ts';
import { HartControl } from './hart-control.ts';
import { rankName } from './ranks.ts';
import type { SmpMap } from './smp-map.ts';
import { holderOf, Spinlock } from './spinlock.ts';

/** A lock that a participant has, or waits for. */
export interface LockClaim {
  /** A hart, or the number of harts for the host. */
  readonly participant: number;
  /** Address of the lock. */
  readonly lock: number;
  /** `rank at 0x…` */
  readonly name: string;
  /** Who has it: the participant itself, or the one it waits for (-1: nobody any more). */
  readonly holder: number;
}

/** All locks that are held: none should be when the machine halts or a run has ended. */
export function heldLocks(ram: Ram, map: SmpMap): LockClaim[] {
  const claims: LockClaim[] = [];
  for (let participant = 0; participant <= map.cpus; participant++) {
    const control = map.hartControl(participant);
    // Without the guard, here and below: nobody runs, or the answer is of a moment.
    const count = HartControl.heldCount.peek(ram, control);
    for (let i = 0; i < count; i++) {
      const lock = HartControl.held.peek(ram, control, i);
      claims.push({ participant, lock, name: lockName(ram, lock), holder: participant });
    }
  }
  return claims;
}

/** All participants that wait for a lock. */
export function wantedLocks(ram: Ram, map: SmpMap): LockClaim[] {
  const claims: LockClaim[] = [];
  for (let participant = 0; participant <= map.cpus; participant++) {
    const lock = HartControl.wanted.peek(ram, map.hartControl(participant));
    if (lock !== 0) claims.push({ participant, lock, name: lockName(ram, lock), holder: holderOf(ram, lock) });
  }
  return claims;
}

/** `rank at 0x…` */
export function lockName(ram: Ram, lock: number): string {
  return `${rankName(Spinlock.rank.peek(ram, lock))} at 0x${lock.toString(16)}`;
}
