/*
 * How many there are of the kernel's own objects (inspection.ts): what a run must leave as it found it.
 */

import type { AddressSpaces } from '../address-space.ts';
import type { Alarms } from '../alarms.ts';
import type { Areas } from '../areas.ts';
import type { Contents } from '../contents.ts';
import type { Descriptors } from '../files/descriptors.ts';
import type { OpenFiles } from '../files/open-files.ts';
import type { Polls } from '../files/polls.ts';
import type { Frames } from '../frames.ts';
import type { ProcessTable } from '../process-table.ts';
import type { SignalInfos } from '../signal-info.ts';
import type { Timers } from '../timers.ts';
import type { Inspection } from './inspection.ts';

/** What is counted of a kernel. */
export interface CountedKernel {
  readonly inspection: Inspection;
  readonly frames: Frames;
  readonly table: ProcessTable;
  readonly spaces: AddressSpaces;
  readonly areas: Areas;
  readonly contents: Contents;
  readonly timers: Timers;
  readonly files: OpenFiles;
  readonly polls: Polls;
  readonly descriptors: Descriptors;
  readonly infos: SignalInfos;
  readonly alarms: Alarms;
}

/** Says how to count them. */
export function countKernelObjects(kernel: CountedKernel): void {
  const { inspection, frames, table, spaces, areas, contents, timers, files, polls, descriptors, infos, alarms } = kernel;
  inspection.count('frames', () => frames.total - frames.freeCount());
  inspection.count('processes', () => table.processes.inUse());
  inspection.count('threads', () => table.threads.inUse());
  inspection.count('spaces', () => spaces.inUse());
  inspection.count('areas', () => areas.inUse());
  inspection.count('contents', () => contents.inUse());
  inspection.count('timers', () => timers.armed());
  inspection.count('open files', () => files.inUse());
  inspection.count('poll entries', () => polls.inUse());
  inspection.count('descriptor tables', () => descriptors.inUse());
  inspection.count('groups', () => table.groups.inUse());
  inspection.count('pending signals', () => infos.pool.inUse());
  inspection.count('alarms', () => alarms.inUse());
}
