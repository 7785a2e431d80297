/*
 * Ports as a plain little kernel, run by threads that a seed interleaves: makes histories that a correct kernel can make, and, with a defect,
 * ones that it cannot.
 *
 * Each call is three moments with anything in between: it is made, it holds the lock (and returns or waits), it returns. Written with a ring and
 * lines of threads, as kernels are, and not with the model.
 */

import type { Operation, Scalar, Value } from '../../../src/explore/history/operation.ts';
import { E } from '../../../src/kernel/errno.ts';
import type { Dice } from './helpers.ts';

export type Defect =
  | 'lost message'
  | 'duplicate'
  | 'wrong sender'
  | 'newest first'
  | 'one place too many'
  | 'waiting senders overtaken'
  | 'receivers served backwards'
  | 'lost wake-up of a receiver'
  | 'queue survives destroy'
  | 'stranger receives';

export interface MachineOptions {
  readonly dice: Dice;
  readonly threads: number;
  readonly operations: number;
  readonly capacity: number;
  readonly ports: number;
  /** Tell when operations waited. */
  readonly waitsSeen: boolean;
  /** Share of moments in which a thread that could go on is left where it is: the higher, the wider calls overlap. */
  readonly linger?: number;
  readonly defect?: Defect;
  /** The defect shows once in a while, not every other time. */
  readonly rarely?: boolean;
  /** May ports be destroyed, threads be killed? */
  readonly rough?: boolean;
}

interface Message {
  sender: number;
  type: number;
  tag: Scalar;
}

interface Port {
  owner: number;
  queue: Message[];
  receivers: Thread[];
  senders: Thread[];
}

interface Thread {
  readonly tid: number;
  readonly process: number;
  phase: 'idle' | 'called' | 'waiting' | 'returning' | 'dead';
  operation: { id: number; name: string; args: Record<string, Scalar>; begin: number; waits: number | undefined } | undefined;
  result: Value;
}

export class PortMachine {
  readonly history: Operation[] = [];
  private readonly ports: Port[];
  private readonly threads: Thread[];
  private clock = 0;
  private tags = 0;
  private started = 0;
  private defects = 0;

  constructor(private readonly options: MachineOptions) {
    this.ports = Array.from({ length: options.ports }, () => ({ owner: 0, queue: [], receivers: [], senders: [] }));
    // Two processes; the first threads of process 1, which receives, and of process 2.
    this.threads = Array.from({ length: options.threads }, (_, n) => ({
      tid: n + 1,
      process: (n % 2) + 1,
      phase: 'idle',
      operation: undefined,
      result: 0,
    }));
  }

  /** How often the defect has been met. */
  get met(): number {
    return this.defects;
  }

  run(): readonly Operation[] {
    const { dice, operations, linger = 0.3 } = this.options;
    for (let idle = 0; idle < 2000; idle++) {
      const able = this.threads.filter(
        ({ phase }) => phase === 'called' || phase === 'returning' || (phase === 'idle' && this.started < operations),
      );
      if (able.length === 0 && !this.expireOne()) break;
      if (able.length === 0) continue;
      if (dice.next() < 0.02) this.expireOne();
      if (this.options.rough === true && dice.next() < 0.004) this.kill(dice.of(this.threads));
      const thread = dice.of(able);
      if (thread.phase !== 'idle' && dice.next() < linger) continue;
      if (thread.phase === 'dead') continue;
      idle = 0;
      if (thread.phase === 'idle') this.call(thread);
      else if (thread.phase === 'called') this.enter(thread);
      else this.return(thread);
    }
    for (const thread of this.threads) this.pend(thread);
    return this.history.sort((a, b) => a.begin - b.begin);
  }

  private has(defect: Defect): boolean {
    if (this.options.defect !== defect || this.options.dice.next() < (this.options.rarely === true ? 0.99 : 0.5)) return false;
    this.defects++;
    return true;
  }

  private call(thread: Thread): void {
    const { dice, rough } = this.options;
    const port = dice.below(this.options.ports);
    const { process } = thread;
    let name = dice.next() < (process === 1 ? 0.25 : 0.85) ? 'send' : 'receive';
    let args: Record<string, Scalar> = { process, port, wait: dice.of(['no', 'yes', 'yes', 'deadline']) };
    if (this.ports[port]!.owner === 0 && process === 1 && dice.next() < 0.8) {
      name = 'create';
      args = { process };
    } else if (rough === true && dice.next() < 0.03) {
      name = 'destroy';
      args = { process, port };
    } else if (name === 'send') {
      if (args.wait === 'deadline') args.wait = 'yes';
      args = { ...args, type: dice.below(3), tag: `m${this.tags++}` };
    }
    thread.operation = { id: this.started++, name, args, begin: this.clock++, waits: undefined };
    thread.phase = 'called';
  }

