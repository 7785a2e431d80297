/*
 * From a program to the agent's arguments, and from marks to a history, without a machine between them.
 */

import { describe, expect, it } from 'vitest';

import { type AgentProgram, encodeAgent, op, type Operation, quiet, ref, threadsOf } from '../../src/explore/agent.ts';
import { decodeMarks, portCounts } from '../../src/explore/agent-marks.ts';
import type { DecodedEvent } from '../../src/trace/drain.ts';

/** The list of a program of one thread. */
const list = (...operations: Operation[]): string =>
  encodeAgent({ processes: [{ threads: [operations] }] })
    .at(-1)!
    .slice(2);

describe('a program', () => {
  it('becomes one argument a list, the leader first', () => {
    const program: AgentProgram = {
      setup: [op.createPort()],
      final: [op.portStat(ref.setup(0))],
      processes: [{ threads: [[op.yield()], []] }, { setup: [op.getpid()], threads: [[op.load(1)]] }],
    };
    expect(encodeAgent(program)).toEqual(['S=call:4104', 'F=stat:^0', 'P=', 'T=call:124', 'T=', 'P=call:172', 'T=load:$1']);
    expect(threadsOf(program)).toBe(3);
  });

  it('has its references and negative numbers written out', () => {
    expect(list(op.poke(ref.buffer(4), 0, -1), op.call(93, ref.own(0), ref.pid(2)))).toBe('poke:&4,0,-1 call:93,@0,%2');
    expect(list(quiet(op.compareExchange(2, 0, 1)))).toBe('-cas:$2,0,1');
  });

  it('says how a receiver waits', () => {
    const waits = [true, false, 5000].map((wait) => list(op.receive({ port: 3, wait })));
    expect(waits).toEqual(['recv:3,0', 'recv:3,1', 'recv:3,2,5000']);
  });

  it.each([
    ['a tag that does not fit into the message', op.send({ port: 0, tag: 256, size: 1 })],
    ['a tag for an empty message', op.send({ port: 0, tag: 1, size: 0 })],
    ['a type that a mark cannot tell', op.send({ port: 0, tag: 0, type: 0x10000 })],
    ['a body larger than the agent makes', op.send({ port: 0, tag: 0, size: 513 })],
    ['a number that is not whole', op.sleep(0.5)],
    ['a number that is not exact', op.call(1, 2 ** 60)],
    ['too many arguments', op.call(1, 1, 2, 3, 4, 5, 6, 7)],
  ])('is refused with %s', (_, operation) => {
    expect(() => list(operation)).toThrow(RangeError);
  });
});

const program: AgentProgram = {
  setup: [op.getpid()],
  processes: [
    { setup: [op.createPort()], threads: [[op.receive({ port: 0 }), op.mmap(1)], [op.yield()]] },
    { threads: [[op.send({ port: 0, tag: 9 })]] },
  ],
  final: [op.yield()],
};

const event = (name: string, [a, b, c, d]: readonly number[], thread = 1): DecodedEvent => ({
  level: 30,
  ns: 1,
  hart: 0,
  thread,
  event: name,
  args: { a: a!, b: b!, c: c!, d: d! },
});
const mark = (kind: number, number: number, b = 0, c = 0, d = 0, thread = 1): DecodedEvent =>
  event('mark', [kind * 0x10000 + number, b, c, d], thread);

