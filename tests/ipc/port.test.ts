/*
 * VROS ports, call by call: does each do what the specification says, and say what it refuses?
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { Port } from '../../src/ipc/port-layout.ts';
import { E } from '../../src/kernel/errno.ts';
import { BLOCKED } from '../../src/kernel/result.ts';
import { ThreadState } from '../../src/kernel/thread.ts';
import { VrosCall, VrosFlag } from '../../src/syscalls/abi.ts';
import { BAD_POINTER, DATA, KernelBench, type Started } from '../kernel/kernel-bench.ts';

const IN = DATA;
const OUT = DATA + 4096;
const TIME = DATA + 8192;

let bench: KernelBench;
let owner: Started;
let other: Started;

function boot(options: ConstructorParameters<typeof KernelBench>[0] = {}): void {
  bench = new KernelBench(options);
  owner = bench.start(0);
  other = bench.start(1);
}

beforeEach(() => {
  boot();
});

interface Caller {
  readonly thread: number;
  readonly space: number;
}

const hartOf = (who: Caller): number => (who.space === owner.space ? 0 : 1);
const call = (who: Caller, number: number, ...args: number[]): number => bench.call(hartOf(who), who.thread, number, ...args);
const create = (who: Caller = owner): number => call(who, VrosCall.SYS_IPC_CREATE_PORT);
const destroy = (name: number, who: Caller = owner): number => call(who, VrosCall.SYS_IPC_DESTROY_PORT, name);
const nameOf = (id: number): number => call(owner, VrosCall.SYS_IPC_PORT_NAME, id);

function send(name: number, content: number, who: Caller = other, wait = false): number {
  bench.poke(who.space, OUT, content);
  return call(who, VrosCall.SYS_IPC_SEND_FLAGS, name, 7, OUT, 4, wait ? VrosFlag.IPC_SEND_WAIT : 0);
}

function receive(name: number, who: Caller = owner, wait = true): number {
  return call(who, VrosCall.SYS_IPC_RECV_FLAGS, name, IN, wait ? 0 : VrosFlag.IPC_RECV_NOWAIT, 0);
}

/** The message that has been received last, as numbers. */
function message(who: Caller = owner): { sender: number; type: number; size: number; content: number } {
  const word = (i: number): number => bench.peek(who.space, IN + 4 * i);
  return { sender: word(0), type: word(1), size: word(2), content: word(3) };
}

const thread = (of: Started): Caller => ({ thread: bench.addThread(of, hartOf(of)), space: of.space });

describe('the four calls of the specification', () => {
  it('have its numbers, with the base of their family', () => {
    expect([VrosCall.SYS_IPC_CREATE_PORT, VrosCall.SYS_IPC_DESTROY_PORT, VrosCall.SYS_IPC_SEND, VrosCall.SYS_IPC_RECV]).toEqual(
      [0x1008, 0x1009, 0x100a, 0x100b],
    );
  });

  it('carry a message from anybody to the owner, stamped by the kernel', () => {
    const port = create();
    bench.poke(other.space, OUT, 0x1234_5678);
    expect(call(other, VrosCall.SYS_IPC_SEND, port, 9, OUT, 4)).toBe(0);
    expect(call(owner, VrosCall.SYS_IPC_RECV, port, IN)).toBe(0);
    expect(message()).toEqual({ sender: other.pid, type: 9, size: 4, content: 0x1234_5678 });
  });

  it('keep the order of the messages', () => {
    const port = create();
    for (let i = 0; i < 16; i++) expect(send(port, i, i % 2 === 0 ? owner : other)).toBe(0);
    for (let i = 0; i < 16; i++) {
      expect(receive(port)).toBe(0);
      expect(message()).toMatchObject({ content: i, sender: i % 2 === 0 ? owner.pid : other.pid });
    }
  });

  it('carry no data, the most there may be, and not a byte more', () => {
    const port = create();
    expect(call(other, VrosCall.SYS_IPC_SEND, port, 1, BAD_POINTER, 0)).toBe(0);
    expect(call(other, VrosCall.SYS_IPC_SEND, port, 1, OUT, 256)).toBe(0);
    expect(call(other, VrosCall.SYS_IPC_SEND, port, 1, OUT, 257)).toBe(-E.MSGSIZE);
    expect(call(other, VrosCall.SYS_IPC_SEND, port, 1, OUT, -1)).toBe(-E.MSGSIZE);
    expect([receive(port), message().size, receive(port), message().size]).toEqual([0, 0, 0, 256]);
  });

  it('do not touch memory behind the message', () => {
    const port = create();
    send(port, 5);
    bench.poke(owner.space, IN + 16, 0xdead_beef);
    receive(port);
    expect(bench.peek(owner.space, IN + 16)).toBe(0xdead_beef);
  });
});

