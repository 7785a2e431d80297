/*
 * Ports against a model: do they do, whatever is called in whatever order, what a few arrays would do?
 *
 * Two processes of four threads each create, destroy, send, receive, wait, run out of time and die. The machine is small (3 ports of 2
 * messages), so that slots, generations and queues are used again all the time. After every step each thread's state and result, and what
 * it has received, are compared with the model's.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Port } from '../../src/ipc/port-layout.ts';
import { E } from '../../src/kernel/errno.ts';
import { Process } from '../../src/kernel/process.ts';
import { BLOCKED } from '../../src/kernel/result.ts';
import { Thread, ThreadState } from '../../src/kernel/thread.ts';
import { VrosCall, VrosFlag } from '../../src/syscalls/abi.ts';
import { DATA, KernelBench, type Started } from '../kernel/kernel-bench.ts';

const PORTS = 3;
const MESSAGES = 2;
const BYTES = 8;
const PROCESSES = 2;
const THREADS = 4;

interface Message {
  readonly sender: number;
  readonly type: number;
  readonly content: number;
}

interface ModelThread {
  readonly process: number;
  readonly block: number;
  readonly buffer: number;
  /** Where its deadline is kept, if it waits with one. */
  timer: number | undefined;
  waits: boolean;
  result: number;
}

interface ModelPort {
  generation: number;
  owner: number | undefined;
  queue: Message[];
  receivers: ModelThread[];
  senders: { readonly thread: ModelThread; readonly message: Message }[];
}

const where = { process: fc.nat(PROCESSES - 1), thread: fc.nat(THREADS - 1), hart: fc.nat(1) };
/** A port by its number, or by a tagged name of a generation that may be past, present or to come. */
const name = fc.oneof(
  { weight: 4, arbitrary: fc.nat(PORTS - 1).map((id) => ({ id, back: undefined })) },
  { weight: 4, arbitrary: fc.record({ id: fc.nat(PORTS - 1), back: fc.constantFrom(0, 0, 0, 1, 2, -1) }) },
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('create' as const), ...where }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('destroy' as const), ...where, name }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('send' as const), ...where, name, wait: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('receive' as const), ...where, name, wait: fc.boolean(), timed: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), ...where }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), ...where }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Name = typeof name extends fc.Arbitrary<infer T> ? T : never;

class Model {
  readonly bench = new KernelBench({ ports: PORTS, portMessages: MESSAGES, portMessageBytes: BYTES });
  readonly ports: ModelPort[] = Array.from({ length: PORTS }, () => ({
    generation: 0,
    owner: undefined,
    queue: [],
    receivers: [],
    senders: [],
  }));
  readonly free = [...Array(PORTS).keys()];
  readonly processes: Started[] = [];
  readonly threads: ModelThread[][] = [];
  private stamp = 0;

  constructor() {
    for (let process = 0; process < PROCESSES; process++) this.begin(process);
  }

  private begin(process: number): void {
    const { bench } = this;
    const started = bench.start(0);
    // A timespec of a thousand seconds.
    bench.host.copy.writeU64(started.space, DATA, 1000);
    bench.host.copy.writeU64(started.space, DATA + 8, 0);
    this.processes[process] = started;
    this.threads[process] = Array.from({ length: THREADS }, (_, n) => ({
      process,
      block: n === 0 ? started.thread : bench.addThread(started),
      buffer: DATA + 256 * (n + 1),
      timer: undefined,
      waits: false,
      result: 0,
    }));
  }

  /** Does a step on both sides and compares. */
  run(todo: Step): void {
    if (todo.kind === 'kill') this.kill(todo.process);
    else if (todo.kind === 'expire') this.expire(todo.hart);
    else this.call(todo);
    this.compare();
  }

