/*
 * Signals: who dies of what, at once or later, who stops and goes on, what waits, who is woken, and which call is made again?
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { Context, xOffset } from '../../src/core/context.ts';
import { E } from '../../src/kernel/errno.ts';
import { Process, ProcessFlag } from '../../src/kernel/process.ts';
import { BLOCKED, ENDED, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTSYS } from '../../src/kernel/result.ts';
import { QUEUE_LIMIT, SiCode } from '../../src/kernel/signal-info.ts';
import { Signal, signalBit } from '../../src/kernel/signal-numbers.ts';
import { MaskHow } from '../../src/kernel/signal-masks.ts';
import { Thread, ThreadFlag, ThreadState } from '../../src/kernel/thread.ts';
import { WaitReason } from '../../src/kernel/wait.ts';
import { BAD_POINTER, DATA, KernelBench, type Started } from './kernel-bench.ts';

const Nr = {
  futex: 98,
  nanosleep: 101,
  kill: 129,
  tkill: 130,
  tgkill: 131,
  sigsuspend: 133,
  sigaction: 134,
  sigprocmask: 135,
  sigpending: 136,
  sigtimedwait: 137,
  sigqueueinfo: 138,
} as const;
const SIG_IGN = 1;

let bench: KernelBench;
let victim: Started;
let killer: Started;

beforeEach(() => {
  bench = new KernelBench();
  victim = bench.start(0);
  killer = bench.start(1);
});

/** What the hart loop does before guest code. */
const deliver = (thread: number, hart = 0): number => bench.harts[hart]!.delivery.deliver(thread);
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
    expect(mask(MaskHow.Unblock, signal)).toBe(0);
    expect(deliver(victim.thread)).toBe(ENDED);
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

/** The victim catches a signal with a handler at HANDLER. */
const HANDLER = 0x5000;
const SA_RESTART = 0x1000_0000;
const catches = (signal: number, flags = 0): void => {
  const { copy } = bench.host;
  copy.writeU64(victim.space, DATA, HANDLER);
  copy.writeU64(victim.space, DATA + 8, flags);
  copy.writeU64(victim.space, DATA + 16, 0);
  expect(bench.call(0, victim.thread, Nr.sigaction, signal, DATA, 0, 8)).toBe(0);
  bench.ram.setU64(victim.thread + SP, STACK);
};
const SP = xOffset(2);
const A0 = xOffset(10);
const STACK = DATA + 3 * 4096;
const pcOf = (thread: number): number => Context.pc.get(bench.ram, thread);

describe('a handler', () => {
  it('begins on a frame below the stack pointer, with the signal blocked, and returns to where it was', () => {
    catches(Signal.USR1);
    bench.ram.setU64(victim.thread + A0, 77);
    const pc = pcOf(victim.thread);
    kill(Signal.USR1);
    expect(deliver(victim.thread)).toBe(0);
    expect(pcOf(victim.thread)).toBe(HANDLER);
    expect(bench.ram.getU64(victim.thread + A0)).toBe(Signal.USR1);
    const frame = bench.ram.getU64(victim.thread + SP);
    expect(frame).toBe(STACK - 1088);
    expect(bench.peek(victim.space, frame)).toBe(Signal.USR1);
    expect(bench.peek(victim.space, frame + 16)).toBe(killer.pid);
    expect(Thread.blockedLow.load(bench.ram, victim.thread)).toBe(signalBit(Signal.USR1));
    bench.harts[0]!.masks.handlerReturns(victim.thread);
    expect([pcOf(victim.thread), bench.ram.getU64(victim.thread + A0)]).toEqual([pc, 77]);
    expect(Thread.blockedLow.load(bench.ram, victim.thread)).toBe(0);
  });

  it('that has no room for its frame is a SIGSEGV, and the end if nobody catches that', () => {
    catches(Signal.USR1);
    bench.ram.setU64(victim.thread + SP, 64);
    kill(Signal.USR1);
    expect(deliver(victim.thread)).toBe(ENDED);
    expect(Process.status.get(bench.ram, victim.process)).toBe(Signal.SEGV);
  });

  it('does not return from what is no frame', () => {
    catches(Signal.USR1);
    bench.ram.setU64(victim.thread + SP, BAD_POINTER);
    bench.harts[0]!.masks.handlerReturns(victim.thread);
    expect(deliver(victim.thread)).toBe(ENDED);
    expect(Process.status.get(bench.ram, victim.process)).toBe(Signal.SEGV);
  });
});

