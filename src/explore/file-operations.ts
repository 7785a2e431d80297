/*
 * Calls on files for scenarios: the path lies in the list's buffer, a second one behind it.
 */

import { op, ref } from './agent.ts';
import type { AgentRecord } from './agent-marks.ts';
import { E } from '../kernel/errno.ts';
import { Open } from '../kernel/files/file-ops.ts';
import { Linux } from '../syscalls/numbers.ts';

const AT_FDCWD = -100;
const SECOND = 8;
export const SECOND_NAME = ref.buffer(SECOND);

export const O = Open;

type Call = ReturnType<typeof op.call>;
type Poke = ReturnType<typeof op.poke>;

/** Writes one or two paths of at most three characters into the buffer: an operation each. */
export function named(path: string, second?: string): Poke[] {
  const word = (text: string): number =>
    Array.from(text).reduce((sum, char, at) => sum + char.charCodeAt(0) * 2 ** (8 * at), 0);
  const first = op.poke(ref.buffer(0), 0, word(path));
  return second === undefined ? [first] : [first, op.poke(ref.buffer(0), SECOND, word(second))];
}

export const openat = (flags: number): Call => op.call(Linux.openat, AT_FDCWD, ref.buffer(0), flags, 0o644);
export const unlink = op.call(Linux.unlinkat, AT_FDCWD, ref.buffer(0), 0);
export const close = (fd: ReturnType<typeof ref.own>): Call => op.call(Linux.close, fd);
/** Whether something was refused for want of memory or slots: then little else can be said. */
export function hasRefusal(operations: readonly AgentRecord[]): boolean {
  return operations.some(({ result }) => result !== undefined && REFUSALS.includes(-result));
}

const REFUSALS: readonly number[] = [E.NOMEM, E.NOSPC, E.NFILE, E.NOLCK, E.BADF];

export const isOpen = ({ op: one }: AgentRecord): boolean => one.kind === 'call' && one.number === Linux.openat;
