/*
 * The guest agent: does it do what its lists say, on every machine, and does the trace tell all of it?
 */

import { describe, expect, it } from 'vitest';

import { type AgentProgram, encodeAgent, op, type Operation, quiet, ref } from '../../src/explore/agent.ts';
import { portCounts } from '../../src/explore/agent-marks.ts';
import { E } from '../../src/kernel/errno.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { Prot } from '../../src/kernel/mman.ts';
import { Machine } from '../../src/machine.ts';
import { VrosCall } from '../../src/syscalls/abi.ts';
import { Linux } from '../../src/syscalls/numbers.ts';
import { machinesOf } from '../guest/trials.ts';
import { runAgent } from './run-agent.ts';

const SIGKILL = 9;
const SIGSEGV = 11;
const PAGE = 4096;
const MS = 1_000_000;

const sizes = [0, 1, 3, 4, 5, 8, 100, 255, 256];
/** Eight messages of 100 + sender, of all sizes that can bear the tag. */
const messages = (sender: number): Operation[] =>
  sizes.map((size, i) => op.send({ port: 0, type: sender, tag: size === 0 ? 0 : 10 * sender + i, size, wait: true }));

describe.each(machinesOf([1, 2, 4]))('the agent, with %i harts and %s,', (cpus, _, jit) => {
  it('sends messages of all sizes and receives each of them whole, in order', async () => {
    const senders = 3;
    const program: AgentProgram = {
      processes: [
        {
          setup: [op.createPort()],
          threads: [Array.from({ length: senders * sizes.length }, () => op.receive({ port: ref.setup(0) }))],
        },
        { threads: [messages(1), messages(2)] },
        { threads: [messages(3)] },
      ],
    };
    // Two places only: everybody has to wait.
    const { run, of, results } = await runAgent(program, { cpus, jit, portMessages: 2 });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const received = of('thread', 0).map(({ message }) => message!);
    expect(received).toHaveLength(senders * sizes.length);
    expect(received.every(({ intact }) => intact)).toBe(true);
    for (let sender = 1; sender <= senders; sender++) {
      expect(results(sender)).toEqual(sizes.map(() => 0));
      const mine = received.filter(({ type }) => type === sender);
      expect(mine.map(({ size }) => size)).toEqual(sizes);
      expect(mine.map(({ tag }) => tag)).toEqual(sizes.map((size, i) => (size === 0 ? 0 : 10 * sender + i)));
      expect(new Set(mine.map((message) => message.sender))).toEqual(new Set([sender === 3 ? 2 : 1]));
    }
  });

  it('performs every operation, each with its result', async () => {
    const nanoseconds = expect.toSatisfy((ns: number) => ns > 0) as number;
    const cases: readonly (readonly [Operation, unknown])[] = [
      [op.receive({ port: 0, wait: false }), -E.AGAIN],
      [op.receive({ port: 0, wait: MS }), -E.TIMEDOUT],
      [op.send({ port: 0, tag: 1 }), 0],
      [op.portStat(0), 1],
      [op.receive({ port: 0, wait: MS }), 0],
      [op.send({ port: 0, tag: 1, size: 257 }), -E.MSGSIZE],
      [op.portName(0), 32],
      [op.destroyPort(0), 0],
      [op.send({ port: 32, tag: 1 }), -E.NOENT],
      [op.load(3), 0],
      [op.store(3, -5), 0],
      [op.load(3), -5],
      [op.add(3, 7), -5],
      [op.increment(3), 2],
      [op.compareExchange(3, 2, 9), 3],
      [op.compareExchange(3, 3, 0x7fff_ffff), 3],
      [op.load(3), 0x7fff_ffff],
      [op.futexWait(3, 1), -E.AGAIN],
      [op.futexWait(3, 0x7fff_ffff, MS), -E.TIMEDOUT],
      [op.futexWake(3, 1), 0],
      [op.poke(ref.buffer(8), 4, 77), 0],
      [op.peek(ref.buffer(), 12), 77],
      [op.mmap(2 * PAGE), expect.toSatisfy((address: number) => address > 2 ** 32 && address % PAGE === 0)],
      [op.poke(ref.own(22), PAGE, 6), 0],
      [op.mprotect(ref.own(22), PAGE, Prot.None), 0],
      [op.peek(ref.own(22), PAGE), 6],
      [op.munmap(ref.own(22), 2 * PAGE), 0],
      [op.clock(), nanoseconds],
      [op.sleep(MS), 0],
      [op.yield(), 0],
      [op.getpid(), 3],
      [op.kill(0, 0), 0],
      [op.kill(1, 0), 0],
      [op.call(Linux.kill, 12345, 0), -E.SRCH],
      [op.call(VrosCall.SYS_IPC_RECV_FLAGS, 0, ref.buffer(), 2), -E.INVAL],
      [op.call(Linux.getrandom, ref.buffer(), 16, 0), 16],
      [op.lock(4), 0],
      [op.load(4), 1],
      [op.unlock(4), 0],
      [op.await(4, 0), 0],
      [op.requeue(4, 5, 1, 1), 0],
      [op.affinity(1, 6)[1], -E.INVAL],
      [op.affinity(1, 6)[0], 0],
      [op.affinity(1, 6)[1], 0],
      [op.clearAtExit(7), 3],
      [op.spawn(), 5],
      [op.wait4(), 5],
      [op.wait4(5), -E.CHILD],
    ];
    // The other process is there to be asked for, and waits until it is killed.
    const program: AgentProgram = {
      processes: [
        { setup: [op.createPort()], threads: [[...cases.map(([operation]) => operation), op.kill(1)]] },
        { threads: [[op.futexWait(0, 0)]] },
      ],
    };
    const { of } = await runAgent(program, { cpus, jit });
    const records = of('thread', 0).slice(0, -1);
    expect(records.map(({ op }) => op)).toEqual(cases.map(([operation]) => operation));
    expect(records.map(({ result }) => result)).toEqual(cases.map(([, result]) => result));
    for (const { begin, end } of records) expect(end).toBeGreaterThan(begin);
  });

  it('tells who died, of what, and what they were at', async () => {
    const wait = op.receive({ port: ref.setup(0) });
    const program: AgentProgram = {
      processes: [
        { setup: [op.createPort()], threads: [[quiet(op.send({ port: 1, tag: 1 })), wait]] },
        { threads: [[op.poke(8, 0, 1), op.getpid()], [op.futexWait(0, 0)]] },
        { threads: [[op.exitGroup(7)], [op.futexWait(0, 0)]] },
        {
          threads: [
            [op.exit(), op.getpid()],
            [op.sleep(MS), op.getpid()],
          ],
        },
        { setup: [op.createPort()], threads: [[op.receive({ port: 1 }), op.sleep(50 * MS), op.kill(0)]] },
      ],
      final: [op.getpid()],
    };
    const { run, of, results, processes } = await runAgent(program, { cpus, jit });
    expect(run).toMatchObject({ status: 1, signal: undefined });
    expect(processes.map(({ status }) => status)).toEqual([SIGKILL, SIGSEGV, 7 << 8, 0, 0]);
    expect(processes.map(({ pid }) => pid)).toEqual([3, 4, 5, 6, 7]);
    expect(of('thread', 0)).toMatchObject([{ op: wait, end: undefined, result: undefined }]);
    expect([results(1), results(3), results(5)]).toEqual([[undefined], [undefined], [undefined]]);
    expect(results(6)).toEqual([0, 6]);
    expect(results(7)).toEqual([0, 0, 0]);
    expect(of('final')).toMatchObject([{ result: 2 }]);
  });
});

