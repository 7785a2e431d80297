/*
 * What a history says about the order of its messages, told in advance.
 *
 * Without it the search would carry each order in which overlapping sends may have filled the queue until receives decide, and their number
 * grows as a factorial. A queue gives out in the order in which it took in; so a message whose receive had returned before the receive of another
 * was called went in first, and steps that say otherwise lead to nothing. Messages that nobody is known to have received look all the same.
 * Likewise a receiver does not wait behind one whose message was sent later.
 *
 * Only messages that were sent once and received once are spoken of.
 */

import type { Operation } from '../operation.ts';
import { receivedMessage, sentMessage } from './port-operation.ts';

export class MessageOrder {
  /** By message: its one send, its one receive; undefined: there are several. */
  private readonly sends = new Map<string, Operation | undefined>();
  private readonly receives = new Map<string, Operation | undefined>();
  /** For keys of states. */
  private readonly shortNames = new Map<string, string>();
  /** The port may be destroyed: then a message that nobody received need not have gone behind others, it may have been discarded. */
  private readonly mayEnd: boolean;
  /** Receives that may have brought anything. */
  private readonly unknown: readonly Operation[];

  constructor(operations: readonly Operation[]) {
    for (const operation of operations) {
      const { name, result } = operation;
      const received = receivedMessage(operation);
      // What failed sent nothing: a message that is tried until it gets in is one message.
      if (name === 'send' && (result === undefined || result === 0)) note(this.sends, sentMessage(operation), operation);
      if (received === undefined) continue;
      note(this.receives, received, operation);
      if (!this.shortNames.has(received)) this.shortNames.set(received, this.shortNames.size.toString(36));
    }
    this.mayEnd = operations.some(({ name }) => name === 'destroy');
    this.unknown = operations.filter(({ name, result }) => name === 'receive' && result === undefined);
  }

  /** Whether the message of one send cannot have left the queue after that of the other. */
  isBefore(send: Operation, other: Operation): boolean {
    const first = this.receiveOf(sentMessage(send));
    if (first === undefined) return false;
    const message = sentMessage(other);
    const second = this.receiveOf(message);
    if (second !== undefined) return first.end < second.begin;
    // Nobody received the other one, or somebody of whom it is not known.
    return !this.receives.has(message) && !this.unknown.some(({ begin, end }) => begin < first.end && end > other.begin);
  }

  /** Whether the message that one receive brought was sent before that of the other. */
  isSentBefore(receive: Operation, other: Operation): boolean {
    const first = this.sends.get(receivedMessage(receive) ?? '');
    const second = this.sends.get(receivedMessage(other) ?? '');
    return first !== undefined && second !== undefined && first.end < second.begin;
  }

  /**
   * Whether of two sends that overlap the second need not come first. It cannot, if its message was received later. And if the first returned
   * no later and its message was asked for and received no later, then both can change places in any order that explains the history, as can
   * their receives; places in line, which others may have seen, are left as they are.
   */
  leads(first: Operation, second: Operation): boolean {
    if (second.result !== 0) return false;
    if ((!this.mayEnd || this.receiveOf(sentMessage(second)) !== undefined) && this.isBefore(first, second)) return true;
    const one = this.receiveOf(sentMessage(first));
    const other = this.receiveOf(sentMessage(second));
    if (first.result !== 0 || one === undefined || other === undefined) return false;
    if ([first, second, one, other].some(({ waits }) => waits !== undefined)) return false;
    const sameDoor =
      one.args.process === other.args.process && one.args.port === other.args.port && first.args.port === second.args.port;
    if (!sameDoor) return false;
    const sooner = first.end < second.end || (first.end === second.end && first.id < second.id);
    return sooner && one.begin <= other.begin && one.end <= other.end;
  }

  /** The message as the history can see it. */
  seen(send: Operation): string {
    const message = sentMessage(send);
    return this.shortNames.get(message) ?? '?';
  }

  /** The receive of a message that was sent once and received once. */
  private receiveOf(message: string): Operation | undefined {
    return this.sends.get(message) === undefined ? undefined : this.receives.get(message);
  }
}

function note(map: Map<string, Operation | undefined>, message: string, operation: Operation): void {
  map.set(message, map.has(message) ? undefined : operation);
}