  /** The call under the lock. */
  private enter(thread: Thread): void {
    const result = this.perform(thread);
    if (result !== undefined) {
      this.complete(thread, result);
      return;
    }
    thread.phase = 'waiting';
    if (this.options.waitsSeen) thread.operation!.waits = this.clock++;
  }

  private complete(thread: Thread, result: Value): void {
    thread.result = result;
    thread.phase = 'returning';
  }

  private perform(thread: Thread): Value | undefined {
    const { name, args } = thread.operation!;
    if (name === 'create') {
      const id = this.ports.findIndex(({ owner }) => owner === 0);
      if (id === -1) return -E.NOSPC;
      this.ports[id]!.owner = thread.process;
      return id;
    }
    const port = this.ports[Number(args.port)]!;
    if (port.owner === 0) return -E.NOENT;
    if (name === 'send') return this.send(thread, port);
    if (port.owner !== thread.process && !this.has('stranger receives')) return -E.PERM;
    if (name === 'receive') return this.receive(thread, port);
    port.owner = 0;
    if (!this.has('queue survives destroy')) port.queue = [];
    for (const waiter of [...port.receivers.splice(0), ...port.senders.splice(0)]) this.complete(waiter, -E.IDRM);
    return 0;
  }

  private send(thread: Thread, port: Port): Value | undefined {
    const { args } = thread.operation!;
    const { capacity } = this.options;
    const room = capacity - port.queue.length;
    if (room <= 0 && !(room === 0 && this.has('one place too many'))) {
      if (args.wait === 'no') return -E.AGAIN;
      port.senders.push(thread);
      return undefined;
    }
    this.enqueue(port, thread);
    if (port.receivers.length > 0 && !this.has('lost wake-up of a receiver')) {
      const receiver = this.has('receivers served backwards') ? port.receivers.pop()! : port.receivers.shift()!;
      this.complete(receiver, { ...port.queue.shift()! });
    }
    return 0;
  }

  private enqueue(port: Port, thread: Thread): void {
    const { args } = thread.operation!;
    const message = { sender: thread.process, type: Number(args.type), tag: args.tag! };
    if (this.has('wrong sender')) message.sender = 3 - message.sender;
    if (this.has('lost message')) return;
    port.queue.push(message);
    if (port.queue.length < this.options.capacity && this.has('duplicate')) port.queue.push(message);
  }

  private receive(thread: Thread, port: Port): Value | undefined {
    const { args } = thread.operation!;
    if (port.queue.length === 0) {
      if (args.wait === 'no') return -E.AGAIN;
      port.receivers.push(thread);
      return undefined;
    }
    const message = port.queue.length > 1 && this.has('newest first') ? port.queue.pop()! : port.queue.shift()!;
    if (port.senders.length > 0 && port.queue.length < this.options.capacity) {
      const sender =
        port.senders.length > 1 && this.has('waiting senders overtaken') ? port.senders.pop()! : port.senders.shift()!;
      this.enqueue(port, sender);
      this.complete(sender, 0);
    }
    return { ...message };
  }

  private return(thread: Thread): void {
    const { result, operation, tid } = thread;
    this.history.push({ ...operation!, actor: tid, result, end: this.clock++ });
    thread.operation = undefined;
    thread.phase = 'idle';
  }

  /** A deadline passes. */
  private expireOne(): boolean {
    for (const port of this.ports) {
      const thread = port.receivers.find(({ operation }) => operation!.args.wait === 'deadline');
      if (thread === undefined) continue;
      port.receivers.splice(port.receivers.indexOf(thread), 1);
      this.complete(thread, -E.TIMEDOUT);
      return true;
    }
    return false;
  }

  private kill(thread: Thread): void {
    for (const { receivers, senders } of this.ports) {
      for (const line of [receivers, senders]) if (line.includes(thread)) line.splice(line.indexOf(thread), 1);
    }
    this.pend(thread);
    thread.phase = 'dead';
  }

  private pend(thread: Thread): void {
    if (thread.operation === undefined) return;
    this.history.push({ ...thread.operation, actor: thread.tid, result: undefined, end: Infinity });
    thread.operation = undefined;
  }
}
