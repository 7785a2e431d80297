/*
 * Where in a program its harts were when they were preempted, in words, from the addresses that the schedule has noted.
 *
 * Only for programs that lie where they were linked: of others the schedule does not know by how much they were moved.
 */

import { describeElf } from '../core/elf.ts';
import { FunctionTable } from '../core/elf-symbols.ts';

/**
 * Names addresses of a program (ScheduleReport.pcs): `in main+0x1c`, `in the kernel for write+0x20`, or '' where nothing is known.
 *
 * @param bytes the program's file
 */
export function placesOf(bytes: Uint8Array): (pcs: readonly number[]) => string[] {
  const elf = describeElf(bytes);
  const functions = elf.ok && !elf.program.positionIndependent ? new FunctionTable(bytes) : undefined;
  return (pcs) =>
    pcs.map((pc) => {
      const name = functions?.nameAt(Math.abs(pc));
      if (name === undefined) return '';
      return pc < 0 ? `in the kernel for ${name}` : `in ${name}`;
    });
}
