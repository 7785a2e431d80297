/*
 * Waiting: does every wait end exactly once, by whoever comes first: the object, the deadline or death?
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { Port } from '../../src/ipc/port-layout.ts';
import { Clone } from '../../src/kernel/spawn.ts';
import { E } from '../../src/kernel/errno.ts';
import { BLOCKED } from '../../src/kernel/result.ts';
import { Thread, ThreadFlag, ThreadState } from '../../src/kernel/thread.ts';
import { NO_DEADLINE } from '../../src/kernel/timers.ts';
import { WaitForm, WaitReason } from '../../src/kernel/wait.ts';
import { KernelBench, type Started } from './kernel-bench.ts';

/** What comes before the first port. */
const PORT_TABLE_BYTES = 128;

let bench: KernelBench;
/** A queue with a guard: those of a port, which nothing else uses. */
let queue: number;
let guard: number;

beforeEach(() => {
  bench = new KernelBench();
  const port = bench.harts[0]!.map.families.ports! + PORT_TABLE_BYTES;
  queue = Port.receivers.addr(port);
  guard = Port.lock.addr(port);
});

interface Sleep {
  readonly hart?: number;
  readonly form?: number;
  readonly deadline?: number;
  readonly timeoutResult?: number;
}

function sleep(thread: number, { hart = 0, form = WaitForm.Complete, deadline, timeoutResult = 0 }: Sleep = {}): number {
  const { locks, waits } = bench.harts[hart]!;
  locks.acquire(guard);
  const until = deadline ?? NO_DEADLINE;
  const result = waits.sleepLocked(thread, queue, guard, form, WaitReason.futex, until, timeoutResult);
  locks.release(guard);
  return result;
}

/** Does something with the queue's first thread under its guard. */
function withFirst(action: (thread: number) => void, hart = 1): void {
  const { locks, waits } = bench.harts[hart]!;
  locks.acquire(guard);
  const first = waits.firstLocked(queue);
  expect(first).not.toBe(0);
  action(first);
  locks.release(guard);
}

const ready = (): number => bench.harts[1]!.scheduler.pick();

describe('threads that wait for an object', () => {
  it('are woken in the order of their arrival, each with its result', () => {
    const threads = [bench.start(), bench.start(), bench.start()].map(({ thread }) => thread);
    for (const thread of threads) expect(sleep(thread)).toBe(BLOCKED);
    expect(threads.map((thread) => bench.stateOf(thread))).toEqual(Array(3).fill(ThreadState.Blocked));
    threads.forEach((thread, i) => {
      withFirst((first) => {
        expect(first).toBe(thread);
        bench.harts[1]!.waits.completeLocked(first, 100 + i);
      });
      expect(bench.resultOf(thread)).toBe(100 + i);
      expect(ready()).toBe(thread);
    });
    expect(ready()).toBe(0);
  });

  it('may leave from the middle, and the others stay in order', () => {
    const [a, b, c] = [bench.start(), bench.start(), bench.start()] as [Started, Started, Started];
    for (const { thread } of [a, b, c]) sleep(thread);
    const { locks, waits } = bench.harts[1]!;
    locks.acquire(guard);
    waits.completeLocked(b.thread, 0);
    expect(waits.firstLocked(queue)).toBe(a.thread);
    expect(waits.nextLocked(a.thread)).toBe(c.thread);
    expect(waits.nextLocked(c.thread)).toBe(0);
    waits.completeLocked(c.thread, 0);
    waits.completeLocked(a.thread, 0);
    expect(waits.firstLocked(queue)).toBe(0);
    locks.release(guard);
  });

  it('make their system call again in the Rerun form, and return a negative result in the Complete form', () => {
    const rerun = bench.start();
    const complete = bench.start();
    bench.call(0, rerun.thread, 172);
    bench.call(0, complete.thread, 172);
    sleep(rerun.thread, { form: WaitForm.Rerun });
    sleep(complete.thread);
    const { locks, waits } = bench.harts[1]!;
    locks.acquire(guard);
    waits.endAllLocked(queue, -E.IDRM);
    locks.release(guard);
    expect(bench.isRewound(rerun.thread)).toBe(true);
    expect(bench.isRewound(complete.thread)).toBe(false);
    expect(bench.resultOf(complete.thread)).toBe(-E.IDRM);
    expect(bench.stateOf(rerun.thread)).toBe(ThreadState.Ready);
  });
});