describe('what is refused', () => {
  it.each([-1, 31, 32, 2 ** 31 - 1, 2 ** 31])('a port that does not exist: %i', (name) => {
    expect([destroy(name), send(name, 1), receive(name), nameOf(name)]).toEqual(Array(4).fill(-E.NOENT));
    expect(call(owner, VrosCall.SYS_IPC_PORT_STAT, name, IN)).toBe(-E.NOENT);
  });

  it('receiving from or destroying another’s port', () => {
    const port = create();
    expect([receive(port, other), receive(port, other, false), destroy(port, other)]).toEqual(Array(3).fill(-E.PERM));
    expect(send(port, 1)).toBe(0);
  });

  it('a message when the queue is full, until there is room', () => {
    const port = create();
    for (let i = 0; i < 16; i++) send(port, i);
    expect(send(port, 16)).toBe(-E.AGAIN);
    receive(port);
    expect(send(port, 17)).toBe(0);
    expect(send(port, 18)).toBe(-E.AGAIN);
  });

  it('bad pointers, and nothing is lost or sent', () => {
    const port = create();
    expect(call(other, VrosCall.SYS_IPC_SEND, port, 1, BAD_POINTER, 4)).toBe(-E.FAULT);
    expect(receive(port, owner, false)).toBe(-E.AGAIN);
    send(port, 42);
    expect(call(owner, VrosCall.SYS_IPC_RECV, port, BAD_POINTER)).toBe(-E.FAULT);
    expect(call(owner, VrosCall.SYS_IPC_PORT_STAT, port, BAD_POINTER)).toBe(-E.FAULT);
    expect([receive(port), message().content]).toEqual([0, 42]);
    // On an empty queue it shows when there is something to write.
    const hopeful = thread(owner);
    expect(call(hopeful, VrosCall.SYS_IPC_RECV, port, BAD_POINTER)).toBe(BLOCKED);
    send(port, 43);
    expect(bench.resultOf(hopeful.thread)).toBe(-E.FAULT);
    expect([receive(port), message().content]).toEqual([0, 43]);
  });

  it('flags that do not exist, and times that are none', () => {
    const port = create();
    expect(call(other, VrosCall.SYS_IPC_SEND_FLAGS, port, 1, OUT, 4, 2)).toBe(-E.INVAL);
    expect(call(owner, VrosCall.SYS_IPC_RECV_FLAGS, port, IN, 2, 0)).toBe(-E.INVAL);
    bench.host.copy.writeU64(owner.space, TIME, 0);
    bench.host.copy.writeU64(owner.space, TIME + 8, 1e9);
    expect(call(owner, VrosCall.SYS_IPC_RECV_FLAGS, port, IN, 0, TIME)).toBe(-E.INVAL);
    expect(call(owner, VrosCall.SYS_IPC_RECV_FLAGS, port, IN, 0, BAD_POINTER)).toBe(-E.FAULT);
  });
});

describe('numbers of ports', () => {
  it('are given out from 0, all of them, and then no more', () => {
    expect(Array.from({ length: 33 }, () => create())).toEqual([...Array(32).keys(), -E.NOSPC]);
  });

  it('come back longest-free first', () => {
    for (let i = 0; i < 32; i++) create();
    for (const id of [7, 3, 20]) expect(destroy(id)).toBe(0);
    expect([create(), create(), create(), create()]).toEqual([7, 3, 20, -E.NOSPC]);
  });

  it('have tagged names that never reach a later owner', () => {
    const port = create();
    const name = nameOf(port);
    expect(name).toBe(port + 32);
    expect(send(name, 1)).toBe(0);
    expect(nameOf(name)).toBe(name);
    destroy(name);
    for (let i = 1; i < 33; i++) create(other);
    expect([send(name, 1), receive(name), destroy(name), nameOf(name)]).toEqual(Array(4).fill(-E.NOENT));
    expect(nameOf(port)).toBe(port + 64);
    expect(send(port, 1)).toBe(0);
  });

  it('whose generations are used up are never given out again', () => {
    boot({ ports: 2 });
    const limit = Math.floor((2 ** 31 - 2) / 2);
    const port = bench.doors[0]!.ports.table.acquire(create());
    Port.generation.set(bench.ram, port, limit);
    bench.doors[0]!.ports.table.release(port);
    const name = nameOf(0);
    expect(name).toBe(2 * limit);
    expect(name).toBeLessThan(2 ** 31);
    expect(send(name, 1)).toBe(0);
    expect(destroy(0)).toBe(0);
    expect([create(), create()]).toEqual([1, -E.NOSPC]);
    expect(destroy(1)).toBe(0);
    expect([create(), create()]).toEqual([1, -E.NOSPC]);
  });
});

