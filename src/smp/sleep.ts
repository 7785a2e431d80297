/*
 * Sleeping on a word of RAM, and waking who does: the one place where a hart's thread stands still.
 *
 * Under a schedule it does not: the schedule notes that the hart sleeps, and another one goes on.
 */

import type { Ram } from '../core/ram.ts';
import { SEEDED } from './schedule/build.ts';
import { scheduledHart, Slept } from './schedule/point.ts';

const NS_PER_MS = 1e6;

/**
 * Sleeps until somebody wakes those who sleep on the word, at most `timeoutMs`; not at all unless it is `expected`.
 *
 * @returns whether the time was up
 */
export function sleepOn(ram: Ram, address: number, expected: number, timeoutMs: number): boolean {
  if (SEEDED) return scheduledHart().sleep(address >>> 2, expected | 0, timeoutMs * NS_PER_MS) === Slept.Late;
  return Atomics.wait(ram.i32, address >>> 2, expected | 0, timeoutMs) === 'timed-out';
}

/**
 * A bounded sleep for who waits for something that nobody may tell: a hart that leaves guest code, a host that may be dead. Under a schedule
 * the others go first.
 */
export function nap(ram: Ram, address: number, expected: number, timeoutMs: number): void {
  if (SEEDED) scheduledHart().spin();
  else Atomics.wait(ram.i32, address >>> 2, expected | 0, timeoutMs);
}

/** Wakes one who sleeps on the word. */
export function wakeOne(ram: Ram, address: number): void {
  if (SEEDED) scheduledHart().notify(address >>> 2, 1);
  else Atomics.notify(ram.i32, address >>> 2, 1);
}

/** Wakes all who sleep on the word. */
export function wakeAll(ram: Ram, address: number): void {
  if (SEEDED) scheduledHart().notify(address >>> 2, Infinity);
  else Atomics.notify(ram.i32, address >>> 2);
}