describe('a deadline', () => {
  it('ends the wait with the result that was chosen, not before it has come', () => {
    const { thread } = bench.start();
    sleep(thread, { deadline: 1000, timeoutResult: -E.TIMEDOUT });
    const { timers } = bench.harts[0]!;
    expect(timers.next).toBe(1000);
    bench.harts[0]!.expire(999);
    expect(bench.stateOf(thread)).toBe(ThreadState.Blocked);
    bench.harts[0]!.expire(1000);
    expect(bench.stateOf(thread)).toBe(ThreadState.Ready);
    expect(bench.resultOf(thread)).toBe(-E.TIMEDOUT);
    expect(timers.next).toBe(NO_DEADLINE);
  });

  it('is taken back when the wait ends earlier, whichever hart ends it', () => {
    const { thread } = bench.start();
    sleep(thread, { deadline: 1000 });
    withFirst((first) => {
      bench.harts[1]!.waits.completeLocked(first, 7);
    });
    expect(bench.host.timers.armed()).toBe(0);
    bench.harts[0]!.expire(2000);
    expect(bench.resultOf(thread)).toBe(7);
  });

  it('that has passed already, but comes late, does not end the next wait', () => {
    const { thread } = bench.start();
    sleep(thread, { deadline: 1000, timeoutResult: -E.TIMEDOUT });
    // Hart 0 has taken the entry out of its heap and is on its way to the guard; meanwhile the thread is woken and waits again.
    const { timers } = bench.harts[0]!;
    const takeExpired = timers.takeExpired.bind(timers);
    let late = true;
    timers.takeExpired = (now: number): number => {
      const found = takeExpired(now);
      if (late) {
        late = false;
        withFirst((first) => {
          bench.harts[1]!.waits.completeLocked(first, 1);
        });
        bench.take(thread, 1);
        expect(sleep(thread, { hart: 1, timeoutResult: -E.IO })).toBe(BLOCKED);
      }
      return found;
    };
    bench.harts[0]!.expire(5000);
    expect(bench.stateOf(thread)).toBe(ThreadState.Blocked);
    expect(bench.resultOf(thread)).toBe(1);
  });

  it('of a thread that has died does not end a wait of the next thread in its slot', () => {
    const old = bench.start();
    const other = bench.start();
    const doomed = bench.addThread(other);
    sleep(doomed, { deadline: 1000, timeoutResult: -E.TIMEDOUT });
    const { timers } = bench.harts[0]!;
    const takeExpired = timers.takeExpired.bind(timers);
    let late = true;
    timers.takeExpired = (now: number): number => {
      const found = takeExpired(now);
      if (late) {
        late = false;
        const { signals, exits } = bench.harts[1]!;
        signals.kill(other.pid, 9);
        bench.take(doomed, 1);
        exits.endThread(doomed, 0);
        const heir = bench.addThread(old, 1);
        expect(heir).toBe(doomed);
        expect(sleep(heir, { hart: 1 })).toBe(BLOCKED);
      }
      return found;
    };
    bench.harts[0]!.expire(5000);
    expect(bench.stateOf(doomed)).toBe(ThreadState.Blocked);
  });

  it('ends every wait that is due at one look', () => {
    const threads = [300, 100, 200].map((deadline) => {
      const { thread } = bench.start();
      sleep(thread, { deadline });
      return thread;
    });
    bench.harts[0]!.expire(250);
    expect(threads.map((thread) => bench.stateOf(thread))).toEqual([ThreadState.Blocked, ThreadState.Ready, ThreadState.Ready]);
  });
});

describe('death', () => {
  it('ends a wait with EINTR, and its deadline with it', () => {
    const { thread, pid } = bench.start();
    sleep(thread, { deadline: 1000, timeoutResult: -E.TIMEDOUT });
    expect(bench.host.signals.kill(pid, 9)).toBe(0);
    expect(bench.stateOf(thread)).toBe(ThreadState.Ready);
    expect(bench.resultOf(thread)).toBe(-E.INTR);
    expect(bench.host.timers.armed()).toBe(0);
    withNobody();
  });

  it('that comes first lets a thread fall asleep no more', () => {
    const { thread, pid } = bench.start();
    bench.host.signals.kill(pid, 9);
    expect(sleep(thread, { deadline: 1000 })).toBe(-E.INTR);
    expect(bench.stateOf(thread)).toBe(ThreadState.Running);
    expect(Thread.waitGuard.load(bench.ram, thread)).toBe(0);
    expect(bench.host.timers.armed()).toBe(0);
    withNobody();
  });

  it('that comes while the thread is on its way to sleep ends the sleep, or prevents it', () => {
    const { thread, pid } = bench.start();
    const { locks, waits } = bench.harts[0]!;
    // The mark arrives between the thread's look at the object and its sleep.
    locks.acquire(guard);
    Thread.flags.or(bench.ram, thread, ThreadFlag.Killed);
    expect(waits.sleepLocked(thread, queue, guard, WaitForm.Complete, WaitReason.futex)).toBe(-E.INTR);
    locks.release(guard);
    bench.host.signals.kill(pid, 9);
    withNobody();
  });

  it('rings at the hart that runs the thread', () => {
    const { pid } = bench.start(1);
    expect(bench.host.doorbells.pending(1)).toBe(false);
    bench.host.signals.kill(pid, 9);
    expect(bench.host.doorbells.pending(1)).toBe(true);
  });

  it('ends waits that death already holds the guard of', () => {
    // Waits for children are guarded by the tree lock, which whoever kills has taken.
    const parent = bench.start();
    const wait4 = 260;
    const child = bench.harts[0]!.spawner.cloneProcess(parent.thread, {
      flags: Clone.Vm,
      stack: 0,
      tls: 0,
      parentTid: 0,
      childSetTid: 0,
      childClearTid: 0,
      exitSignal: 17,
    });
    expect(child).toBeGreaterThan(0);
    expect(bench.call(0, parent.thread, wait4, -1, 0, 0, 0)).toBe(BLOCKED);
    bench.host.signals.kill(parent.pid, 9);
    expect(bench.stateOf(parent.thread)).toBe(ThreadState.Ready);
    expect(bench.host.locks.held).toBe(0);
  });

  function withNobody(): void {
    const { locks, waits } = bench.harts[1]!;
    locks.acquire(guard);
    expect(waits.firstLocked(queue)).toBe(0);
    locks.release(guard);
  }
});
