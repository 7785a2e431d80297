/*
 * What a replay file holds, and what a token packs: a plan, and what it was found on. As JSON:
 *
 *   {
 *     "hartbeat": "schedule", "version": 1,
 *     "target": {                                            may be missing: the plan alone, for whatever is run
 *       "run": { "kind": "program", "word": "./counter", "args": ["2"], "sha256": "6b86b273ff34fce1" },
 *       "machine": { "cpus": 2, "memory": 134217728, "jit": "hot" },
 *       "stdin": "input.txt", "expect": "output.txt"         may be missing
 *     },
 *     "strategy": { "kind": "replay", "departures": [{ "hart": 0, "at": 512, "to": 1 }] },
 *     "faults": [{ "kind": "kill", "thread": 1, "at": 12 }],
 *     "console": { "flags": 7, "rows": 24, "columns": 80, "typed": [[3, "ls\n"], [9, null]] }
 *   }                                                        may be missing: what was typed at a terminal, in which turn of the host
 *
 * Whatever is read is checked here, field by field, so that nobody behind has to doubt it. Fields that this version does not know are
 * an error: to leave one out would replay something else.
 */

import { JIT_MODES } from '../core/jit/translations.ts';
import type { TypedInput, TypedPiece } from '../devices/typed-input.ts';
import { UsageError } from '../machine/errors.ts';
import type { Departure, Fault, Plan, Strategy } from '../smp/schedule/plan.ts';
import type { Run, SessionTarget, TargetMachine } from './target.ts';

/** A plan and what it is for. */
export interface Replay {
  readonly target: SessionTarget | undefined;
  readonly plan: Plan;
  /** What was typed at a terminal: of a run that has been recorded. */
  readonly typed?: TypedInput | undefined;
}

/** The version of the form above. */
const REPLAY_VERSION = 1;

/** The form above, of which `JSON.stringify` makes a file. */
export function replayData({ target, plan, typed }: Replay): object {
  return {
    hartbeat: 'schedule',
    version: REPLAY_VERSION,
    ...(target === undefined ? {} : { target }),
    strategy: plan.strategy,
    faults: plan.faults,
    ...(typed === undefined ? {} : { console: consoleData(typed) }),
  };
}

/** @throws UsageError when the text is not JSON of that form */
export function replayFromJson(text: string): Replay {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const data = new Fields(value, 'the schedule');
  if (data.optional('hartbeat') !== 'schedule') throw new UsageError('not a schedule: "hartbeat": "schedule" is missing');
  const version = data.whole('version');
  if (version > REPLAY_VERSION) {
    throw new UsageError(`a schedule of version ${version}, newer than this program knows (${REPLAY_VERSION})`);
  }
  return replayFrom(data);
}

function consoleData({ flags, rows, columns, pieces }: TypedInput): object {
  return { flags, rows, columns, typed: pieces.map(({ turn, text }) => [turn, text]) };
}

function consoleFrom(data: Fields): TypedInput {
  const pieces = data.list('typed').map((piece, i): TypedPiece => {
    const words = new Fields(piece, `console.typed[${i}]`);
    const turn = words.whole('0');
    const text = words.optional('1') === null ? null : words.text('1');
    words.end();
    return { turn, text };
  });
  const input = { flags: data.whole('flags'), rows: data.whole('rows'), columns: data.whole('columns'), pieces };
  data.end();
  return input;
}

/** The part that files and tokens have in common. */
export function replayFrom(data: Fields): Replay {
  const target = data.optional('target');
  const replay = {
    target: target === undefined ? undefined : targetFrom(new Fields(target, 'target')),
    plan: {
      strategy: strategyFrom(new Fields(data.optional('strategy'), 'strategy')),
      faults: (data.optional('faults') === undefined ? [] : data.list('faults')).map((fault, i) =>
        faultFrom(new Fields(fault, `faults[${i}]`)),
      ),
    },
    typed: data.optional('console') === undefined ? undefined : consoleFrom(new Fields(data.optional('console'), 'console')),
  };
  data.end();
  return replay;
}

function targetFrom(data: Fields): SessionTarget {
  const target = {
    run: runFrom(new Fields(data.optional('run'), 'target.run')),
    machine: machineFrom(new Fields(data.optional('machine'), 'target.machine')),
    ...data.texts('stdin', 'expect'),
  };
  data.end();
  return target;
}

function runFrom(data: Fields): Run {
  const kind = data.oneOf('kind', ['scenario', 'program']);
  const word = data.text('word');
  const args = data.list('args').map((arg) => {
    if (typeof arg === 'string') return arg;
    throw new UsageError('target.run.args: texts only');
  });
  const run: Run = kind === 'scenario' ? { kind, word, args } : { kind, word, args, sha256: data.text('sha256') };
  data.end();
  return run;
}

