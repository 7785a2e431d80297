/*
 * What Linux tells of a process under /proc. Elsewhere there is nothing: the figures that need it are left out.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whether this host has what the functions below read. */
export const hasProc = existsSync('/proc/self/smaps');

/** CPU time that all threads of a process have used, seconds; to the nanosecond where the kernel counts it. */
export function cpuSeconds(pid: number): number {
  let ns = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  }
  return ns / 1e9;
}

/** Resident memory, MiB. */
export interface Resident {
  readonly total: number;
  /** Of it, in the largest writable mapping: the machine's RAM, if there is a machine. */
  readonly ram: number;
}

/** @param ramBytes mappings smaller than this are not the RAM */
export function resident(pid: number, ramBytes: number): Resident {
  let total = 0;
  let ram = 0;
  let writable = false;
  let size = 0;
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const mapping = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line);
    if (mapping !== null) {
      size = parseInt(mapping[2]!, 16) - parseInt(mapping[1]!, 16);
      writable = mapping[3] === 'rw-p';
    } else if (line.startsWith('Rss:')) {
      const mib = parseInt(line.slice(4), 10) / 1024;
      total += mib;
      if (writable && size >= ramBytes) ram += mib;
    }
  }
  return { total, ram };
}
