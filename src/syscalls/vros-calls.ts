/*
 * The VROS family (0x1000): the four calls of the specification, and extensions.
 */

import type { PortStatus } from '../ipc/port.ts';
import { E } from '../kernel/errno.ts';
import { STRUCT_SCRATCH } from '../kernel/scratch.ts';
import { NO_DEADLINE } from '../kernel/timers.ts';
import { VrosFlag, VrosPortStat } from './abi.ts';
import type { Call } from './call.ts';
import { deadlineOf, endOfTimedCall } from './deadline.ts';

export function createPort(call: Call): number {
  return call.ports.create(call.process);
}

export function destroyPort(call: Call): number {
  return call.ports.destroy(call.process, call.u32(0));
}

export function send(call: Call): number {
  return call.ports.send(call.thread, call.process, call.space, call.u32(0), call.u32(1), call.size(2), call.u32(3), false);
}

export function sendFlags(call: Call): number {
  const flags = call.u32(4);
  if ((flags & ~VrosFlag.IPC_SEND_WAIT) !== 0) return -E.INVAL;
  return call.ports.send(
    call.thread,
    call.process,
    call.space,
    call.u32(0),
    call.u32(1),
    call.size(2),
    call.u32(3),
    (flags & VrosFlag.IPC_SEND_WAIT) !== 0,
  );
}

export function receive(call: Call): number {
  return call.ports.receive(call.thread, call.process, call.space, call.u32(0), call.size(1), true);
}

export function receiveFlags(call: Call): number {
  const flags = call.u32(2);
  if ((flags & ~VrosFlag.IPC_RECV_NOWAIT) !== 0) return -E.INVAL;
  const wait = (flags & VrosFlag.IPC_RECV_NOWAIT) === 0;
  const deadline = wait ? deadlineOf(call, call.size(3), false, false) : NO_DEADLINE;
  if (deadline < 0) return deadline;
  const result = call.ports.receive(call.thread, call.process, call.space, call.u32(0), call.size(1), wait, deadline);
  return endOfTimedCall(call, result);
}

export function portName(call: Call): number {
  return call.ports.nameOf(call.u32(0));
}

/** Filled and copied out within one call. */
const status: PortStatus = { id: 0, name: 0, ownerPid: 0, queued: 0, receivers: 0, senders: 0, sent: 0, received: 0 };

export function portStat(call: Call): number {
  const { ram, copy, scratch } = call.kernel;
  const result = call.ports.stat(call.u32(0), status);
  if (result !== 0) return result;
  const at = scratch + STRUCT_SCRATCH;
  ram.fill(at, VrosPortStat.SIZE);
  VrosPortStat.portId.set(ram, at, status.id);
  VrosPortStat.name.set(ram, at, status.name);
  VrosPortStat.ownerPid.set(ram, at, status.ownerPid);
  VrosPortStat.queued.set(ram, at, status.queued);
  VrosPortStat.capacity.set(ram, at, call.ports.capacity);
  VrosPortStat.receivers.set(ram, at, status.receivers);
  VrosPortStat.senders.set(ram, at, status.senders);
  VrosPortStat.sent.set(ram, at, status.sent);
  VrosPortStat.received.set(ram, at, status.received);
  return copy.copyOut(call.space, call.size(1), at, VrosPortStat.SIZE);
}
