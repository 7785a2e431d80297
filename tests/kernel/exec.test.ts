/*
 * execve: does a process go on as another program whole, alone, or not at all?
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { Context } from '../../src/core/context.ts';
import { E } from '../../src/kernel/errno.ts';
import { Process } from '../../src/kernel/process.ts';
import { BLOCKED, ENDED, REPLACED } from '../../src/kernel/result.ts';
import { Signal } from '../../src/kernel/signal-numbers.ts';
import { Thread, ThreadFlag, ThreadState } from '../../src/kernel/thread.ts';
import { NAME_BYTES } from '../../src/kernel/process.ts';
import { HostFiles } from '../../src/machine/host-files.ts';
import { buildElf, PLAIN } from './elf-builder.ts';
import { BAD_POINTER, DATA, KernelBench, type Started } from './kernel-bench.ts';

const Nr = { sigaction: 134, clone: 220, execve: 221, wait4: 260, exit: 93 } as const;
const PATH = DATA + 256;
const ARGV = DATA + 512;

let bench: KernelBench;
let me: Started;

beforeEach(() => {
  bench = new KernelBench();
  const { host } = bench;
  new HostFiles(host).putFile('/bin/plain', buildElf(PLAIN), 0o755);
  me = bench.start(0);
  text(PATH, '/bin/plain');
  // No arguments, no environment: a NULL each.
  host.copy.clear(me.space, ARGV, 16);
});

function text(address: number, content: string): void {
  for (let i = 0; i <= content.length; i++) bench.host.copy.writeU8(me.space, address + i, content.charCodeAt(i) || 0);
}

const execve = (thread = me.thread, hart = 0, path = PATH, argv = ARGV): number =>
  bench.call(hart, thread, Nr.execve, path, argv, 0);
const isKilled = (thread: number): boolean => (Thread.flags.load(bench.ram, thread) & ThreadFlag.Killed) !== 0;

describe('execve', () => {
  it('puts the program in place of the old one: memory, registers, name', () => {
    const spaces = bench.host.spaces.inUse();
    expect(execve()).toBe(REPLACED);
    expect(Context.pc.get(bench.ram, me.thread)).toBe(PLAIN.entry);
    expect(Process.space.get(bench.ram, me.process)).not.toBe(me.space);
    expect(bench.host.spaces.inUse()).toBe(spaces);
    expect(bench.ram.text(Process.name.addr(me.process), NAME_BYTES)).toBe('plain');
    expect(Thread.tid.get(bench.ram, me.thread)).toBe(me.pid);
  });

  it.each([
    ['a program that is not there', '/bin/other', ARGV, -E.NOENT],
    ['a bad path', '', ARGV, -E.NOENT],
    ['bad arguments', '/bin/plain', BAD_POINTER, -E.FAULT],
  ])('leaves the process as it was when it is given %s', (_, path, argv, error) => {
    text(PATH, path);
    const before = bench.inUse();
    expect(execve(me.thread, 0, PATH, argv)).toBe(error);
    expect(execve(me.thread, 0, BAD_POINTER)).toBe(-E.FAULT);
    expect(bench.inUse()).toEqual(before);
    expect(Process.space.get(bench.ram, me.process)).toBe(me.space);
    expect(bench.stateOf(me.thread)).toBe(ThreadState.Running);
  });

  it('forgets handlers, and keeps what is ignored', () => {
    for (const [signal, handler] of [
      [Signal.USR1, 0x5000],
      [Signal.USR2, 1],
    ] as const) {
      bench.host.copy.writeU64(me.space, DATA, handler);
      bench.call(0, me.thread, Nr.sigaction, signal, DATA, 0, 8);
    }
    execve();
    const actions = Process.actions.addr(me.process);
    expect(bench.ram.getU64(actions + (Signal.USR1 - 1) * 24)).toBe(0);
    expect(bench.ram.getU64(actions + (Signal.USR2 - 1) * 24)).toBe(1);
    bench.host.signals.kill(me.pid, Signal.USR2);
    expect(isKilled(me.thread)).toBe(false);
  });

  it('lets the parent of a vfork go on', () => {
    expect(bench.call(0, me.thread, Nr.clone, 0x4100 | Signal.CHLD, 0)).toBe(BLOCKED);
    const pid = me.pid + 1;
    const child = Process.threads.get(bench.ram, bench.processOf(pid));
    bench.take(child, 1);
    expect(execve(child, 1)).toBe(REPLACED);
    expect(bench.stateOf(me.thread)).toBe(ThreadState.Ready);
    expect(bench.resultOf(me.thread)).toBe(pid);
  });
});

describe('execve of a process with several threads', () => {
  it('ends the others first, waits for the last of them, and then happens', () => {
    const others = [bench.addThread(me, 1), bench.addThread(me, 1)];
    expect(bench.harts[1]!.futexes.wait(others[1]!, me.space, DATA, bench.peek(me.space, DATA), 1, Infinity)).toBe(BLOCKED);
    expect(execve()).toBe(BLOCKED);
    expect(others.map(isKilled)).toEqual([true, true]);
    expect(bench.host.doorbells.pending(1)).toBe(true);
    expect(bench.stateOf(others[1]!)).toBe(ThreadState.Ready);
    bench.harts[1]!.exits.endThread(others[0]!, 0);
    expect(bench.stateOf(me.thread)).toBe(ThreadState.Blocked);
    bench.take(others[1]!, 1);
    bench.harts[1]!.exits.endThread(others[1]!, 0);
    expect(bench.stateOf(me.thread)).toBe(ThreadState.Ready);
    expect(bench.isRewound(me.thread)).toBe(true);
    bench.take(me.thread, 0);
    expect(execve()).toBe(REPLACED);
    expect(Process.threadCount.get(bench.ram, me.process)).toBe(1);
  });

  it('lets no new thread begin meanwhile', () => {
    const other = bench.addThread(me, 1);
    execve();
    const request = { flags: 0, stack: 0, tls: 0, parentTid: 0, childSetTid: 0, childClearTid: 0, exitSignal: 17 };
    expect(bench.harts[1]!.spawner.cloneThread(other, request)).toBe(-E.AGAIN);
  });

  it('by two threads at once happens once', () => {
    const rival = bench.addThread(me, 1);
    expect(execve()).toBe(BLOCKED);
    expect(execve(rival, 1)).toBe(-E.INTR);
    expect(isKilled(rival)).toBe(true);
    expect(isKilled(me.thread)).toBe(false);
    bench.harts[1]!.exits.endThread(rival, 0);
    bench.take(me.thread, 0);
    expect(execve()).toBe(REPLACED);
  });

  it('by a thread that is not the first gives it the number of the process', () => {
    const second = bench.addThread(me, 1);
    expect(execve(second, 1)).toBe(BLOCKED);
    bench.harts[0]!.exits.endThread(me.thread, 0);
    bench.take(second, 1);
    expect(execve(second, 1)).toBe(REPLACED);
    expect(Thread.tid.get(bench.ram, second)).toBe(me.pid);
    expect(bench.threadOf(me.pid)).toBe(second);
    expect(bench.call(1, second, Nr.exit, 0)).toBe(ENDED);
    expect(bench.processOf(me.pid)).toBe(0);
  });

  it('is overtaken by the death of the process', () => {
    const frames = bench.host.frames.freeCount();
    const other = bench.addThread(me, 1);
    expect(execve()).toBe(BLOCKED);
    bench.host.signals.kill(me.pid, Signal.KILL);
    expect(bench.stateOf(me.thread)).toBe(ThreadState.Ready);
    expect(isKilled(me.thread)).toBe(true);
    bench.take(me.thread, 0);
    expect(execve()).toBe(-E.INTR);
    bench.harts[0]!.exits.endThread(me.thread, 0);
    bench.harts[1]!.exits.endThread(other, 0);
    expect(bench.processOf(me.pid)).toBe(0);
    expect(bench.host.frames.freeCount()).toBeGreaterThan(frames);
  });
});
