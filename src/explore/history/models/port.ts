/*
 * VROS ports as a sequential object (docs/vros-ports.md): who owns the port, its queue, and who waits at it, in line.
 *
 * A send or receive that waits takes its place in line when it begins to wait, and is served by whoever makes true what it waits for:
 *   a send to an empty queue with receivers in line gives its message to the first of them
 *   a receive that makes room lets the message of the first sender in line into the queue
 *   destroy ends all waiting with EIDRM
 *   a deadline ends it by itself, only while the queue is empty: else the receiver would have been served
 * So order, loss, duplicates, content, capacity and who gets what all follow from three lists.
 *
 * What a history tells of waiting (`Operation.waits`) it must tell of all operations that waited, or of none. If of none, an operation
 * that waited and was served counts as done at the instant of its service, which is the same object but for the order of the line; one that
 * ended in EIDRM must have waited when the port was destroyed, so it takes its place all the same.
 *
 * Parts are ports by id. A create that did not return may have made any of them: it belongs to every part. That a table is full (ENOSPC) is a matter of
 * all ports together, and believed.
 */

import { E, errnoName } from '../../../kernel/errno.ts';
import { groupsOf } from '../groups.ts';
import type { Model, Operation } from '../operation.ts';
import { portSubjects, portText, receivedMessage, sentMessage, messageText } from './port-operation.ts';
import { MessageOrder } from './message-order.ts';

/** A port that exists when the history begins, or (owner 0) the last generation of a free slot. */
export interface PortSlot {
  readonly id: number;
  /** Process id, or 0. */
  readonly owner: number;
  readonly generation: number;
}

export interface PortSettings {
  /** Messages that a port holds. */
  readonly capacity: number;
  /** Ports of the machine (default 32): a tagged name is id + ports × generation. */
  readonly ports?: number;
  /** Bytes of the largest message (default 256), for sends that tell their size. */
  readonly maxBytes?: number;
  /** Ports at the begin of the history; those not named have never been used. */
  readonly slots?: readonly PortSlot[];
}

export interface PortState {
  /** Process id; 0: there is no such port. */
  readonly owner: number;
  readonly generation: number;
  /** Sends whose messages are in the queue, oldest first. */
  readonly queue: readonly Operation[];
  /** Operations that wait, in line. */
  readonly receivers: readonly Operation[];
  readonly senders: readonly Operation[];
}

/** The model of the ports of a machine. */
export function portModel(settings: PortSettings): Model<PortState> {
  return modelOf(new PortObject(settings, undefined), { owner: 0, generation: 0, queue: [], receivers: [], senders: [] });
}

function modelOf(object: PortObject, initial: PortState): Model<PortState> {
  return {
    name: 'port',
    initial,
    step: (state, operation) => {
      const next = object.step(state, operation);
      return typeof next === 'string' ? [] : [next];
    },
    waiting: isInLine,
    key: (state) => object.key(state),
    partition: (operations) => object.partition(operations),
    prepared: (operations, foresight) => {
      const { slots } = object.settings;
      const id = operations.map((operation) => object.portOf(operation)).find((port) => port !== undefined);
      const { owner, generation } = slots?.find((slot) => slot.id === id) ?? initial;
      const order = foresight ? new MessageOrder(operations) : undefined;
      return modelOf(new PortObject(object.settings, order), { ...initial, owner, generation });
    },
    describe: portText,
    show: stateText,
    refusal: (state, operation) => {
      const next = object.step(state, operation);
      return typeof next === 'string' ? next : 'it could happen here';
    },
    observes: (operation) => !mustWait(operation) && onlyObserves(operation),
    leads: (first, second) => object.leads(first, second),
    subjects: portSubjects,
  };
}

const isInLine = (state: PortState, operation: Operation): boolean =>
  state.receivers.includes(operation) || state.senders.includes(operation);

const returned = (operation: Operation, ...results: number[]): boolean =>
  operation.result === undefined || (typeof operation.result === 'number' && results.includes(operation.result));

/** One port. A step answers the next state, or in words why there is none. */
class PortObject {
  private readonly ports: number;
  private readonly maxBytes: number;

  constructor(
    readonly settings: PortSettings,
    private readonly order: MessageOrder | undefined,
  ) {
    this.ports = settings.ports ?? 32;
    this.maxBytes = settings.maxBytes ?? 256;
  }

  /** The id of the port that an operation is about; undefined: that of a create that did not return, or made none. */
  portOf({ name, args, result }: Operation): number | undefined {
    const port = name === 'create' ? result : args.port;
    return typeof port === 'number' && port >= 0 ? port % this.ports : undefined;
  }

  partition(operations: readonly Operation[]): (readonly Operation[])[] {
    const groups = groupsOf(operations, (operation) => this.portOf(operation));
    const creates = groups.get(undefined) ?? [];
    groups.delete(undefined);
    const anywhere = creates.filter((operation) => operation.result === undefined);
    const refused = creates.filter((operation) => operation.result !== undefined);
    const ports = [...groups.values()].map((group) => [...group, ...anywhere]);
    return refused.length === 0 ? ports : [...ports, refused];
  }

