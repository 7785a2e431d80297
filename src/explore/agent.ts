/*
 * Programs for the guest agent (docs/agent.md): lists of operations for each thread of each process, as data, and as the arguments that
 * the agent takes. A scenario is written with them without compiling anything.
 *
 *   const program: AgentProgram = {
 *     processes: [
 *       { setup: [op.createPort()], threads: [[op.receive({ port: ref.setup(0) })]] },
 *       { threads: [[op.send({ port: 0, tag: 7 })]] },
 *     ],
 *   };
 *   await machine.run('agent', encodeAgent(program));
 *
 * Operations are plain objects with a `kind`, for models to look at. What became of them is in the trace: see agent-marks.ts.
 *
 * Set-ups are made in a fixed order (the leader's, then one process after the other), so on a fresh machine the ports that they create have
 * the ids 0, 1, 2 … in that order.
 */

import { MapFlag, Prot } from '../kernel/mman.ts';
import { VrosCall } from '../syscalls/abi.ts';
import { Linux } from '../syscalls/numbers.ts';

/** A value that only the guest knows. */
export interface Reference {
  /** As the agent's arguments have it. */
  readonly source: '&' | '$' | '%' | '@' | '^';
  readonly index: number;
}

/** Where a number can stand, a reference can. */
export type Operand = number | Reference;

function reference(source: Reference['source'], index: number): Reference {
  return { source, index };
}

/** References to what only the guest knows. */
export const ref = {
  /** Address of a byte of the performer's own buffer of 512. */
  buffer: (index = 0): Reference => reference('&', index),
  /** Address of one of the 64 words that the threads of a process share. */
  word: (index: number): Reference => reference('$', index),
  /** Pid of a process of the program. */
  pid: (process: number): Reference => reference('%', process),
  /** Result of an earlier operation of the same list. */
  own: (index: number): Reference => reference('@', index),
  /** Result of an operation of the set-up of the thread's process; in the final list, of the leader's. */
  setup: (index: number): Reference => reference('^', index),
} as const;

interface Common {
  /** Performed without marks: it is not in the history, and costs less. */
  readonly quiet?: boolean | undefined;
}

export type Operation = Common &
  (
    | { readonly kind: 'createPort' }
    | { readonly kind: 'destroyPort'; readonly port: Operand }
    | { readonly kind: 'portName'; readonly port: Operand }
    | { readonly kind: 'portStat'; readonly port: Operand }
    | {
        readonly kind: 'send';
        readonly port: Operand;
        readonly type: number;
        /** What tells this message from others: its first 4 bytes; the rest follows from it. */
        readonly tag: number;
        /** Bytes. Shorter than 4: the tag must fit. */
        readonly size: number;
        readonly wait: boolean;
      }
    /** `wait`: for ever, not at all, or so many nanoseconds. */
    | { readonly kind: 'receive'; readonly port: Operand; readonly wait: boolean | number }
    /** `ns`: undefined waits for ever. */
    | { readonly kind: 'futexWait'; readonly word: number; readonly expected: number; readonly ns?: number | undefined }
    | { readonly kind: 'futexWake'; readonly word: number; readonly count: number }
    | { readonly kind: 'load'; readonly word: number }
    | { readonly kind: 'store'; readonly word: number; readonly value: number }
    /** Atomic. */
    | { readonly kind: 'add'; readonly word: number; readonly value: number }
    /** A load, an addition and a store: not atomic. */
    | { readonly kind: 'increment'; readonly word: number; readonly value: number }
    | { readonly kind: 'compareExchange'; readonly word: number; readonly expected: number; readonly value: number }
    | { readonly kind: 'peek'; readonly address: Operand; readonly offset: number }
    | { readonly kind: 'poke'; readonly address: Operand; readonly offset: number; readonly value: number }
    | {
        readonly kind: 'mmap';
        readonly address: Operand;
        readonly length: number;
        readonly prot: number;
        readonly flags: number;
      }
    | { readonly kind: 'munmap'; readonly address: Operand; readonly length: number }
    | { readonly kind: 'mprotect'; readonly address: Operand; readonly length: number; readonly prot: number }
    | { readonly kind: 'lock'; readonly word: number }
    | { readonly kind: 'unlock'; readonly word: number }
    /** Spins. */
    | { readonly kind: 'await'; readonly word: number; readonly value: number }
    | { readonly kind: 'spawn' }
    /** The next `count` operations of the list are performed by a child, which then ends with status 0. */
    | { readonly kind: 'fork'; readonly count: number }
    /** As add and futexWait, on memory at any address. */
    | { readonly kind: 'addAt'; readonly address: Operand; readonly value: number }
    | { readonly kind: 'futexWaitAt'; readonly address: Operand; readonly expected: number }
    | { readonly kind: 'clock'; readonly clock: number }
    | { readonly kind: 'sleep'; readonly ns: number }
    | { readonly kind: 'yield' }
    | { readonly kind: 'getpid' }
    | { readonly kind: 'kill'; readonly pid: Operand; readonly signal: number }
    /** Has a handler count the signal in the word of its number. `flags`: SA_*. */
    | { readonly kind: 'catch'; readonly signal: number; readonly flags: number }
    | { readonly kind: 'exit'; readonly status: number }
    | { readonly kind: 'exitGroup'; readonly status: number }
    | { readonly kind: 'call'; readonly number: number; readonly args: readonly Operand[] }
  );