describe('marks', () => {
  it('of a forked child stand in the list of its parent, with its own thread', () => {
    const forking: AgentProgram = { processes: [{ threads: [[...op.fork(op.load(0)), op.load(1)]] }] };
    expect(encodeAgent(forking).at(-1)).toBe('T=fork:1 load:$0 load:$1');
    const { operations } = decodeMarks(forking, [
      mark(0x4842, 0, 0, 0, 0, 7),
      mark(0x4842, 0, 1, 0, 0, 8),
      mark(0x4843, 0, 0, 8, 0, 7),
      mark(0x4842, 0, 2, 0, 0, 7),
      mark(0x4843, 0, 1, 5, 0, 8),
    ]);
    expect(operations.map(({ index, tid, result }) => ({ index, tid, result }))).toEqual([
      { index: 0, tid: 7, result: 8 },
      { index: 1, tid: 8, result: 5 },
      { index: 2, tid: 7, result: undefined },
    ]);
  });

  it('tell who did what, from where to where, and what came of it', () => {
    const { operations, processes } = decodeMarks(program, [
      mark(0x4842, 0xfffe),
      mark(0x4843, 0xfffe, 0, 1),
      mark(0x4845, 0, 0, 20),
      mark(0x4845, 1, 0, 21),
      mark(0x4842, 0x8000),
      mark(0x4843, 0x8000, 0, 3),
      event('mark', [1, 2, 3, 4]),
      mark(0x4842, 0, 0, 0, 0, 20),
      mark(0x4842, 2, 0, 0, 0, 21),
      event('portSend', [0x48420000, 0, 0, 0]),
      mark(0x4844, 0, 4 * 0x10000, 9, 0x10005, 20),
      mark(0x4842, 0, 1),
      mark(0x4843, 0, 1, 0xffff_f000, 0x3f),
      mark(0x4846, 0, 9, 20),
      mark(0x4842, 0xffff),
      mark(0x4843, 0xffff, 0, 0xffff_fff5, 0xffff_ffff),
    ]);
    const thread = { list: 'thread', message: undefined };
    expect(operations).toMatchObject([
      { list: 'leader', thread: 0, process: -1, begin: 0, end: 1, result: 1 },
      { list: 'setup', thread: 0, process: 0, begin: 4, end: 5, result: 3 },
      {
        list: 'thread',
        thread: 0,
        process: 0,
        index: 0,
        tid: 20,
        begin: 7,
        end: 10,
        result: 0,
        message: { tag: 9, type: 5, size: 4, sender: 1, intact: true },
      },
      { ...thread, thread: 2, process: 1, tid: 21, begin: 8, end: undefined, result: undefined },
      { ...thread, thread: 0, index: 1, begin: 11, end: 12, result: 0x3f_ffff_f000 },
      { list: 'final', thread: 0, process: -1, result: -11 },
    ]);
    expect(operations.map(({ op }) => op.kind)).toEqual(['getpid', 'createPort', 'receive', 'send', 'mmap', 'yield']);
    expect(processes).toEqual([
      { pid: 20, status: 9 },
      { pid: 21, status: undefined },
    ]);
  });

  it('tell of a message that is damaged, and of senders who are no process of the program', () => {
    const received = (b: number, d: number): unknown =>
      decodeMarks(program, [mark(0x4842, 0), mark(0x4844, 0, b * 0x10000, 0xffff_ffff, d)]).operations[0]!.message;
    expect(received(0x8000 + 256, 0xfffe_0000)).toMatchObject({ intact: false, size: 256, sender: 'leader', tag: 0xffff_ffff });
    expect(received(0, 0xffff_0000)).toMatchObject({ intact: true, size: 0, sender: 'stranger' });
  });

  it.each([
    ['an end without a beginning', [mark(0x4843, 0)]],
    ['the end of another operation', [mark(0x4842, 0), mark(0x4843, 0, 1)]],
    ['two beginnings', [mark(0x4842, 0), mark(0x4842, 0, 1)]],
    ['a thread that the program has not', [mark(0x4842, 3)]],
    ['an operation that the list has not', [mark(0x4842, 1, 1)]],
    ['a process that was not started', [mark(0x4846, 0, 0, 5)]],
  ])('that cannot be are an error: %s', (_, events) => {
    expect(() => decodeMarks(program, events)).toThrow(/does not follow from the program/);
  });

  it('of portStat come apart', () => {
    expect(portCounts(0x0203_0004)).toEqual({ queued: 4, receivers: 3, senders: 2 });
    expect(portCounts(0xff00_0000)).toEqual({ queued: 0, receivers: 0, senders: 255 });
  });
});
