/*
 * Looking at a machine at rest: who waits for what, who should not, and what is in use that was not before.
 */

import { beforeEach, describe, expect, it } from 'vitest';

import { Port } from '../../src/ipc/port-layout.ts';
import { censusDifference, takeCensus } from '../../src/kernel/oracles/census.ts';
import { describeWaits, findLostWakeups } from '../../src/kernel/oracles/waits-for.ts';
import { Process } from '../../src/kernel/process.ts';
import { Thread, ThreadFlag } from '../../src/kernel/thread.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { heldLocks } from '../../src/smp/lock-audit.ts';
import { VrosCall } from '../../src/syscalls/abi.ts';
import { Linux } from '../../src/syscalls/numbers.ts';
import { DATA, KernelBench, type Started } from './kernel-bench.ts';

const FUTEX_WAIT = 0;
const FUTEX_REQUEUE = 3;

let bench: KernelBench;
let a: Started;
let b: Started;

beforeEach(() => {
  bench = new KernelBench();
  a = bench.start(0);
  b = bench.start(1);
});

const lost = (): string[] => findLostWakeups(bench.host).map(({ text }) => text);

/** Thread of `a` waits for a message at port 0: the port. */
function waitAtPort(): number {
  bench.call(0, a.thread, VrosCall.SYS_IPC_CREATE_PORT);
  bench.call(0, a.thread, VrosCall.SYS_IPC_RECV, 0, DATA);
  return Process.owned.at(bench.ram, a.process, 0);
}

describe('a wait', () => {
  it('for what is not there is in order', () => {
    waitAtPort();
    bench.call(1, b.thread, Linux.futex, DATA, FUTEX_WAIT, 0, 0);
    expect(lost()).toEqual([]);
  });

  it('for what is there is a lost wake-up: a message, room, the end of the port', () => {
    const port = waitAtPort();
    Port.count.set(bench.ram, port, 1);
    expect(lost()).toEqual([
      expect.stringMatching(/^thread 2 .* waits for a message at port 0 of process 2 \(1 messages\), but there is one$/),
    ]);
    Port.owner.set(bench.ram, port, 0);
    expect(lost()).toEqual([expect.stringContaining('but the port has been destroyed')]);
  });

  it('of a thread that has been killed is one, and of one that is on no queue', () => {
    const port = waitAtPort();
    Thread.flags.or(bench.ram, a.thread, ThreadFlag.Killed);
    expect(lost()).toEqual([expect.stringContaining('but it has been killed')]);
    Thread.flags.store(bench.ram, a.thread, 0);
    bench.ram.fill(Port.receivers.addr(port), 16);
    expect(lost()).toEqual([expect.stringContaining('but it is not on the queue that it waits on')]);
  });

  it('for a futex is one when the thread hangs where nobody looks for it', () => {
    bench.call(1, b.thread, Linux.futex, DATA, FUTEX_WAIT, 0, 0);
    Thread.waitB.set(bench.ram, b.thread, DATA + 4);
    expect(lost()).toEqual([expect.stringContaining('in the bucket of another word')]);
    Thread.waitB.set(bench.ram, b.thread, DATA);
    bench.call(0, b.thread, Linux.futex, DATA, FUTEX_REQUEUE, 0, 1, DATA + 8);
    expect(lost()).toEqual([]);
  });

  it('for a deadline that is not armed is one', () => {
    bench.poke(b.space, DATA, 100);
    bench.poke(b.space, DATA + 8, 0);
    bench.call(1, b.thread, Linux.nanosleep, DATA, 0);
    expect(lost()).toEqual([]);
    bench.harts[0]!.timers.disarm(b.thread);
    expect(lost()).toEqual([expect.stringMatching(/sleeps until its deadline, but no deadline is armed/)]);
  });

  it('for a child that has ended is one', () => {
    const flags = 0x100 | 17;
    const pid = bench.call(0, a.thread, Linux.clone, flags, 0, 0, 0, 0);
    bench.call(0, a.thread, Linux.wait4, pid, 0, 0, 0);
    expect(lost()).toEqual([]);
    const zombie = bench.processOf(pid);
    Process.children.set(bench.ram, a.process, 0);
    Process.zombies.set(bench.ram, a.process, zombie);
    expect(lost()).toEqual([expect.stringContaining(`waits for child ${String(pid)}, but child ${String(pid)} has ended`)]);
  });

  it('for the console is one when there is input', () => {
    const { console, locks } = bench.host;
    bench.call(1, b.thread, Linux.read, 0, DATA, 8);
    expect(lost()).toEqual([]);
    locks.acquire(console.lock);
    console.inputLocked(new Uint8Array([65]), 0, 1);
    locks.release(console.lock);
    expect(lost()).toEqual([expect.stringContaining('reads the console, but there is input')]);
  });
});

