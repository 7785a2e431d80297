/*
 * A bounded sleep on a word: for waits that are rare, whose waker may be the host, and that must end by themselves.
 */

import type { Ram } from '../core/ram.ts';

/** Sleeps until somebody calls `wakeNappers` on the word, at most `timeoutMs`, not at all unless the word is `expected`. */
export function nap(ram: Ram, address: number, expected: number, timeoutMs: number): void {
  Atomics.wait(ram.i32, address >>> 2, expected | 0, timeoutMs);
}

/** Wakes all who nap on the word. */
export function wakeNappers(ram: Ram, address: number): void {
  Atomics.notify(ram.i32, address >>> 2);
}
