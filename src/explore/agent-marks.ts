/*
 * What became of an agent's operations, from the marks that it left in the trace (guest/agent/perform.c).
 *
 * A mark has four words. The high half of the first says what it is, the low half which list of the program (or which process):
 *
 *   0x4842  an operation begins    b: its place in the list
 *   0x4843  it has ended           b: its place; c, d: the result, 64 bits
 *   0x4844  it has received        b: its place, 2^16 × (size, 0x8000 if damaged); c: tag; d: type + 2^16 × sender
 *   0x4845  a process has started  c: its pid
 *   0x4846  a process has ended    b: status as wait4 gives it; c: its pid
 *
 * Lists: a thread by its number, set-up of process n: 0x8000 + n, set-up and final list of the leader: 0xfffe, 0xffff.
 * Other marks are none of the agent's and passed over. An operation whose end is missing had not returned when the trace ended or its thread
 * died; what cannot be explained so (an end without a beginning) means that records were lost, and is an error.
 */

import type { DecodedEvent } from '../trace/drain.ts';
import type { AgentProgram, Operation } from './agent.ts';

const Mark = { Begin: 0x4842, End: 0x4843, Received: 0x4844, Process: 0x4845, ProcessEnd: 0x4846 } as const;
const SETUP = 0x8000;
const LEADER_SETUP = 0xfffe;
const FINAL = 0xffff;
const SENT_BY_LEADER = 0xfffe;
const SENT_BY_STRANGER = 0xffff;
const DAMAGED = 0x8000;

/** A message as its receiver found it. */
export interface ReceivedMessage {
  /** The first 4 bytes, or fewer if it is shorter: what tells it from others. */
  readonly tag: number;
  readonly type: number;
  readonly size: number;
  /** Process of the program that the kernel says has sent it. */
  readonly sender: number | 'leader' | 'stranger';
  /** False: it is not one that `send` makes. Body, size or type have changed on the way, or nothing was written at all. */
  readonly intact: boolean;
}

/** One operation that was begun. */
export interface AgentRecord {
  /** Whose it is: a thread's, a process's set-up, the leader's set-up or final list. */
  readonly list: 'thread' | 'setup' | 'leader' | 'final';
  /** Number of the thread, counted through all processes; of the process for its set-up; 0 for the leader. */
  readonly thread: number;
  /** Number of the process; −1 for the leader. */
  readonly process: number;
  /** Place in the list, from 0. */
  readonly index: number;
  readonly op: Operation;
  /** Number that the kernel gave to the thread. */
  readonly tid: number;
  /** Positions in the list of events; end is undefined when it never returned. */
  readonly begin: number;
  readonly end: number | undefined;
  /** What it returned: a value or a negative errno. */
  readonly result: number | undefined;
  /** For a receive that returned 0. */
  readonly message: ReceivedMessage | undefined;
}

/** One process of the program. */
export interface AgentProcessRecord {
  readonly pid: number;
  /** As wait4 gives it; undefined: it has not ended. */
  readonly status: number | undefined;
}

export interface AgentHistory {
  /** In the order in which they began. */
  readonly operations: readonly AgentRecord[];
  /** Those that were started, by number. */
  readonly processes: readonly AgentProcessRecord[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A list of the program, and whose it is. */
type Owner = Pick<AgentRecord, 'list' | 'thread' | 'process'> & { readonly operations: readonly Operation[] };

/**
 * The history of a program, from the events of its run.
 *
 * @throws Error when marks are missing or do not belong to the program
 */
export function decodeMarks(program: AgentProgram, events: readonly DecodedEvent[]): AgentHistory {
  const owners = ownersOf(program);
  const operations: Writable<AgentRecord>[] = [];
  const processes: Writable<AgentProcessRecord>[] = [];
  /** What is under way, by list and thread: a child that was forked goes on in the list of its parent. */
  const open = new Map<string, Writable<AgentRecord>>();

  events.forEach((event, position) => {
    if (event.event !== 'mark') return;
    const { a, b, c, d } = event.args as Readonly<Record<'a' | 'b' | 'c' | 'd', number>>;
    const number = a & 0xffff;
    const performer = `${String(number)} ${String(event.thread)}`;
    switch (a >>> 16) {
      case Mark.Begin: {
        const owner = owners.get(number);
        const op = owner?.operations[b];
        if (owner === undefined || op === undefined || open.has(performer)) throw strange(event);
        const { list, thread, process } = owner;
        const tid = event.thread;
        const begun = { list, thread, process, index: b, op, tid, begin: position };
        const record = { ...begun, end: undefined, result: undefined, message: undefined };
        operations.push(record);
        open.set(performer, record);
        break;
      }
      case Mark.End:
      case Mark.Received: {
        const record = open.get(performer);
        const received = a >>> 16 === Mark.Received;
        if (record?.index !== (received ? b & 0xffff : b)) throw strange(event);
        open.delete(performer);
        record.end = position;
        record.result = received ? 0 : (d | 0) * 2 ** 32 + c;
        if (received) record.message = messageOf(b >>> 16, c, d);
        break;
      }
      case Mark.Process:
        if (number !== processes.length) throw strange(event);
        processes.push({ pid: c, status: undefined });
        break;
      case Mark.ProcessEnd:
        if (processes[number]?.pid !== c) throw strange(event);
        processes[number].status = b;
        break;
    }
  });
  return { operations, processes };
}

/** What `portStat` returns, taken apart. */
export function portCounts(result: number): { readonly queued: number; readonly receivers: number; readonly senders: number } {
  return { queued: result & 0xffff, receivers: (result >>> 16) & 0xff, senders: (result >>> 24) & 0xff };
}

function messageOf(size: number, tag: number, d: number): ReceivedMessage {
  const sender = d >>> 16;
  return {
    tag,
    type: d & 0xffff,
    size: size & ~DAMAGED,
    sender: sender === SENT_BY_LEADER ? 'leader' : sender === SENT_BY_STRANGER ? 'stranger' : sender,
    intact: (size & DAMAGED) === 0,
  };
}

/** The lists of a program by their numbers in marks. */
function ownersOf({ setup = [], processes, final = [] }: AgentProgram): ReadonlyMap<number, Owner> {
  const owners = new Map<number, Owner>([
    [LEADER_SETUP, { list: 'leader', thread: 0, process: -1, operations: setup }],
    [FINAL, { list: 'final', thread: 0, process: -1, operations: final }],
  ]);
  let thread = 0;
  processes.forEach(({ setup = [], threads }, process) => {
    owners.set(SETUP + process, { list: 'setup', thread: process, process, operations: setup });
    for (const operations of threads) {
      owners.set(thread, { list: 'thread', thread, process, operations });
      thread++;
    }
  });
  return owners;
}

function strange({ ns, args }: DecodedEvent): Error {
  const words = Object.values(args).map((word) => (typeof word === 'number' ? `0x${word.toString(16)}` : word));
  return new Error(`the mark at ${String(ns)} ns (${words.join(' ')}) does not follow from the program: were records lost?`);
}
