/*
 * VROS ports: mailboxes with a number, a queue of typed messages, and one owner who receives (spec/vros-ports).
 *
 * A port is a slot of a table (port-table.ts), named by its plain id or by a tagged name that no later owner of the slot has. Every call
 * takes either.
 *
 * The queue is a ring in the slot. Waiting (Complete form, under the port's lock): receivers on an empty queue, senders, if they ask to
 * wait, on a full one. Messages are copied between user memory and the ring under the port's lock, so that a bad pointer is found before
 * anything has changed; `space` ranks above `object`, and a copy takes a microsecond at most. Hand-offs are direct:
 *   a sender that finds a receiver waiting puts the message into its buffer and completes its call; the queue is empty then
 *   a receiver that makes room moves the message of the first waiting sender into the queue and completes that call
 * hence receivers and senders never wait at the same time, and order is kept across both.
 *
 * Locks: the table lock (rank portTable) guards the free list, each process's list of ports, and owner and generation changes; the port's
 * lock (rank object) guards the rest. Creation and destruction take both, in this order. Lookup takes only the port's lock and checks the
 * generation under it: that is how a stale name is caught.
 *
 * Waiters' operands: waitA = user address of message or data, waitB = size (senders), waitC = type (senders).
 */

import type { Ram } from '../core/ram.ts';
import { E } from '../kernel/errno.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Process } from '../kernel/process.ts';
import { Thread } from '../kernel/thread.ts';
import { NO_DEADLINE } from '../kernel/timers.ts';
import { WaitForm, WaitReason } from '../kernel/wait.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { EventId } from '../trace/index.ts';
import { Message, MESSAGE_HEADER_BYTES, messageBytes, Port, type PortTuning } from './port-layout.ts';
import { FAMILY, PortTable } from './port-table.ts';
import { describePortWaits } from './port-waits.ts';

/** What `stat` tells. */
export interface PortStatus {
  id: number;
  name: number;
  ownerPid: number;
  queued: number;
  receivers: number;
  senders: number;
  sent: number;
  received: number;
}

export class Ports {
  private readonly ram: Ram;
  readonly table: PortTable;
  readonly capacity: number;
  private readonly maxData: number;
  private readonly messageBytes: number;

  /** @param base region of `PortTable.bytes` bytes */
  constructor(
    private readonly kernel: Kernel,
    base: number,
    tuning: PortTuning,
  ) {
    this.ram = kernel.ram;
    this.table = new PortTable(kernel.ram, kernel.locks, base, tuning);
    this.capacity = tuning.portMessages;
    this.maxData = tuning.portMessageBytes;
    this.messageBytes = messageBytes(tuning);
    kernel.exits.onProcessExit((process) => this.reap(process));
    kernel.inspection.count('ports', () => this.table.inUse());
    kernel.inspection.count('messages', () => this.messagesQueued());
    describePortWaits(kernel.inspection, kernel.ram, this.capacity);
    if (SEEDED) kernel.guards!.familyLock(FAMILY, this.table.lock);
  }

  /** Creates a port that `process` owns: its id, or -ENOSPC. */
  create(process: number): number {
    const { ram, table } = this;
    const { locks, trace } = this.kernel;
    locks.acquire(table.lock);
    const port = table.takeLocked(process);
    if (port === 0) {
      locks.release(table.lock);
      return -E.NOSPC;
    }
    const lock = Port.lock.addr(port);
    locks.acquire(lock);
    const id = Port.id.get(ram, port);
    const generation = Port.generation.get(ram, port) + 1;
    Port.generation.set(ram, port, generation);
    Port.owner.set(ram, port, process);
    Port.head.set(ram, port, 0);
    Port.count.set(ram, port, 0);
    Port.sent.set(ram, port, 0);
    Port.received.set(ram, port, 0);
    locks.release(lock);
    locks.release(table.lock);
    if (trace.on) trace.emit(EventId.portCreate, 0, id, generation, Process.pid.get(ram, process), 0);
    return id;
  }

  /** Destroys a port of `process`: its messages are gone, its waiters fail with EIDRM. 0, -ENOENT or -EPERM. */
  destroy(process: number, name: number): number {
    const { locks } = this.kernel;
    locks.acquire(this.table.lock);
    const port = this.table.acquire(name);
    let result = 0;
    if (port < 0) {
      result = port;
    } else {
      if (Port.owner.get(this.ram, port) !== process) result = -E.PERM;
      else this.destroyLocked(port);
      this.table.release(port);
    }
    locks.release(this.table.lock);
    return result;
  }

