/*
 * The gate that harts pass before they begin their loop: closed, it holds the machine still, so that the host may save or replace all of RAM.
 *
 * A hart that is told to pause (Ipi.Pause) puts its thread back, leaves its loop with nothing in hand, and waits here; when the gate opens it
 * begins anew, with nothing but what lies in RAM. The gate's own words keep their value when RAM is replaced.
 */

import { struct } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { atomicU32 } from './atomics.ts';
import type { Doorbells } from './doorbell.ts';
import { Ipi } from './ipi.ts';

export const GateWords = struct('Gate', { closed: atomicU32(), waiting: atomicU32() }, { align: 64 });

/** A look at the number of harts that wait, while the host waits for the last one. */
const LOOK_MS = 20;

export class Gate {
  constructor(
    private readonly ram: Ram,
    private readonly base: number,
    private readonly cpus: number,
  ) {}

  /** A hart waits until the gate is open. */
  pass(): void {
    const { ram, base } = this;
    const closed = GateWords.closed.addr(base) >>> 2;
    if (Atomics.load(ram.i32, closed) === 0) return;
    const waiting = GateWords.waiting.addr(base) >>> 2;
    Atomics.add(ram.i32, waiting, 1);
    Atomics.notify(ram.i32, waiting);
    while (Atomics.load(ram.i32, closed) !== 0) Atomics.wait(ram.i32, closed, 1);
    Atomics.sub(ram.i32, waiting, 1);
    Atomics.notify(ram.i32, waiting);
  }

  /** The host closes the gate and has all harts come to it; resolves when all have, or `givenUp` says that they never will. */
  async close(doorbells: Doorbells, givenUp: () => boolean): Promise<void> {
    // Who has waited for the last opening and is just leaving must not be taken for one that has come.
    await this.awaitCount(0, givenUp);
    Atomics.store(this.ram.i32, GateWords.closed.addr(this.base) >>> 2, 1);
    doorbells.ringAll(Ipi.Pause);
    await this.awaitCount(this.cpus, givenUp);
  }

  open(): void {
    const closed = GateWords.closed.addr(this.base) >>> 2;
    Atomics.store(this.ram.i32, closed, 0);
    Atomics.notify(this.ram.i32, closed);
  }

  /** Resolves when so many harts wait. */
  private async awaitCount(count: number, givenUp: () => boolean): Promise<void> {
    const { ram, base } = this;
    const waiting = GateWords.waiting.addr(base) >>> 2;
    for (;;) {
      const now = Atomics.load(ram.i32, waiting);
      if (now === count || givenUp()) return;
      const wait = Atomics.waitAsync(ram.i32, waiting, now, LOOK_MS);
      if (wait.async) await wait.value;
    }
  }
}
