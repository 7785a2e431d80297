/*
 * What an agent did to the pending signals of a process, as a history for the model: sent by kill, accepted by sigtimedwait without waiting.
 */

import { Linux } from '../syscalls/numbers.ts';
import type { AgentRecord } from './agent-marks.ts';
import { signalSetModel } from './history/models/signal-set.ts';
import type { Operation } from './history/operation.ts';
import type { Linearizable } from './scenario.ts';

/** Signals that are sent to a process that blocks them, and that its threads accept, all with the same set. */
export function acceptedSignals(): Linearizable {
  return { operations: (run) => run.operations.flatMap((record, id) => operationOf(record, id)), model: signalSetModel() };
}

function operationOf(record: AgentRecord, id: number): Operation[] {
  const { op, begin, end = Infinity, tid, result, process, list } = record;
  if (list !== 'thread') return [];
  const base = { id, actor: tid, result, begin, end };
  if (op.kind === 'kill' && typeof op.pid !== 'number')
    return [{ ...base, name: 'send', args: { process: op.pid.index, signal: op.signal } }];
  if (op.kind === 'call' && op.number === Linux.rt_sigtimedwait) return [{ ...base, name: 'accept', args: { process } }];
  return [];
}
