/*
 * The terminal and job control: who may read and change it, who is stopped, whose it is, and how long raw reads wait.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { ConsoleFlag } from '../../src/devices/console-layout.ts';
import { LocalMode } from '../../src/devices/termios.ts';
import { E } from '../../src/kernel/errno.ts';
import { BLOCKED, ERESTARTSYS } from '../../src/kernel/result.ts';
import { Signal, signalBit } from '../../src/kernel/signal-numbers.ts';
import { Clone } from '../../src/kernel/spawn.ts';
import { Process } from '../../src/kernel/process.ts';
import { Thread } from '../../src/kernel/thread.ts';
import { Linux as Nr } from '../../src/syscalls/numbers.ts';
import { DATA, KernelBench, type Started } from './kernel-bench.ts';

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCSCTTY = 0x540e;
const TIOCGPGRP = 0x540f;
const TIOCSPGRP = 0x5410;
const TIOCGSID = 0x5429;
const TIOCNOTTY = 0x5422;
const TERMINAL = ConsoleFlag.InputTerminal | ConsoleFlag.OutputTerminal | ConsoleFlag.ErrorTerminal;
const SIG_IGN = 1;
const MINIMUM = 17 + 6;
const TIME = 17 + 5;

let bench: KernelBench;
let shell: Started;

beforeEach(() => {
  bench = new KernelBench();
  bench.host.console.resetLocked(TERMINAL);
  shell = bench.start(0);
});

/** A child of the shell in hart 1's hands, in a group of its own if `group`. */
function job(group: boolean): Started {
  const request = { flags: Clone.Vm, stack: 0, tls: 0, parentTid: 0, childSetTid: 0, childClearTid: 0, exitSignal: 17 };
  const pid = bench.harts[0]!.spawner.cloneProcess(shell.thread, request);
  const process = bench.processOf(pid);
  const thread = Process.threads.get(bench.ram, process);
  bench.take(thread, 1);
  const started = { process, thread, pid, space: shell.space };
  if (group) expect(bench.call(0, shell.thread, Nr.setpgid, pid, pid)).toBe(0);
  return started;
}

const read = (of: Started, hart: number, length = 100): number => bench.call(hart, of.thread, Nr.read, 0, DATA, length);
const ioctl = (of: Started, hart: number, request: number, argument = DATA): number =>
  bench.call(hart, of.thread, Nr.ioctl, 0, request, argument);
const type = (text: string): void => {
  const { locks, console, waits } = bench.host;
  locks.acquire(console.lock);
  console.inputLocked(new TextEncoder().encode(text), 0, text.length);
  waits.wakeAllLocked(console.readers);
  locks.release(console.lock);
};
const foreground = (group: number): number => {
  bench.poke(shell.space, DATA, group);
  return ioctl(shell, 0, TIOCSPGRP);
};
const isPending = (of: Started, signal: number): boolean =>
  ((Process.pendingLow.load(bench.ram, of.process) | Thread.pendingLow.load(bench.ram, of.thread)) & signalBit(signal)) !== 0;

describe('the controlling terminal', () => {
  it('is that of the program that the host starts, with its group in the foreground', () => {
    expect([ioctl(shell, 0, TIOCGPGRP), bench.peek(shell.space, DATA)]).toEqual([0, shell.pid]);
    expect([ioctl(shell, 0, TIOCGSID), bench.peek(shell.space, DATA)]).toEqual([0, shell.pid]);
  });

  it('goes to any group of the session, and to no other', () => {
    const one = job(true);
    expect([foreground(9999), foreground(-1)]).toEqual([-E.SRCH, -E.INVAL]);
    expect(foreground(one.pid)).toBe(0);
    expect([ioctl(one, 1, TIOCGPGRP), bench.peek(shell.space, DATA)]).toEqual([0, one.pid]);
    // The shell is in the background itself now, and nobody could continue it.
    expect(foreground(shell.pid)).toBe(-E.IO);
    const stranger = bench.start(1);
    expect(bench.host.console.sessionNow()).toBe(stranger.pid);
    expect(ioctl(shell, 0, TIOCGPGRP)).toBe(-E.NOTTY);
  });

  it('is given up by its leader: the foreground group is hung up, and who leads a session can take it', () => {
    const one = job(true);
    foreground(one.pid);
    expect(ioctl(one, 1, TIOCNOTTY)).toBe(0);
    expect(isPending(one, Signal.HUP)).toBe(false);
    foreground(one.pid);
    bench.call(0, shell.thread, Nr.exit_group, 0);
    expect(bench.host.console.sessionNow()).toBe(0);
    expect((Thread.flags.load(bench.ram, one.thread) & 1) !== 0).toBe(true);
  });

  it('cannot be taken by who leads no session', () => {
    const one = job(true);
    bench.host.console.setSessionLocked(0);
    expect(ioctl(one, 1, TIOCSCTTY, 0)).toBe(-E.PERM);
    expect(ioctl(shell, 0, TIOCSCTTY, 0)).toBe(0);
    expect(bench.host.console.sessionNow()).toBe(shell.pid);
  });
});

