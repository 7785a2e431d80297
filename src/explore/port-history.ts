/*
 * What an agent did to ports, as a history for the model of ports (history/models/port.ts).
 *
 * That a process has ended, and its ports with it, is one destroy more for each of them, whose actor is minus the process's pid.
 * That an operation waited, and since when, the kernel's `block` events tell; so the trace is to have them (level debug).
 */

import { E } from '../kernel/errno.ts';
import type { DecodedEvent } from '../trace/drain.ts';
import type { Operand } from './agent.ts';
import type { AgentRecord } from './agent-marks.ts';
import { portModel, type PortSettings } from './history/models/port.ts';
import type { Operation, Scalar, Value } from './history/operation.ts';
import { portEnds } from './port-ends.ts';
import type { Linearizable, ScenarioRun } from './scenario.ts';

/** The ports of a machine: their capacity, and what else differs from the default. */
export function ports(settings: Partial<PortSettings> = {}): Linearizable {
  const { ports = 32 } = settings;
  return {
    operations: (run) => [...portOperations(run), ...endOperations(run, ports)],
    model: portModel({ capacity: 16, ...settings }),
  };
}

function endOperations(run: ScenarioRun, ports: number): Operation[] {
  const pids = new Set(run.processes.map(({ pid }) => pid));
  return portEnds(run.events).map(({ port, generation, owner, begin, end }, nth) => ({
    id: run.operations.length + nth,
    actor: -owner,
    name: 'destroy',
    args: { process: pids.has(owner) ? owner : 'leader', port: port + ports * generation },
    result: 0,
    begin,
    end,
  }));
}

function portOperations(run: ScenarioRun): Operation[] {
  const waits = waitPositions(run.events);
  return run.operations.flatMap((record, id) => {
    const shape = shapeOf(record, run);
    if (shape === undefined) return [];
    const { begin, end = Infinity, tid } = record;
    const wait = (waits.get(tid) ?? []).find((position) => position > begin && position < end);
    return [{ id, actor: tid, ...shape, begin, end, ...(wait === undefined ? {} : { waits: wait }) }];
  });
}

type Shape = Pick<Operation, 'name' | 'args' | 'result'>;

function shapeOf(record: AgentRecord, run: ScenarioRun): Shape | undefined {
  const { op, result, message } = record;
  const process = pidOf(record, run);
  switch (op.kind) {
    case 'createPort':
      return { name: 'create', args: { process }, result };
    case 'destroyPort':
      return { name: 'destroy', args: { process, port: number(op.port, record, run) }, result };
    case 'portName':
      return { name: 'name', args: { port: number(op.port, record, run) }, result };
    case 'send': {
      const { type, tag, size } = op;
      const args = {
        process,
        port: number(op.port, record, run),
        type,
        tag: `${tag}/${size}`,
        size,
        wait: op.wait ? 'yes' : 'no',
      };
      return { name: 'send', args, result };
    }
    case 'receive': {
      const wait = op.wait === true ? 'yes' : op.wait === false ? 'no' : 'deadline';
      const args = { process, port: number(op.port, record, run), wait };
      return { name: 'receive', args, result: received(message, result, run) };
    }
    default:
      return undefined;
  }
}

function received(message: AgentRecord['message'], result: number | undefined, run: ScenarioRun): Value | undefined {
  if (message === undefined) return result;
  const { type, tag, size, intact } = message;
  // A damaged message is none that anybody has sent.
  return { sender: senderOf(message.sender, run), type, tag: `${tag}/${size}${intact ? '' : ' damaged'}` };
}

function senderOf(sender: number | 'leader' | 'stranger', run: ScenarioRun): Scalar {
  return typeof sender === 'number' ? (run.processes[sender]?.pid ?? -1) : sender;
}

function pidOf(record: AgentRecord, run: ScenarioRun): Scalar {
  return record.process < 0 ? 'leader' : (run.processes[record.process]?.pid ?? -1);
}

/** The value of an operand that names a port: a number, or the result of an earlier operation. */
function number(operand: Operand, of: AgentRecord, run: ScenarioRun): number {
  if (typeof operand === 'number') return operand;
  const own = operand.source === '@';
  const earlier = run.operations.find(({ list, thread, process, index }) => {
    if (index !== operand.index) return false;
    if (own) return list === of.list && thread === of.thread && process === of.process;
    return of.process < 0 ? list === 'leader' : list === 'setup' && process === of.process;
  });
  return earlier?.result ?? -E.INVAL;
}

/** Positions at which each thread began to wait at a port. */
function waitPositions(events: readonly DecodedEvent[]): Map<number, number[]> {
  const positions = new Map<number, number[]>();
  events.forEach(({ event, thread, args }, position) => {
    if (event !== 'block') return;
    const { reason } = args;
    if (reason !== 'portSend' && reason !== 'portReceive') return;
    const list = positions.get(thread);
    if (list === undefined) positions.set(thread, [position]);
    else list.push(position);
  });
  return positions;
}
