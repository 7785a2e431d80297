/*
 * What waits at ports are about (kernel/oracles/inspection.ts). Without locks: for a machine at rest.
 */

import type { Ram } from '../core/ram.ts';
import type { Inspection } from '../kernel/oracles/inspection.ts';
import { Process } from '../kernel/process.ts';
import { Thread } from '../kernel/thread.ts';
import { WaitReason } from '../kernel/wait.ts';
import { Port } from './port-layout.ts';

/** Registers them, for queues of so many messages. */
export function describePortWaits(inspection: Inspection, ram: Ram, capacity: number): void {
  const portOf = (thread: number, queue: { readonly offset: number }): number =>
    Thread.waitQueue.peek(ram, thread) - queue.offset;
  const name = (port: number): string => {
    const owner = Port.owner.peek(ram, port);
    const whose = owner === 0 ? 'nobody' : `process ${String(Process.pid.peek(ram, owner))}`;
    return `port ${String(Port.id.peek(ram, port))} of ${whose} (${String(Port.count.peek(ram, port))} messages)`;
  };
  const gone = (port: number): string | undefined =>
    Port.owner.peek(ram, port) === 0 ? 'the port has been destroyed' : undefined;

  inspection.wait(WaitReason.portReceive, {
    does: 'waits for a message at',
    object: (thread) => name(portOf(thread, Port.receivers)),
    wakers: () => 'whoever sends',
    unjustified: (thread) => {
      const port = portOf(thread, Port.receivers);
      return gone(port) ?? (Port.count.peek(ram, port) > 0 ? 'there is one' : undefined);
    },
  });
  inspection.wait(WaitReason.portSend, {
    does: 'waits for room at',
    object: (thread) => name(portOf(thread, Port.senders)),
    wakers: (thread) => {
      const owner = Port.owner.peek(ram, portOf(thread, Port.senders));
      return owner === 0 ? 'nobody' : `process ${String(Process.pid.peek(ram, owner))}, which may receive`;
    },
    unjustified: (thread) => {
      const port = portOf(thread, Port.senders);
      return gone(port) ?? (Port.count.peek(ram, port) < capacity ? 'there is some' : undefined);
    },
  });
}
