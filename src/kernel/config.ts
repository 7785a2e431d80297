/*
 * What a machine is made of: chosen at boot, immutable afterwards, known to every hart.
 */

import type { JitMode } from '../core/jit/translations.ts';

/** Numbers that shape a machine; all of them are boot options or follow from those. */
export interface MachineConfig {
  /** Harts, 1 to 64. */
  readonly cpus: number;
  /** Bytes for kernel tables and frames together; what `--memory` says. */
  readonly memoryBytes: number;
  /** Host cores that spinning harts may use. */
  readonly hostCores: number;
  /** VROS ports: table size, queue length, largest message (bytes). */
  readonly ports: number;
  readonly portMessages: number;
  readonly portMessageBytes: number;
  /** Whether and when guest code is translated. */
  readonly jit: JitMode;
  /** Whether the accesses of guest code to memory are counted, which makes it a little slower. */
  readonly countAccesses: boolean;
  /** Whether the harts run one at a time, as a schedule says (smp/schedule). */
  readonly seeded: boolean;
  /** Records per hart in the trace rings; a power of two. */
  readonly traceRecords: number;
}

/** The defaults, the specifications' numbers included (vros-ports: 32 ports of 16 messages of 256 bytes). */
export const DEFAULT_CONFIG: MachineConfig = {
  cpus: 1,
  memoryBytes: 128 * 1024 * 1024,
  hostCores: 2,
  ports: 32,
  portMessages: 16,
  portMessageBytes: 256,
  jit: 'hot',
  countAccesses: false,
  seeded: false,
  traceRecords: 4096,
};
