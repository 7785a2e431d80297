/*
 * Processes and threads: are numbers never given twice, is nothing lost between birth, death and the parent's question?
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { E } from '../../src/kernel/errno.ts';
import { Process, ProcessFlag, ProcessState } from '../../src/kernel/process.ts';
import { BLOCKED, ENDED } from '../../src/kernel/result.ts';
import { Signal, statusOfExit } from '../../src/kernel/signal-numbers.ts';
import { Thread, ThreadState } from '../../src/kernel/thread.ts';
import { BAD_POINTER, DATA, KernelBench, type Started } from './kernel-bench.ts';

const Nr = { exit: 93, exitGroup: 94, getppid: 173, clone: 220, wait4: 260, sigaction: 134 } as const;
const VM = 0x100;
const VFORK = 0x4000;
const WNOHANG = 1;

let bench: KernelBench;
let parent: Started;
let empty: Readonly<Record<string, number>>;

beforeEach(() => {
  bench = new KernelBench();
  empty = bench.inUse();
  parent = bench.start(0);
});

/** A child that shares the parent's memory, in the hands of hart 1. */
function spawn(flags = VM): Started {
  const result = bench.call(0, parent.thread, Nr.clone, flags | Signal.CHLD, 0);
  const pid = result === BLOCKED ? lastPid() : result;
  expect(pid).toBeGreaterThan(0);
  const process = bench.processOf(pid);
  const thread = Process.threads.get(bench.ram, process);
  bench.take(thread, 1);
  return { process, thread, pid, space: parent.space };
}

const lastPid = (): number => {
  for (let pid = 200; pid > 0; pid--) if (bench.processOf(pid) !== 0) return pid;
  return 0;
};
const exit = (child: Started, code: number): void => {
  expect(bench.call(1, child.thread, Nr.exitGroup, code)).toBe(ENDED);
};
const wait = (pid: number, options = 0, status = DATA): number =>
  bench.call(0, parent.thread, Nr.wait4, pid, status, options, 0);

describe('a child that has ended', () => {
  it('waits as a zombie for its parent, which learns its status, once', () => {
    const child = spawn();
    expect(wait(-1, WNOHANG)).toBe(0);
    exit(child, 42);
    expect(Process.state.get(bench.ram, child.process)).toBe(ProcessState.Zombie);
    expect(wait(child.pid)).toBe(child.pid);
    expect(bench.peek(parent.space, DATA)).toBe(statusOfExit(42));
    expect(wait(child.pid)).toBe(-E.CHILD);
    expect(bench.processOf(child.pid)).toBe(0);
  });

  it('wakes a parent that waits already, which then looks again', () => {
    const child = spawn();
    expect(wait(-1)).toBe(BLOCKED);
    exit(child, 1);
    expect(bench.stateOf(parent.thread)).toBe(ThreadState.Ready);
    expect(bench.isRewound(parent.thread)).toBe(true);
    bench.take(parent.thread, 0);
    expect(wait(-1)).toBe(child.pid);
  });

  it('of several is given to who asks for it, the others wait', () => {
    const [a, b] = [spawn(), spawn()];
    exit(a, 1);
    exit(b, 2);
    expect(wait(b.pid)).toBe(b.pid);
    expect(wait(b.pid)).toBe(-E.CHILD);
    expect(wait(-1)).toBe(a.pid);
    expect(wait(-1)).toBe(-E.CHILD);
  });

  it('is gone even if its status cannot be written', () => {
    exit(spawn(), 1);
    expect(wait(-1, 0, BAD_POINTER)).toBe(-E.FAULT);
    expect(wait(-1)).toBe(-E.CHILD);
  });

  it('is no zombie when the parent ignores SIGCHLD, and the parent hears when the last has gone', () => {
    const [a, b] = [spawn(), spawn()];
    bench.host.copy.writeU64(parent.space, DATA, 1);
    expect(bench.call(0, parent.thread, Nr.sigaction, Signal.CHLD, DATA, 0, 8)).toBe(0);
    expect(wait(-1)).toBe(BLOCKED);
    exit(a, 1);
    expect(bench.processOf(a.pid)).toBe(0);
    bench.take(parent.thread, 0);
    expect(wait(-1)).toBe(BLOCKED);
    exit(b, 1);
    bench.take(parent.thread, 0);
    expect(wait(-1)).toBe(-E.CHILD);
  });

  it('is nobody else’s to wait for', () => {
    const child = spawn();
    const stranger = bench.start(1);
    expect(bench.call(1, stranger.thread, Nr.wait4, child.pid, 0, 0, 0)).toBe(-E.CHILD);
    expect(bench.call(1, stranger.thread, Nr.wait4, -1, 0, 0, 0)).toBe(-E.CHILD);
    expect(wait(parent.pid)).toBe(-E.CHILD);
    expect(wait(-1, 0x100)).toBe(-E.INVAL);
  });
});

