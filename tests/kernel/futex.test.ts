/*
 * Futexes: who is woken, who is moved, and what is left of a thread's locks when it dies?
 */

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { E } from '../../src/kernel/errno.ts';
import { ANY_BITS } from '../../src/kernel/futex.ts';
import { BLOCKED } from '../../src/kernel/result.ts';
import { Thread, ThreadState } from '../../src/kernel/thread.ts';
import { NO_DEADLINE } from '../../src/kernel/timers.ts';
import { BAD_POINTER, DATA, KernelBench, type Started } from './kernel-bench.ts';

const WORD = DATA + 64;
const OTHER = DATA + 4096;
const FUTEX = 98;
const Op = { Wait: 0, Wake: 1, Requeue: 3, CmpRequeue: 4, WakeOp: 5, WaitBitset: 9, WakeBitset: 10 } as const;

let bench: KernelBench;
let main: Started;
let space: number;

beforeEach(() => {
  bench = new KernelBench();
  main = bench.start();
  ({ space } = main);
});

const futexes = (hart = 1): KernelBench['host']['futexes'] => bench.harts[hart]!.futexes;

/** A thread of the process that waits for a word. */
function waiter(address = WORD, bits = ANY_BITS, deadline = NO_DEADLINE): number {
  const thread = bench.addThread(main);
  expect(futexes(0).wait(thread, space, address, bench.peek(space, address), bits, deadline)).toBe(BLOCKED);
  return thread;
}

const asleep = (threads: readonly number[]): boolean[] =>
  threads.map((thread) => bench.stateOf(thread) === ThreadState.Blocked);

describe('waiting for a word', () => {
  it('does not begin when the word has another value, or cannot be read', () => {
    bench.poke(space, WORD, 5);
    const thread = bench.addThread(main);
    expect(futexes().wait(thread, space, WORD, 4, ANY_BITS, NO_DEADLINE)).toBe(-E.AGAIN);
    expect(futexes().wait(thread, space, BAD_POINTER, 4, ANY_BITS, NO_DEADLINE)).toBe(-E.FAULT);
    expect(bench.stateOf(thread)).toBe(ThreadState.Running);
    expect(bench.host.locks.held).toBe(0);
  });

  it('compares the word while nobody can wake', () => {
    // The word changes and its waiters are woken at the last moment before the comparison: then there must be no wait.
    const thread = bench.addThread(main);
    const { copy, locks } = bench.harts[0]!;
    const readU32 = copy.readU32.bind(copy);
    let held = -1;
    copy.readU32 = (from: number, address: number): number => {
      held = locks.held;
      return readU32(from, address);
    };
    futexes(0).wait(thread, space, WORD, 0, ANY_BITS, NO_DEADLINE);
    expect(held).toBe(1);
  });

  it('compares all 32 bits', () => {
    bench.poke(space, WORD, 0xffff_fffe);
    const thread = bench.addThread(main);
    expect(bench.call(0, thread, FUTEX, WORD, Op.Wait, -1, 0)).toBe(-E.AGAIN);
    expect(bench.call(0, thread, FUTEX, WORD, Op.Wait, -2, 0)).toBe(BLOCKED);
  });

  it('ends with ETIMEDOUT when its time is up, and 0 when it is woken', () => {
    const late = waiter(WORD, ANY_BITS, 1000);
    const woken = waiter();
    bench.harts[0]!.expire(2000);
    expect(futexes().wake(space, WORD, 10)).toBe(1);
    expect([late, woken].map((thread) => bench.resultOf(thread))).toEqual([-E.TIMEDOUT, 0]);
  });
});

