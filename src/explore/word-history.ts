/*
 * What an agent did to the words that the threads of a process share, as histories for models: of mutexes made of them, and of the words
 * themselves.
 */

import type { AgentRecord } from './agent-marks.ts';
import { mutexModel } from './history/models/mutex.ts';
import { registerModel } from './history/models/register.ts';
import type { Operation } from './history/operation.ts';
import type { Linearizable } from './scenario.ts';

/** Words that threads lock and unlock: two never have the same one. */
export function mutexes(): Linearizable {
  return { operations: (run) => historyOf(run.operations, lockShape), model: mutexModel() };
}

/** Words that threads load, store and change, each by itself. `increment` is no single operation and has no place here. */
export function words(): Linearizable {
  return { operations: (run) => historyOf(run.operations, wordShape), model: registerModel(0) };
}

type Shape = Pick<Operation, 'name' | 'args' | 'result'>;

function historyOf(records: readonly AgentRecord[], shapeOf: (record: AgentRecord) => Shape | undefined): Operation[] {
  return records.flatMap((record, id) => {
    const shape = shapeOf(record);
    if (shape === undefined) return [];
    const { begin, end = Infinity, tid } = record;
    return [{ id, actor: tid, ...shape, begin, end }];
  });
}

/** A word of a process: its name among all. */
const place = ({ process }: AgentRecord, word: number): string => `${process}.${word}`;

function lockShape(record: AgentRecord): Shape | undefined {
  const { op, result } = record;
  if (op.kind !== 'lock' && op.kind !== 'unlock') return undefined;
  return { name: op.kind, args: { mutex: place(record, op.word) }, result };
}

function wordShape(record: AgentRecord): Shape | undefined {
  const { op, result } = record;
  switch (op.kind) {
    case 'load':
      return { name: 'read', args: { register: place(record, op.word) }, result };
    case 'store':
      return { name: 'write', args: { register: place(record, op.word), value: op.value }, result };
    case 'add':
      return { name: 'add', args: { register: place(record, op.word), value: op.value }, result };
    case 'compareExchange': {
      const changed = result === undefined ? undefined : result === op.expected ? 1 : 0;
      return { name: 'cas', args: { register: place(record, op.word), from: op.expected, to: op.value }, result: changed };
    }
    default:
      return undefined;
  }
}