  /**
   * Sends a message.
   *
   * @param name id or tagged name
   * @param data user address in `space` of `size` bytes
   * @param wait sleep while the queue is full
   * @returns 0, BLOCKED, -EMSGSIZE, -ENOENT, -EAGAIN (full), -EFAULT; -EIDRM when the port is destroyed while waiting
   */
  send(
    thread: number,
    process: number,
    space: number,
    name: number,
    type: number,
    data: number,
    size: number,
    wait: boolean,
  ): number {
    if (size > this.maxData) return -E.MSGSIZE;
    const port = this.table.acquire(name);
    if (port < 0) return port;
    const { ram } = this;
    const { waits } = this.kernel;
    let result: number;
    const pid = Process.pid.get(ram, process);
    const receivers = Port.receivers.addr(port);
    if (Port.count.get(ram, port) === this.capacity) {
      result = -E.AGAIN;
      if (wait) {
        Thread.waitA.set(ram, thread, data);
        Thread.waitB.set(ram, thread, size);
        Thread.waitC.set(ram, thread, type);
        const lock = Port.lock.addr(port);
        result = waits.sleepLocked(thread, Port.senders.addr(port), lock, WaitForm.Complete, WaitReason.portSend);
      }
    } else {
      result = this.enqueueLocked(port, pid, space, type, data, size);
      if (result === 0) {
        const receiver = waits.firstLocked(receivers);
        if (receiver !== 0) this.deliverLocked(port, receiver);
        this.traceSend(thread, port, size, type);
      }
    }
    this.table.release(port);
    return result;
  }

  /**
   * Receives the oldest message of a port of `process` into user memory at `message`.
   *
   * @param wait sleep while the queue is empty, until `deadline` at most
   * @returns 0, BLOCKED, -ENOENT, -EPERM, -EAGAIN (empty), -EFAULT (the message stays); -EIDRM, -ETIMEDOUT while waiting
   */
  receive(
    thread: number,
    process: number,
    space: number,
    name: number,
    message: number,
    wait: boolean,
    deadline = NO_DEADLINE,
  ): number {
    const port = this.table.acquire(name);
    if (port < 0) return port;
    const { ram } = this;
    const { waits } = this.kernel;
    let result: number;
    if (Port.owner.get(ram, port) !== process) {
      result = -E.PERM;
    } else if (Port.count.get(ram, port) > 0) {
      result = this.dequeueLocked(port, thread, space, message);
      if (result === 0) this.admitSendersLocked(port);
    } else if (!wait) {
      result = -E.AGAIN;
    } else {
      // Whether the buffer can be written shows when there is a message: the sender copies it.
      Thread.waitA.set(ram, thread, message);
      const lock = Port.lock.addr(port);
      const queue = Port.receivers.addr(port);
      const timeout = deadline === NO_DEADLINE ? 0 : -E.TIMEDOUT;
      result = waits.sleepLocked(thread, queue, lock, WaitForm.Complete, WaitReason.portReceive, deadline, timeout);
    }
    this.table.release(port);
    return result;
  }

  /** The tagged name of the port that has this id (or name) now, or -ENOENT. */
  nameOf(name: number): number {
    const port = this.table.acquire(name);
    if (port < 0) return port;
    const tagged = this.table.taggedLocked(port);
    this.table.release(port);
    return tagged;
  }

  /** What a port is up to; 0 or -ENOENT. */
  stat(name: number, into: PortStatus): number {
    const { ram } = this;
    const port = this.table.acquire(name);
    if (port < 0) return port;
    into.id = Port.id.get(ram, port);
    into.name = this.table.taggedLocked(port);
    into.ownerPid = Process.pid.get(ram, Port.owner.get(ram, port));
    into.queued = Port.count.get(ram, port);
    into.receivers = this.lengthLocked(Port.receivers.addr(port));
    into.senders = this.lengthLocked(Port.senders.addr(port));
    into.sent = Port.sent.get(ram, port);
    into.received = Port.received.get(ram, port);
    this.table.release(port);
    return 0;
  }

  /** Messages in all queues: exact while nothing changes. */
  messagesQueued(): number {
    return this.table.sum(Port.count);
  }

  /** A process ends: its ports go with it. */
  private reap(process: number): void {
    const { table } = this;
    const { locks } = this.kernel;
    locks.acquire(table.lock);
    for (let port = table.firstOwnedLocked(process); port !== 0; port = table.firstOwnedLocked(process)) {
      const lock = Port.lock.addr(port);
      locks.acquire(lock);
      this.destroyLocked(port);
      locks.release(lock);
    }
    locks.release(table.lock);
  }

