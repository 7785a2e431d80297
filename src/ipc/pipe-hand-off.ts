/*
 * From hand to hand: what a short write puts into an empty pipe goes straight into the buffer of the reader that waits longest, and its call is
 * complete. That spares it to make its call again, a sixth of a round trip. Whatever stands in the way (several buffers, a bad one, a file that is
 * not the reader's alone, a FIFO, whose times would have to be noted) is no harm: it is woken then, as for a long write, and looks for itself.
 *
 * All under the pipe's lock. A reader notes its buffer before it sleeps: waitA = user address, waitB = bytes, 0: none to hand to.
 */

import type { Ram } from '../core/ram.ts';
import { FileKind } from '../kernel/files/file-ops.ts';
import { Transfer } from '../kernel/files/transfer.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Process } from '../kernel/process.ts';
import { Thread } from '../kernel/thread.ts';
import type { PipeRing } from './pipe-ring.ts';

export class HandOff {
  private readonly ram: Ram;
  private readonly transfer: Transfer;

  constructor(
    private readonly kernel: Kernel,
    private readonly ring: PipeRing,
  ) {
    this.ram = kernel.ram;
    this.transfer = new Transfer(kernel.ram, kernel.copy);
  }

  /** The running thread is about to sleep in a read: where what comes can be put. */
  noteLocked(thread: number, to: Transfer): void {
    Thread.waitA.set(this.ram, thread, to.firstAddress);
    Thread.waitB.set(this.ram, thread, to.isOneBuffer ? to.total : 0);
  }

  /** Gives a reader that waits what there is; false: it has to look for itself. */
  tryLocked(pipe: number, reader: number): boolean {
    const { ram, ring, transfer } = this;
    const { waits, descriptors } = this.kernel;
    const bytes = Thread.waitB.get(ram, reader);
    if (bytes === 0 || !descriptors.borrowsLocked(reader, FileKind.pipe)) return false;
    const space = Process.space.get(ram, Thread.process.get(ram, reader));
    transfer.begin(space, Thread.waitA.get(ram, reader), bytes);
    let done = 0;
    for (let state = 0; state === 0 && transfer.left > 0 && !ring.isEmptyLocked(pipe);) {
      state = ring.takeLocked(pipe, transfer);
      if (state >= 0) done = transfer.done;
    }
    if (done === 0) return false;
    descriptors.endLoanLocked(reader);
    waits.completeLocked(reader, done);
    return true;
  }
}