export type OperationOf<K extends Operation['kind']> = Extract<Operation, { readonly kind: K }>;

/** Each operation with its usual values. Results are as the system call's, negative errnos included, where nothing else is said. */
export const op = {
  /** The new port's id. */
  createPort: (): OperationOf<'createPort'> => ({ kind: 'createPort' }),
  destroyPort: (port: Operand): OperationOf<'destroyPort'> => ({ kind: 'destroyPort', port }),
  /** The port's tagged name. */
  portName: (port: Operand): OperationOf<'portName'> => ({ kind: 'portName', port }),
  /** Messages queued + 2^16 × waiting receivers + 2^24 × waiting senders (`portCounts` takes it apart). */
  portStat: (port: Operand): OperationOf<'portStat'> => ({ kind: 'portStat', port }),
  send: (message: Partial<OperationOf<'send'>> & Pick<OperationOf<'send'>, 'port' | 'tag'>): OperationOf<'send'> => ({
    kind: 'send',
    type: 0,
    size: 4,
    wait: false,
    ...message,
  }),
  /** 0, and the message in the history's record. */
  receive: (from: Partial<OperationOf<'receive'>> & Pick<OperationOf<'receive'>, 'port'>): OperationOf<'receive'> => ({
    kind: 'receive',
    wait: true,
    ...from,
  }),
  futexWait: (word: number, expected: number, ns?: number): OperationOf<'futexWait'> => ({
    kind: 'futexWait',
    word,
    expected,
    ns,
  }),
  futexWake: (word: number, count: number): OperationOf<'futexWake'> => ({ kind: 'futexWake', word, count }),
  /** The word, as a signed number. */
  load: (word: number): OperationOf<'load'> => ({ kind: 'load', word }),
  store: (word: number, value: number): OperationOf<'store'> => ({ kind: 'store', word, value }),
  /** What the word was before. */
  add: (word: number, value: number): OperationOf<'add'> => ({ kind: 'add', word, value }),
  /** What the word was before. */
  increment: (word: number, value = 1): OperationOf<'increment'> => ({ kind: 'increment', word, value }),
  /** What the word was before. */
  compareExchange: (word: number, expected: number, value: number): OperationOf<'compareExchange'> => ({
    kind: 'compareExchange',
    word,
    expected,
    value,
  }),
  /** The word at that address. A bad one kills the process. */
  peek: (address: Operand, offset = 0): OperationOf<'peek'> => ({ kind: 'peek', address, offset }),
  poke: (address: Operand, offset: number, value: number): OperationOf<'poke'> => ({ kind: 'poke', address, offset, value }),
  /** The address of so many bytes of anonymous memory. */
  mmap: (length: number, how: Partial<OperationOf<'mmap'>> = {}): OperationOf<'mmap'> => ({
    kind: 'mmap',
    address: 0,
    length,
    prot: Prot.Read | Prot.Write,
    flags: MapFlag.Private | MapFlag.Anonymous,
    ...how,
  }),
  munmap: (address: Operand, length: number): OperationOf<'munmap'> => ({ kind: 'munmap', address, length }),
  mprotect: (address: Operand, length: number, prot: number): OperationOf<'mprotect'> => ({
    kind: 'mprotect',
    address,
    length,
    prot,
  }),
  /** Takes a mutex made of a word and futexes (0: free): how often the caller has slept for it. */
  lock: (word: number): OperationOf<'lock'> => ({ kind: 'lock', word }),
  /** Gives it back: how many were woken. */
  unlock: (word: number): OperationOf<'unlock'> => ({ kind: 'unlock', word }),
  /** Spins until the word has that value. */
  await: (word: number, value: number): OperationOf<'await'> => ({ kind: 'await', word, value }),
  /** Starts a child process that ends at once with status 0: its pid. */
  spawn: (): OperationOf<'spawn'> => ({ kind: 'spawn' }),
  /** A child with a copy of the process's memory performs these operations and ends with status 0; the caller gets its pid. */
  fork: (...operations: readonly Operation[]): [OperationOf<'fork'>, ...Operation[]] => [
    { kind: 'fork', count: operations.length },
    ...operations,
  ],
  /** Atomically, to the word at that address: what it was before. */
  addAt: (address: Operand, value: number): OperationOf<'addAt'> => ({ kind: 'addAt', address, value }),
  /** Waits while the word at that address has that value; as a futex that processes may share. */
  futexWaitAt: (address: Operand, expected: number): OperationOf<'futexWaitAt'> => ({ kind: 'futexWaitAt', address, expected }),
  futexWakeAt: (address: Operand, count: number): OperationOf<'call'> => op.call(Linux.futex, address, FUTEX_WAKE, count),
  /** Waits for a child of the process to end, −1: for any; its pid. */
  wait4: (pid: Operand = -1): OperationOf<'call'> => op.call(Linux.wait4, pid),
  /** Wakes so many waiters of a word and moves so many others to another word; how many were woken. */
  requeue: (from: number, to: number, wake: number, move: number): OperationOf<'call'> =>
    op.call(Linux.futex, ref.word(from), FUTEX_REQUEUE, wake, move, ref.word(to)),
  /** The thread may run on these harts only, bit h for hart h. The mask goes into a word that nobody else uses. */
  affinity: (harts: number, word: number): [OperationOf<'store'>, OperationOf<'call'>] => [
    op.store(word, harts),
    op.call(Linux.sched_setaffinity, 0, 8, ref.word(word)),
  ],
  /** The word becomes 0, and who waits for it is woken, when the thread ends (as for pthread_join). */
  clearAtExit: (word: number): OperationOf<'call'> => op.call(Linux.set_tid_address, ref.word(word)),
  /** Nanoseconds of a clock; 1: CLOCK_MONOTONIC. */
  clock: (clock = 1): OperationOf<'clock'> => ({ kind: 'clock', clock }),
  sleep: (ns: number): OperationOf<'sleep'> => ({ kind: 'sleep', ns }),
  yield: (): OperationOf<'yield'> => ({ kind: 'yield' }),
  getpid: (): OperationOf<'getpid'> => ({ kind: 'getpid' }),
  /** Sends a signal to a process of the program. */
  kill: (process: number, signal = 9): OperationOf<'kill'> => ({ kind: 'kill', pid: ref.pid(process), signal }),
  /** From now on the process counts this signal, in the shared word that has its number. */
  catch: (signal: number, flags = 0): OperationOf<'catch'> => ({ kind: 'catch', signal, flags }),
  /** Ends the thread. */
  exit: (status = 0): OperationOf<'exit'> => ({ kind: 'exit', status }),
  /** Ends the process. */
  exitGroup: (status = 0): OperationOf<'exitGroup'> => ({ kind: 'exitGroup', status }),
  /** Any system call. */
  call: (number: number, ...args: Operand[]): OperationOf<'call'> => ({ kind: 'call', number, args }),
} as const;

