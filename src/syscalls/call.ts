/*
 * One system call on its way through the kernel: who makes it, and its arguments. There is one object per hart, used again and again.
 *
 * Every handler has the same shape: it takes the Call, and returns a value, a negative errno or an outcome (kernel/result.ts). What a
 * guest passes may be anything: the readers below turn 64 bits into a number of the kind that is asked for and never fail.
 */

import { xOffset } from '../core/context.ts';
import type { Ram } from '../core/ram.ts';
import type { Pipes } from '../ipc/pipe.ts';
import type { Ports } from '../ipc/port.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Process } from '../kernel/process.ts';
import { Thread } from '../kernel/thread.ts';

export type Handler = (call: Call) => number;

const ARGUMENTS = xOffset(10);

export class Call {
  thread = 0;
  process = 0;
  space = 0;
  private readonly ram: Ram;

  constructor(
    readonly kernel: Kernel,
    readonly ports: Ports,
    readonly pipes: Pipes,
  ) {
    this.ram = kernel.ram;
  }

  /** Prepares for the call that `thread` makes. */
  begin(thread: number): void {
    this.thread = thread;
    this.process = Thread.process.get(this.ram, thread);
    this.space = Process.space.get(this.ram, this.process);
  }

  /** Argument 0 … 5 as an unsigned number: exact below 2^53, merely huge above. For addresses and sizes. */
  size(index: number): number {
    return this.ram.getU64(this.thread + ARGUMENTS + 8 * index);
  }

  /** Argument as a signed 64-bit number. */
  i64(index: number): number {
    return this.ram.getI64(this.thread + ARGUMENTS + 8 * index);
  }

  /** The low 32 bits, signed: a C int. */
  i32(index: number): number {
    return this.ram.i32[(this.thread + ARGUMENTS + 8 * index) >>> 2]!;
  }

  /** The low 32 bits, unsigned. */
  u32(index: number): number {
    return this.ram.u32[(this.thread + ARGUMENTS + 8 * index) >>> 2]!;
  }

  /** The high 32 bits, unsigned. */
  high(index: number): number {
    return this.ram.u32[(this.thread + ARGUMENTS + 8 * index + 4) >>> 2]!;
  }
}