describe('a call that a signal breaks off', () => {
  const forever = (): number => {
    bench.poke(victim.space, DATA + 64, 5);
    return bench.call(0, victim.thread, Nr.futex, DATA + 64, 0, 5, 0);
  };

  it.each([
    ['fails', 0, -E.INTR, 4],
    ['is made again with SA_RESTART', SA_RESTART, DATA + 64, 0],
  ])('%s', (_, flags, a0, step) => {
    catches(Signal.USR1, flags);
    expect(forever()).toBe(BLOCKED);
    const pc = pcOf(victim.thread);
    kill(Signal.USR1);
    expect(bench.stateOf(victim.thread)).toBe(ThreadState.Ready);
    bench.take(victim.thread, 0);
    expect(Thread.restart.get(bench.ram, victim.thread)).toBe(ERESTARTSYS);
    expect(deliver(victim.thread)).toBe(0);
    bench.harts[0]!.masks.handlerReturns(victim.thread);
    expect(bench.resultOf(victim.thread)).toBe(a0);
    expect(pcOf(victim.thread)).toBe(pc - 4 + step);
  });

  it('keeps its deadline if there is no handler after all', () => {
    bench.poke(victim.space, DATA, 100);
    bench.poke(victim.space, DATA + 8, 0);
    expect(bench.call(0, victim.thread, Nr.nanosleep, DATA, DATA + 64)).toBe(BLOCKED);
    const deadline = Thread.callDeadline.get(bench.ram, victim.thread);
    Thread.flags.or(bench.ram, victim.thread, ThreadFlag.Signal);
    bench.host.waits.disturb(victim.thread);
    expect(bench.isRewound(victim.thread)).toBe(true);
    bench.take(victim.thread, 0);
    expect(bench.call(0, victim.thread, Nr.nanosleep, DATA, DATA + 64)).toBe(ERESTART_RESTARTBLOCK);
    expect(bench.peek(victim.space, DATA + 64)).toBe(99);
    expect(deliver(victim.thread)).toBe(0);
    expect(Thread.callDeadline.get(bench.ram, victim.thread)).toBe(deadline);
  });

  it('never falls asleep if the signal has come before', () => {
    catches(Signal.USR1);
    kill(Signal.USR1);
    expect(forever()).toBe(ERESTARTSYS);
    expect(Thread.waitGuard.load(bench.ram, victim.thread)).toBe(0);
  });
});

describe('a process', () => {
  const parked = (thread: number): boolean =>
    bench.stateOf(thread) === ThreadState.Blocked && Thread.waitReason.peek(bench.ram, thread) === WaitReason.stopped;

  it('is stopped when the last of its threads has parked, and goes on with CONT', () => {
    const second = bench.addThread(victim, 1);
    kill(Signal.STOP);
    expect(deliver(victim.thread)).toBe(BLOCKED);
    expect([parked(victim.thread), Process.stopped.get(bench.ram, victim.process)]).toEqual([true, 0]);
    expect(deliver(second, 1)).toBe(BLOCKED);
    expect(Process.stopped.get(bench.ram, victim.process)).toBe(1);
    kill(Signal.CONT);
    expect([victim.thread, second].map((thread) => bench.stateOf(thread))).toEqual([ThreadState.Ready, ThreadState.Ready]);
    expect(Process.stopped.get(bench.ram, victim.process)).toBe(0);
  });

  it('does not stop if it has been continued before it could', () => {
    kill(Signal.STOP);
    kill(Signal.CONT);
    expect(deliver(victim.thread)).toBe(0);
    expect(bench.stateOf(victim.thread)).toBe(ThreadState.Running);
  });

  it('does not stop if it is continued between taking the signal and acting on it', () => {
    kill(Signal.STOP);
    const { jobs } = bench.harts[0]!;
    const stop = jobs.stop.bind(jobs);
    jobs.stop = (thread, signal) => {
      kill(Signal.CONT);
      return stop(thread, signal);
    };
    expect(deliver(victim.thread)).toBe(0);
    expect(bench.stateOf(victim.thread)).toBe(ThreadState.Running);
  });

  it('that is stopped takes a deadly signal when it goes on, but KILL at once', () => {
    kill(Signal.STOP);
    expect(deliver(victim.thread)).toBe(BLOCKED);
    kill(Signal.TERM);
    expect([parked(victim.thread), isExiting()]).toEqual([true, false]);
    kill(Signal.CONT);
    bench.take(victim.thread, 0);
    expect(deliver(victim.thread)).toBe(ENDED);
    expect(Process.status.peek(bench.ram, victim.process)).toBe(Signal.TERM);
    kill(Signal.STOP, killer.pid);
    expect(deliver(killer.thread, 1)).toBe(BLOCKED);
    bench.host.signals.kill(killer.pid, Signal.KILL);
    expect(bench.stateOf(killer.thread)).toBe(ThreadState.Ready);
  });

  it('is not stopped by a terminal’s signal if nobody could continue it', () => {
    kill(Signal.TSTP);
    expect(deliver(victim.thread)).toBe(0);
    expect(bench.stateOf(victim.thread)).toBe(ThreadState.Running);
  });
});