  private call(todo: Exclude<Step, { kind: 'kill' | 'expire' }>): void {
    const { bench } = this;
    const me = this.threads[todo.process]![todo.thread]!;
    if (me.waits) return;
    if (Thread.hart.load(bench.ram, me.block) !== todo.hart) {
      bench.harts[Thread.hart.load(bench.ram, me.block)]!.scheduler.yield(me.block);
      bench.take(me.block, todo.hart);
    }
    switch (todo.kind) {
      case 'create':
        this.returns(me, todo.hart, this.create(todo.process), VrosCall.SYS_IPC_CREATE_PORT);
        return;
      case 'destroy': {
        const name = this.nameOf(todo.name);
        this.returns(me, todo.hart, this.destroy(todo.process, todo.name), VrosCall.SYS_IPC_DESTROY_PORT, name);
        return;
      }
      case 'send': {
        const content = ++this.stamp;
        bench.poke(this.processes[todo.process]!.space, me.buffer + 128, content);
        const message = { sender: this.processes[todo.process]!.pid, type: content % 5, content };
        const flags = todo.wait ? VrosFlag.IPC_SEND_WAIT : 0;
        const name = this.nameOf(todo.name);
        const result = this.send(me, todo.name, message, todo.wait);
        this.returns(me, todo.hart, result, VrosCall.SYS_IPC_SEND_FLAGS, name, message.type, me.buffer + 128, 4, flags);
        return;
      }
      case 'receive': {
        const flags = todo.wait ? 0 : VrosFlag.IPC_RECV_NOWAIT;
        const name = this.nameOf(todo.name);
        const result = this.receive(me, todo.name, todo.wait);
        if (result === BLOCKED && todo.timed) me.timer = todo.hart;
        const time = todo.timed ? DATA : 0;
        this.returns(me, todo.hart, result, VrosCall.SYS_IPC_RECV_FLAGS, name, me.buffer, flags, time);
      }
    }
  }

  /** The call must return what the model has returned already. */
  private returns(me: ModelThread, hart: number, expected: number, number: number, ...args: number[]): void {
    expect(this.bench.call(hart, me.block, number, ...args)).toBe(expected);
    if (expected === BLOCKED) me.waits = true;
    else me.result = expected;
  }

  private nameOf({ id, back }: Name): number {
    if (back === undefined) return id;
    return id + PORTS * Math.max(1, this.ports[id]!.generation - back);
  }

  private find({ id, back }: Name): ModelPort | undefined {
    const port = this.ports[id]!;
    const meant = back === undefined || Math.max(1, port.generation - back) === port.generation;
    return port.owner !== undefined && meant ? port : undefined;
  }

  private create(process: number): number {
    const id = this.free.shift();
    if (id === undefined) return -E.NOSPC;
    const port = this.ports[id]!;
    port.owner = process;
    port.generation++;
    return id;
  }

  private destroy(process: number, name: Name): number {
    const port = this.find(name);
    if (port === undefined) return -E.NOENT;
    if (port.owner !== process) return -E.PERM;
    this.end(name.id);
    return 0;
  }

  private end(id: number): void {
    const port = this.ports[id]!;
    for (const thread of [...port.receivers, ...port.senders.map(({ thread }) => thread)]) this.wake(thread, -E.IDRM);
    port.owner = undefined;
    port.queue = [];
    port.receivers = [];
    port.senders = [];
    this.free.push(id);
  }

  private send(me: ModelThread, name: Name, message: Message, wait: boolean): number {
    const port = this.find(name);
    if (port === undefined) return -E.NOENT;
    const receiver = port.receivers.shift();
    if (receiver !== undefined) {
      this.wake(receiver, 0, message);
      return 0;
    }
    if (port.queue.length < MESSAGES) {
      port.queue.push(message);
      return 0;
    }
    if (!wait) return -E.AGAIN;
    port.senders.push({ thread: me, message });
    return BLOCKED;
  }

  private receive(me: ModelThread, name: Name, wait: boolean): number {
    const port = this.find(name);
    if (port === undefined) return -E.NOENT;
    if (port.owner !== me.process) return -E.PERM;
    const message = port.queue.shift();
    if (message !== undefined) {
      this.later.push({ thread: me, message });
      const sender = port.senders.shift();
      if (sender !== undefined) {
        port.queue.push(sender.message);
        this.wake(sender.thread, 0);
      }
      return 0;
    }
    if (!wait) return -E.AGAIN;
    port.receivers.push(me);
    return BLOCKED;
  }

