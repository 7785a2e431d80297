/*
 * The files of /proc that tell of the machine (proc(5)), as text: meminfo, stat, uptime, loadavg, cpuinfo, version, mounts … and sys/.
 */

import { PAGE_SIZE } from '../../core/ram.ts';
import { HartControl } from '../../smp/hart-control.ts';
import { MAX_DESCRIPTORS } from '../files/descriptors.ts';
import type { ProcParts } from './proc-parts.ts';
import { Thread, ThreadState } from '../thread.ts';
import { RELEASE, VERSION } from '../uts.ts';

const NS_PER_TICK = 1e7;
const ticks = (ns: number): number => Math.floor(ns / NS_PER_TICK);

function meminfo({ frames, contents }: ProcParts): string {
  const kib = (pages: number): string => `${String((pages * PAGE_SIZE) / 1024).padStart(8)} kB`;
  const free = frames.freeCount();
  const cached = Math.min(contents.framesHeld(), frames.total - free);
  const rows: readonly (readonly [string, number])[] = [
    ['MemTotal', frames.total],
    ['MemFree', free],
    ['MemAvailable', free],
    ['Buffers', 0],
    ['Cached', cached],
    ['SwapCached', 0],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', 0],
    ['Shmem', cached],
    ['Slab', 0],
  ];
  return rows.map(([name, pages]) => `${`${name}:`.padEnd(16)}${kib(pages)}\n`).join('');
}

/** Busy and idle time of a hart, nanoseconds; what a hart is in the middle of counts at its end. */
function loadOf({ ram, smpMap, scheduler, clock }: ProcParts, hart: number): readonly [number, number] {
  const control = smpMap.hartControl(hart);
  const busy = HartControl.busyNs.peek(ram, control);
  const idle = HartControl.idleNs.peek(ram, control);
  // A parked hart accounts its idleness when it wakes.
  return [busy, scheduler.isIdle(hart) ? Math.max(idle, clock.nowNs() - busy) : idle];
}

interface Crowd {
  readonly ready: number;
  readonly all: number;
}

/** Threads that run or could, and all of them. */
function crowd({ ram, locks, table }: ProcParts): Crowd {
  let ready = 0;
  let all = 0;
  locks.acquire(table.lock);
  for (let i = 0; i < table.threads.count; i++) {
    if (!table.threads.isUsed(i)) continue;
    const state = Thread.state.peek(ram, table.threads.at(i));
    all++;
    if (state === ThreadState.Ready || state === ThreadState.Running) ready++;
  }
  locks.release(table.lock);
  return { ready, all };
}

function stat(kernel: ProcParts): string {
  const { ram, smpMap, config, clock } = kernel;
  const line = (name: string, busy: number, idle: number): string =>
    `${name} ${String(ticks(busy))} 0 0 ${String(ticks(idle))} 0 0 0 0 0 0\n`;
  const loads = Array.from({ length: config.cpus }, (_, hart) => loadOf(kernel, hart));
  const sum = (index: 0 | 1): number => loads.reduce((total, load) => total + load[index], 0);
  let interrupts = 0;
  let switches = 0;
  for (let hart = 0; hart < config.cpus; hart++) {
    interrupts += HartControl.interrupts.peek(ram, smpMap.hartControl(hart));
    switches += HartControl.switches.peek(ram, smpMap.hartControl(hart));
  }
  const boot = clock.realtimeSeconds(0);
  return (
    line('cpu ', sum(0), sum(1)) +
    loads.map(([busy, idle], hart) => line(`cpu${String(hart)}`, busy, idle)).join('') +
    `intr ${String(interrupts)}\nctxt ${String(switches)}\nbtime ${String(boot)}\n` +
    `processes ${String(kernel.table.lastId())}\nprocs_running ${String(crowd(kernel).ready)}\nprocs_blocked 0\n`
  );
}

function uptime(kernel: ProcParts): string {
  const { config, clock } = kernel;
  let idle = 0;
  for (let hart = 0; hart < config.cpus; hart++) idle += loadOf(kernel, hart)[1];
  return `${(clock.nowNs() / 1e9).toFixed(2)} ${(idle / 1e9).toFixed(2)}\n`;
}

/** Nobody samples the run queues over minutes: all three averages are the load of this moment. */
function loadavg(kernel: ProcParts): string {
  const { ready, all } = crowd(kernel);
  // Who reads this runs.
  const load = Math.max(0, ready - 1).toFixed(2);
  return `${load} ${load} ${load} ${String(ready)}/${String(all)} ${String(kernel.table.lastId())}\n`;
}

function cpuinfo({ config }: ProcParts): string {
  return Array.from(
    { length: config.cpus },
    (_, hart) =>
      `processor\t: ${String(hart)}\nhart\t\t: ${String(hart)}\nisa\t\t: rv64imafdc_zicsr_zifencei\nmmu\t\t: sv39\n\n`,
  ).join('');
}

/** /proc/mounts. */
export const MACHINE_MOUNTS = 'rootfs / tmpfs rw,relatime 0 0\nproc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n';
const PIPE_MAX_SIZE = 1_048_576;

/** Files by their path in /proc: their text now. */
const FILES: Readonly<Record<string, (kernel: ProcParts) => string>> = {
  meminfo,
  stat,
  uptime,
  loadavg,
  cpuinfo,
  version: () => `Linux version ${RELEASE} (hartbeat) ${VERSION}\n`,
  mounts: () => MACHINE_MOUNTS,
  filesystems: () => 'nodev\ttmpfs\nnodev\tproc\n',
  cmdline: () => '\n',
  devices: () => 'Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n\nBlock devices:\n',
  'sys/kernel/hostname': () => 'hartbeat\n',
  'sys/kernel/ostype': () => 'Linux\n',
  'sys/kernel/osrelease': () => `${RELEASE}\n`,
  'sys/kernel/pid_max': () => '4194304\n',
  'sys/kernel/threads-max': ({ map }) => `${String(map.limits.threads)}\n`,
  'sys/fs/pipe-max-size': () => `${String(PIPE_MAX_SIZE)}\n`,
  'sys/fs/file-max': ({ map }) => `${String(map.limits.openFiles)}\n`,
  'sys/fs/nr_open': () => `${String(MAX_DESCRIPTORS)}\n`,
  'sys/vm/overcommit_memory': () => '0\n',
};

/** Paths of the files below /proc that tell of the machine. */
export const MACHINE_FILES: readonly string[] = Object.keys(FILES);

/** The text of such a file; undefined: there is none. */
export function machineText(kernel: ProcParts, path: string): string | undefined {
  return FILES[path]?.(kernel);
}