describe('waiting to receive', () => {
  it('ends with the message that comes, directly in the receiver’s memory', () => {
    const port = create();
    expect(receive(port)).toBe(BLOCKED);
    expect(send(port, 99)).toBe(0);
    expect(bench.stateOf(owner.thread)).toBe(ThreadState.Ready);
    expect(bench.resultOf(owner.thread)).toBe(0);
    expect(message()).toMatchObject({ sender: other.pid, content: 99 });
    expect(receive(port, thread(owner), false)).toBe(-E.AGAIN);
  });

  it('gives each message to the receiver that waits longest', () => {
    const port = create();
    const [a, b] = [thread(owner), thread(owner)];
    for (const who of [a, b]) expect(receive(port, who)).toBe(BLOCKED);
    send(port, 1);
    expect([a, b].map(({ thread }) => bench.stateOf(thread))).toEqual([ThreadState.Ready, ThreadState.Blocked]);
  });

  it('passes a message on to the next when the first cannot take it any more', () => {
    const port = create();
    const [a, b] = [thread(owner), thread(owner)];
    const gone = DATA + 3 * 4096;
    expect(call(a, VrosCall.SYS_IPC_RECV, port, gone)).toBe(BLOCKED);
    expect(receive(port, b)).toBe(BLOCKED);
    bench.host.mappings.unmap(owner.space, gone, 4096);
    expect(send(port, 5)).toBe(0);
    expect([a, b].map(({ thread }) => bench.resultOf(thread))).toEqual([-E.FAULT, 0]);
    expect(message().content).toBe(5);
  });

  it('keeps the message when nobody can take it', () => {
    const port = create();
    const gone = DATA + 3 * 4096;
    const a = thread(owner);
    call(a, VrosCall.SYS_IPC_RECV, port, gone);
    bench.host.mappings.unmap(owner.space, gone, 4096);
    expect(send(port, 5)).toBe(0);
    expect(bench.resultOf(a.thread)).toBe(-E.FAULT);
    expect([receive(port, owner, false), message().content]).toEqual([0, 5]);
  });

  it('ends when its time is up', () => {
    const port = create();
    bench.host.copy.writeU64(owner.space, TIME, 0);
    bench.host.copy.writeU64(owner.space, TIME + 8, 1000);
    expect(call(owner, VrosCall.SYS_IPC_RECV_FLAGS, port, IN, 0, TIME)).toBe(BLOCKED);
    bench.harts[0]!.expire(Infinity);
    expect(bench.resultOf(owner.thread)).toBe(-E.TIMEDOUT);
    expect(send(port, 1)).toBe(0);
    expect(bench.host.timers.armed()).toBe(0);
  });
});

describe('waiting to send', () => {
  it('ends when there is room, and the message comes behind those before it', () => {
    const port = create();
    for (let i = 0; i < 16; i++) send(port, i);
    const late = thread(other);
    expect(send(port, 16, other, true)).toBe(BLOCKED);
    bench.poke(other.space, OUT + 4, 17);
    expect(call(late, VrosCall.SYS_IPC_SEND_FLAGS, port, 7, OUT + 4, 4, VrosFlag.IPC_SEND_WAIT)).toBe(BLOCKED);
    receive(port);
    expect([other, late].map(({ thread }) => bench.stateOf(thread))).toEqual([ThreadState.Ready, ThreadState.Blocked]);
    for (let i = 1; i < 18; i++) expect([receive(port), message().content]).toEqual([0, i]);
    expect([other, late].map(({ thread }) => bench.resultOf(thread))).toEqual([0, 0]);
    expect(receive(port, owner, false)).toBe(-E.AGAIN);
  });

  it('fails alone when its data has gone', () => {
    const port = create();
    for (let i = 0; i < 16; i++) send(port, i);
    const gone = DATA + 3 * 4096;
    const late = thread(other);
    expect(call(late, VrosCall.SYS_IPC_SEND_FLAGS, port, 7, gone, 4, VrosFlag.IPC_SEND_WAIT)).toBe(BLOCKED);
    expect(send(port, 16, other, true)).toBe(BLOCKED);
    bench.host.mappings.unmap(other.space, gone, 4096);
    receive(port);
    expect([late, other].map(({ thread }) => bench.resultOf(thread))).toEqual([-E.FAULT, 0]);
    for (let i = 1; i < 17; i++) expect([receive(port), message().content]).toEqual([0, i]);
  });

  it('does not wait when there is room', () => {
    expect(send(create(), 1, other, true)).toBe(0);
  });
});

