/*
 * Where each deliberate defect is looked for: the scenario that meets it, the strategy that finds it.
 */

import type { Search } from './hunt.ts';

export interface Hunt {
  readonly scenario: string;
  readonly strategy: Search['strategy'];
  /** What the test in CI is given: a base seed, and about three times the schedules that are needed from there. None: too many for CI. */
  readonly ci?: { readonly seed: number; readonly schedules: number };
}

/** By the names of DEFECTS. */
export const HUNTS: Readonly<Record<string, Hunt>> = {
  'port-lock-dropped': { scenario: 'port-receivers', strategy: 'pct', ci: { seed: 1, schedules: 3 } },
  'port-full-look-stale': { scenario: 'port-overrun', strategy: 'pct', ci: { seed: 1, schedules: 3 } },
  'port-sleep-after-look': { scenario: 'port-hand-off', strategy: 'pct', ci: { seed: 1, schedules: 800 } },
  'port-copied-unlocked': { scenario: 'port-receivers', strategy: 'pct', ci: { seed: 1, schedules: 160 } },
  'port-ring-off-by-one': { scenario: 'port-overrun', strategy: 'pct', ci: { seed: 1, schedules: 3 } },
  'port-destroy-forgets-senders': { scenario: 'port-destroy', strategy: 'pct', ci: { seed: 1, schedules: 36 } },
  'port-name-aba': { scenario: 'port-names', strategy: 'pct', ci: { seed: 1, schedules: 1 } },
  'kill-unseen-by-sleeper': { scenario: 'exit-group', strategy: 'pct', ci: { seed: 1, schedules: 80 } },
  'deadline-ends-next-wait': { scenario: 'futex-deadlines', strategy: 'pct' },
  'timer-disarm-no-recheck': { scenario: 'futex-deadlines', strategy: 'pct', ci: { seed: 1, schedules: 945 } },
  'futex-look-unlocked': { scenario: 'futex-wake', strategy: 'pct', ci: { seed: 1, schedules: 174 } },
  'requeue-leaves-behind': { scenario: 'futex-requeue', strategy: 'pct', ci: { seed: 1, schedules: 1 } },
  'join-woken-before-store': { scenario: 'thread-join', strategy: 'pct', ci: { seed: 1, schedules: 348 } },
  'zombie-after-wake': { scenario: 'child-race', strategy: 'pct', ci: { seed: 1, schedules: 3 } },
  'wait4-sleeps-after-look': { scenario: 'children', strategy: 'pct', ci: { seed: 1, schedules: 318 } },
  'munmap-no-shootdown': { scenario: 'protect', strategy: 'pct', ci: { seed: 1, schedules: 6 } },
  'shootdown-no-wait': { scenario: 'unmap-late', strategy: 'pct', ci: { seed: 1, schedules: 21 } },
  'frames-freed-before-shootdown': { scenario: 'unmap-late', strategy: 'pct', ci: { seed: 1, schedules: 21 } },
  'frame-reference-lost': { scenario: 'children', strategy: 'random' },
  'frame-taken-twice': { scenario: 'memory', strategy: 'pct' },
  'slot-given-twice': { scenario: 'memory', strategy: 'pct', ci: { seed: 1, schedules: 831 } },
  'idle-after-last-look': { scenario: 'idle-hart', strategy: 'random' },
  'park-without-last-look': { scenario: 'idle-hart', strategy: 'random' },
  'steal-unlocked': { scenario: 'affinity', strategy: 'pct' },
  'queue-length-wrong': { scenario: 'affinity', strategy: 'pct', ci: { seed: 1, schedules: 15 } },
};
