/*
 * Signals with their default actions: who dies of what, at once or later, and who does not?
 */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { E } from '../../src/kernel/errno.ts';
import { Process, ProcessFlag } from '../../src/kernel/process.ts';
import { ENDED } from '../../src/kernel/result.ts';
import { Signal, signalBit } from '../../src/kernel/signal-numbers.ts';
import { MaskHow } from '../../src/kernel/signal-masks.ts';
import { Thread, ThreadFlag, ThreadState } from '../../src/kernel/thread.ts';
import { BAD_POINTER, DATA, KernelBench, type Started } from './kernel-bench.ts';

const Nr = { kill: 129, tkill: 130, tgkill: 131, sigaction: 134, sigprocmask: 135, sigpending: 136 } as const;
const SIG_IGN = 1;

let bench: KernelBench;
let victim: Started;
let killer: Started;

beforeEach(() => {
  bench = new KernelBench();
  victim = bench.start(0);
  killer = bench.start(1);
});

const isKilled = (thread: number): boolean => (Thread.flags.load(bench.ram, thread) & ThreadFlag.Killed) !== 0;
const isExiting = (): boolean => (Process.flags.load(bench.ram, victim.process) & ProcessFlag.Exiting) !== 0;
const kill = (signal: number, pid = victim.pid): number => bench.call(1, killer.thread, Nr.kill, pid, signal);
const ignore = (signal: number): number => {
  bench.host.copy.writeU64(victim.space, DATA, SIG_IGN);
  bench.host.copy.writeU64(victim.space, DATA + 8, 0);
  bench.host.copy.writeU64(victim.space, DATA + 16, 0);
  return bench.call(0, victim.thread, Nr.sigaction, signal, DATA, 0, 8);
};
const mask = (how: number, ...signals: number[]): number => {
  let low = 0;
  let high = 0;
  for (const signal of signals) {
    if (signal <= 32) low |= signalBit(signal);
    else high |= signalBit(signal);
  }
  bench.host.copy.writeWords(victim.space, DATA, low, high);
  return bench.call(0, victim.thread, Nr.sigprocmask, how, DATA, 0, 8);
};

describe('a signal', () => {
  it('ends all threads of a process, with its number as the status', () => {
    const second = bench.addThread(victim, 1);
    expect(kill(Signal.TERM)).toBe(0);
    expect([victim.thread, second].map(isKilled)).toEqual([true, true]);
    expect(Process.status.get(bench.ram, victim.process)).toBe(Signal.TERM);
    expect(bench.host.doorbells.pending(0)).toBe(true);
  });

  it('cannot change the status that another has set', () => {
    kill(Signal.TERM);
    kill(Signal.KILL);
    expect(Process.status.get(bench.ram, victim.process)).toBe(Signal.TERM);
  });

  it('may have any number from 1 to 64', () => {
    expect([-1, 65, 1000].map((signal) => kill(signal))).toEqual([-E.INVAL, -E.INVAL, -E.INVAL]);
    expect(isExiting()).toBe(false);
    expect(kill(64)).toBe(0);
    expect(isExiting()).toBe(true);
  });

  it('0 only asks whether the process is there', () => {
    expect([kill(0), kill(0, 9999)]).toEqual([0, -E.SRCH]);
    expect(isExiting()).toBe(false);
  });

  it.each(['CHLD', 'CONT', 'URG', 'WINCH'] as const)('%s ends nobody', (name) => {
    expect(kill(Signal[name])).toBe(0);
    expect(isExiting()).toBe(false);
  });

  it.each(['STOP', 'TSTP', 'TTIN', 'TTOU'] as const)('%s is not there yet', (name) => {
    expect(kill(Signal[name])).toBe(-E.NOSYS);
    expect(isExiting()).toBe(false);
  });

  it('to a thread ends its process; the thread must be of the process that is named', () => {
    const tid = Thread.tid.get(bench.ram, bench.addThread(victim));
    expect(bench.call(1, killer.thread, Nr.tgkill, killer.pid, tid, Signal.TERM)).toBe(-E.SRCH);
    expect(bench.call(1, killer.thread, Nr.tgkill, 0, tid, Signal.TERM)).toBe(-E.INVAL);
    expect(bench.call(1, killer.thread, Nr.tkill, -1, Signal.TERM)).toBe(-E.INVAL);
    expect(isExiting()).toBe(false);
    expect(bench.call(1, killer.thread, Nr.tgkill, victim.pid, tid, Signal.TERM)).toBe(0);
    expect(isExiting()).toBe(true);
  });

  it('to -1 ends all but the sender', () => {
    const third = bench.start(1);
    expect(kill(Signal.TERM, -1)).toBe(0);
    expect([victim.thread, third.thread, killer.thread].map(isKilled)).toEqual([true, true, false]);
  });
});

