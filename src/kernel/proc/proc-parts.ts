/*
 * What /proc needs of a kernel: everything that it tells of.
 */

import type { Ram } from '../../core/ram.ts';
import type { Clock } from '../../devices/clock.ts';
import type { Console } from '../../devices/console.ts';
import type { SmpMap } from '../../smp/smp-map.ts';
import type { Locks } from '../../smp/spinlock.ts';
import type { AddressSpaces } from '../address-space.ts';
import type { MachineConfig } from '../config.ts';
import type { Contents } from '../contents.ts';
import type { Descriptors } from '../files/descriptors.ts';
import type { MemoryFiles } from '../files/memory-files.ts';
import type { OpenFiles } from '../files/open-files.ts';
import type { Frames } from '../frames.ts';
import type { MemoryMap } from '../memory-map.ts';
import type { ProcessTable } from '../process-table.ts';
import type { Scheduler } from '../scheduler.ts';
import type { UserCopy } from '../user-copy.ts';

export interface ProcParts {
  readonly ram: Ram;
  readonly config: MachineConfig;
  readonly map: MemoryMap;
  readonly smpMap: SmpMap;
  readonly locks: Locks;
  readonly clock: Clock;
  readonly console: Console;
  readonly frames: Frames;
  readonly contents: Contents;
  readonly spaces: AddressSpaces;
  readonly copy: UserCopy;
  readonly scheduler: Scheduler;
  readonly table: ProcessTable;
  readonly files: OpenFiles;
  readonly descriptors: Descriptors;
  readonly fs: MemoryFiles;
  /** SCRATCH_BYTES of RAM of this participant. */
  readonly scratch: number;
}
