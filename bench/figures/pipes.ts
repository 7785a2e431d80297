/*
 * Pipes, timed by the guest's own clock: a byte to another process and back through two of them, and how much passes through one in writes
 * of 64 KiB. Beside them the same ELF under qemu-riscv64, whose pipes are Linux's.
 */

import { hasQemu, reference, trial, value } from '../command.ts';
import type { Experiment } from '../figure.ts';

const ROUNDS = 400_000;
const ROUNDS_ACROSS = 200_000;
const MEGABYTES = 2000;
const REFERENCE_ROUNDS = 20_000;

export const pipes: Experiment = {
  name: 'pipe',
  about: 'pipes: round trip of a byte, throughput',
  figures: [
    { key: 'pipe.same', title: 'pipe round trip of one byte, two processes on one hart', unit: 'µs', target: ['≤', 1.5] },
    { key: 'pipe.across', title: 'pipe round trip of one byte, across two awake harts', unit: 'µs', target: ['≤', 6] },
    { key: 'pipe.qemu', title: 'the same ELF, qemu-riscv64', unit: 'µs' },
    { key: 'pipe.bulk', title: 'pipe throughput, 64 KiB writes, one hart', unit: 'GB/s', target: ['≥', 1] },
    { key: 'pipe.bulk2', title: 'pipe throughput, 64 KiB writes, across two harts', unit: 'GB/s', target: ['≥', 1] },
  ],
  measure: async () => {
    const ours = {
      'pipe.same': await roundTrip(1, ROUNDS),
      'pipe.across': await roundTrip(2, ROUNDS_ACROSS, 'pin', '0,1'),
      'pipe.bulk': await throughput(1),
      'pipe.bulk2': await throughput(2, 'pin', '0,1'),
    };
    if (!hasQemu) return ours;
    return { ...ours, 'pipe.qemu': value(await reference('pipepp', REFERENCE_ROUNDS), 'ns_per_round_trip') / 1e3 };
  },
};

async function roundTrip(cpus: number, rounds: number, ...pin: string[]): Promise<number> {
  return value(await trial(cpus, 'pipepp', rounds, ...pin), 'ns_per_round_trip') / 1e3;
}

async function throughput(cpus: number, ...pin: string[]): Promise<number> {
  return value(await trial(cpus, 'pipebulk', MEGABYTES, ...pin), 'megabytes_per_second') / 1e3;
}