describe('an ignored signal', () => {
  it('does nothing, and KILL cannot be ignored', () => {
    expect(ignore(Signal.TERM)).toBe(0);
    expect(ignore(40)).toBe(0);
    expect([kill(Signal.TERM), kill(40)]).toEqual([0, 0]);
    expect(isExiting()).toBe(false);
    expect([ignore(Signal.KILL), ignore(Signal.STOP), ignore(0), ignore(65)]).toEqual(Array(4).fill(-E.INVAL));
    kill(Signal.KILL);
    expect(isExiting()).toBe(true);
  });

  it('is forgotten if it was pending', () => {
    mask(MaskHow.Block, Signal.TERM);
    kill(Signal.TERM);
    ignore(Signal.TERM);
    expect(mask(MaskHow.Unblock, Signal.TERM)).toBe(0);
    expect(isExiting()).toBe(false);
  });

  it('is told to who asks, with what was given', () => {
    ignore(Signal.USR1);
    expect(bench.call(0, victim.thread, Nr.sigaction, Signal.USR1, 0, DATA + 64, 8)).toBe(0);
    expect(bench.peek(victim.space, DATA + 64)).toBe(SIG_IGN);
    expect(bench.call(0, victim.thread, Nr.sigaction, Signal.USR1, 0, BAD_POINTER, 8)).toBe(-E.FAULT);
    expect(bench.call(0, victim.thread, Nr.sigaction, Signal.USR1, BAD_POINTER, 0, 8)).toBe(-E.FAULT);
    expect(bench.call(0, victim.thread, Nr.sigaction, Signal.USR1, 0, 0, 4)).toBe(-E.INVAL);
  });
});

describe('a blocked signal', () => {
  it.each([Signal.TERM, 32, 33, 64])('(%i) waits until it is let through', (signal) => {
    mask(MaskHow.Block, signal);
    expect(kill(signal)).toBe(0);
    expect(isExiting()).toBe(false);
    bench.call(0, victim.thread, Nr.sigpending, DATA + 64, 8);
    expect(bench.peek(victim.space, DATA + 64 + (signal > 32 ? 4 : 0))).toBe(signalBit(signal));
    expect(mask(MaskHow.Unblock, signal)).toBe(ENDED);
    expect(bench.stateOf(victim.thread)).toBe(ThreadState.Free);
  });

  it('ends the process if one thread does not block it', () => {
    const open = bench.addThread(victim);
    mask(MaskHow.Block, Signal.TERM);
    expect(isKilled(open)).toBe(false);
    kill(Signal.TERM);
    expect(isExiting()).toBe(true);
  });

  it('is never KILL or STOP', () => {
    mask(MaskHow.Set, Signal.KILL, Signal.STOP, Signal.TERM);
    expect(Thread.blockedLow.load(bench.ram, victim.thread)).toBe(signalBit(Signal.TERM));
    kill(Signal.KILL);
    expect(isExiting()).toBe(true);
  });

  it('is found pending even if it comes while the thread unblocks it', () => {
    mask(MaskHow.Block, Signal.TERM);
    // The sender has looked at the masks; before it marks the signal as pending, the thread unblocks it and finds nothing.
    const or = Process.pendingLow.or.bind(Process.pendingLow);
    const spy = vi.spyOn(Process.pendingLow, 'or').mockImplementationOnce((...args) => {
      Thread.blockedLow.store(bench.ram, victim.thread, 0);
      return or(...args);
    });
    kill(Signal.TERM);
    spy.mockRestore();
    expect(isExiting()).toBe(true);
  });

  it('has a mask that is given back as it was, and refuses what is no way to combine', () => {
    mask(MaskHow.Set, Signal.USR1, 40);
    expect(bench.call(0, victim.thread, Nr.sigprocmask, 0, 0, DATA + 64, 8)).toBe(0);
    expect([bench.peek(victim.space, DATA + 64), bench.peek(victim.space, DATA + 68)]).toEqual([
      signalBit(Signal.USR1),
      signalBit(40),
    ]);
    expect(mask(3, Signal.USR2)).toBe(-E.INVAL);
    expect(bench.call(0, victim.thread, Nr.sigprocmask, 0, BAD_POINTER, 0, 8)).toBe(-E.FAULT);
    expect(Thread.blockedHigh.load(bench.ram, victim.thread)).toBe(signalBit(40));
  });
});
