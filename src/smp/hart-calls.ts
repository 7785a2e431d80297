/*
 * Calls across harts: one participant has a function carried out by other harts, and waits until all have done it.
 *
 * A caller's request lies in its own control block: which function, its argument, and a bit for each hart that still has to do it; so
 * callers need no lock among themselves. A target, rung by Ipi.Call, looks through all control blocks for its bit, carries the function out
 * and clears the bit. It does so in its loop, between two slices of guest code or two system calls, and whenever it waits for a call of its
 * own, so two harts may call each other. A caller holds no lock, for a target may be waiting for it before it gets to look.
 *
 * Functions have numbers, and every participant registers what they mean for itself.
 */

import type { Ram } from '../core/ram.ts';
import type { Doorbells } from './doorbell.ts';
import { Ipi } from './ipi.ts';
import { HartControl, Mode } from './hart-control.ts';
import { KernelPanic } from './panic.ts';
import { SEEDED } from './schedule/build.ts';
import { nap } from './sleep.ts';
import type { SmpMap } from './smp-map.ts';
import type { Locks } from './spinlock.ts';

/** Functions that can be called on another hart. */
export const HartCall = {
  /** Nothing: to have left guest code is a full memory barrier. */
  Barrier: 0,
  /** Bring the accounts of CPU time up to date. */
  Account: 1,
} as const;
export type HartCall = (typeof HartCall)[keyof typeof HartCall];

/** Spins before a caller sleeps for a moment: a target may be off its host core. */
const SPINS = 2000;
const NAP_MS = 0.05;

export class HartCalls {
  private readonly functions: (() => void)[] = [];
  private readonly control: number;
  private readonly word: number;
  private readonly bit: number;

  constructor(
    private readonly ram: Ram,
    private readonly map: SmpMap,
    private readonly doorbells: Doorbells,
    private readonly locks: Locks,
    private readonly hart: number,
  ) {
    this.control = map.hartControl(hart);
    this.word = hart >>> 5;
    this.bit = 1 << (hart & 31);
  }

  /** Says what a function does on this hart. */
  register(call: HartCall, run: () => void): void {
    this.functions[call] = run;
  }

  /**
   * Has the harts of a mask carry out a function, this one among them if it is in the mask. Returns when all have. Harts that are off, not
   * started or halted, are passed over.
   *
   * @param low, high a bit per hart, 0 … 31 and 32 … 63
   */
  run(call: HartCall, low: number, high: number): void {
    if (this.locks.held !== 0) throw new KernelPanic('a hart was called with a lock held');
    const { ram, control } = this;
    HartControl.callFunction.set(ram, control, call);
    this.request(0, low);
    this.request(1, high);
    if (HartControl.callPending.load(ram, control, this.word) & this.bit) this.serveOne(control);
    for (let spins = 0; ; spins++) {
      const pendingLow = HartControl.callPending.load(ram, control, 0);
      const pendingHigh = HartControl.callPending.load(ram, control, 1);
      if ((pendingLow | pendingHigh) === 0) return;
      this.serve();
      if (!SEEDED && spins < SPINS) continue;
      this.passOverDead(0, pendingLow);
      this.passOverDead(1, pendingHigh);
      nap(
        ram,
        HartControl.callPending.addr(control) + (pendingLow !== 0 ? 0 : 4),
        pendingLow !== 0 ? pendingLow : pendingHigh,
        NAP_MS,
      );
    }
  }

  /** Carries out what other harts have asked of this one: on Ipi.Call. */
  serve(): void {
    for (let caller = 0; caller <= this.map.cpus; caller++) {
      const control = this.map.hartControl(caller);
      if ((HartControl.callPending.load(this.ram, control, this.word) & this.bit) !== 0) this.serveOne(control);
    }
  }

  private serveOne(caller: number): void {
    this.functions[HartControl.callFunction.get(this.ram, caller)]?.();
    HartControl.callPending.and(this.ram, caller, this.word, ~this.bit);
  }

  private request(word: number, harts: number): void {
    HartControl.callPending.or(this.ram, this.control, word, harts);
    this.passOverDead(word, harts >>> 0);
    for (let hart = word * 32; hart < Math.min(this.map.cpus, word * 32 + 32); hart++) {
      if (hart !== this.hart && (harts & (1 << (hart & 31))) !== 0) this.doorbells.ring(hart, Ipi.Call);
    }
  }

  /** Takes harts that do not run out of the request. */
  private passOverDead(word: number, pending: number): void {
    for (let bit = 0; bit < 32; bit++) {
      if ((pending & (1 << bit)) === 0) continue;
      const hart = word * 32 + bit;
      const off = hart >= this.map.cpus || HartControl.mode.load(this.ram, this.map.hartControl(hart)) === Mode.Off;
      if (off) HartControl.callPending.and(this.ram, this.control, word, ~(1 << bit));
    }
  }
}