describe('a parent that ends first', () => {
  it('takes its zombies with it and leaves its living children to the machine', () => {
    const dead = spawn();
    const alive = spawn();
    exit(dead, 1);
    expect(bench.call(0, parent.thread, Nr.exitGroup, 0)).toBe(ENDED);
    expect(bench.processOf(dead.pid)).toBe(0);
    expect(bench.call(1, alive.thread, Nr.getppid)).toBe(1);
    exit(alive, 1);
    expect(bench.inUse()).toEqual(empty);
  });
});

describe('vfork', () => {
  it('holds the parent until the child ends, and then gives it the pid', () => {
    const child = spawn(VM | VFORK);
    expect(bench.stateOf(parent.thread)).toBe(ThreadState.Blocked);
    exit(child, 3);
    expect(bench.stateOf(parent.thread)).toBe(ThreadState.Ready);
    expect(bench.resultOf(parent.thread)).toBe(child.pid);
    bench.take(parent.thread, 0);
    expect(wait(child.pid)).toBe(child.pid);
  });

  it('of a parent that is killed meanwhile leaves an orphan behind, which ends whole', () => {
    const child = spawn(VM | VFORK);
    bench.host.signals.kill(parent.pid, Signal.KILL);
    bench.take(parent.thread, 0);
    bench.harts[0]!.exits.endThread(parent.thread, 0);
    exit(child, 0);
    expect(bench.inUse()).toEqual(empty);
  });
});

describe('the last thread', () => {
  it('ends the process, with its own status unless there is one already', () => {
    const child = spawn();
    const second = bench.addThread(child, 1);
    expect(bench.call(1, child.thread, Nr.exit, 7)).toBe(ENDED);
    expect(Process.state.get(bench.ram, child.process)).toBe(ProcessState.Live);
    expect(bench.call(1, second, Nr.exit, 9)).toBe(ENDED);
    expect(wait(child.pid)).toBe(child.pid);
    expect(bench.peek(parent.space, DATA)).toBe(statusOfExit(9));
  });

  it('to leave an ending process is the one that gives everything back', () => {
    const child = spawn();
    const second = bench.addThread(child, 0);
    expect(bench.call(1, child.thread, Nr.exitGroup, 5)).toBe(ENDED);
    expect(bench.processOf(child.pid)).toBe(child.process);
    bench.harts[0]!.exits.endThread(second, 0);
    expect(wait(child.pid)).toBe(child.pid);
    expect(bench.peek(parent.space, DATA)).toBe(statusOfExit(5));
  });

  it('of a process that ends lets no new thread begin', () => {
    const child = spawn();
    bench.host.signals.kill(child.pid, Signal.TERM);
    const before = bench.inUse();
    const request = { flags: 0, stack: 0, tls: 0, parentTid: 0, childSetTid: 0, childClearTid: 0, exitSignal: 17 };
    expect(bench.harts[1]!.spawner.cloneThread(child.thread, request)).toBe(-E.AGAIN);
    expect(bench.inUse()).toEqual(before);
  });
});

describe('numbers', () => {
  it('are given to one at a time, and come round again', () => {
    // Three before the end of the numbers.
    const { ram, host } = bench;
    const tree = host.map.processTable;
    const lastId = ((): number => {
      for (let at = tree; at < tree + 256; at += 4) if (ram.u32[at >>> 2] === parent.pid && at > tree + 4) return at;
      throw new Error('where is it?');
    })();
    ram.u32[lastId >>> 2] = 4_194_301;
    const children = [spawn(), spawn(), spawn()];
    // 4194302, 4194303, and then the first free one: 1 is the machine's, 2 the parent's.
    expect(children.map(({ pid }) => pid)).toEqual([4_194_302, 4_194_303, 3]);
    expect(parent.pid).toBe(2);
  });

  it('stay taken as long as a zombie has them', () => {
    const child = spawn();
    exit(child, 0);
    const seen = new Set([parent.pid, child.pid]);
    for (let i = 0; i < 100; i++) {
      const { pid } = bench.startReady();
      expect(seen.has(pid)).toBe(false);
      seen.add(pid);
      if (i >= 40) break;
    }
  });

  it('of threads lead to their thread while it lives', () => {
    const thread = bench.addThread(parent);
    const tid = Thread.tid.get(bench.ram, thread);
    expect(bench.threadOf(tid)).toBe(thread);
    expect(bench.call(0, thread, Nr.exit, 0)).toBe(ENDED);
    expect(bench.threadOf(tid)).toBe(0);
    expect(bench.processOf(tid)).toBe(0);
  });
});

