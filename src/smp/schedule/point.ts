/*
 * Synchronisation points: what the files of src/smp tell the schedule, under `if (SEEDED)`, before whatever other harts may see.
 *
 * One worker runs one hart, so the hart that is asked is a variable of the module.
 */

/** Kinds of synchronisation points. */
export const Point = {
  Acquire: 1,
  Release: 2,
  Load: 3,
  Store: 4,
  Modify: 5,
  Sleep: 6,
  Wake: 7,
  Spin: 8,
} as const;
export type Point = (typeof Point)[keyof typeof Point];

/** How a sleep ended. */
export const Slept = { Woken: 0, Late: 1, NotEqual: 2 } as const;

/** A hart under a schedule (seeded-hart.ts). */
export interface ScheduledHart {
  /** A synchronisation point: what follows may come after what other harts do. */
  point(kind: Point, address: number): void;
  /** Instructions that may run before the schedule wants to be asked again, from 1 to `most`. */
  slice(most: number): number;
  /** So many instructions of guest code have been executed; other harts may run here, while this one counts as in guest code. */
  guestRan(instructions: number): void;
  /** Whether this hart's doorbell has rung. */
  readonly rung: boolean;
  /** Sleeps until another hart wakes who sleeps on the word, or `timeoutNs` have passed; not at all unless it is `expected`. */
  sleep(index: number, expected: number, timeoutNs: number): number;
  /** Wakes those who sleep on the word. */
  notify(index: number, count: number): void;
  /** What this hart waits for only others can do, and they tell nobody: they go first. */
  spin(): void;
  /** The host has been rung for. */
  hostWanted(): void;
  /** The host is to empty the rings of the trace before this hart goes on. */
  awaitHost(): void;
  /** A doorbell is about to be rung: whether the ring is held back, a fault that was asked for. */
  holdsBack(hart: number, kinds: number): boolean;
  /** Memory has been asked for: whether it is to be refused, a fault that was asked for. */
  refusesMemory(): boolean;
  /** A frame is free from here on, and poisoned. */
  frameFreed(frame: number): void;
  /** The thread that is to be killed now, or 0. */
  readonly victim: number;
  /** It has been killed, or was gone. */
  executed(): void;
  /** A thread has started. */
  threadStarts(thread: number): void;
  /** A thread is gone. */
  threadEnds(thread: number): void;
}

/** Nobody is asked: while the machine is being built, and when a hart has failed and reports it. */
const UNSCHEDULED: ScheduledHart = {
  point: () => undefined,
  slice: (most) => most,
  guestRan: () => undefined,
  rung: false,
  sleep: () => Slept.Woken,
  notify: () => undefined,
  spin: () => undefined,
  hostWanted: () => undefined,
  awaitHost: () => undefined,
  holdsBack: () => false,
  refusesMemory: () => false,
  frameFreed: () => undefined,
  victim: 0,
  executed: () => undefined,
  threadStarts: () => undefined,
  threadEnds: () => undefined,
};

let current = UNSCHEDULED;

/** From here on this worker's hart is under the schedule, or no more. */
export function setScheduledHart(hart: ScheduledHart | undefined): void {
  current = hart ?? UNSCHEDULED;
}

/** This worker's hart: only under `if (SEEDED)`. */
export function scheduledHart(): ScheduledHart {
  return current;
}

export function point(kind: Point, address: number): void {
  current.point(kind, address);
}