function machineFrom(data: Fields): TargetMachine {
  const machine = {
    cpus: data.whole('cpus'),
    memory: data.whole('memory'),
    jit: data.oneOf('jit', JIT_MODES),
    ...data.wholes('seed', 'ports', 'portMessages', 'portMessageBytes'),
    ...data.texts('defect'),
  };
  data.end();
  return machine;
}

function strategyFrom(data: Fields): Strategy {
  const kind = data.oneOf('kind', ['round-robin', 'random', 'pct', 'replay']);
  const strategy = strategyOf(kind, data);
  data.end();
  return strategy;
}

function strategyOf(kind: Strategy['kind'], data: Fields): Strategy {
  switch (kind) {
    case 'round-robin':
      return { kind, quantum: data.whole('quantum') };
    case 'random':
      return { kind, seed: data.whole('seed') };
    case 'pct':
      return { kind, seed: data.whole('seed'), depth: data.whole('depth'), steps: data.whole('steps') };
    case 'replay':
      return { kind, departures: departuresFrom(data.list('departures')) };
  }
}

/** Departures as objects, or packed into a flat list: hart, at, to, hart, at, to … */
function departuresFrom(list: readonly unknown[]): Departure[] {
  if (typeof list[0] !== 'number') {
    return list.map((departure, i) => {
      const data = new Fields(departure, `departures[${i}]`);
      const result = { hart: data.whole('hart'), at: data.whole('at'), to: data.whole('to') };
      data.end();
      return result;
    });
  }
  const words = new Fields(list, 'departures');
  if (list.length % 3 !== 0) throw new UsageError('departures: the packed list has to hold three numbers for each');
  return Array.from({ length: list.length / 3 }, (_, i) => ({
    hart: words.whole(String(3 * i)),
    at: words.whole(String(3 * i + 1)),
    to: words.whole(String(3 * i + 2)),
  }));
}

function faultFrom(data: Fields): Fault {
  const fault = faultOf(data.oneOf('kind', ['stall', 'late-ipi', 'kill', 'no-memory', 'spurious']), data);
  data.end();
  return fault;
}

function faultOf(kind: Fault['kind'], data: Fields): Fault {
  switch (kind) {
    case 'stall':
      return { kind, hart: data.whole('hart'), at: data.whole('at'), moments: data.whole('moments') };
    case 'late-ipi':
      return { kind, nth: data.whole('nth'), moments: data.whole('moments') };
    case 'kill':
      return { kind, thread: data.whole('thread'), at: data.whole('at') };
    case 'no-memory':
    case 'spurious':
      return { kind, nth: data.whole('nth') };
  }
}

/** The fields of an object that somebody else wrote: each is read and checked once, and none may be left over. */
export class Fields {
  private readonly values: Readonly<Record<string, unknown>>;
  private readonly read = new Set<string>();

  constructor(
    value: unknown,
    private readonly where: string,
  ) {
    if (typeof value !== 'object' || value === null) throw new UsageError(`${where} is missing, or is not an object`);
    this.values = value as Readonly<Record<string, unknown>>;
  }

  optional(name: string): unknown {
    this.read.add(name);
    return Object.hasOwn(this.values, name) ? this.values[name] : undefined;
  }

  whole(name: string): number {
    const value = this.optional(name);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.wrong(name, 'a whole number');
  }

  text(name: string): string {
    const value = this.optional(name);
    if (typeof value === 'string') return value;
    throw this.wrong(name, 'a text');
  }

  list(name: string): readonly unknown[] {
    const value = this.optional(name);
    if (Array.isArray(value)) return value as readonly unknown[];
    throw this.wrong(name, 'a list');
  }

  oneOf<T extends string>(name: string, names: readonly T[]): T {
    const value = this.optional(name);
    const known = names.find((candidate) => candidate === value);
    if (known !== undefined) return known;
    throw this.wrong(name, `one of ${names.join(', ')}`);
  }

  /** Those of the fields that are there: whole numbers. */
  wholes<T extends string>(...names: readonly T[]): Partial<Record<T, number>> {
    return this.some(names, (name) => this.whole(name));
  }

  /** Those of the fields that are there: texts. */
  texts<T extends string>(...names: readonly T[]): Partial<Record<T, string>> {
    return this.some(names, (name) => this.text(name));
  }

  /** Nothing is left that nobody has read. */
  end(): void {
    const left = Object.keys(this.values).find((name) => !this.read.has(name));
    if (left !== undefined) throw new UsageError(`${this.where}.${left}: unknown to this version`);
  }

  private some<T extends string, V>(names: readonly T[], get: (name: T) => V): Partial<Record<T, V>> {
    const result: Partial<Record<T, V>> = {};
    for (const name of names) if (this.optional(name) !== undefined) result[name] = get(name);
    return result;
  }

  private wrong(name: string, what: string): UsageError {
    return new UsageError(`${this.where}.${name}: ${what} is needed`);
  }
}
