/*
 * What can happen in a machine, as its trace tells it: each event declared once, with its number, its level and its arguments.
 *
 * A record in a ring carries four 32-bit words; the arguments below take them in order. Everything else (the numbers that harts emit,
 * the decoder, the table in traces/README.md) derives from EVENTS. Numbers are part of the format of a snapshot: never reuse one.
 *
 * Formats: `u32`, `i32` and `hex` take a word; `i64` takes two, low word first; `hex48` takes a word and borrows bits 47:32
 * from the fourth word (its low half for the first such argument, its high half for the second). `cause`, `ipi`, `call` and
 * `reason` are numbers with names: the first two are known here, the others come from the floors above (see drain.ts, TraceNames).
 */

/** Levels as pino numbers them. */
export const Level = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: 255 } as const;
export type LevelName = keyof typeof Level;

export type Format = 'u32' | 'i32' | 'hex' | 'i64' | 'hex48' | 'cause' | 'ipi' | 'call' | 'reason';

export interface EventSpec {
  readonly number: number;
  readonly level: LevelName;
  readonly args: Readonly<Record<string, Format>>;
  /** One line for the reader of a trace. */
  readonly about: string;
}

function event(number: number, level: LevelName, args: Readonly<Record<string, Format>>, about: string): EventSpec {
  return { number, level, args, about };
}

export const EVENTS = {
  lost: event(1, 'warn', { count: 'u32' }, 'The ring of this hart was full: so many records are missing before this point.'),
  switch: event(2, 'debug', { pid: 'u32', from: 'u32', fromPid: 'u32' }, 'The hart runs `thread` of `pid` from here on.'),
  syscallEnter: event(
    3,
    'trace',
    { call: 'call', a0: 'hex', a1: 'hex', a2: 'hex' },
    'A system call; low words of its arguments.',
  ),
  syscallExit: event(4, 'trace', { call: 'call', result: 'i64' }, 'What it returned.'),
  block: event(5, 'debug', { object: 'hex', reason: 'reason' }, 'The thread waits.'),
  wake: event(
    6,
    'debug',
    { by: 'u32', target: 'u32' },
    '`thread` may run again, on hart `target`; thread `by` woke it (0: the kernel).',
  ),
  ipi: event(7, 'trace', { target: 'u32', kinds: 'ipi' }, 'This hart rang the doorbell of `target`.'),
  shootdown: event(8, 'trace', { asid: 'u32', pages: 'u32' }, 'Translations were taken away on all harts.'),
  fault: event(9, 'debug', { cause: 'cause', pc: 'hex48', address: 'hex48' }, 'Guest code trapped.'),
  processStart: event(10, 'info', { pid: 'u32', parent: 'u32' }, 'A process begins.'),
  processExit: event(11, 'info', { pid: 'u32', status: 'hex' }, 'A process has ended; status as wait4 gives it.'),
  threadStart: event(12, 'debug', { pid: 'u32', tid: 'u32' }, 'A thread begins.'),
  threadExit: event(13, 'debug', { pid: 'u32', tid: 'u32' }, 'A thread has ended.'),
  portCreate: event(14, 'debug', { port: 'u32', generation: 'u32', owner: 'u32' }, 'A port was made.'),
  portDestroy: event(15, 'debug', { port: 'u32', generation: 'u32' }, 'A port is gone, its waiters woken with an error.'),
  portSend: event(
    16,
    'debug',
    { port: 'u32', size: 'u32', type: 'u32', peer: 'u32' },
    'A message went into a port; peer: the receiver.',
  ),
  portReceive: event(
    17,
    'debug',
    { port: 'u32', size: 'u32', type: 'u32', peer: 'u32' },
    'A message came out; peer: the sender.',
  ),
  unknownSyscall: event(
    18,
    'warn',
    { call: 'call', a0: 'hex', a1: 'hex', a2: 'hex' },
    'A system call that does not exist: ENOSYS.',
  ),
  steal: event(19, 'trace', { victim: 'u32', pid: 'u32' }, 'An idle hart took `thread` from the run queue of `victim`.'),
  park: event(20, 'trace', { timeoutUs: 'u32' }, 'The hart has nothing to do and sleeps.'),
  mark: event(21, 'info', { a: 'u32', b: 'u32', c: 'u32', d: 'u32' }, 'A guest program left a mark.'),
  console: event(22, 'trace', { stream: 'u32', bytes: 'u32' }, 'Bytes went through the console (0 in, 1 out, 2 error).'),
  oom: event(
    23,
    'warn',
    { pid: 'u32', frames: 'u32', free: 'u32' },
    'Out of memory: the request was refused or the process killed.',
  ),
  signalSend: event(
    25,
    'debug',
    { signal: 'u32', pid: 'u32', tid: 'u32' },
    'A signal goes to `pid`; tid: to that thread of it alone.',
  ),
  signalHandler: event(26, 'debug', { signal: 'u32', handler: 'hex' }, 'The thread begins a signal handler.'),
  machineCheck: event(24, 'fatal', { locks: 'u32' }, 'The kernel failed on this hart, with so many locks held.'),
} as const satisfies Readonly<Record<string, EventSpec>>;

export type EventName = keyof typeof EVENTS;

type Numbers = { readonly [K in EventName]: (typeof EVENTS)[K]['number'] };

/** The number of each event, for `Tracer.emit`. */
export const EventId: Numbers = Object.freeze(
  Object.fromEntries(Object.entries(EVENTS).map(([name, spec]) => [name, spec.number])),
) as Numbers;

/** One more than the largest event number. */
export const EVENT_LIMIT = Math.max(...Object.values(EVENTS).map((spec) => spec.number)) + 1;

/** Event number → name. */
export const EVENT_NAMES: readonly (EventName | undefined)[] = byNumber((name) => name);

/** Event number → pino level; what is unknown passes as a warning. */
export const EVENT_LEVELS: Uint8Array = Uint8Array.from(
  byNumber((name) => Level[EVENTS[name].level]),
  (level) => level ?? Level.warn,
);

function byNumber<T>(of: (name: EventName) => T): (T | undefined)[] {
  const table = new Array<T | undefined>(EVENT_LIMIT).fill(undefined);
  for (const [name, spec] of Object.entries(EVENTS)) table[spec.number] = of(name as EventName);
  return table;
}