  key(state: PortState): string {
    const queue = state.queue.map((send) => this.order?.seen(send) ?? sentMessage(send)).join();
    const ids = (line: readonly Operation[]): string => line.map(({ id }) => id).join();
    return `${state.owner}.${state.generation}|${queue}|${ids(state.receivers)}|${ids(state.senders)}`;
  }

  /** Which of two operations that overlap may as well come first, or has to. */
  leads(first: Operation, second: Operation): boolean {
    if (first.name === 'send' && second.name === 'send' && this.order?.leads(first, second) === true) return true;
    const twin = this.twin(first);
    return (
      twin !== undefined &&
      twin === this.twin(second) &&
      (first.end < second.end || (first.end === second.end && first.id < second.id))
    );
  }

  /** Sends whose messages look the same, receives of which nothing is known: those with the same twin can be exchanged. */
  private twin(operation: Operation): string | undefined {
    const { name, args, result } = operation;
    const isReceive = name === 'receive' && result === undefined;
    if (mustWait(operation) || typeof result === 'object' || (name !== 'send' && !isReceive)) return undefined;
    const seen = isReceive ? '' : (this.order?.seen(operation) ?? sentMessage(operation));
    return [name, args.process, args.port, args.size, args.wait, result, seen].join();
  }

  step(state: PortState, operation: Operation): PortState | string {
    if (isInLine(state, operation)) return this.giveUp(state, operation);
    const { name, args, result } = operation;
    if (name === 'create') return this.create(state, operation);
    if (result === -E.INVAL) return state;
    if (name === 'send') {
      const fits = args.size === undefined || Number(args.size) <= this.maxBytes;
      if (result === -E.MSGSIZE) return fits && args.size !== undefined ? 'the message is not too large' : state;
      if (!fits) return 'the message is too large';
    }
    if (!this.isNamed(state, Number(args.port))) return result === -E.NOENT ? state : 'there is no such port';
    if (result === -E.NOENT) return 'the port is there';
    switch (name) {
      case 'destroy':
        return this.destroy(state, operation);
      case 'send':
        return this.send(state, operation);
      case 'receive':
        return this.receive(state, operation);
      case 'name': {
        const tagged = (Number(args.port) % this.ports) + this.ports * state.generation;
        return result === undefined || result === tagged ? state : `the tagged name is ${tagged}`;
      }
      case 'stat':
        return stat(state, operation);
      default:
        return `ports have no operation ${name}`;
    }
  }

  private isNamed(state: PortState, name: number): boolean {
    const generation = Math.floor(name / this.ports);
    return state.owner !== 0 && (generation === 0 || generation === state.generation);
  }

  private create(state: PortState, operation: Operation): PortState | string {
    if (typeof operation.result === 'number' && operation.result < 0) return state;
    if (state.owner !== 0) return `the port exists, process ${state.owner} owns it`;
    return { ...state, owner: Number(operation.args.process), generation: state.generation + 1 };
  }

  private destroy(state: PortState, operation: Operation): PortState | string {
    if (operation.args.process !== state.owner) return foreign(state, operation);
    if (operation.result === -E.PERM) return 'the port is its own';
    if (!returned(operation, 0)) return mismatch('0');
    const other = [...state.receivers, ...state.senders].find((waiter) => !returned(waiter, -E.IDRM));
    if (other !== undefined) return `it would end the wait of operation ${other.id} with EIDRM`;
    return { ...state, owner: 0, queue: [], receivers: [], senders: [] };
  }

  private send(state: PortState, operation: Operation): PortState | string {
    const { args, result } = operation;
    if (state.queue.length >= this.settings.capacity) {
      if (result === -E.AGAIN && args.wait === 'no') return state;
      if (takesPlace(operation, 0, -E.IDRM, -E.FAULT)) {
        return (
          this.tooLate(operation, [...state.queue, ...state.senders.filter(({ result }) => result === 0)]) ?? {
            ...state,
            senders: [...state.senders, operation],
          }
        );
      }
      return `the queue is full (${state.queue.length})`;
    }
    if (mustWait(operation))
      return `it would not wait: the queue has room (${state.queue.length} of ${this.settings.capacity})`;
    if (result === -E.FAULT) return state;
    if (!returned(operation, 0)) return mismatch(`0: the queue has room (${state.queue.length} of ${this.settings.capacity})`);
    const queued = this.enqueue(state, operation);
    return typeof queued === 'string' ? queued : deliver(queued);
  }