/** The same operation, without marks. */
export function quiet<T extends Operation>(operation: T): T {
  return { ...operation, quiet: true };
}

export interface AgentProcess {
  /** By its first thread, while no other process does anything. */
  readonly setup?: readonly Operation[] | undefined;
  /** At least one; they go to the starting line first. */
  readonly threads: readonly (readonly Operation[])[];
}

export interface AgentProgram {
  /** By the leader, before there are processes. */
  readonly setup?: readonly Operation[] | undefined;
  readonly processes: readonly AgentProcess[];
  /** By the leader, when all processes have ended. */
  readonly final?: readonly Operation[] | undefined;
}

/** How many threads meet at the starting line. */
export function threadsOf(program: AgentProgram): number {
  return program.processes.reduce((sum, { threads }) => sum + threads.length, 0);
}

const FUTEX_WAKE = 1;
const FUTEX_REQUEUE = 3;
const MAX_TYPE = 0xffff;
const MAX_SIZE = 512;
/** Operations of a list, and threads, as marks can number them. */
const MAX_OPERATIONS = 0xffff;
const MAX_THREADS = 0x8000;

/**
 * The arguments that make the agent perform the program.
 *
 * @throws RangeError when it cannot be expressed; what refers to nothing the agent itself refuses, with status 2
 */
export function encodeAgent(program: AgentProgram): string[] {
  if (threadsOf(program) > MAX_THREADS) throw new RangeError(`an agent has at most ${String(MAX_THREADS)} threads`);
  const { setup, processes, final } = program;
  return [
    ...(setup === undefined ? [] : [`S=${encodeList(setup)}`]),
    ...(final === undefined ? [] : [`F=${encodeList(final)}`]),
    ...processes.flatMap(({ setup, threads }) => [
      `P=${encodeList(setup ?? [])}`,
      ...threads.map((thread) => `T=${encodeList(thread)}`),
    ]),
  ];
}

