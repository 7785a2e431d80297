/*
 * Pipes on their way through errors, deaths, and from hand to hand: what the trials (guest/trials/pipes.c) cannot arrange.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { E } from '../../src/kernel/errno.ts';
import { Process } from '../../src/kernel/process.ts';
import { BLOCKED } from '../../src/kernel/result.ts';
import { Thread, ThreadFlag, ThreadState } from '../../src/kernel/thread.ts';
import { Linux } from '../../src/syscalls/numbers.ts';
import { BAD_POINTER, DATA, KernelBench, type Started } from '../kernel/kernel-bench.ts';

const FDS = DATA;
const BUFFER = DATA + 4096;
const WORD = 4;
/** The read end in every process but the writer. */
const READ_END = 0;

let bench: KernelBench;
let writer: Started;
let readEnd: number;
let writeEnd: number;

const makePipe = (): number => bench.call(0, writer.thread, Linux.pipe2, FDS, 0);
const write = (value: number, bytes = WORD): number => {
  bench.poke(writer.space, BUFFER, value);
  return bench.call(0, writer.thread, Linux.write, writeEnd, BUFFER, bytes);
};
const read = (thread: number, to = BUFFER, bytes = WORD): number => bench.call(1, thread, Linux.read, READ_END, to, bytes);
const runsAgain = (thread: number): boolean => (Thread.flags.load(bench.ram, thread) & ThreadFlag.Rerun) !== 0;
const count = (plural: string): number => bench.host.inspection.counts.get(plural)!();
const counts = (): readonly number[] => ['open files', 'pipes', 'frames', 'descriptor tables'].map(count);

/** A process with the read end of the writer's pipe as its standard input. */
function reader(): Started {
  const started = bench.start(1);
  const { ram, descriptors } = bench.host;
  const file = descriptors.take(Process.files.peek(ram, writer.process), readEnd);
  descriptors.replace(Process.files.peek(ram, started.process), READ_END, file, false);
  return started;
}

beforeEach(() => {
  bench = new KernelBench();
  writer = bench.start(0);
  makePipe();
  readEnd = bench.peek(writer.space, FDS);
  writeEnd = bench.peek(writer.space, FDS + 4);
});

describe('a pipe that cannot be made', () => {
  it('leaves nothing behind when its numbers cannot be told', () => {
    const before = counts();
    expect(bench.call(0, writer.thread, Linux.pipe2, BAD_POINTER, 0)).toBe(-E.FAULT);
    expect(counts()).toEqual(before);
  });

  it('leaves nothing behind when there are no more of something', () => {
    while (makePipe() === 0);
    const before = counts();
    expect([-E.MFILE, -E.NFILE]).toContain(makePipe());
    expect(counts()).toEqual(before);
  });
});

describe('a short write', () => {
  it('goes straight to the reader that waits', () => {
    const { thread, space } = reader();
    expect(read(thread)).toBe(BLOCKED);
    expect(write(0x1234)).toBe(WORD);
    expect(bench.stateOf(thread)).toBe(ThreadState.Ready);
    expect(runsAgain(thread)).toBe(false);
    expect(bench.resultOf(thread)).toBe(WORD);
    expect(bench.peek(space, BUFFER)).toBe(0x1234);
  });

  it('wakes the next reader when the first has not wanted all of it', () => {
    const first = reader();
    const second = reader();
    expect(read(first.thread, BUFFER, 2)).toBe(BLOCKED);
    expect(read(second.thread)).toBe(BLOCKED);
    expect(write(0x1234_5678)).toBe(WORD);
    expect(bench.resultOf(first.thread)).toBe(2);
    expect(runsAgain(second.thread)).toBe(true);
    expect(read(second.thread)).toBe(2);
  });

  it('stays in the pipe when the reader’s buffer is bad, which finds that out itself', () => {
    const { thread } = reader();
    expect(read(thread, BAD_POINTER)).toBe(BLOCKED);
    expect(write(7)).toBe(WORD);
    expect(runsAgain(thread)).toBe(true);
    expect(read(thread, BAD_POINTER)).toBe(-E.FAULT);
    expect(read(thread)).toBe(WORD);
  });

  it('is not put into the buffer of a process that may close the file meanwhile', () => {
    const shared = reader();
    const thread = bench.addThread(shared, 1);
    expect(read(thread)).toBe(BLOCKED);
    expect(write(7)).toBe(WORD);
    expect(runsAgain(thread)).toBe(true);
    expect(read(thread)).toBe(WORD);
  });
});

describe('a reader that was woken and dies before it looks', () => {
  it('leaves its wake-up to the next one', () => {
    const first = reader();
    bench.addThread(first, 1);
    const second = reader();
    bench.addThread(second, 1);
    expect(read(first.thread)).toBe(BLOCKED);
    expect(read(second.thread)).toBe(BLOCKED);
    expect(write(7)).toBe(WORD);
    expect([runsAgain(first.thread), bench.stateOf(second.thread)]).toEqual([true, ThreadState.Blocked]);
    bench.take(first.thread, 1);
    bench.harts[1]!.exits.endThread(first.thread, 0);
    expect(runsAgain(second.thread)).toBe(true);
  });
});

describe('memory that has run out', () => {
  it('is refused to a write, and what was written before counts', () => {
    const { frames } = bench.host;
    const taken: number[] = [];
    for (let frame = frames.allocRaw(); frame !== 0; frame = frames.allocRaw()) taken.push(frame);
    expect(write(1, 4096)).toBe(-E.NOMEM);
    for (const frame of taken) frames.release(frame);
    expect(write(1, 4096)).toBe(4096);
  });
});
