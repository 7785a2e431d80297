/*
 * pipe2(2).
 */

import { E } from '../kernel/errno.ts';
import { Open } from '../kernel/files/file-ops.ts';
import { Process } from '../kernel/process.ts';
import type { Call } from './call.ts';

const INT_BYTES = 4;

/** Makes a pipe: the number of its read end, then that of its write end, go to the address in argument 0. */
export function pipe2(call: Call): number {
  const { ram, copy, files, descriptors } = call.kernel;
  const flags = call.u32(1);
  if ((flags & ~(Open.CloseOnExec | Open.NonBlock | Open.Direct)) !== 0) return -E.INVAL;
  const closes = (flags & Open.CloseOnExec) !== 0;
  const table = Process.files.get(ram, call.process);
  const readEnd = call.pipes.open(flags);
  if (readEnd < 0) return readEnd;
  const { writeEnd } = call.pipes;
  const reading = descriptors.install(table, readEnd, closes);
  if (reading < 0) {
    files.release(readEnd);
    files.release(writeEnd);
    return reading;
  }
  const writing = descriptors.install(table, writeEnd, closes);
  if (writing < 0) {
    descriptors.close(table, reading);
    files.release(writeEnd);
    return writing;
  }
  const at = call.size(0);
  const error = copy.writeU32(call.space, at, reading) || copy.writeU32(call.space, at + INT_BYTES, writing);
  if (error !== 0) {
    descriptors.close(table, reading);
    descriptors.close(table, writing);
  }
  return error;
}
