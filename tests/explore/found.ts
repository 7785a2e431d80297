/*
 * Where each deliberate defect is looked for: the scenario that meets it, the strategy that finds it.
 */

import type { Search } from './hunt.ts';

export interface Hunt {
  readonly scenario: string;
  readonly strategy: Search['strategy'];
  /**
   * Schedules that the test in CI may need: some eight times the median (docs/defects.md), so that a change of the kernel, which shuffles
   * what a seed means, does not fail it. None: too many for CI.
   */
  readonly ci?: number;
}

/** By the names of DEFECTS. */
export const HUNTS: Readonly<Record<string, Hunt>> = {
  'port-lock-dropped': { scenario: 'port-receivers', strategy: 'pct', ci: 20 },
  'port-full-look-stale': { scenario: 'port-overrun', strategy: 'random', ci: 420 },
  'port-sleep-after-look': { scenario: 'port-hand-off', strategy: 'pct', ci: 2400 },
  'port-copied-unlocked': { scenario: 'port-receivers', strategy: 'pct', ci: 700 },
  'port-ring-off-by-one': { scenario: 'port-overrun', strategy: 'pct', ci: 20 },
  'port-destroy-forgets-senders': { scenario: 'port-destroy', strategy: 'pct', ci: 50 },
  'port-name-aba': { scenario: 'port-names', strategy: 'pct', ci: 20 },
  'kill-unseen-by-sleeper': { scenario: 'exit-group', strategy: 'pct', ci: 400 },
  'deadline-ends-next-wait': { scenario: 'futex-deadlines', strategy: 'pct' },
  'timer-disarm-no-recheck': { scenario: 'futex-deadlines', strategy: 'pct', ci: 3600 },
  'futex-look-unlocked': { scenario: 'futex-wake', strategy: 'pct', ci: 2000 },
  'requeue-leaves-behind': { scenario: 'futex-requeue', strategy: 'pct', ci: 20 },
  'join-woken-before-store': { scenario: 'thread-join', strategy: 'random', ci: 460 },
  'zombie-after-wake': { scenario: 'child-race', strategy: 'pct', ci: 20 },
  'wait4-sleeps-after-look': { scenario: 'children', strategy: 'pct', ci: 1600 },
  'munmap-no-shootdown': { scenario: 'protect', strategy: 'pct', ci: 40 },
  'shootdown-no-wait': { scenario: 'unmap-late', strategy: 'pct', ci: 70 },
  'frames-freed-before-shootdown': { scenario: 'unmap-late', strategy: 'pct', ci: 70 },
  'fork-no-shootdown': { scenario: 'fork-memory', strategy: 'random', ci: 3000 },
  'fork-copies-under-way': { scenario: 'fork-memory', strategy: 'random', ci: 2400 },
  'cow-taken-with-two-owners': { scenario: 'fork-memory', strategy: 'pct', ci: 20 },
  'cow-released-before-shootdown': { scenario: 'fork-copy', strategy: 'random', ci: 3600 },
  'shared-page-twice': { scenario: 'fork-shared', strategy: 'pct', ci: 560 },
  'shared-futex-by-address': { scenario: 'fork-shared', strategy: 'pct', ci: 20 },
  'frame-reference-lost': { scenario: 'fork-children', strategy: 'random', ci: 100 },
  'frame-taken-twice': { scenario: 'memory', strategy: 'pct' },
  'slot-given-twice': { scenario: 'memory', strategy: 'pct' },
  'idle-after-last-look': { scenario: 'idle-hart', strategy: 'random' },
  'park-without-last-look': { scenario: 'idle-hart', strategy: 'random' },
  'pipe-sleep-after-look': { scenario: 'pipe-readers', strategy: 'pct', ci: 3100 },
  'pipe-reader-passes-nothing-on': { scenario: 'pipe-readers', strategy: 'pct', ci: 20 },
  'pipe-writer-passes-nothing-on': { scenario: 'pipe-writers', strategy: 'pct', ci: 30 },
  'pipe-dead-reader-keeps-wakeup': { scenario: 'pipe-kill', strategy: 'pct', ci: 120 },
  'pipe-close-wakes-no-reader': { scenario: 'pipe-end', strategy: 'pct', ci: 40 },
  'pipe-close-wakes-one-writer': { scenario: 'pipe-broken', strategy: 'pct', ci: 100 },
  'pipe-end-before-drained': { scenario: 'pipe-end', strategy: 'pct', ci: 20 },
  'pipe-room-look-stale': { scenario: 'pipe-full', strategy: 'pct' },
  'pipe-bytes-look-stale': { scenario: 'pipe-race', strategy: 'pct', ci: 2400 },
  'fifo-partner-missed': { scenario: 'fifo-open', strategy: 'pct', ci: 20 },
  'poll-looks-before-it-registers': { scenario: 'poll-once', strategy: 'pct', ci: 3100 },
  'poll-poke-unseen': { scenario: 'poll-once', strategy: 'pct', ci: 900 },
  'steal-unlocked': { scenario: 'affinity', strategy: 'pct' },
  'queue-length-wrong': { scenario: 'affinity', strategy: 'pct', ci: 90 },
  'signal-unseen-by-sleeper': { scenario: 'signal-sleep', strategy: 'pct', ci: 400 },
  'signal-told-late': { scenario: 'signal-spin', strategy: 'pct', ci: 20 },
  'signal-looked-for-first': { scenario: 'signal-sleep', strategy: 'pct' },
  'continue-leaves-stop': { scenario: 'stop-continue', strategy: 'pct', ci: 20 },
  'stop-acts-on-stale': { scenario: 'stop-continue', strategy: 'pct', ci: 1500 },
  'signal-taken-unlocked': { scenario: 'signal-set', strategy: 'pct', ci: 20 },
  'file-found-unheld': { scenario: 'files-unlink', strategy: 'random' },
  'file-made-twice': { scenario: 'files-exclusive', strategy: 'random', ci: 900 },
  'file-end-stale': { scenario: 'files-append', strategy: 'random', ci: 210 },
  'file-lock-unsaid': { scenario: 'files-lock', strategy: 'pct', ci: 120 },
  'file-lock-looked-for-early': { scenario: 'files-lock', strategy: 'random' },
};
