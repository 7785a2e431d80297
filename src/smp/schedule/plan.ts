/*
 * What a schedule is, as data: a strategy that decides which hart goes on, and faults that are to happen on the way.
 *
 * The life of each hart is divided into moments of its own: a guest instruction is one, a synchronisation point of the kernel is one. Every
 * schedule can be said as departures from the _plain order_, in which a hart goes on until it has to wait, and then the next one after
 * it (in a circle) that can go on does. A departure names the hart, its moment, and who goes on instead. It is relative to the hart, so that taking one departure
 * away leaves the others as meaningful as can be: that is what shrinking needs.
 */

/** When `hart` has come to its moment `at` (from 0), `to` goes on. Without effect if `to` cannot go on then. */
export interface Departure {
  readonly hart: number;
  readonly at: number;
  readonly to: number;
}

export type Strategy =
  /** After so many moments the next hart that can goes on. */
  | { readonly kind: 'round-robin'; readonly quantum: number }
  /** Preemption at random moments, at a mean distance that is itself drawn from the seed; any hart that can goes on. */
  | { readonly kind: 'random'; readonly seed: number }
  /**
   * PCT (Burckhardt et al. 2010): harts have random priorities, the highest that can run does; at depth − 1 moments, drawn from the first
   * `steps` in which there is a choice, the running one becomes the lowest.
   */
  | { readonly kind: 'pct'; readonly seed: number; readonly depth: number; readonly steps: number }
  /** The plain order with departures. An empty list: the plain order. */
  | { readonly kind: 'replay'; readonly departures: readonly Departure[] };

/**
 * Things that go wrong on purpose. `at`, `nth` and `thread` count from 0; a moment is one of the hart, or of the hart that runs the thread.
 * Of several stalls of one hart, and of several deaths, the last one counts; what concerns no hart of the machine is without effect.
 */
export type Fault =
  /** From its moment `at` on the hart does nothing for so many moments of the others. */
  | { readonly kind: 'stall'; readonly hart: number; readonly at: number; readonly moments: number }
  /** The nth ring of a doorbell arrives so many moments later. */
  | { readonly kind: 'late-ipi'; readonly nth: number; readonly moments: number }
  /** The nth thread of the scenario (in order of their start) is killed when it has passed so many synchronisation points. */
  | { readonly kind: 'kill'; readonly thread: number; readonly at: number }
  /** The nth request for a frame or a slot finds none. */
  | { readonly kind: 'no-memory'; readonly nth: number }
  /** The nth sleep of a hart (on a lock or its doorbell) ends at once, for no reason. */
  | { readonly kind: 'spurious'; readonly nth: number };

/** What is run: together with the machine and the program, it fixes everything. */
export interface Plan {
  readonly strategy: Strategy;
  readonly faults: readonly Fault[];
}

/** The plain order. */
export const PLAIN: Plan = { strategy: { kind: 'replay', departures: [] }, faults: [] };

/** A moment of a run at which another hart could have gone on: what an exhaustive search branches over. */
export interface Choice {
  readonly hart: number;
  readonly at: number;
  /** The harts that could have gone on, the one that does in the plain order left out: a bit each (of harts 0 … 31). */
  readonly others: number;
}

/** What a run under a plan was like. */
export interface ScheduleReport {
  /** Moments of all harts together. */
  readonly moments: number;
  /** Those of them in which another hart could have gone on: what `steps` of PCT is drawn from. */
  readonly contended: number;
  /** The schedule as departures from the plain order; undefined: they were more than are kept (the plan itself repeats the run). */
  readonly departures: readonly Departure[] | undefined;
  /**
   * For each departure the address of the guest instruction that the hart would have executed next; negative: the one that it comes back to
   * from the kernel; 0: it had no thread. Undefined with the departures.
   */
  readonly pcs?: readonly number[] | undefined;
  /** Where other harts could have gone on, if asked for; cut off at a limit. */
  readonly choices: readonly Choice[] | undefined;
  /** Hash of who passed which synchronisation point in which order: runs with the same one are the same interleaving. */
  readonly interleaving: string;
  /** Synchronisation points that the thread to be killed (Fault 'kill') has passed. */
  readonly victimPoints?: number;
  /** How often a fault could have happened: requests for memory, sleeps of harts, rings of doorbells. */
  readonly occasions?: { readonly requests: number; readonly sleeps: number; readonly rings: number };
  /** Virtual time at the end, nanoseconds since power-on. */
  readonly ns: number;
}
