/*
 * Whose turn it is: how the turn goes from a hart to another one, to the host, and back.
 *
 * Each hart sleeps on a word of its own until it gets the turn, so giving it away wakes one thread. What the giver has written before, the
 * taker sees. The host waits asynchronously: it has an event loop to serve.
 */

import type { Ram } from '../../core/ram.ts';
import { Grant, GRANT_BYTES, HOST_TURN, Turns } from './state.ts';

/** Thrown where a hart waits for its turn when the host wants all harts back at the start: what they were doing is given up. */
export class Abandoned extends Error {
  /** @param off whether the machine is turned off */
  constructor(readonly off: boolean) {
    super('the run was abandoned');
    this.name = 'Abandoned';
  }
}

export class TurnTaking {
  private readonly turn: number;
  private readonly joined: number;
  private readonly grants: number;

  /** @param base region of `turnBytes(cpus)` bytes */
  constructor(
    private readonly ram: Ram,
    base: number,
    private readonly cpus: number,
  ) {
    this.turn = Turns.turn.addr(base) >>> 2;
    this.joined = Turns.joined.addr(base) >>> 2;
    this.grants = Turns.grants.addr(base) >>> 2;
  }

  /** Gives the turn to a hart. One that is wanted at the start, or off, stays so: the host may turn the machine off at any time. */
  give(hart: number): void {
    const { i32 } = this.ram;
    const index = this.indexOf(hart);
    Atomics.store(i32, this.turn, hart + 1);
    Atomics.compareExchange(i32, index, Grant.Wait, Grant.Go);
    Atomics.notify(i32, index);
  }

  /** Gives the turn to the host. */
  giveHost(): void {
    Atomics.store(this.ram.i32, this.turn, HOST_TURN);
    Atomics.notify(this.ram.i32, this.turn);
  }

  /**
   * A hart waits until it is its turn.
   *
   * @throws Abandoned
   */
  await(hart: number): void {
    const { i32 } = this.ram;
    const index = this.indexOf(hart);
    for (;;) {
      const grant = Atomics.exchange(i32, index, Grant.Wait);
      if (grant === Grant.Go) return;
      if (grant !== Grant.Wait) throw new Abandoned(grant === Grant.Off);
      Atomics.wait(i32, index, Grant.Wait);
    }
  }

  /** A hart is at the start; the last one to come gives the turn to the host. */
  join(): void {
    if (Atomics.add(this.ram.i32, this.joined, 1) + 1 === this.cpus) this.giveHost();
  }

  /** The host has all harts come back to the start. It is the host's turn before this; it is again when all have come. */
  abandon(off = false): void {
    const { i32 } = this.ram;
    Atomics.store(i32, this.joined, 0);
    Atomics.store(i32, this.turn, -1);
    for (let hart = 0; hart < this.cpus; hart++) {
      const index = this.indexOf(hart);
      Atomics.store(i32, index, off ? Grant.Off : Grant.Abandon);
      Atomics.notify(i32, index);
    }
  }

  /** Resolves when it is the host's turn. */
  async awaitHost(): Promise<void> {
    const { i32 } = this.ram;
    for (;;) {
      const turn = Atomics.load(i32, this.turn);
      if (turn === HOST_TURN) return;
      const wait = Atomics.waitAsync(i32, this.turn, turn);
      if (wait.async) await wait.value;
    }
  }

  /** The machine begins: nobody has come to the start yet. */
  initialise(): void {
    Atomics.store(this.ram.i32, this.turn, -1);
  }

  private indexOf(hart: number): number {
    return this.grants + (hart * GRANT_BYTES) / 4;
  }
}
