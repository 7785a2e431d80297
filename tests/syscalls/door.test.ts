/*
 * The door: whatever number and arguments a guest passes, does it get an answer, and the kernel stay whole?
 */

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { xOffset } from '../../src/core/context.ts';
import { E } from '../../src/kernel/errno.ts';
import { BLOCKED, ENDED, LEAST_ERRNO, REPLACED, RESUMED, YIELDED } from '../../src/kernel/result.ts';
import { ThreadState } from '../../src/kernel/thread.ts';
import { MachineCall, VrosCall } from '../../src/syscalls/abi.ts';
import { Linux } from '../../src/syscalls/numbers.ts';
import { BAD_POINTER, DATA, KernelBench, type Started } from '../kernel/kernel-bench.ts';

let bench: KernelBench;
let me: Started;

beforeEach(() => {
  bench = new KernelBench();
  me = bench.start(0);
});

/** Makes a call with registers of any 64 bits. */
function callRaw(thread: number, number: bigint, args: readonly bigint[]): number {
  const registers = new BigUint64Array(bench.ram.buffer, thread + xOffset(10), 8);
  args.forEach((value, i) => (registers[i] = value));
  registers[7] = number;
  return bench.doors[0]!.call(thread);
}

const numbers = [...Object.values(Linux), ...Object.values(VrosCall), ...Object.values(MachineCall)].map(BigInt);
const argument = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 200n }),
  fc.bigInt({ min: -20n, max: -1n }).map((n) => n + 2n ** 64n),
  fc.integer({ min: 0, max: 4 * 4096 + 64 }).map((n) => BigInt(DATA + n)),
  fc.constantFrom(BigInt(BAD_POINTER), 2n ** 31n, 2n ** 32n, 2n ** 38n - 8n, 2n ** 38n, 2n ** 47n, 2n ** 63n),
);

describe('a number without a call behind it', () => {
  it.each([
    [5n, 'never was one'],
    [0x2001n, 'a family that is not there yet'],
    [0x1000n, 'one of a family that is'],
    [0xffffn, 'the last of the last family'],
    [0x10000n, 'beyond all families'],
    [2n ** 32n + 172n, 'getpid in its low half only'],
    [2n ** 64n - 1n, 'minus one'],
  ])('%i is ENOSYS: %s', (number) => {
    expect(callRaw(me.thread, number, [])).toBe(-E.NOSYS);
  });

  it('is any number that is none', () => {
    const known = new Set(numbers);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (number) => {
        fc.pre(!known.has(number));
        expect(callRaw(me.thread, number, [1n, 2n, 3n])).toBe(-E.NOSYS);
      }),
    );
  });
});

describe('a call with any arguments', () => {
  it('returns a value, an errno or an outcome, holds no lock, and leaves the machine usable', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...numbers), fc.array(argument, { minLength: 6, maxLength: 6 })), { maxLength: 60 }),
        (calls) => {
          bench = new KernelBench();
          const empty = bench.inUse();
          me = bench.start(0);
          for (const [number, args] of calls) {
            const result = callRaw(me.thread, number, args);
            const outcome = [BLOCKED, YIELDED, ENDED, REPLACED, RESUMED].includes(result);
            expect(Number.isInteger(result) && (result >= LEAST_ERRNO || outcome)).toBe(true);
            for (const { locks } of bench.harts) expect(locks.held).toBe(0);
            if (result > BLOCKED && bench.stateOf(me.thread) === ThreadState.Running) continue;
            // It waits, has given way or is dead: another one goes on.
            if (bench.processOf(me.pid) !== 0) killAll();
            me = bench.start(0);
          }
          killAll();
          expect(bench.inUse()).toEqual(empty);
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** Ends every process there is, as the harts would. */
function killAll(): void {
  const { host, harts } = bench;
  host.signals.killAll(0, 9);
  const running = (): number[] =>
    Array.from({ length: host.table.threads.count }, (_, i) => i)
      .filter((i) => host.table.threads.isUsed(i))
      .map((i) => host.table.threads.at(i));
  for (const thread of running()) {
    if (bench.stateOf(thread) === ThreadState.Ready) continue;
    harts[0]!.exits.endThread(thread, 0);
  }
  for (const hart of harts) {
    for (let thread = hart.scheduler.pick(); thread !== 0; thread = hart.scheduler.pick()) hart.exits.endThread(thread, 0);
  }
}
