/*
 * fork, exit and wait, timed by the guest's own clock: of a small process (the trials themselves), and of one with 4 MiB of data more, on
 * one hart; and of the small one on two harts, where the child runs on the other.
 */

import { hasQemu, reference, trial, value } from '../command.ts';
import type { Experiment } from '../figure.ts';

const FORKS = 20_000;
const LARGE_FORKS = 2_000;
const REFERENCE_FORKS = 300;
const LARGE_PAGES = 1024;

export const forks: Experiment = {
  name: 'fork',
  about: 'fork, exit and wait',
  figures: [
    { key: 'fork.wait', title: 'fork+exit+wait of a small process, one hart', unit: 'µs', target: ['≤', 60] },
    { key: 'fork.across', title: 'fork+exit+wait of a small process, two harts', unit: 'µs' },
    { key: 'fork.large', title: 'fork+exit+wait of a process with 4 MiB more', unit: 'µs' },
    { key: 'fork.qemu', title: 'fork+exit+wait of the same ELF, qemu-riscv64', unit: 'µs' },
  ],
  measure: async () => {
    const ours = {
      'fork.wait': await microseconds(1, FORKS),
      'fork.across': await microseconds(2, FORKS),
      'fork.large': await microseconds(1, LARGE_FORKS, LARGE_PAGES),
    };
    if (!hasQemu) return ours;
    return { ...ours, 'fork.qemu': value(await reference('forkwait', REFERENCE_FORKS), 'ns_per_fork') / 1e3 };
  },
};

async function microseconds(cpus: number, rounds: number, ...pages: number[]): Promise<number> {
  return value(await trial(cpus, 'forkwait', rounds, ...pages), 'ns_per_fork') / 1e3;
}