describe('waking', () => {
  it('takes so many as are asked for, in the order of their arrival', () => {
    const threads = [waiter(), waiter(), waiter()];
    expect(futexes().wake(space, WORD, 2)).toBe(2);
    expect(asleep(threads)).toEqual([false, false, true]);
    expect(futexes().wake(space, WORD, 2)).toBe(1);
    expect(futexes().wake(space, WORD, 2)).toBe(0);
  });

  it('leaves those alone that wait for another word, or the same address in another process', () => {
    const stranger = bench.start(1);
    expect(futexes(1).wait(stranger.thread, stranger.space, WORD, 0, ANY_BITS, NO_DEADLINE)).toBe(BLOCKED);
    const threads = [waiter(OTHER), stranger.thread, waiter(WORD)];
    expect(futexes().wake(space, WORD, 10)).toBe(1);
    expect(asleep(threads)).toEqual([true, true, false]);
  });

  it('finds its words in every bucket, many to a bucket', () => {
    const threads = new Map<number, number>();
    for (let i = 0; i < 100; i++) threads.set(DATA + i * 52, waiter(DATA + i * 52));
    for (const [address, thread] of threads) {
      expect(futexes().wake(space, address, 100)).toBe(1);
      expect(bench.stateOf(thread)).toBe(ThreadState.Ready);
    }
  });

  it('goes by the bits that both sides name', () => {
    const threads = [waiter(WORD, 0b001), waiter(WORD, 0b110), waiter(WORD, 0b010)];
    expect(futexes().wake(space, WORD, 10, 0b010)).toBe(2);
    expect(asleep(threads)).toEqual([true, false, false]);
    expect(bench.call(0, main.thread, FUTEX, WORD, Op.WakeBitset, 10, 0, 0, 0)).toBe(-E.INVAL);
  });

  it('does not touch who only sleeps', () => {
    const sleeper = bench.addThread(main);
    expect(futexes(0).sleep(sleeper, 5000)).toBe(BLOCKED);
    for (let i = 0; i < 4096; i += 4) futexes().wake(0, i, 100, ANY_BITS, true);
    expect(bench.stateOf(sleeper)).toBe(ThreadState.Blocked);
    bench.harts[0]!.expire(5000);
    expect(bench.resultOf(sleeper)).toBe(0);
  });
});

describe('requeueing', () => {
  it('wakes the first, moves the next, and leaves the rest', () => {
    const threads = [waiter(), waiter(), waiter(), waiter()];
    expect(futexes().requeue(space, WORD, OTHER, 1, 2, undefined, true)).toBe(3);
    expect(asleep(threads)).toEqual([false, true, true, true]);
    expect(futexes().wake(space, OTHER, 10)).toBe(2);
    expect(asleep(threads)).toEqual([false, false, false, true]);
    expect(futexes().wake(space, WORD, 10)).toBe(1);
  });

  it('counts the moved ones only when it compares', () => {
    waiter();
    waiter();
    expect(futexes().requeue(space, WORD, OTHER, 1, 1, undefined, false)).toBe(1);
  });

  it('does nothing when the word is not as expected', () => {
    const thread = waiter();
    expect(futexes().requeue(space, WORD, OTHER, 1, 1, 7, true)).toBe(-E.AGAIN);
    expect(futexes().requeue(space, BAD_POINTER, OTHER, 1, 1, 7, true)).toBe(-E.FAULT);
    expect(bench.stateOf(thread)).toBe(ThreadState.Blocked);
    expect(bench.harts[1]!.locks.held).toBe(0);
  });

  it('takes the deadline along', () => {
    const thread = waiter(WORD, ANY_BITS, 1000);
    futexes().requeue(space, WORD, OTHER, 0, 1, undefined, true);
    bench.harts[0]!.expire(1000);
    expect(bench.resultOf(thread)).toBe(-E.TIMEDOUT);
    expect(futexes().wake(space, OTHER, 1)).toBe(0);
  });

  it('between any two words ends with every waiter at one of them', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(40), fc.nat(6), fc.nat(6), (a, b, wake, move) => {
        bench = new KernelBench();
        main = bench.start();
        ({ space } = main);
        const from = DATA + a * 4;
        const to = DATA + b * 4;
        const threads = Array.from({ length: 5 }, () => waiter(from));
        const woken = Math.min(5, wake);
        const moved = Math.min(5 - woken, move);
        expect(futexes().requeue(space, from, to, wake, move, undefined, true)).toBe(woken + moved);
        if (from !== to) expect(futexes().wake(space, to, 10)).toBe(moved);
        futexes().wake(space, from, 10);
        expect(asleep(threads)).toEqual(Array(5).fill(false));
      }),
      { numRuns: 40 },
    );
  });
});

describe('FUTEX_WAKE_OP', () => {
  const encode = (op: number, comparison: number, operand: number, comparand: number): number =>
    ((op & 15) << 28) | ((comparison & 15) << 24) | ((operand & 0xfff) << 12) | (comparand & 0xfff);

  it.each([
    ['sets', encode(0, 0, 9, 5), 5, 9, true],
    ['adds', encode(1, 1, 3, 5), 5, 8, false],
    ['adds a negative number', encode(1, 2, -1, 6), 5, 4, true],
    ['ors', encode(2, 3, 0b1010, 5), 0b0110, 0b1110, false],
    ['clears', encode(3, 4, 0b0010, 5), 0b0110, 0b0100, true],
    ['exclusive-ors', encode(4, 5, 0b0011, 6), 0b0110, 0b0101, true],
    ['shifts its operand', encode(8 | 2, 4, 31, -1), 1, 0x8000_0001, true],
    ['compares signed', encode(0, 2, 0, -1), 0xffff_fff0, 0, true],
  ])('%s, and wakes at the second word if the old value asks for it', (_, operation, before, after, second) => {
    bench.poke(space, OTHER, before);
    const threads = [waiter(WORD), waiter(OTHER)];
    expect(futexes().wakeOp(space, WORD, OTHER, 1, 1, operation)).toBe(second ? 2 : 1);
    expect(bench.peek(space, OTHER)).toBe(after);
    expect(asleep(threads)).toEqual([false, !second]);
  });

  it('wakes nobody when the second word cannot be written', () => {
    const thread = waiter();
    expect(futexes().wakeOp(space, WORD, BAD_POINTER, 1, 1, 0)).toBe(-E.FAULT);
    expect(bench.stateOf(thread)).toBe(ThreadState.Blocked);
  });
});

