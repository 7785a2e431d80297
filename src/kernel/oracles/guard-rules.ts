/*
 * What the kernel's guards mean that are no lock of the structure itself: the declarative part of guards.ts.
 */

import { Context } from '../../core/context.ts';
import { HartBlock } from '../../core/hart-block.ts';
import type { StructInfo } from '../../core/layout.ts';
import type { Ram } from '../../core/ram.ts';
import { ConsoleBlock } from '../../devices/console-layout.ts';
import { RandomState } from '../../devices/random.ts';
import { HartControl } from '../../smp/hart-control.ts';
import { KernelPanic } from '../../smp/panic.ts';
import { Rank } from '../../smp/ranks.ts';
import type { SmpMap } from '../../smp/smp-map.ts';
import { Spinlock } from '../../smp/spinlock.ts';
import { TraceRecord, TraceRing } from '../../trace/ring.ts';
import { Space } from '../address-space.ts';
import { Alarm } from '../alarm.ts';
import { Area } from '../areas.ts';
import { FileLock } from '../files/file-locks.ts';
import { Inode } from '../files/inodes.ts';
import { PollEntry } from '../files/polls.ts';
import type { MemoryMap } from '../memory-map.ts';
import { Process } from '../process.ts';
import type { ProcessTable } from '../process-table.ts';
import { RunQueue } from '../run-queue.ts';
import { Thread, ThreadState } from '../thread.ts';
import { TimerHeap } from '../timers.ts';
import { Guards, type Rule } from './guards.ts';
import { placeAround, placed, placesOf } from './places.ts';

/**
 * Guards that are a protocol rather than a lock, and are not checked: the record of the program that has ended (`ended` says whose it is),
 * the crash report (whoever claims `crashedHart` writes it), the exit status (whoever changes `state`), a trace ring's consumer (the host),
 * an open file's position (the lock of what it is open on), structures of the ABI (they lie in the scratch page of whoever fills them).
 */
const PROTOCOLS = ['ended', 'crashedHart', 'state', 'consumer', 'written', 'guest', 'opened'];

/** Structures that only the CPU of their hart, or whoever has just allocated their frame, knows the address of. */
const PRIVATE_BY_CONSTRUCTION = ['TlbEntry', 'WindowSlot', 'DecodeSlot', 'EntrySlot', 'ArgumentBlob'];

/** What the rules need of a kernel. */
export interface GuardedKernel {
  readonly ram: Ram;
  readonly smpMap: SmpMap;
  readonly hart: number;
  readonly map: MemoryMap;
  readonly table: ProcessTable;
}

