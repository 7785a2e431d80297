/*
 * Calls, signals and messages, timed by the guest's own clock: a null system call (getppid), a signal to a handler, and a round trip through two
 * VROS ports, each of the two processes sending and receiving once.
 */

import { hasQemu, reference, trial, value } from '../command.ts';
import type { Experiment } from '../figure.ts';

const CALLS = 5_000_000;
const ROUNDS = 400_000;
const ROUNDS_ACROSS = 200_000;

export const systemCall: Experiment = {
  name: 'syscall',
  about: 'null system call',
  figures: [
    { key: 'syscall.null', title: 'null system call', unit: 'µs', target: ['≤', 0.15] },
    { key: 'syscall.qemu', title: 'the same ELF, qemu-riscv64', unit: 'µs' },
    { key: 'syscall.ratio', title: 'qemu-riscv64 / Hartbeat', unit: '×' },
  ],
  measure: async () => {
    const ours = value(await trial(1, 'nullsyscall', CALLS), 'ns_per_call') / 1e3;
    if (!hasQemu) return { 'syscall.null': ours };
    const theirs = value(await reference('nullsyscall', CALLS), 'ns_per_call') / 1e3;
    return { 'syscall.null': ours, 'syscall.qemu': theirs, 'syscall.ratio': theirs / ours };
  },
};

const SIGNALS = 400_000;
const SIGNALS_ACROSS = 20_000;

export const signals: Experiment = {
  name: 'signal',
  about: 'from a signal to its handler',
  figures: [
    { key: 'signal.self', title: 'signal to a handler and back, one thread', unit: 'µs', target: ['≤', 1.5] },
    {
      key: 'signal.across',
      title: 'kill to the handler of a thread that computes on another hart',
      unit: 'µs',
      target: ['≤', 20],
    },
    { key: 'signal.qemu', title: 'signal to a handler and back, qemu-riscv64', unit: 'µs' },
  ],
  measure: async () => {
    const own = value(await trial(1, 'sigself', SIGNALS), 'ns_per_signal') / 1e3;
    const across = value(await trial(2, 'sigcross', SIGNALS_ACROSS), 'ns_median') / 1e3;
    const ours = { 'signal.self': own, 'signal.across': across };
    if (!hasQemu) return ours;
    return { ...ours, 'signal.qemu': value(await reference('sigself', SIGNALS / 10), 'ns_per_signal') / 1e3 };
  },
};

export const ports: Experiment = {
  name: 'port',
  about: 'port send+receive round trip between two processes',
  figures: [
    { key: 'port.same', title: 'port round trip, two processes on one hart', unit: 'µs', target: ['≤', 3] },
    { key: 'port.across', title: 'port round trip, across two awake harts', unit: 'µs', target: ['≤', 10] },
    { key: 'port.single', title: 'port round trip, a machine of one hart', unit: 'µs' },
  ],
  measure: async () => ({
    'port.same': await roundTrip(2, ROUNDS, 'pin', '0,0'),
    'port.across': await roundTrip(2, ROUNDS_ACROSS, 'pin', '0,1'),
    'port.single': await roundTrip(1, ROUNDS),
  }),
};

async function roundTrip(cpus: number, rounds: number, ...pin: string[]): Promise<number> {
  return value(await trial(cpus, 'portpp', rounds, ...pin), 'ns_per_round_trip') / 1e3;
}
