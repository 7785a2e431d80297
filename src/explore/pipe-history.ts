/*
 * What the threads of a scenario did to a pipe, for the model of pipes (history/models/pipe.ts), and the operations that such scenarios are
 * made of.
 *
 * A value is a word at the beginning of what is written, the rest of it is nothing in particular. The agent has calls, loads and stores: a
 * write is a store without marks and the call (with the value as one more argument, for the history), a read is the call and a load behind
 * it, whose result is the value.
 */

import { Linux } from '../syscalls/numbers.ts';
import { op, quiet, ref, type Operand, type Operation as AgentOperation } from './agent.ts';
import type { AgentRecord } from './agent-marks.ts';
import type { Operation } from './history/operation.ts';
import { pipeModel, type PipeSettings } from './history/models/pipe.ts';
import type { Linearizable } from './scenario.ts';

/** Offsets in an agent's buffer of 512 bytes. */
const WRITTEN = 0;
const READ = 256;

/** Writes a value in so many bytes, from `source` if they are more than the buffer has. */
export function write(fd: Operand, value: number, bytes = 4, source: Operand = ref.buffer(WRITTEN)): AgentOperation[] {
  return [quiet(op.poke(source, 0, value)), op.call(Linux.write, fd, source, bytes, value)];
}

/** Reads a value in so many bytes. */
export function read(fd: Operand, bytes = 4, target: Operand = ref.buffer(READ)): AgentOperation[] {
  return [op.call(Linux.read, fd, target, bytes), op.peek(target, 0)];
}

export const close = (fd: Operand): AgentOperation => op.call(Linux.close, fd);

/** The descriptors of the first pipe that a process makes. */
export const READ_END = 3;
export const WRITE_END = 4;

/** Makes a pipe; for a set-up. */
export const makePipe = (flags = 0): AgentOperation => op.call(Linux.pipe2, ref.buffer(0), flags);

/** Makes the process survive SIGPIPE; for a set-up. */
export function ignoreSigpipe(): AgentOperation[] {
  const SIGPIPE = 13;
  const SIG_IGN = 1;
  const ACTION = 384;
  return [op.poke(ref.buffer(ACTION), 0, SIG_IGN), op.call(Linux.rt_sigaction, SIGPIPE, ref.buffer(ACTION), 0, 8)];
}

/** Makes the pipe one page large; for a set-up. */
export const onePage = (fd: Operand): AgentOperation => op.call(Linux.fcntl, fd, 1031, 4096);

/** What a history of one pipe needs to know. */
export interface PipeEnds extends PipeSettings {
  /** Descriptors that name its ends, the same in all processes that use them. */
  readonly reading: readonly number[];
  readonly writing: readonly number[];
  /** Those that do not wait. */
  readonly nonBlocking?: readonly number[];
}

/** The model, and the operations on one pipe by its descriptors. `readopen` and `writeopen` count the ends at the starting line. */
export function pipe(ends: PipeEnds): Linearizable {
  return { operations: ({ operations }) => historyOf(operations, ends), model: pipeModel(ends) };
}

function historyOf(records: readonly AgentRecord[], ends: PipeEnds): Operation[] {
  return records.flatMap((record, id): Operation[] => {
    const { op: call, list, begin, end = Infinity, tid } = record;
    if (call.kind !== 'call' || list !== 'thread') return [];
    const [fd, , bytes, value] = call.args;
    if (typeof fd !== 'number') return [];
    const common = { id, actor: tid, begin, end };
    const block = ends.nonBlocking?.includes(fd) === true ? 0 : 1;
    const reads = ends.reading.includes(fd);
    if (!reads && !ends.writing.includes(fd)) return [];
    if (call.number === Linux.close) {
      return [{ ...common, name: 'close', args: { end: reads ? 'r' : 'w' }, result: record.result }];
    }
    if (call.number === Linux.write && !reads) {
      const args = { value: Number(value), bytes: Number(bytes), block };
      return [{ ...common, name: 'write', args, result: record.result }];
    }
    if (call.number !== Linux.read || !reads) return [];
    return [{ ...common, name: 'read', args: { block }, result: resultOf(records, record) }];
  });
}

/** What a read brought: the value, which the load behind it tells; undefined while that is not known. */
function resultOf(records: readonly AgentRecord[], read: AgentRecord): Operation['result'] {
  if (read.result === undefined || read.result <= 0) return read.result;
  const load = records.find(
    ({ list, thread, index }) => list === read.list && thread === read.thread && index === read.index + 1,
  );
  return load?.result === undefined ? undefined : { value: load.result };
}