describe.each([1, 2, 4])('the agent, with %i harts,', (cpus) => {
  it('lets nobody begin before all set-ups are made, one after the other', async () => {
    const program: AgentProgram = {
      setup: [op.createPort()],
      processes: [
        { setup: [op.createPort(), op.store(0, 5)], threads: [[op.load(0)], [op.load(0)]] },
        { setup: [op.createPort()], threads: [[op.load(0), op.send({ port: 0, tag: 1 })]] },
        { setup: [op.createPort(), op.createPort()], threads: [[op.getpid()]] },
      ],
      final: [op.receive({ port: ref.setup(0), wait: false }), op.portStat(1)],
    };
    const { run, operations, of, results } = await runAgent(program, { cpus });
    expect(run.status).toBe(0);
    const ids = operations.filter(({ op, list }) => op.kind === 'createPort' && list !== 'thread').map(({ result }) => result);
    expect(ids).toEqual([0, 1, 2, 3, 4]);
    const last = Math.max(...operations.filter(({ list }) => list === 'setup').map(({ end }) => end!));
    const first = Math.min(...operations.filter(({ list }) => list === 'thread').map(({ begin }) => begin));
    expect(first).toBeGreaterThan(last);
    // Memory is a process's own, and its threads share it.
    expect([results(0), results(1), results(2)]).toEqual([[5], [5], [0, 0]]);
    expect(of('final')).toMatchObject([{ result: 0, message: { tag: 1, sender: 1 } }, { result: -E.NOENT }]);
  });

  it('finds a message damaged that is not as its tag says', async () => {
    const raw = (type: number, size: number): Operation[] => [
      op.poke(ref.buffer(), 0, 7),
      op.poke(ref.buffer(), 4, 123),
      op.call(VrosCall.SYS_IPC_SEND, 0, type, ref.buffer(), size),
    ];
    const program: AgentProgram = {
      processes: [
        {
          setup: [op.createPort()],
          threads: [
            [
              ...raw(1, 5),
              ...raw(1, 8),
              ...raw(0x10000, 4),
              ...raw(1, 4),
              ...Array<Operation>(4).fill(op.receive({ port: 0 })),
            ],
          ],
        },
      ],
    };
    const { operations } = await runAgent(program, { cpus });
    const received = operations.flatMap(({ message }) => (message === undefined ? [] : [message]));
    expect(received.map(({ intact }) => intact)).toEqual([false, false, false, true]);
    expect(received.map(({ size }) => size)).toEqual([5, 8, 4, 4]);
  });

  it('waits at the line while the machine holds it', async () => {
    const machine = await Machine.boot({ cpus });
    try {
      const { line } = (machine as unknown as { kernel: Kernel }).kernel;
      line.hold(true);
      const threads = [[op.add(0, 1)], [op.add(0, 1)], [op.exit()]];
      const run = machine.run('agent', encodeAgent({ processes: [{ threads }, { threads }] }));
      await expect.poll(() => line.heldCount(), { timeout: 10_000, interval: 5 }).toBe(6);
      line.release();
      expect((await run).status).toBe(0);
      expect(line.heldCount()).toBe(0);
    } finally {
      await machine.halt();
    }
  });
});

