/*
 * How ports lie in RAM: a header, then the slots, each a port with its ring of messages. Who guards what: port.ts.
 */

import { bytes, cacheLine, struct, u32, u64 } from '../core/layout.ts';
import { waitQueue } from '../kernel/wait.ts';
import { spinlock } from '../smp/spinlock.ts';

export const PortTableHeader = struct(
  'PortTable',
  {
    lock: spinlock(),
    inUse: u32('lock'),
    /** Free slots, the longest-free one first; 0: none. */
    freeHead: u32('lock'),
    freeTail: u32('lock'),
  },
  { align: 64 },
);

export const Port = struct(
  'Port',
  {
    lock: spinlock(),
    id: u32('immutable'),
    /** How often the slot has been given out; changes under both locks. */
    generation: u32('lock'),
    /** Owning process, 0: the slot is free; changes under both locks. */
    owner: u32('lock'),
    head: u32('lock'),
    count: u32('lock'),
    receivers: waitQueue('lock'),
    senders: waitQueue('lock'),
    sent: u64('lock'),
    received: u64('lock'),

    links: cacheLine(),
    /** Free list, or list of the owner's ports. */
    next: u32('PortTable.lock'),
    prev: u32('PortTable.lock'),
    /** 1: the slot's generations are used up, it is never given out again. */
    retired: u32('PortTable.lock'),
    queue: bytes('lock', 0, 64),
  },
  { align: 64 },
);

/** A message in the ring; as `struct ipc_message` starts. */
export const Message = struct(
  'Message',
  { sender: u32('Port.lock'), type: u32('Port.lock'), size: u32('Port.lock'), data: bytes('Port.lock', 0, 4) },
  { align: 4 },
);

/** A message as `recv` writes it: sender, type, size, data. */
export const MESSAGE_HEADER_BYTES = Message.data.offset;

/** The limits of a machine's ports (boot options). */
export interface PortTuning {
  readonly ports: number;
  readonly portMessages: number;
  readonly portMessageBytes: number;
}

/** Bytes of a place in the ring. */
export function messageBytes(tuning: PortTuning): number {
  return Math.ceil((MESSAGE_HEADER_BYTES + tuning.portMessageBytes) / 8) * 8;
}

/** Bytes of a port with its ring. */
export function slotBytes(tuning: PortTuning): number {
  return Math.ceil((Port.SIZE + tuning.portMessages * messageBytes(tuning)) / 64) * 64;
}
