/*
 * What the kernel's own waits are about: when each is justified, and who ends it (inspection.ts). The table in ARCHITECTURE.md, as code.
 */

import type { Ram } from '../../core/ram.ts';
import type { Console } from '../../devices/console.ts';
import { xOffset } from '../../core/context.ts';
import type { Futexes } from '../futex.ts';
import { Process, ProcessFlag, ProcessState } from '../process.ts';
import { Thread } from '../thread.ts';
import { WaitReason } from '../wait.ts';
import type { Inspection } from './inspection.ts';

const A0 = xOffset(10);
const A7 = xOffset(17);
/** waitid(2): its number, and whom it can wait for. */
const WAITID = 95;
const P_ALL = 0;
const P_PGID = 2;

/** Registers them. */
export function describeKernelWaits(inspection: Inspection, ram: Ram, futexes: Futexes, console: Console): void {
  const processOf = (thread: number): number => Thread.process.peek(ram, thread);
  const pid = (process: number): string => String(Process.pid.peek(ram, process));
  /** The process whose queue, a field of it, the thread is on. */
  const around = (thread: number, field: { readonly offset: number }): number =>
    Thread.waitQueue.peek(ram, thread) - field.offset;
  const siblings = (first: number): number[] => {
    const found: number[] = [];
    for (let process = first; process !== 0; process = Process.siblingNext.peek(ram, process)) found.push(process);
    return found;
  };
  const living = (process: number): number[] => siblings(Process.children.peek(ram, process));
  const others = (thread: number): string => {
    const tids: number[] = [];
    for (let one = Process.threads.peek(ram, processOf(thread)); one !== 0; one = Thread.siblingNext.peek(ram, one)) {
      if (one !== thread) tids.push(Thread.tid.peek(ram, one));
    }
    return tids.length === 0 ? 'nobody' : `thread ${tids.join(', ')} of its process`;
  };
  /** Whom wait4 or waitid was called for: the call is made again, so its arguments are still there. In wait4's form. */
  const wanted = (thread: number): number => {
    const first = ram.i32[(thread + A0) >>> 2]!;
    if (ram.u32[(thread + A7) >>> 2] !== WAITID) return first;
    const id = ram.i32[(thread + A0 + 8) >>> 2]!;
    if (first === P_ALL) return -1;
    return first === P_PGID ? -id : id;
  };
  /** A child that wait4 or waitid is for, by its number; those of groups are not told apart. */
  const fits = (thread: number, child: number): boolean =>
    wanted(thread) <= 0 || Process.pid.peek(ram, child) === wanted(thread);
  const byGroup = (thread: number): boolean => wanted(thread) === 0 || wanted(thread) < -1;
  const address = (value: number): string => `0x${value.toString(16)}`;

  inspection.wait(WaitReason.child, {
    does: 'waits for',
    object: (thread) => (wanted(thread) > 0 ? `child ${String(wanted(thread))}` : 'a child to end'),
    wakers: (thread) => `process ${living(processOf(thread)).map(pid).join(', ')}`,
    unjustified: (thread) => {
      const process = processOf(thread);
      if (byGroup(thread)) return undefined;
      const ended = siblings(Process.zombies.peek(ram, process)).find((child) => fits(thread, child));
      if (ended !== undefined) return `child ${pid(ended)} has ended`;
      return living(process).some((child) => fits(thread, child)) ? undefined : 'there is no such child';
    },
  });
  inspection.wait(WaitReason.stopped, {
    does: 'is stopped with',
    object: (thread) => `process ${pid(processOf(thread))}`,
    wakers: () => 'whoever sends CONT or KILL',
    unjustified: (thread) => {
      const process = processOf(thread);
      const stopping = Process.stopped.peek(ram, process) !== 0 || Process.stopCount.peek(ram, process) !== 0;
      return stopping ? undefined : 'its process goes on';
    },
  });
  inspection.wait(WaitReason.signal, {
    does: 'waits for',
    object: () => 'a signal',
    wakers: () => 'whoever sends one',
    unjustified: (thread) => {
      const process = processOf(thread);
      const low = Thread.pendingLow.peek(ram, thread) | Process.pendingLow.peek(ram, process);
      const high = Thread.pendingHigh.peek(ram, thread) | Process.pendingHigh.peek(ram, process);
      const open = (low & ~Thread.blockedLow.peek(ram, thread)) | (high & ~Thread.blockedHigh.peek(ram, thread));
      return open === 0 ? undefined : 'there is one for it';
    },
  });
  inspection.wait(WaitReason.vfork, {
    does: 'waits for',
    object: (thread) => `child ${pid(around(thread, Process.vfork))} to execute a program (vfork)`,
    wakers: (thread) => `process ${pid(around(thread, Process.vfork))}`,
    unjustified: (thread) => {
      const child = around(thread, Process.vfork);
      if (Process.state.peek(ram, child) !== ProcessState.Live) return 'the child has ended';
      return (Process.flags.peek(ram, child) & ProcessFlag.Forked) !== 0 ? undefined : 'the child has executed a program';
    },
  });

  inspection.wait(WaitReason.alone, {
    does: 'waits for',
    object: () => 'the other threads of its process to end (execve)',
    wakers: others,
    unjustified: (thread) => (Process.threadCount.peek(ram, processOf(thread)) > 1 ? undefined : 'it is the only thread'),
  });

  const inItsBucket = (thread: number): string | undefined =>
    futexes.isInItsBucket(thread) ? undefined : 'it is in the bucket of another word, where nobody looks for it';
  inspection.wait(WaitReason.futex, {
    does: 'waits for',
    object: (thread) => `futex ${address(Thread.waitB.peek(ram, thread))} of process ${pid(processOf(thread))}`,
    wakers: others,
    unjustified: inItsBucket,
  });

  inspection.wait(WaitReason.sleep, {
    does: 'sleeps until',
    object: () => 'its deadline',
    wakers: (thread) => `hart ${String(Thread.timerHart.peek(ram, thread) - 1)}`,
    unjustified: (thread) => (Thread.timerHart.peek(ram, thread) === 0 ? 'no deadline is armed for it' : undefined),
  });

  inspection.wait(WaitReason.poll, {
    does: 'polls',
    object: () => 'some files',
    wakers: () => 'whoever changes one of them',
    unjustified: (thread) => (Thread.poked.peek(ram, thread) === 0 ? undefined : 'it has been told of a change'),
  });

  inspection.wait(WaitReason.consoleInput, {
    does: 'reads',
    object: () => 'the console',
    wakers: () => 'the host',
    unjustified: () => (console.readableNow() ? 'there is input' : undefined),
  });
  inspection.wait(WaitReason.consoleOutput, {
    does: 'waits for room in',
    object: () => 'the console',
    wakers: () => 'the host',
    unjustified: () => (console.output.roomLocked() > 0 ? 'there is room' : undefined),
  });
}