describe('a ready thread', () => {
  it('is forgotten when a hart sleeps that may run it', () => {
    const c = bench.startReady();
    expect(lost()).toEqual([]);
    const { ram, smpMap } = bench.host;
    const hart = 0;
    HartControl.parked.store(ram, smpMap.hartControl(hart), 1);
    bench.harts[hart]!.doorbells.take(hart);
    expect(lost()).toEqual([expect.stringMatching(new RegExp(`^thread ${String(c.pid)} .*is ready, but hart 0 sleeps$`))]);
    bench.host.doorbells.ring(hart, 1);
    expect(lost()).toEqual([]);
  });
});

describe('the waits-for graph', () => {
  it('names thread, reason, object and who could end the wait', () => {
    waitAtPort();
    const second = bench.addThread(b, 1);
    bench.call(1, b.thread, Linux.futex, DATA, FUTEX_WAIT, 0, 0);
    expect(describeWaits(bench.host)).toEqual([
      'thread 2 of process 2 () waits for a message at port 0 of process 2 (0 messages); can be woken by whoever sends',
      `thread 3 of process 3 () waits for futex 0x10000 of process 3; can be woken by thread ${String(Thread.tid.get(bench.ram, second))} of its process`,
    ]);
  });

  it('shows harts that wait for one another’s locks', () => {
    const { ram, smpMap, table } = bench.host;
    const [first, second] = bench.harts;
    const lock = Process.lock.addr(a.process);
    first!.locks.acquire(table.lock);
    second!.locks.acquire(lock);
    HartControl.wanted.set(ram, smpMap.hartControl(0), lock);
    HartControl.wanted.set(ram, smpMap.hartControl(1), table.lock);
    const lines = describeWaits(bench.host);
    expect(lines).toContainEqual(expect.stringMatching(/^hart 0 waits for lock process at 0x[0-9a-f]+, held by hart 1$/));
    expect(lines.at(-1)).toBe('deadlock: hart 0 waits for hart 1 waits for hart 0');
    expect(heldLocks(ram, smpMap).map(({ participant, lock: held }) => [participant, held])).toEqual([
      [0, table.lock],
      [1, lock],
    ]);
  });
});

describe('a census', () => {
  it('tells what there is more and less of', () => {
    const before = takeCensus(bench.host.inspection);
    const { inspection } = bench.harts[0]!;
    expect(censusDifference(before, takeCensus(inspection))).toBe('');
    bench.call(0, a.thread, VrosCall.SYS_IPC_CREATE_PORT);
    bench.call(0, a.thread, VrosCall.SYS_IPC_CREATE_PORT);
    const between = takeCensus(inspection);
    bench.harts[1]!.exits.endGroup(b.thread, 0);
    expect(censusDifference(before, between)).toBe('2 ports more');
    expect(censusDifference(before, takeCensus(inspection))).toMatch(
      /^2 ports more, \d+ frames?, 1 process, 1 thread, 1 space, 1 area, 3 open files, 1 descriptor table and 2 groups less$/,
    );
  });
});