describe('a pending signal', () => {
  it('takes a slot until it is taken, and is refused by sigqueue when there are too many', () => {
    mask(MaskHow.Block, 40, Signal.USR1);
    const info = DATA + 256;
    bench.poke(victim.space, info + 8, SiCode.Queue);
    const queue = (signal: number): number => bench.call(0, victim.thread, Nr.sigqueueinfo, victim.pid, signal, info);
    for (let i = 0; i < QUEUE_LIMIT; i++) expect(queue(40)).toBe(0);
    expect(queue(40)).toBe(-E.AGAIN);
    expect(bench.host.infos.pool.inUse()).toBe(QUEUE_LIMIT);
    // kill says nothing that could be lost, and of a standard signal one is enough.
    expect([kill(40), queue(Signal.USR1)]).toEqual([0, 0]);
    bench.harts[0]!.exits.endGroup(victim.thread, 0);
    expect(bench.host.infos.pool.inUse()).toBe(0);
  });

  it('goes to a thread that lets it through, when the one that was told blocks it', () => {
    const second = bench.addThread(victim, 1);
    catches(Signal.USR1);
    kill(Signal.USR1);
    const hasFlag = (thread: number): boolean => (Thread.flags.load(bench.ram, thread) & ThreadFlag.Signal) !== 0;
    expect([victim.thread, second].map(hasFlag)).toEqual([true, false]);
    mask(MaskHow.Block, Signal.USR1);
    expect([victim.thread, second].map(hasFlag)).toEqual([false, true]);
  });

  it('is accepted by who waits for it, instead of ending the process', () => {
    mask(MaskHow.Block, Signal.TERM);
    bench.host.copy.writeWords(victim.space, DATA + 64, signalBit(Signal.TERM), 0);
    expect(bench.call(0, victim.thread, Nr.sigtimedwait, DATA + 64, 0, 0, 8)).toBe(BLOCKED);
    kill(Signal.TERM);
    expect(isExiting()).toBe(false);
    bench.take(victim.thread, 0);
    expect(bench.call(0, victim.thread, Nr.sigtimedwait, DATA + 64, 0, 0, 8)).toBe(Signal.TERM);
    expect(Thread.blockedLow.load(bench.ram, victim.thread)).toBe(signalBit(Signal.TERM));
  });

  it('ends a sigsuspend, which comes back with the mask it had', () => {
    mask(MaskHow.Block, Signal.USR1);
    catches(Signal.USR1);
    bench.host.copy.writeWords(victim.space, DATA + 64, 0, 0);
    expect(bench.call(0, victim.thread, Nr.sigsuspend, DATA + 64, 8)).toBe(BLOCKED);
    kill(Signal.USR1);
    bench.take(victim.thread, 0);
    expect(bench.call(0, victim.thread, Nr.sigsuspend, DATA + 64, 8)).toBe(ERESTARTNOHAND);
    expect(deliver(victim.thread)).toBe(0);
    expect(pcOf(victim.thread)).toBe(HANDLER);
    bench.harts[0]!.masks.handlerReturns(victim.thread);
    expect(Thread.blockedLow.load(bench.ram, victim.thread)).toBe(signalBit(Signal.USR1));
  });
});