describe('the end of a port', () => {
  it('wakes all who wait, and takes its messages with it', () => {
    const quiet = create();
    const full = create();
    const receivers = [thread(owner), thread(owner)];
    for (const who of receivers) receive(quiet, who);
    for (let i = 0; i < 16; i++) send(full, i);
    const senders = [thread(other), thread(other)];
    for (const who of senders) expect(send(full, 1, who, true)).toBe(BLOCKED);
    expect([destroy(quiet), destroy(full)]).toEqual([0, 0]);
    expect([...receivers, ...senders].map(({ thread }) => bench.resultOf(thread))).toEqual(Array(4).fill(-E.IDRM));
    for (let i = 0; i < 32; i++) create();
    expect(receive(full, owner, false)).toBe(-E.AGAIN);
    expect(bench.doors[0]!.ports.messagesQueued()).toBe(0);
  });

  it('comes with the end of its owner', () => {
    const port = create();
    for (let i = 0; i < 16; i++) send(port, i);
    const waiting = thread(other);
    send(port, 1, waiting, true);
    create();
    const mine = create(other);
    bench.host.signals.kill(owner.pid, 9);
    bench.harts[0]!.exits.endThread(owner.thread, 0);
    expect(bench.resultOf(waiting.thread)).toBe(-E.IDRM);
    expect(send(port, 1)).toBe(-E.NOENT);
    expect(bench.inUse().ports).toBe(1);
    expect(send(mine, 1)).toBe(0);
  });

  it('is what somebody sees who came with the old name, even while waiting for the lock', () => {
    // Destroyed and given to another after the sender has worked out the slot, before it gets the lock.
    const port = create();
    const name = nameOf(port);
    const { locks } = bench.harts[1]!;
    const acquire = locks.acquire.bind(locks);
    let before = true;
    locks.acquire = (lock: number): void => {
      if (before) {
        before = false;
        destroy(port);
        for (let i = 0; i < 32; i++) create();
      }
      acquire(lock);
    };
    expect(send(name, 1)).toBe(-E.NOENT);
    locks.acquire = acquire;
    expect(receive(port, owner, false)).toBe(-E.AGAIN);
  });
});

describe('the status of a port', () => {
  it('tells its names, owner, queue and waiters', () => {
    create();
    const port = create();
    for (let i = 0; i < 16; i++) send(port, i);
    send(port, 1, thread(other), true);
    for (let i = 0; i < 3; i++) receive(port);
    expect(call(owner, VrosCall.SYS_IPC_PORT_STAT, port, IN)).toBe(0);
    const words = Array.from({ length: 12 }, (_, i) => bench.peek(owner.space, IN + 4 * i));
    expect(words).toEqual([1, 33, owner.pid, 14, 16, 0, 0, 0, 17, 0, 3, 0]);
  });
});

describe('a machine with other limits', () => {
  it('has so many ports, of so many messages, of so many bytes', () => {
    boot({ ports: 3, portMessages: 2, portMessageBytes: 9 });
    expect(Array.from({ length: 4 }, () => create())).toEqual([0, 1, 2, -E.NOSPC]);
    expect([send(1, 1), send(1, 2), send(1, 3)]).toEqual([0, 0, -E.AGAIN]);
    expect(call(other, VrosCall.SYS_IPC_SEND, 2, 1, OUT, 9)).toBe(0);
    expect(call(other, VrosCall.SYS_IPC_SEND, 2, 1, OUT, 10)).toBe(-E.MSGSIZE);
    expect(nameOf(2)).toBe(2 + 3);
    expect(send(2 + 6, 1)).toBe(-E.NOENT);
  });

  it.each([
    [1, 1, 1],
    [4096, 1, 256],
    [1, 4096, 256],
  ])('works at the edges: %i ports, %i messages, %i bytes', (ports, portMessages, portMessageBytes) => {
    boot({ ports, portMessages, portMessageBytes });
    const ids = Array.from({ length: ports }, () => create());
    expect(ids.at(-1)).toBe(ports - 1);
    expect(create()).toBe(-E.NOSPC);
    const last = nameOf(ports - 1);
    expect(last).toBe(2 * ports - 1);
    const size = Math.min(4, portMessageBytes);
    for (let i = 0; i < portMessages; i++) expect(call(other, VrosCall.SYS_IPC_SEND, last, i, OUT, size)).toBe(0);
    expect(call(other, VrosCall.SYS_IPC_SEND, last, 0, OUT, size)).toBe(-E.AGAIN);
    for (let i = 0; i < portMessages; i++) {
      receive(last);
      expect(message()).toMatchObject({ type: i, size });
    }
    expect(destroy(last)).toBe(0);
    expect(create()).toBe(ports - 1);
  });
});
