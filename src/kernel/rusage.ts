/*
 * `struct rusage` (getrusage(2), wait4(2)): of all it has, the user time is kept.
 */

import type { Ram } from '../core/ram.ts';
import type { UserCopy } from './user-copy.ts';

const RUSAGE_BYTES = 144;

/**
 * Writes an rusage to user memory: 0, -EFAULT or -ENOMEM.
 *
 * @param scratch RAM of this participant alone, to build it in
 * @param ns CPU time
 */
export function writeRusage(ram: Ram, copy: UserCopy, scratch: number, space: number, address: number, ns: number): number {
  ram.fill(scratch, RUSAGE_BYTES);
  ram.setU64(scratch, Math.floor(ns / 1e9));
  ram.setU64(scratch + 8, Math.floor((ns % 1e9) / 1e3));
  return copy.copyOut(space, address, scratch, RUSAGE_BYTES);
}
