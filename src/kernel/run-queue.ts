/*
 * The run queue of one hart: a list of ready threads for each priority, and a bitmap of the lists that are not empty.
 *
 * All lists are guarded by the queue's lock (rank run). `length` may be read without it, as a hint.
 *
 * The most urgent level goes first, and within a level whoever waits longest. So that a busy urgent thread does not starve the others
 * for ever, every FAIR_PICK-th pick takes from the least urgent level instead.
 */

import { cacheLine, struct, u32, u32Array } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { atomicU32 } from '../smp/atomics.ts';
import { Rank } from '../smp/ranks.ts';
import { spinlock } from '../smp/spinlock.ts';
import { PRIORITIES, Thread } from './thread.ts';

const FAIR_PICK = 16;
const WORDS = 2;

export const RunQueue = struct(
  'RunQueue',
  {
    lock: spinlock(),
    length: atomicU32(),
    own: cacheLine(),
    picks: u32('lock'),
    /** Level n is bit n%32 of word n/32. */
    levels: u32Array('lock', WORDS),
    heads: u32Array('lock', PRIORITIES),
    tails: u32Array('lock', PRIORITIES),
  },
  { align: 64 },
);

export function initialiseRunQueue(ram: Ram, queue: number): void {
  ram.fill(queue, RunQueue.SIZE);
  RunQueue.lock.init(ram, queue, Rank.run);
}

/** Adds a ready thread behind those of its priority. */
export function enqueueLocked(ram: Ram, queue: number, thread: number): void {
  const level = Thread.priority.peek(ram, thread);
  const tail = RunQueue.tails.at(ram, queue, level);
  Thread.runNext.set(ram, thread, 0);
  Thread.runPrev.set(ram, thread, tail);
  if (tail === 0) {
    RunQueue.heads.put(ram, queue, level, thread);
    RunQueue.levels.put(ram, queue, level >>> 5, RunQueue.levels.at(ram, queue, level >>> 5) | (1 << (level & 31)));
  } else {
    Thread.runNext.set(ram, tail, thread);
  }
  RunQueue.tails.put(ram, queue, level, thread);
  RunQueue.length.put(ram, queue, RunQueue.length.peek(ram, queue) + 1);
}

/** Takes the thread that is to run next, or 0. */
export function dequeueLocked(ram: Ram, queue: number): number {
  const picks = RunQueue.picks.get(ram, queue) + 1;
  RunQueue.picks.set(ram, queue, picks);
  const level = picks % FAIR_PICK === 0 ? leastUrgent(ram, queue) : mostUrgentLevelLocked(ram, queue);
  if (level < 0) return 0;
  const thread = RunQueue.heads.at(ram, queue, level);
  removeLocked(ram, queue, thread, level);
  return thread;
}

/** Takes the first thread that `hart` may run, the most urgent level first, or 0. For a thief. */
export function stealLocked(ram: Ram, queue: number, hart: number): number {
  for (let word = 0; word < WORDS; word++) {
    let levels = RunQueue.levels.at(ram, queue, word);
    while (levels !== 0) {
      const bit = 31 - Math.clz32(levels & -levels);
      levels &= levels - 1;
      const level = word * 32 + bit;
      for (let thread = RunQueue.heads.at(ram, queue, level); thread !== 0; thread = Thread.runNext.get(ram, thread)) {
        if (!mayRunOn(ram, thread, hart)) continue;
        removeLocked(ram, queue, thread, level);
        return thread;
      }
    }
  }
  return 0;
}

/** The most urgent level that has a thread, or -1. */
export function mostUrgentLevelLocked(ram: Ram, queue: number): number {
  for (let word = 0; word < WORDS; word++) {
    const levels = RunQueue.levels.at(ram, queue, word);
    if (levels !== 0) return word * 32 + 31 - Math.clz32(levels & -levels);
  }
  return -1;
}

/** Whether the affinity of a thread admits `hart`. */
export function mayRunOn(ram: Ram, thread: number, hart: number): boolean {
  const mask = hart < 32 ? Thread.affinityLow.peek(ram, thread) : Thread.affinityHigh.peek(ram, thread);
  return (mask & (1 << (hart & 31))) !== 0;
}

function leastUrgent(ram: Ram, queue: number): number {
  for (let word = WORDS - 1; word >= 0; word--) {
    const levels = RunQueue.levels.at(ram, queue, word);
    if (levels !== 0) return word * 32 + 31 - Math.clz32(levels);
  }
  return -1;
}

function removeLocked(ram: Ram, queue: number, thread: number, level: number): void {
  const next = Thread.runNext.get(ram, thread);
  const prev = Thread.runPrev.get(ram, thread);
  if (prev === 0) RunQueue.heads.put(ram, queue, level, next);
  else Thread.runNext.set(ram, prev, next);
  if (next === 0) RunQueue.tails.put(ram, queue, level, prev);
  else Thread.runPrev.set(ram, next, prev);
  if (prev === 0 && next === 0) {
    RunQueue.levels.put(ram, queue, level >>> 5, RunQueue.levels.at(ram, queue, level >>> 5) & ~(1 << (level & 31)));
  }
  RunQueue.length.put(ram, queue, RunQueue.length.peek(ram, queue) - 1);
}
