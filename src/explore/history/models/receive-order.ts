/*
 * What the receives of a history say about the order of messages, told in advance.
 *
 * Without it the search would carry each order in which overlapping sends may have filled the queue until receives decide, and their number
 * grows as a factorial. A queue gives out in the order in which it took in; so a message whose receive had returned before the receive of another
 * was called went in first, and steps that say otherwise lead to nothing. Messages that nobody is known to have received look all the same.
 *
 * Only messages that were sent once and received once are spoken of.
 */

import type { Operation } from '../operation.ts';
import { receivedMessage, sentMessage } from './port-operation.ts';

export class ReceiveOrder {
  /** By message: its one receive; undefined: there are several, or several sends. */
  private readonly receives = new Map<string, Operation | undefined>();

  constructor(operations: readonly Operation[]) {
    const sent = new Set<string>();
    const ambiguous = new Set<string>();
    for (const operation of operations) {
      if (operation.name === 'send') {
        const message = sentMessage(operation);
        if (sent.has(message)) ambiguous.add(message);
        sent.add(message);
      }
      const message = receivedMessage(operation);
      if (message === undefined) continue;
      if (this.receives.has(message)) ambiguous.add(message);
      this.receives.set(message, operation);
    }
    for (const message of ambiguous) if (this.receives.has(message)) this.receives.set(message, undefined);
  }

  /** Whether the message of one send left the queue before that of the other, for certain. */
  isBefore(send: Operation, other: Operation): boolean {
    const first = this.receives.get(sentMessage(send));
    const second = this.receives.get(sentMessage(other));
    return first !== undefined && second !== undefined && first.end < second.begin;
  }

  /** The message as the history can see it. */
  seen(send: Operation): string {
    const message = sentMessage(send);
    return this.receives.has(message) ? message : '?';
  }
}
