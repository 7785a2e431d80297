/*
 * Histories as JSON, for keeping and for other checkers: a list of events as Jepsen and Knossos have them (Porcupine's call and return events).
 *
 *   {"format": "hartbeat-history", "version": 1, "object": "port", "settings": {"capacity": 16}, "events": [
 *     {"index": 0, "time": 17, "type": "invoke", "process": 3, "operation": 0, "f": "receive", "value": {"port": 0, "wait": "yes"}},
 *     {"index": 1, "time": 19, "type": "wait", "process": 3, "operation": 0, "f": "receive"},
 *     {"index": 2, "time": 40, "type": "ok", "process": 3, "operation": 0, "f": "receive", "value": {"sender": 5, "type": 1, "tag": "a"}}]}
 *
 * `process` is the thread, `value` of an invocation its arguments, of a return its result. `type` is `fail` for a negative result (an
 * error number), `info` for a return with unknown result. An operation that never returned has no second event. `wait`, at which an
 * operation was seen to wait, is unknown to other checkers and can be left out.
 *
 * Events stand in the order of their time; at one time calls come first and returns last. Reading checks all of that.
 */

import type { Operation, Scalar, Value } from './operation.ts';
import { Moment, timeline } from './timeline.ts';

const FORMAT = 'hartbeat-history';
const VERSION = 1;

export interface History {
  /** Name of the model. */
  readonly object: string;
  /** What the model has to know: for ports their capacity. */
  readonly settings: Readonly<Record<string, Scalar>>;
  readonly operations: readonly Operation[];
}

/** A text is no history of this format and version; the message says where. */
export class HistoryFormatError extends Error {
  override readonly name = 'HistoryFormatError';
}

/** Writes a history, an event a line. */
export function historyToJson({ object, settings, operations }: History): string {
  const events = timeline(operations).map(({ moment, at, operation }, index) => {
    const { id, actor, name, args, result } = operation;
    const common = { index, time: at, type: '', process: actor, operation: id, f: name };
    if (moment === Moment.Begin) return JSON.stringify({ ...common, type: 'invoke', value: args });
    if (moment === Moment.Waits) return JSON.stringify({ ...common, type: 'wait' });
    if (result === undefined) return JSON.stringify({ ...common, type: 'info', value: null });
    return JSON.stringify({ ...common, type: typeof result === 'number' && result < 0 ? 'fail' : 'ok', value: result });
  });
  const head = JSON.stringify({ format: FORMAT, version: VERSION, object, settings }).slice(0, -1);
  return `${head},"events":[${events.length === 0 ? '' : `\n${events.join(',\n')}\n`}]}\n`;
}

/** Reads what `historyToJson` wrote. Operations come back in the order of their calls. */
export function historyFromJson(json: string): History {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (error) {
    throw new HistoryFormatError(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const root = recordAt(document, 'the document');
  if (root.format !== FORMAT) throw new HistoryFormatError(`"format" is not "${FORMAT}"`);
  if (root.version !== VERSION)
    throw new HistoryFormatError(`version ${String(root.version)}, this program reads version ${VERSION}`);
  if (!Array.isArray(root.events)) throw new HistoryFormatError('"events" is not a list');
  const operations = new Map<number, Operation>();
  let before = { time: -Infinity, moment: 0 };
  for (const [index, item] of root.events.entries()) {
    const where = `events[${index}]`;
    const event = recordAt(item, where);
    const time = numberAt(event.time, `${where}.time`);
    const moment = addEvent(operations, event, time, where);
    if (time < before.time || (time === before.time && moment < before.moment)) {
      throw new HistoryFormatError(`${where} is before the event in front of it`);
    }
    before = { time, moment };
  }
  return {
    object: stringAt(root.object, 'object'),
    settings: scalarsAt(root.settings, 'settings'),
    operations: [...operations.values()],
  };
}

function addEvent(operations: Map<number, Operation>, event: Fields, time: number, where: string): Moment {
  const id = numberAt(event.operation, `${where}.operation`);
  const actor = numberAt(event.process, `${where}.process`);
  const name = stringAt(event.f, `${where}.f`);
  const known = operations.get(id);
  if (event.type === 'invoke') {
    if (known !== undefined) throw new HistoryFormatError(`${where}: operation ${id} begins twice`);
    for (const other of operations.values()) {
      if (other.actor === actor && other.end === Infinity) {
        throw new HistoryFormatError(`${where}: process ${actor} is in operation ${other.id} still`);
      }
    }
    operations.set(id, {
      id,
      actor,
      name,
      args: scalarsAt(event.value, `${where}.value`),
      result: undefined,
      begin: time,
      end: Infinity,
    });
    return Moment.Begin;
  }
  if (known?.actor !== actor || known.name !== name || known.end !== Infinity) {
    throw new HistoryFormatError(`${where}: process ${actor} is in no operation ${id} (${name})`);
  }
  if (event.type === 'wait') {
    if (known.waits !== undefined) throw new HistoryFormatError(`${where}: operation ${id} waits twice`);
    operations.set(id, { ...known, waits: time });
    return Moment.Waits;
  }
  operations.set(id, { ...known, end: time, result: resultAt(event, where) });
  return Moment.End;
}

function resultAt({ type, value }: Fields, where: string): Value | undefined {
  switch (type) {
    case 'info':
      if (value !== null) throw new HistoryFormatError(`${where}.value is not null`);
      return undefined;
    case 'ok':
    case 'fail': {
      const result = isScalar(value) ? value : scalarsAt(value, `${where}.value`);
      const isError = typeof result === 'number' && result < 0;
      if (isError !== (type === 'fail')) throw new HistoryFormatError(`${where}: "${type}" with this value`);
      return result;
    }
    default:
      throw new HistoryFormatError(`${where}.type is none of invoke, wait, ok, fail, info`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

const isScalar = (value: unknown): value is Scalar => typeof value === 'string' || Number.isFinite(value);

function recordAt(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new HistoryFormatError(`${where} is not an object`);
  return value as Fields;
}

function scalarsAt(value: unknown, where: string): Readonly<Record<string, Scalar>> {
  for (const [key, item] of Object.entries(recordAt(value, where))) {
    if (!isScalar(item)) throw new HistoryFormatError(`${where}.${key} is neither a number nor a string`);
  }
  return value as Readonly<Record<string, Scalar>>;
}

function numberAt(value: unknown, where: string): number {
  if (typeof value !== 'number') throw new HistoryFormatError(`${where} is not a number`);
  return value;
}

function stringAt(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new HistoryFormatError(`${where} is not a string`);
  return value;
}
