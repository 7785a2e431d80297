/*
 * The first page of RAM: what the host and all harts must agree on before anything else, and what is left to read after a crash.
 */

import { bytes, cacheLine, f64, i32, struct, u32 } from '../core/layout.ts';
import { atomicU32 } from './atomics.ts';

export const BOOT_MAGIC = 0x48425421;
export const BOOT_VERSION = 1;

/** The machine as a whole, in `BootPage.state`. */
export const MachineState = { Booting: 0, Running: 1, Halting: 2, Crashed: 3 } as const;

export const BootPage = struct(
  'BootPage',
  {
    magic: u32('immutable'),
    version: u32('immutable'),
    cpus: u32('immutable'),
    /** Host clock (nanoseconds, CLOCK_MONOTONIC) and wall clock at power-on. */
    epochMonotonicNs: f64('immutable'),
    epochRealtimeNs: f64('immutable'),

    shared: cacheLine(),
    state: atomicU32(),
    /** Idle harts that spin before they park: never more than there are host cores. */
    spinners: atomicU32(),

    host: cacheLine(),
    /** Bits of HostBell: what harts want from the host. The host waits on this word. */
    hostBell: atomicU32(),

    crash: cacheLine(),
    /** Claimed by the first hart that crashes (its number + 1). */
    crashedHart: atomicU32(),
    crashLength: u32('crashedHart'),
    exitStatus: i32('state'),
    crashReport: bytes('crashedHart', 3072),
  },
  { align: 64 },
);
