/*
 * A pipe or FIFO as a sequential object (docs/pipes.md): values in a ring, and how many ends are open.
 *
 *   write {pipe, value, bytes, block}  → bytes, -EPIPE, -EAGAIN
 *   read  {pipe, block}                → {value}, 0 (the end), -EAGAIN
 *   open  {pipe, end}                  → 0: one more end, 'r' or 'w'
 *   close {pipe, end}                  → 0: one end less
 *
 * Each write is one value and each read takes one. An operation that waits has its effect when it can: at that instant the ring has a value,
 * or room, or the other end is gone. So order, loss, doubling, torn values, an end that comes before the last value, and an end or a
 * broken pipe that does not come follow from the ring and two numbers.
 *
 * Room: with one page (`pages` 1), what Linux's page rule says; else the histories are short enough never to fill it.
 */

import { E, errnoName } from '../../../kernel/errno.ts';
import { groupsOf } from '../groups.ts';
import type { Model, Operation, Scalar } from '../operation.ts';

const PAGE = 4096;

export interface PipeState {
  readonly values: readonly Scalar[];
  readonly readopen: number;
  readonly writeopen: number;
  /** Bytes of the only page that are used up, read or not: where the next write begins. */
  readonly end: number;
}

export interface PipeSettings {
  readonly readopen: number;
  readonly writeopen: number;
  /** Undefined: it never gets full. */
  readonly pages?: 1 | undefined;
}

export function pipeModel({ readopen, writeopen, pages }: PipeSettings): Model<PipeState> {
  const roomFor = (state: PipeState, bytes: number): boolean =>
    pages === undefined || state.values.length === 0 || state.end + bytes <= PAGE;

  const read = (state: PipeState, { args, result }: Operation): PipeState[] => {
    const [value, ...values] = state.values;
    if (value !== undefined) {
      const gets = result === undefined || (typeof result === 'object' && result.value === value);
      return gets ? [{ ...state, values }] : [];
    }
    if (result === undefined) return [state];
    if (state.writeopen === 0) return result === 0 ? [state] : [];
    return result === -E.AGAIN && args.block === 0 ? [state] : [];
  };

  const write = (state: PipeState, { args, result }: Operation): PipeState[] => {
    const bytes = Number(args.bytes);
    if (state.readopen === 0) return result === undefined || result === -E.PIPE ? [state] : [];
    if (!roomFor(state, bytes)) return result === undefined || (result === -E.AGAIN && args.block === 0) ? [state] : [];
    if (result !== undefined && result !== bytes) return [];
    const start = state.values.length === 0 ? 0 : state.end;
    return [{ ...state, values: [...state.values, args.value!], end: start + bytes }];
  };

  const count = (state: PipeState, { args, result }: Operation, by: number): PipeState[] => {
    if (result !== undefined && result !== 0) return [];
    const next = args.end === 'r' ? { ...state, readopen: state.readopen + by } : { ...state, writeopen: state.writeopen + by };
    // What nobody has read is lost with the last end.
    return [next.readopen + next.writeopen === 0 ? { ...next, values: [] } : next];
  };

  return {
    name: 'pipe',
    initial: { values: [], readopen, writeopen, end: 0 },
    step: (state, operation) => {
      switch (operation.name) {
        case 'read':
          return read(state, operation);
        case 'write':
          return write(state, operation);
        case 'open':
          return count(state, operation, 1);
        case 'close':
          return count(state, operation, -1);
        default:
          return [];
      }
    },
    key: ({ values, readopen, writeopen, end }) => `${values.join()}|${readopen}|${writeopen}|${end}`,
    partition: (operations) => [...groupsOf(operations, ({ args }) => args.pipe ?? 0).values()],
    observes: ({ result }) => result === -E.AGAIN,
    describe: pipeText,
    show: ({ values, readopen, writeopen }) =>
      `${values.length === 0 ? 'empty' : `holds ${values.join(', ')}`}; ${readopen} read ends, ${writeopen} write ends`,
    subjects: ({ name, args, result }) => {
      if (name === 'write') return [`value ${args.value}`];
      if (typeof result === 'object') return [`value ${result.value}`];
      return ['ends'];
    },
  };
}

function pipeText({ name, args, result, end }: Operation): string {
  const said = name === 'write' ? args.value : (args.end ?? '');
  let what: string;
  if (result === undefined) what = end === Infinity ? 'did not return' : '?';
  else if (typeof result === 'object') what = `value ${result.value}`;
  else what = typeof result === 'number' && result < 0 ? errnoName(result) : String(result);
  return `${name}(${said}) → ${what}`;
}
