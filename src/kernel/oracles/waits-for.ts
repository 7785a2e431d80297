/*
 * Who waits for whom, and who should not: lost wake-ups, deadlocks, and the report of them. For a machine at rest: nothing takes a lock.
 */

import type { Ram } from '../../core/ram.ts';
import { HartBlock } from '../../core/hart-block.ts';
import { HartControl } from '../../smp/hart-control.ts';
import { heldLocks, wantedLocks, type LockClaim } from '../../smp/lock-audit.ts';
import type { SmpMap } from '../../smp/smp-map.ts';
import { NAME_BYTES, Process } from '../process.ts';
import type { ProcessTable } from '../process-table.ts';
import { Thread, ThreadFlag, ThreadState } from '../thread.ts';
import { WaitQueue } from '../wait.ts';
import type { Inspection } from './inspection.ts';

/** What is looked at: a kernel is one. */
export interface Inspected {
  readonly ram: Ram;
  readonly smpMap: SmpMap;
  readonly table: ProcessTable;
  readonly inspection: Inspection;
}

/** A thread that waits, or is forgotten, without reason. */
export interface LostWakeup {
  readonly tid: number;
  /** One line. */
  readonly text: string;
}

/** All threads that wait although what they wait for is there, or that are ready while a hart that may run them sleeps. */
export function findLostWakeups(kernel: Inspected): LostWakeup[] {
  const { ram } = kernel;
  const lost: LostWakeup[] = [];
  for (const thread of threadsOf(kernel)) {
    const state = Thread.state.load(ram, thread);
    const why =
      state === ThreadState.Blocked
        ? whyNotWait(kernel, thread)
        : state === ThreadState.Ready
          ? whyNotQueued(kernel, thread)
          : undefined;
    if (why === undefined) continue;
    const what = state === ThreadState.Blocked ? whatItDoes(kernel, thread) : 'is ready';
    lost.push({ tid: Thread.tid.peek(ram, thread), text: `${nameOf(ram, thread)} ${what}, but ${why}` });
  }
  return lost;
}

/** The waits-for graph in words, a line for each thread that does not run and each hart that waits for a lock; cycles of locks last. */
export function describeWaits(kernel: Inspected): string[] {
  const { ram, smpMap, inspection } = kernel;
  const lines: string[] = [];
  for (const thread of threadsOf(kernel)) {
    const state = Thread.state.load(ram, thread);
    if (state === ThreadState.Ready)
      lines.push(`${nameOf(ram, thread)} is ready, at hart ${String(Thread.hart.load(ram, thread))}`);
    if (state !== ThreadState.Blocked) continue;
    const kind = inspection.waits.get(Thread.waitReason.peek(ram, thread));
    lines.push(
      `${nameOf(ram, thread)} ${whatItDoes(kernel, thread)}; can be woken by ${kind?.wakers(thread) ?? 'whoever started it'}`,
    );
  }
  const wanted = wantedLocks(ram, smpMap);
  const participant = (n: number): string => (n === smpMap.cpus ? 'the host' : `hart ${String(n)}`);
  for (const { participant: who, name, holder } of wanted)
    lines.push(
      `${participant(who)} waits for lock ${name}, ${holder < 0 ? 'which is free' : `held by ${participant(holder)}`}`,
    );
  for (const { participant: who, name } of heldLocks(ram, smpMap)) lines.push(`${participant(who)} holds lock ${name}`);
  const cycle = lockCycle(wanted);
  if (cycle.length > 0) lines.push(`deadlock: ${[...cycle, cycle[0]!].map(participant).join(' waits for ')}`);
  return lines;
}

/** Participants each of which waits for a lock that the next one holds, and the last for the first's; none: empty. */
function lockCycle(wanted: readonly LockClaim[]): number[] {
  const next = new Map(wanted.map(({ participant, holder }) => [participant, holder]));
  for (const start of next.keys()) {
    const path: number[] = [];
    for (let at: number | undefined = start; at !== undefined && !path.includes(at); at = next.get(at)) {
      path.push(at);
      if (next.get(at) === start) return path;
    }
  }
  return [];
}

function whyNotWait(kernel: Inspected, thread: number): string | undefined {
  const { ram, inspection } = kernel;
  const guard = Thread.waitGuard.load(ram, thread);
  if (guard === 0) return 'nobody knows of it: it is blocked without waiting for anything';
  if ((Thread.flags.load(ram, thread) & ThreadFlag.Killed) !== 0) return 'it has been killed';
  if (!isOnItsQueue(ram, thread)) return 'it is not on the queue that it waits on';
  return inspection.waits.get(Thread.waitReason.peek(ram, thread))?.unjustified(thread);
}

/** A ready thread is forgotten if a hart that may run it sleeps and nobody has rung. */
function whyNotQueued({ ram, smpMap }: Inspected, thread: number): string | undefined {
  for (let hart = 0; hart < smpMap.cpus; hart++) {
    const mask = hart < 32 ? Thread.affinityLow.load(ram, thread) : Thread.affinityHigh.load(ram, thread);
    const sleeps =
      HartControl.parked.load(ram, smpMap.hartControl(hart)) !== 0 &&
      ram.u32[HartBlock.doorbell.addr(smpMap.hartBlock(hart)) >>> 2] === 0;
    if (sleeps && (mask & (1 << (hart & 31))) !== 0) return `hart ${String(hart)} sleeps`;
  }
  return undefined;
}

function isOnItsQueue(ram: Ram, thread: number): boolean {
  for (let one = WaitQueue.head.peek(ram, Thread.waitQueue.peek(ram, thread)); one !== 0; one = Thread.waitNext.peek(ram, one))
    if (one === thread) return true;
  return false;
}

function whatItDoes({ ram, inspection }: Inspected, thread: number): string {
  const reason = Thread.waitReason.peek(ram, thread);
  const kind = inspection.waits.get(reason);
  return kind === undefined ? 'has not started yet' : `${kind.does} ${kind.object(thread)}`;
}

function nameOf(ram: Ram, thread: number): string {
  const process = Thread.process.peek(ram, thread);
  const name = ram.text(Process.name.addr(process), NAME_BYTES);
  return `thread ${String(Thread.tid.peek(ram, thread))} of process ${String(Process.pid.peek(ram, process))} (${name})`;
}

function* threadsOf({ table }: Inspected): Generator<number> {
  for (let i = 0; i < table.threads.count; i++) if (table.threads.isUsed(i)) yield table.threads.at(i);
}