  /** Both locks are held. */
  private destroyLocked(port: number): void {
    const { ram } = this;
    const { waits, trace } = this.kernel;
    this.table.giveBackLocked(port);
    Port.count.set(ram, port, 0);
    waits.endAllLocked(Port.receivers.addr(port), -E.IDRM);
    waits.endAllLocked(Port.senders.addr(port), -E.IDRM);
    if (trace.on) trace.emit(EventId.portDestroy, 0, Port.id.get(ram, port), Port.generation.get(ram, port), 0, 0);
  }

  /** Copies a message from user memory to the end of a queue that has room: 0 or -EFAULT. */
  private enqueueLocked(port: number, pid: number, space: number, type: number, data: number, size: number): number {
    const { ram } = this;
    const count = Port.count.get(ram, port);
    const message = this.message(port, (Port.head.get(ram, port) + count) % this.capacity);
    if (size > 0) {
      const error = this.kernel.copy.copyIn(space, data, Message.data.addr(message), size);
      if (error !== 0) return error;
    }
    Message.sender.set(ram, message, pid);
    Message.type.set(ram, message, type);
    Message.size.set(ram, message, size);
    Port.count.set(ram, port, count + 1);
    Port.sent.set(ram, port, Port.sent.get(ram, port) + 1);
    return 0;
  }

  /** Copies the oldest message to user memory and takes it out: 0, or -EFAULT and it stays. */
  private dequeueLocked(port: number, receiver: number, space: number, to: number): number {
    const { ram } = this;
    const { copy, trace } = this.kernel;
    const head = Port.head.get(ram, port);
    const message = this.message(port, head);
    const size = Message.size.get(ram, message);
    const error = copy.copyOut(space, to, message, MESSAGE_HEADER_BYTES + size);
    if (error !== 0) return error;
    Port.head.set(ram, port, (head + 1) % this.capacity);
    Port.count.set(ram, port, Port.count.get(ram, port) - 1);
    Port.received.set(ram, port, Port.received.get(ram, port) + 1);
    if (trace.on) {
      const type = Message.type.get(ram, message);
      trace.emit(
        EventId.portReceive,
        Thread.tid.get(ram, receiver),
        Port.id.get(ram, port),
        size,
        type,
        Message.sender.get(ram, message),
      );
    }
    return 0;
  }

  /** Gives the message that has just come to receivers that wait, until one has been able to take it. */
  private deliverLocked(port: number, first: number): void {
    const { ram } = this;
    const { waits } = this.kernel;
    const queue = Port.receivers.addr(port);
    for (let receiver = first; receiver !== 0 && Port.count.get(ram, port) > 0; receiver = waits.firstLocked(queue)) {
      const space = Process.space.get(ram, Thread.process.get(ram, receiver));
      waits.completeLocked(receiver, this.dequeueLocked(port, receiver, space, Thread.waitA.get(ram, receiver)));
    }
  }

  /** Lets senders that wait put their messages into the room there is. A sender whose data has gone bad fails alone. */
  private admitSendersLocked(port: number): void {
    const { ram } = this;
    const { waits } = this.kernel;
    const queue = Port.senders.addr(port);
    while (Port.count.get(ram, port) < this.capacity) {
      const sender = waits.firstLocked(queue);
      if (sender === 0) return;
      const process = Thread.process.get(ram, sender);
      const size = Thread.waitB.get(ram, sender);
      const type = Thread.waitC.get(ram, sender);
      const pid = Process.pid.get(ram, process);
      const space = Process.space.get(ram, process);
      const result = this.enqueueLocked(port, pid, space, type, Thread.waitA.get(ram, sender), size);
      if (result === 0) this.traceSend(sender, port, size, type);
      waits.completeLocked(sender, result);
    }
  }

  private traceSend(thread: number, port: number, size: number, type: number): void {
    const { ram } = this;
    const { trace } = this.kernel;
    if (!trace.on) return;
    const owner = Process.pid.get(ram, Port.owner.get(ram, port));
    trace.emit(EventId.portSend, Thread.tid.get(ram, thread), Port.id.get(ram, port), size, type, owner);
  }

  private lengthLocked(queue: number): number {
    const { waits } = this.kernel;
    let length = 0;
    for (let thread = waits.firstLocked(queue); thread !== 0; thread = waits.nextLocked(thread)) length++;
    return length;
  }

  private message(port: number, index: number): number {
    return Port.queue.addr(port) + index * this.messageBytes;
  }
}