function encodeList(operations: readonly Operation[]): string {
  if (operations.length > MAX_OPERATIONS)
    throw new RangeError(`a list has at most ${String(MAX_OPERATIONS)} operations, this one ${String(operations.length)}`);
  return operations.map((operation) => (operation.quiet === true ? '-' : '') + encode(operation)).join(' ');
}

function encode(operation: Operation): string {
  switch (operation.kind) {
    case 'createPort':
      return word('call', VrosCall.SYS_IPC_CREATE_PORT);
    case 'destroyPort':
      return word('call', VrosCall.SYS_IPC_DESTROY_PORT, operation.port);
    case 'portName':
      return word('call', VrosCall.SYS_IPC_PORT_NAME, operation.port);
    case 'portStat':
      return word('stat', operation.port);
    case 'send':
      checkMessage(operation);
      return word('send', operation.port, operation.type, operation.tag, operation.size, operation.wait ? 1 : 0);
    case 'receive': {
      if (typeof operation.wait === 'number') return word('recv', operation.port, 2, operation.wait);
      return word('recv', operation.port, operation.wait ? 0 : 1);
    }
    case 'futexWait':
      return word('wait', ref.word(operation.word), operation.expected, operation.ns ?? 0);
    case 'futexWake':
      return word('call', Linux.futex, ref.word(operation.word), 1, operation.count);
    case 'load':
      return word('load', ref.word(operation.word));
    case 'store':
      return word('store', ref.word(operation.word), operation.value);
    case 'add':
      return word('add', ref.word(operation.word), operation.value);
    case 'increment':
      return word('inc', ref.word(operation.word), operation.value);
    case 'compareExchange':
      return word('cas', ref.word(operation.word), operation.expected, operation.value);
    case 'peek':
      return word('peek', operation.address, operation.offset);
    case 'poke':
      return word('poke', operation.address, operation.offset, operation.value);
    case 'mmap':
      return word('call', Linux.mmap, operation.address, operation.length, operation.prot, operation.flags, -1, 0);
    case 'munmap':
      return word('call', Linux.munmap, operation.address, operation.length);
    case 'mprotect':
      return word('call', Linux.mprotect, operation.address, operation.length, operation.prot);
    case 'lock':
      return word('lock', ref.word(operation.word));
    case 'unlock':
      return word('unlock', ref.word(operation.word));
    case 'await':
      return word('await', ref.word(operation.word), operation.value);
    case 'spawn':
      return 'spawn';
    case 'fork':
      return word('fork', operation.count);
    case 'addAt':
      return word('add', operation.address, operation.value);
    case 'futexWaitAt':
      return word('wait', operation.address, operation.expected, 0);
    case 'clock':
      return word('clock', operation.clock);
    case 'sleep':
      return word('sleep', operation.ns);
    case 'yield':
      return word('call', Linux.sched_yield);
    case 'getpid':
      return word('call', Linux.getpid);
    case 'kill':
      return word('call', Linux.kill, operation.pid, operation.signal);
    case 'catch':
      return word('catch', operation.signal, operation.flags);
    case 'exit':
      return word('call', Linux.exit, operation.status);
    case 'exitGroup':
      return word('call', Linux.exit_group, operation.status);
    case 'call':
      if (operation.args.length > 6) throw new RangeError('a system call has at most 6 arguments');
      return word('call', operation.number, ...operation.args);
  }
}

function word(name: string, ...operands: readonly Operand[]): string {
  return `${name}:${operands.map(encodeOperand).join(',')}`;
}

function encodeOperand(operand: Operand): string {
  if (typeof operand !== 'number') return `${operand.source}${String(operand.index)}`;
  if (!Number.isSafeInteger(operand)) throw new RangeError(`${String(operand)} is no whole number, or too large to be exact`);
  return String(operand);
}

/** What the receiver's mark has no room for must not be sent. */
function checkMessage({ type, tag, size }: OperationOf<'send'>): void {
  if (type < 0 || type > MAX_TYPE) throw new RangeError(`type ${String(type)}: 0 to ${String(MAX_TYPE)}`);
  if (size < 0 || size > MAX_SIZE) throw new RangeError(`size ${String(size)}: 0 to ${String(MAX_SIZE)} bytes`);
  const limit = 256 ** Math.min(4, size);
  if (tag < 0 || tag >= limit) throw new RangeError(`tag ${String(tag)} does not fit into ${String(Math.min(4, size))} bytes`);
}