describe('a read from the background', () => {
  it('stops the group with SIGTTIN', () => {
    const one = job(true);
    expect(read(one, 1)).toBe(ERESTARTSYS);
    expect(isPending(one, Signal.TTIN)).toBe(true);
  });

  it('goes on when the group has come to the foreground', () => {
    const one = job(true);
    foreground(one.pid);
    expect(read(one, 1)).toBe(BLOCKED);
    type('x\n');
    bench.take(one.thread, 1);
    expect(read(one, 1)).toBe(2);
  });

  it('fails when SIGTTIN is ignored or the group is orphaned', () => {
    const one = job(true);
    bench.host.copy.writeU64(shell.space, DATA, SIG_IGN);
    bench.call(1, one.thread, Nr.rt_sigaction, Signal.TTIN, DATA, 0, 8);
    expect(read(one, 1)).toBe(-E.IO);
    const two = job(true);
    bench.call(0, shell.thread, Nr.rt_sigprocmask, 0, 0, 0, 8);
    Process.parent.set(bench.ram, two.process, 0);
    expect(read(two, 1)).toBe(-E.IO);
  });
});

describe('a change from the background', () => {
  it('stops the group with SIGTTOU, or is done when that is ignored', () => {
    const one = job(true);
    expect(ioctl(one, 1, TCGETS)).toBe(0);
    expect(ioctl(one, 1, TCSETS)).toBe(ERESTARTSYS);
    expect(isPending(one, Signal.TTOU)).toBe(true);
    const two = job(true);
    bench.host.copy.writeU64(shell.space, DATA + 256, SIG_IGN);
    bench.call(1, two.thread, Nr.rt_sigaction, Signal.TTOU, DATA + 256, 0, 8);
    expect(ioctl(two, 1, TCGETS)).toBe(0);
    expect(ioctl(two, 1, TCSETS)).toBe(0);
  });

  it('writing is allowed unless TOSTOP is set', () => {
    const one = job(true);
    expect(bench.call(1, one.thread, Nr.write, 1, DATA, 3)).toBe(3);
    setLocal((flags) => flags | LocalMode.StopBackground);
    expect(bench.call(1, one.thread, Nr.write, 1, DATA, 3)).toBe(ERESTARTSYS);
    expect(isPending(one, Signal.TTOU)).toBe(true);
  });
});

/** Changes c_lflag, and MIN and TIME if they are given. */
function setLocal(change: (flags: number) => number, minimum?: number, time?: number): void {
  const { copy } = bench.host;
  expect(ioctl(shell, 0, TCGETS, DATA + 512)).toBe(0);
  bench.poke(shell.space, DATA + 512 + 12, change(bench.peek(shell.space, DATA + 512 + 12)));
  if (minimum !== undefined) copy.writeU8(shell.space, DATA + 512 + MINIMUM, minimum);
  if (time !== undefined) copy.writeU8(shell.space, DATA + 512 + TIME, time);
  expect(ioctl(shell, 0, TCSETS, DATA + 512)).toBe(0);
}

const raw = (minimum: number, time: number): void => {
  setLocal((flags) => flags & ~LocalMode.Canonical, minimum, time);
};

describe('a raw read', () => {
  it('waits for the minimum, or as much as it wants', () => {
    raw(3, 0);
    expect(read(shell, 0)).toBe(BLOCKED);
    type('ab');
    bench.take(shell.thread, 0);
    expect(read(shell, 0)).toBe(BLOCKED);
    type('c');
    bench.take(shell.thread, 0);
    expect(read(shell, 0)).toBe(3);
    type('de');
    expect(read(shell, 0, 2)).toBe(2);
  });

  it('returns at once when the minimum is 0 and there is no time', () => {
    raw(0, 0);
    expect(read(shell, 0)).toBe(0);
    type('x');
    expect(read(shell, 0)).toBe(1);
  });

  it('waits for a byte as long as it is told', () => {
    raw(0, 2);
    const { clock } = bench.harts[0]!;
    expect(read(shell, 0)).toBe(BLOCKED);
    const deadline = Thread.callDeadline.get(bench.ram, shell.thread);
    expect(deadline - clock.nowNs()).toBeGreaterThan(0);
    expect(deadline - clock.nowNs()).toBeLessThanOrEqual(2e8);
    type('');
    bench.take(shell.thread, 0);
    Thread.callDeadline.set(bench.ram, shell.thread, 1);
    expect(read(shell, 0)).toBe(0);
    expect(Thread.callDeadline.get(bench.ram, shell.thread)).toBe(0);
  });

  it('gives up the minimum when no further byte comes in time', () => {
    raw(5, 1);
    expect(read(shell, 0)).toBe(BLOCKED);
    expect(Thread.callDeadline.get(bench.ram, shell.thread)).toBe(0);
    type('a');
    bench.take(shell.thread, 0);
    expect(read(shell, 0)).toBe(BLOCKED);
    const first = Thread.callDeadline.get(bench.ram, shell.thread);
    expect(first).toBeGreaterThan(0);
    type('b');
    bench.take(shell.thread, 0);
    expect(read(shell, 0)).toBe(BLOCKED);
    expect(Thread.callDeadline.get(bench.ram, shell.thread)).toBeGreaterThanOrEqual(first);
    type('');
    bench.take(shell.thread, 0);
    Thread.callDeadline.set(bench.ram, shell.thread, 1);
    expect(read(shell, 0)).toBe(2);
  });
});