describe('threads of the agent', () => {
  it('wake each other, and count who waits', async () => {
    const waiter = [op.futexWait(0, 0), op.load(1)];
    const often = (operation: Operation): Operation[] =>
      Array.from({ length: 40 }, () => [quiet(op.sleep(5 * MS)), operation]).flat();
    const program: AgentProgram = {
      processes: [
        {
          setup: [op.createPort()],
          threads: [waiter, waiter, [op.store(1, 4), ...often(op.futexWake(0, 5))], [op.receive({ port: 0 })]],
        },
        { threads: [[...often(op.portStat(0)), op.send({ port: 0, tag: 3 })]] },
      ],
    };
    const { results } = await runAgent(program, { cpus: 2 });
    expect([results(0), results(1)]).toEqual([
      [0, 4],
      [0, 4],
    ]);
    expect(results(2).reduce((sum, woken) => sum! + woken!)).toBe(2);
    const counts = results(4)
      .slice(0, -1)
      .map((result) => portCounts(result!));
    expect(counts.at(-1)).toEqual({ queued: 0, receivers: 1, senders: 0 });
  });

  it('leave no marks of what is quiet', async () => {
    const program = { processes: [{ threads: [[quiet(op.store(0, 3)), op.load(0), quiet(op.yield())]] }] };
    const { operations } = await runAgent(program, { cpus: 1 });
    expect(operations).toMatchObject([{ index: 1, result: 3 }]);
  });

  it('are as many as a machine has room for', async () => {
    const threads = Array.from({ length: 60 }, () => [op.add(0, 1)]);
    const { run, operations } = await runAgent({ processes: [{ threads }, { threads }, { threads }] }, { cpus: 4 });
    expect(run.status).toBe(0);
    for (let process = 0; process < 3; process++) {
      const before = operations.filter((record) => record.process === process).map(({ result }) => result!);
      expect(before.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    }
  });

  it('perform long lists', async () => {
    const list = Array.from({ length: 4000 }, () => op.increment(0));
    const { results } = await runAgent({ processes: [{ threads: [list] }] }, { cpus: 1 });
    expect(results(0)).toEqual(list.map((_, i) => i));
  });
});

describe('what the agent refuses', () => {
  it.each([
    ['nothing at all', [], 'usage: '],
    ['a process without threads', ['P='], 'usage: '],
    ['two, the first without threads', ['P=', 'P=', 'T='], 'a process without a thread before'],
    ['a thread without a process', ['T='], 'a thread before the first process'],
    ['something else', ['P=', 'T=', 'X='], 'no list'],
    ['an unknown operation', ['P=', 'T=calls:1'], 'no such operation'],
    ['too few operands', ['P=', 'T=call:1 send:1,2'], 'too few operands'],
    ['too many', ['P=', 'T=call:1,2,3,4,5,6,7,8'], 'too many operands'],
    ['what is no number', ['P=', 'T=call:1,x'], 'not a number'],
    ['a word too far', ['P=', 'T=load:$64'], 'beyond the end'],
    ['a process that is not there', ['P=', 'T=call:129,%1,9'], 'no such process'],
    ['a result that comes later', ['P=', 'T=call:172,@0'], 'not an operation before'],
    ['a set-up that is shorter', ['P=call:172', 'T=call:172,^1'], 'not an operation of the set-up'],
    ['a time that is to come', ['P=', 'T=call:172 sleep:@0'], 'a reference where only a number can be'],
    ['a body too large', ['P=', 'T=send:0,0,0,513'], 'no such size'],
  ])('%s', async (_, args, why) => {
    const machine = await shared();
    const { status, stderr } = await machine.run('agent', args);
    expect(stderr).toMatch(new RegExp(`^agent: ${why}`));
    expect(status).toBe(2);
  });
});

let one: Promise<Machine> | undefined;

/** A machine for what starts nothing. */
function shared(): Promise<Machine> {
  one ??= Machine.boot({ cpus: 1 });
  return one;
}