describe('a full table', () => {
  it('refuses further processes and threads, and takes them again when one has gone', () => {
    const { table } = bench.host;
    const children: Started[] = [];
    while (table.processes.inUse() < table.processes.count) children.push(spawn());
    expect(bench.call(0, parent.thread, Nr.clone, VM | Signal.CHLD, 0)).toBe(-E.AGAIN);
    exit(children[0]!, 0);
    expect(bench.call(0, parent.thread, Nr.clone, VM | Signal.CHLD, 0)).toBe(-E.AGAIN);
    expect(wait(-1)).toBe(children[0]!.pid);
    children[0] = spawn();
    while (table.threads.inUse() < table.threads.count) bench.addThread(parent);
    const request = { flags: 0, stack: 0, tls: 0, parentTid: 0, childSetTid: 0, childClearTid: 0, exitSignal: 17 };
    expect(bench.harts[0]!.spawner.cloneThread(parent.thread, request)).toBe(-E.AGAIN);
    exit(children[0], 0);
    expect(bench.call(0, parent.thread, Nr.clone, VM | Signal.CHLD, 0)).toBe(-E.AGAIN);
    expect(wait(-1)).toBe(children[0].pid);
  });
});

describe('fork', () => {
  const fork = (hart = 0): number => bench.call(hart, parent.thread, Nr.clone, Signal.CHLD, 0);

  it('gives the child a copy of the memory, its parent, and the signal for the end', () => {
    bench.poke(parent.space, DATA, 5);
    const pid = fork();
    const child = bench.processOf(pid);
    const { ram } = bench;
    const space = Process.space.get(ram, child);
    expect(space).not.toBe(parent.space);
    bench.poke(parent.space, DATA, 6);
    expect(bench.peek(space, DATA)).toBe(5);
    expect(Process.parentPid.load(ram, child)).toBe(parent.pid);
    expect(Process.exitSignal.peek(ram, child)).toBe(Signal.CHLD);
    expect(Process.flags.load(ram, child) & ProcessFlag.Forked).not.toBe(0);
  });

  it('calls the hooks before anybody knows the child, and has what they gave taken back when one of them refuses', () => {
    const { spawner, exits } = bench.harts[0]!;
    const calls: string[] = [];
    let refusal = 0;
    exits.onProcessExit((process) => calls.push(process === parent.process ? 'parent reaped' : 'reaped'));
    spawner.onFork((of, child, flags) => {
      expect(of).toBe(parent.process);
      expect(Process.pid.get(bench.ram, child)).toBe(0);
      calls.push(`first ${String(flags)}`);
      return 0;
    });
    spawner.onFork(() => {
      calls.push('second');
      return refusal;
    });
    const pid = fork();
    expect(pid).toBeGreaterThan(0);
    expect(calls.splice(0)).toEqual([`first ${String(Signal.CHLD)}`, 'second']);
    refusal = -E.NFILE;
    const before = bench.inUse();
    expect(fork()).toBe(-E.NFILE);
    expect(calls).toEqual([`first ${String(Signal.CHLD)}`, 'second', 'reaped']);
    expect(bench.inUse()).toEqual(before);
    expect(bench.host.locks.held).toBe(0);
  });

  it('is refused without a slot or memory for the child, and leaves nothing behind', () => {
    const { frames, spaces } = bench.host;
    const taken: number[] = [];
    while (spaces.inUse() < spaces.count) taken.push(spaces.create());
    const before = bench.inUse();
    expect(fork()).toBe(-E.NOMEM);
    expect(bench.inUse()).toEqual(before);
    for (const space of taken.splice(0)) spaces.release(space);
    for (let frame = frames.allocRaw(); frame !== 0; frame = frames.allocRaw()) taken.push(frame);
    const full = bench.inUse();
    expect(fork()).toBe(-E.NOMEM);
    expect(bench.inUse()).toEqual(full);
    for (const frame of taken) frames.release(frame);
    expect(fork()).toBeGreaterThan(0);
  });
});

describe('clone', () => {
  it.each([
    ['a thread without shared handlers', VM | 0x1_0000, -E.INVAL],
    ['shared handlers without shared memory', 0x800, -E.INVAL],
    ['a namespace', VM | 0x2000_0000, -E.INVAL],
  ])('refuses %s', (_, flags, error) => {
    const before = bench.inUse();
    expect(bench.call(0, parent.thread, Nr.clone, flags, 0)).toBe(error);
    expect(bench.inUse()).toEqual(before);
  });
});