describe('the death of a thread', () => {
  const HEAD = DATA + 8192;
  const OWNER_DIED = 0x4000_0000;
  const WAITERS = 0x8000_0000;

  function poke64(address: number, value: number): void {
    bench.host.copy.writeU64(space, address, value);
  }

  /** A robust list: entries at these addresses, each lock 32 bytes before its entry. */
  function list(thread: number, entries: readonly number[], pending = 0, offset = -32): void {
    const ring = [HEAD, ...entries];
    ring.forEach((entry, i) => {
      poke64(entry, ring[(i + 1) % ring.length]!);
    });
    poke64(HEAD + 8, offset);
    poke64(HEAD + 16, pending);
    Thread.robustList.set(bench.ram, thread, HEAD);
  }

  it('clears its tid and wakes who waits for that', () => {
    const dying = bench.addThread(main);
    const joiner = waiter(WORD);
    bench.poke(space, WORD, Thread.tid.get(bench.ram, dying));
    Thread.clearChildTid.set(bench.ram, dying, WORD);
    bench.harts[0]!.exits.endThread(dying, 0);
    expect(bench.peek(space, WORD)).toBe(0);
    expect(bench.stateOf(joiner)).toBe(ThreadState.Ready);
  });

  it('marks the locks it holds, wakes a waiter of each, and leaves those of others', () => {
    const dying = bench.addThread(main);
    const tid = Thread.tid.get(bench.ram, dying);
    const [mine, contended, foreign] = [DATA + 100, DATA + 200, DATA + 300];
    bench.poke(space, mine, tid);
    bench.poke(space, contended, tid | WAITERS);
    bench.poke(space, foreign, tid + 1);
    const waiting = waiter(contended);
    list(
      dying,
      [mine, contended, foreign].map((lock) => lock + 32),
    );
    bench.harts[0]!.exits.endThread(dying, 0);
    expect(bench.peek(space, mine)).toBe(OWNER_DIED);
    expect(bench.peek(space, contended)).toBe((OWNER_DIED | WAITERS) >>> 0);
    expect(bench.peek(space, foreign)).toBe(tid + 1);
    expect(bench.stateOf(waiting)).toBe(ThreadState.Ready);
  });

  it('does not forget the lock it was just taking', () => {
    const dying = bench.addThread(main);
    const lock = DATA + 400;
    bench.poke(space, lock, Thread.tid.get(bench.ram, dying));
    list(dying, [], lock + 32);
    bench.harts[0]!.exits.endThread(dying, 0);
    expect(bench.peek(space, lock)).toBe(OWNER_DIED);
  });

  it('survives a list that is garbage or runs in a circle', () => {
    const evil = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(Number),
      fc.integer({ min: DATA, max: DATA + 16384 }),
      fc.constantFrom(0, BAD_POINTER, 2 ** 38 - 4),
    );
    fc.assert(
      fc.property(fc.array(evil, { minLength: 8, maxLength: 8 }), evil, (words, head) => {
        const dying = bench.addThread(main);
        words.forEach((word, i) => {
          bench.host.copy.writeU64(space, HEAD + 8 * i, word % 2 ** 53);
        });
        Thread.robustList.set(bench.ram, dying, words[0]! % 2 === 0 ? HEAD : head);
        bench.harts[0]!.exits.endThread(dying, 0);
        expect(bench.stateOf(dying)).toBe(ThreadState.Free);
        expect(bench.harts[0]!.locks.held).toBe(0);
      }),
      { numRuns: 100 },
    );
    const dying = bench.addThread(main);
    list(dying, [HEAD + 64]);
    poke64(HEAD + 64, HEAD + 64);
    bench.harts[0]!.exits.endThread(dying, 0);
    expect(bench.stateOf(dying)).toBe(ThreadState.Free);
  });
});
