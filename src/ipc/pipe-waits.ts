/*
 * What waits at pipes are about (kernel/oracles/inspection.ts). Without locks: for a machine at rest.
 */

import type { Ram } from '../core/ram.ts';
import type { Inspection } from '../kernel/oracles/inspection.ts';
import { Thread } from '../kernel/thread.ts';
import { WaitReason } from '../kernel/wait.ts';
import { Pipe } from './pipe-layout.ts';

/** Registers them. */
export function describePipeWaits(inspection: Inspection, ram: Ram): void {
  const pipeOf = (thread: number, queue: { readonly offset: number }): number =>
    Thread.waitQueue.peek(ram, thread) - queue.offset;
  const used = (pipe: number): number => (Pipe.head.peek(ram, pipe) - Pipe.tail.peek(ram, pipe)) >>> 0;
  const name = (pipe: number): string => {
    const bytes = (Pipe.nwrite.peek(ram, pipe) - Pipe.nread.peek(ram, pipe)) >>> 0;
    return `pipe ${String(Pipe.number.peek(ram, pipe))} (${String(bytes)} bytes)`;
  };
  const ends = (count: number, what: string): string => `whoever ${what}: ${String(count)} open`;

  inspection.wait(WaitReason.pipeRead, {
    does: 'reads',
    object: (thread) => name(pipeOf(thread, Pipe.readers)),
    wakers: (thread) => ends(Pipe.writeopen.peek(ram, pipeOf(thread, Pipe.readers)), 'writes'),
    unjustified: (thread) => {
      const pipe = pipeOf(thread, Pipe.readers);
      if (used(pipe) > 0) return 'there are bytes';
      return Pipe.writeopen.peek(ram, pipe) === 0 ? 'nobody has it open for writing' : undefined;
    },
  });
  inspection.wait(WaitReason.fifoOpen, {
    does: 'opens',
    object: (thread) => `FIFO with ${name(pipeOf(thread, Pipe.openers))}`,
    wakers: () => 'whoever opens the other end',
    unjustified: (thread) => {
      const pipe = pipeOf(thread, Pipe.openers);
      const both = Pipe.readopen.peek(ram, pipe) > 0 && Pipe.writeopen.peek(ram, pipe) > 0;
      return both ? 'the other end is open' : undefined;
    },
  });
  inspection.wait(WaitReason.pipeWrite, {
    does: 'waits for room in',
    object: (thread) => name(pipeOf(thread, Pipe.writers)),
    wakers: (thread) => ends(Pipe.readopen.peek(ram, pipeOf(thread, Pipe.writers)), 'reads'),
    unjustified: (thread) => {
      const pipe = pipeOf(thread, Pipe.writers);
      if (used(pipe) < Pipe.slots.peek(ram, pipe)) return 'there is room';
      return Pipe.readopen.peek(ram, pipe) === 0 ? 'nobody has it open for reading' : undefined;
    },
  });
}
