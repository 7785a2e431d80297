/*
 * The bell of the host: harts ring when a device ring has filled, a program has ended or the machine has crashed.
 *
 * The host's thread has an event loop to serve and so must not sleep: it waits asynchronously on the word.
 */

import type { Ram } from '../core/ram.ts';
import { BootPage } from './boot-page.ts';
import { SEEDED } from './schedule/build.ts';
import { scheduledHart } from './schedule/point.ts';

/** What a hart wants from the host, a bit each. */
export const HostCall = {
  /** The console has output. */
  Output: 1,
  /** The console has room for input again. */
  Input: 2,
  /** A launched program has ended. */
  Exit: 4,
  /** A trace ring is half full. */
  Trace: 8,
  /** Power off, or a machine check. */
  Stop: 16,
  /** A starting line is complete and held. */
  Line: 32,
} as const;

export class HostBell {
  private readonly index: number;

  /** @param bootPage address of the boot page */
  constructor(
    private readonly ram: Ram,
    bootPage: number,
  ) {
    this.index = BootPage.hostBell.addr(bootPage) >>> 2;
  }

  /** Rings for `calls`; costs one atomic when they are pending already. */
  ring(calls: number): void {
    if (SEEDED) {
      // The host looks when it has its turn. Full rings are none of the schedule's: who finds its own full waits for the host.
      this.ram.i32[this.index]! |= calls;
      if (calls !== HostCall.Trace) scheduledHart().hostWanted();
      return;
    }
    const before = Atomics.or(this.ram.i32, this.index, calls);
    if ((before & calls) !== calls) Atomics.notify(this.ram.i32, this.index);
  }

  /** What rang since the last call; clears it. */
  take(): number {
    return Atomics.exchange(this.ram.i32, this.index, 0);
  }

  /** Resolves once something rings, or after `timeoutMs`. For the host only. */
  async wait(timeoutMs: number): Promise<void> {
    const wait = Atomics.waitAsync(this.ram.i32, this.index, 0, timeoutMs);
    if (wait.async) await wait.value;
  }
}