/** The guards of a kernel, with the kernel's own rules. Families add theirs before `install`. */
export function kernelGuards({ ram, smpMap, hart, map, table }: GuardedKernel): Guards {
  const guards = new Guards(ram, smpMap, hart);
  placed(HartControl, map.controls, HartControl.SIZE, map.participants);
  placed(HartBlock, map.hartBlocks, HartBlock.SIZE, smpMap.cpus);
  placed(RandomState, map.random, RandomState.SIZE, map.participants);
  placed(TraceRing, map.traceRings, map.traceRingStride, map.participants);
  placed(ConsoleBlock, map.console, ConsoleBlock.SIZE, 1);

  const free: Rule = () => true;
  for (const guard of PROTOCOLS) guards.define(guard, () => free);

  const threadsProcess = Thread.process.offset;
  const word = (address: number): number => ram.u32[address >>> 2]!;
  const processOf = (thread: number): number => word(thread + threadsProcess);

  guards.define('tree', () => () => guards.holds(table.lock));
  guards.define('process.lock', () => (thread) => guards.holds(Process.lock.addr(processOf(thread))));

  /** This hart runs the thread. */
  const runsHere = (thread: number): boolean =>
    word(Thread.state.addr(thread)) === ThreadState.Running && word(Thread.hart.addr(thread)) === hart;
  /** The thread waits under a lock that is held here: it can neither run nor end. */
  const waitsHere = (thread: number): boolean => {
    const guard = word(Thread.waitGuard.addr(thread));
    return guard !== 0 && guards.holds(guard);
  };

  guards.define(
    'waitGuard',
    () => (thread) => (word(Thread.waitGuard.addr(thread)) === 0 ? runsHere(thread) : waitsHere(thread)),
  );
  const runQueues = placesOf(RunQueue)[0]!;
  guards.define('run', () => (thread) => guards.holds(runQueues.base + word(Thread.hart.addr(thread)) * runQueues.stride));
  guards.define('watched', () => (entry) => guards.holds(word(PollEntry.guard.addr(entry))));
  const heaps = placesOf(TimerHeap)[0]!;
  guards.define('timer', (layout) => (base) => {
    const timerHart = word((layout === Alarm ? Alarm : Thread).timerHart.addr(base));
    return timerHart !== 0 && guards.holds(heaps.base + (timerHart - 1) * heaps.stride);
  });

  /** The process is that of the running thread, or one whose thread waits here, so that it cannot become another program. */
  const ownsProcess: Rule = (process) => {
    const running = HartControl.thread.peek(ram, smpMap.hartControl(hart));
    if (running !== 0 && processOf(running) === process) return true;
    for (let thread = word(Process.threads.addr(process)); thread !== 0; thread = word(Thread.siblingNext.addr(thread))) {
      if (waitsHere(thread)) return true;
    }
    return false;
  };
  const ownBlock = (layout: StructInfo): Rule => {
    const place = placesOf(layout)[0]!;
    return (base) => place.has(base) && place.indexOf(base) === hart;
  };
  guards.define('owner', (layout: StructInfo) => {
    if (PRIVATE_BY_CONSTRUCTION.includes(layout.NAME)) return free;
    if (layout === Process) return ownsProcess;
    if (layout === Context || layout === Thread) return (thread) => runsHere(thread) || waitsHere(thread);
    return ownBlock(layout === TraceRecord ? TraceRing : layout);
  });
  guards.define('callPending', (layout) => {
    const own = ownBlock(layout);
    return (base, write, index) => !write || own(base, write, index);
  });
  guards.define('immutable', () => (_base, write) => !write);
  // A thread takes its process's number in execve, when it is the only one.
  guards.define('alone', () => (thread, write) => !write || (guards.holds(table.lock) && runsHere(thread)));

  const holdsRank = (rank: number): boolean => {
    const control = smpMap.hartControl(hart);
    for (let i = 0; i < HartControl.heldCount.peek(ram, control); i++) {
      if (Spinlock.rank.peek(ram, HartControl.held.peek(ram, control, i)) === rank) return true;
    }
    return false;
  };
  // What is known of a signal does not know its process: that the lock of some process is held must do.
  guards.define('signals', () => () => holdsRank(Rank.process));
  // An area does not know its space, likewise.
  const holdsSpace: Rule = () => holdsRank(Rank.space);
  guards.define('Space.lock', (layout) => {
    if (layout === Area) return holdsSpace;
    const spaces = placesOf(Space)[0]!;
    return (base) => guards.holds(Space.lock.addr(spaces.startOf(base)));
  });

  guards.define('inode', () => (lock) => guards.holds(Inode.lock.addr(word(FileLock.inode.addr(lock)))));

  // A wait queue is guarded by what guards the field that it lies in. Queues never move, so each is looked up once.
  const locks = new Map<number, number>();
  guards.define('guard', () => (queue) => {
    let lock = locks.get(queue);
    if (lock === undefined) {
      lock = lockOfQueue(queue, table.lock);
      locks.set(queue, lock);
    }
    return guards.holds(lock);
  });
  return guards;
}

function lockOfQueue(queue: number, treeLock: number): number {
  const place = placeAround(queue);
  const start = place?.startOf(queue) ?? 0;
  const around = place?.layout.FIELDS.find(({ offset, size }) => queue >= start + offset && queue < start + offset + size);
  if (place === undefined || around === undefined)
    throw new KernelPanic(`a wait queue at 0x${queue.toString(16)} that lies nowhere`);
  if (around.guard === 'tree') return treeLock;
  const lock = place.layout.FIELDS.find(({ name }) => name === around.guard)!;
  return lock.addr(start);
}
