/*
 * The host that the figures are true of, and how busy others keep it meanwhile.
 */

import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

export interface HostFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly os: string;
  readonly node: string;
  readonly v8: string;
}

export function hostFacts(): HostFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    os: `${process.platform} ${process.arch} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
  };
}

/** How long to look; this process sleeps meanwhile, so what is busy is others' work. */
const LOOK_MS = 400;
/** Cores' worth of other work from which on the figures are not to be trusted. */
export const BUSY_CORES = 0.15;

/** Cores that others keep busy right now, 0 … cores. */
export async function foreignLoad(): Promise<number> {
  const before = times();
  await sleep(LOOK_MS);
  const after = times();
  const total = after.busy + after.idle - before.busy - before.idle;
  return total === 0 ? 0 : ((after.busy - before.busy) / total) * cpus().length;
}

function times(): { busy: number; idle: number } {
  let busy = 0;
  let idle = 0;
  for (const { times: t } of cpus()) {
    busy += t.user + t.nice + t.sys + t.irq;
    idle += t.idle;
  }
  return { busy, idle };
}

/** Load average of the last minute. */
export function loadAverage(): number {
  return loadavg()[0]!;
}
