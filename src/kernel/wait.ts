/*
 * The vocabulary of waiting: what an object embeds, how a wait ends, what it is for. The mechanism is in wait-queue.ts.
 */

import { bytes, struct, u32, type BytesField, type FieldSpec } from '../core/layout.ts';

/** First and last thread that wait, in the order of their arrival. */
export const WaitQueue = struct('WaitQueue', { head: u32('guard'), tail: u32('guard') });

/** A WaitQueue inside of a structure, guarded by the lock that is named. */
export const waitQueue = (guard: string): FieldSpec<BytesField> => bytes(guard, WaitQueue.SIZE, 8);

/** How a wait ends. */
export const WaitForm = {
  /** Whoever wakes the thread has done its work and stores the result. */
  Complete: 0,
  /** The woken thread makes its system call again, from the start. */
  Rerun: 1,
  /** The woken thread goes on where it was: no system call waits. */
  Resume: 2,
} as const;

/** What a thread waits for: for the trace and for the reader of a crash. */
export const WaitReason = {
  child: 1,
  vfork: 2,
  alone: 3,
  futex: 4,
  sleep: 5,
  consoleInput: 6,
  consoleOutput: 7,
  line: 8,
  stopped: 9,
  signal: 10,
  poll: 11,
  fileLock: 12,
  portSend: 16,
  portReceive: 17,
  pipeRead: 18,
  pipeWrite: 19,
  fifoOpen: 20,
} as const;