  /** Messages that must be found in a buffer, and threads that must have been woken, when the step is done. */
  private later: { readonly thread: ModelThread; readonly message: Message }[] = [];
  private woken: ModelThread[] = [];

  private wake(thread: ModelThread, result: number, message?: Message): void {
    thread.result = result;
    this.woken.push(thread);
    if (message !== undefined) this.later.push({ thread, message });
  }

  private expire(hart: number): void {
    for (const port of this.ports) {
      const due = port.receivers.filter(({ timer }) => timer === hart);
      for (const thread of due) this.wake(thread, -E.TIMEDOUT);
      port.receivers = port.receivers.filter((thread) => !due.includes(thread));
    }
    this.bench.harts[hart]!.expire(Number.MAX_VALUE);
  }

  private kill(process: number): void {
    const { bench } = this;
    const { pid } = this.processes[process]!;
    const threads = this.threads[process]!;
    for (const port of this.ports) {
      port.receivers = port.receivers.filter((thread) => thread.process !== process);
      port.senders = port.senders.filter(({ thread }) => thread.process !== process);
    }
    // Its ports end in the order of its list: which one, no promise says.
    const list = this.orderOf(Process.owned.at(bench.ram, this.processes[process]!.process, 0));
    expect([...list].sort()).toEqual(this.ports.flatMap(({ owner }, id) => (owner === process ? [id] : [])));
    for (const id of list) this.end(id);
    expect(bench.host.signals.kill(pid, 9)).toBe(0);
    for (const { block, waits } of threads) {
      if (waits) {
        expect(bench.resultOf(block)).toBe(-E.INTR);
        bench.take(block, 0);
      }
      bench.harts[Thread.hart.load(bench.ram, block)]!.exits.endThread(block, 0);
    }
    expect(bench.processOf(pid)).toBe(0);
    this.begin(process);
  }

  /** Numbers of the ports in a process's list. */
  private orderOf(first: number): number[] {
    const ids: number[] = [];
    for (let port = first; port !== 0; port = Port.next.get(this.bench.ram, port)) ids.push(Port.id.get(this.bench.ram, port));
    return ids;
  }

  private compare(): void {
    const { bench } = this;
    for (const thread of this.woken) {
      expect(bench.stateOf(thread.block)).toBe(ThreadState.Ready);
      expect(bench.resultOf(thread.block)).toBe(thread.result);
      bench.take(thread.block, Thread.hart.load(bench.ram, thread.block));
      thread.waits = false;
      thread.timer = undefined;
    }
    for (const { thread, message } of this.later) {
      const { space } = this.processes[thread.process]!;
      const word = (i: number): number => bench.peek(space, thread.buffer + 4 * i);
      expect([word(0), word(1), word(2), word(3)]).toEqual([message.sender, message.type, 4, message.content]);
    }
    this.woken = [];
    this.later = [];
    const threads = this.threads.flat();
    for (const { block, waits } of threads)
      expect(bench.stateOf(block)).toBe(waits ? ThreadState.Blocked : ThreadState.Running);
    expect(bench.inUse().timers).toBe(threads.filter(({ timer }) => timer !== undefined).length);
    expect(bench.inUse().ports).toBe(PORTS - this.free.length);
    expect(bench.doors[0]!.ports.messagesQueued()).toBe(this.ports.reduce((sum, { queue }) => sum + queue.length, 0));
    for (const { locks } of [...bench.harts, bench.host]) expect(locks.held).toBe(0);
  }
}

describe('ports', () => {
  it('do what their model does, step by step', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 150 }), (steps) => {
        const model = new Model();
        for (const one of steps) model.run(one);
      }),
      { numRuns: 150 },
    );
  });
});