  private receive(state: PortState, operation: Operation): PortState | string {
    const { args, result } = operation;
    if (args.process !== state.owner) return foreign(state, operation);
    if (result === -E.PERM) return 'the port is its own';
    const [first, ...rest] = state.queue;
    if (first === undefined) {
      if (result === -E.AGAIN && args.wait === 'no') return state;
      const mayExpire = args.wait === 'deadline';
      if (takesPlace(operation, -E.IDRM, -E.FAULT, ...(mayExpire ? [-E.TIMEDOUT] : []))) {
        const passed = state.receivers.find((other) => this.order?.isSentBefore(operation, other) ?? false);
        if (passed !== undefined)
          return `its message was sent before that of operation ${passed.id}, which waits in front of it`;
        return { ...state, receivers: [...state.receivers, operation] };
      }
      if (result === -E.TIMEDOUT && mayExpire && operation.waits === undefined) return state;
      return 'the queue is empty';
    }
    const message = messageText(sentMessage(first));
    if (mustWait(operation)) return `it would not wait: the queue holds ${message}`;
    if (result === -E.FAULT) return state;
    if (!gets(operation, first)) return `it would receive ${message}`;
    return this.admit({ ...state, queue: rest });
  }

  private enqueue(state: PortState, send: Operation): PortState | string {
    return this.tooLate(send, state.queue) ?? { ...state, queue: [...state.queue, send] };
  }

  /** Why a message cannot come behind those of others, from what the history says of later. */
  private tooLate(send: Operation, others: readonly Operation[]): string | undefined {
    const other = others.find((queued) => this.order?.isBefore(send, queued) ?? false);
    return other && `its message was received, but never or later that of operation ${other.id}, which is in front of it`;
  }

  /** Lets waiting senders into the room there is. */
  private admit(start: PortState): PortState | string {
    let state = start;
    for (;;) {
      const [first, ...senders] = state.senders;
      if (first === undefined || state.queue.length >= this.settings.capacity) return state;
      state = { ...state, senders };
      if (first.result === -E.FAULT) continue;
      if (!returned(first, 0))
        return `its place goes to operation ${first.id}, which returned ${errnoName(Number(first.result))}`;
      const next = this.enqueue(state, first);
      if (typeof next === 'string') return next;
      state = next;
    }
  }

  /** An operation in line that ends its wait by itself: its deadline has come, or its thread was killed. */
  private giveUp(state: PortState, operation: Operation): PortState | string {
    const mayExpire = operation.name === 'receive' && operation.args.wait === 'deadline';
    if (operation.result !== undefined && !(mayExpire && operation.result === -E.TIMEDOUT))
      return 'it waits and has not been served';
    const others = (line: readonly Operation[]): readonly Operation[] => line.filter((other) => other !== operation);
    return { ...state, receivers: others(state.receivers), senders: others(state.senders) };
  }
}

/** Gives the message that has just come to receivers that wait, until one has been able to take it. */
function deliver(start: PortState): PortState | string {
  let state = start;
  for (;;) {
    const [message] = state.queue;
    const [first, ...receivers] = state.receivers;
    if (message === undefined || first === undefined) return state;
    state = { ...state, receivers };
    if (first.result === -E.FAULT) continue;
    if (!gets(first, message))
      return `its message goes to operation ${first.id}, which waits first in line and did not receive it`;
    state = { ...state, queue: [] };
  }
}

/** Whether a receive may have brought the message of a send. */
const gets = (receive: Operation, send: Operation): boolean =>
  receive.result === undefined || receivedMessage(receive) === sentMessage(send);

/** Whether it is known to have waited. */
const mustWait = (operation: Operation): boolean => operation.waits !== undefined || operation.result === -E.IDRM;

/** Whether an operation that did not wait has changed nothing. */
function onlyObserves({ name, result }: Operation): boolean {
  return name === 'name' || name === 'stat' || (typeof result === 'number' && result < 0);
}

/** Whether an operation takes a place in line, and does not end in an error that a wait cannot end in. */
function takesPlace(operation: Operation, ...errors: number[]): boolean {
  const { args, result } = operation;
  if (args.wait === 'no' || !mustWait(operation)) return false;
  return typeof result === 'object' || returned(operation, ...errors);
}

function stat(state: PortState, operation: Operation): PortState | string {
  const { result } = operation;
  if (result === undefined) return state;
  if (typeof result !== 'object') return mismatch('a status');
  const { owner, queue } = state;
  if (result.owner === owner && result.queued === queue.length) return state;
  return `it would tell of owner ${owner} and ${queue.length} messages`;
}

/** A call that only the owner may make. */
function foreign(state: PortState, operation: Operation): PortState | string {
  return operation.result === -E.PERM ? state : mismatch(`EPERM: process ${state.owner} owns the port`);
}

const mismatch = (expected: string): string => `it would return ${expected}`;

function stateText({ owner, generation, queue, receivers, senders }: PortState): string {
  if (owner === 0) return generation === 0 ? 'no port' : `no port (generation ${generation} is gone)`;
  const messages = queue.map((send) => JSON.stringify(String(send.args.tag))).join(', ');
  const line = (who: string, waiters: readonly Operation[]): string =>
    waiters.length === 0 ? '' : `; ${who} in line: ${waiters.map(({ id }) => `#${id}`).join(', ')}`;
  const queued = `queue of ${queue.length}${queue.length > 0 ? `: ${messages}` : ''}`;
  return `process ${owner} owns the port; ${queued}${line('receivers', receivers)}${line('senders', senders)}`;
}
