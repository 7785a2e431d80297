/*
 * TLB shootdown: no hart uses a translation that has been taken away.
 *
 * Every address space counts its changes (`generation`) and knows which harts have ever activated it (`harts`). Who takes a permission or
 * a page away changes the page table, adds to the generation, and then waits for those of them only that (a) have the space active now,
 * (b) run guest code, and (c) have not yet flushed up to the new generation; it rings their doorbells. The frames are free after that.
 *
 * A hart enters guest code by storing mode = Guest and then comparing the generations; it flushes when they differ. Both sides store
 * first and look afterwards, sequentially consistent, so at least one of them sees the other. Hence a hart in the kernel never has to
 * answer: it may spin on a lock, sleep on it, or wait for a shootdown of its own while another hart shoots at it. The kernel itself
 * copies to and from user memory by walking page tables under the space's lock, never through a TLB.
 *
 * Spaces that a hart has left are caught by the same comparison when it activates them again.
 *
 * What a hart has made of the code it found (decoded, translated) costs more to make again than translations of addresses do, and most
 * changes concern data. So there is a second count, `code`, for changes that took away something executable and for fences of the guest's
 * own. Whoever adds to it adds to `generation` afterwards: a hart that sees the one sees the other, and enterGuest looks at `code` only
 * when `generation` has changed.
 */

import type { Cpu } from '../core/cpu.ts';
import { struct } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { atomicU32, atomicU32Array } from './atomics.ts';
import type { Doorbells } from './doorbell.ts';
import { Ipi } from './ipi.ts';
import { HartControl, Mode } from './hart-control.ts';
import { SEEDED } from './schedule/build.ts';
import { nap } from './sleep.ts';
import type { SmpMap } from './smp-map.ts';

/** What a space embeds for this protocol. */
export const TlbState = struct(
  'TlbState',
  {
    generation: atomicU32(),
    /** Changes that concern code. */
    code: atomicU32(),
    /** Bit per hart that has ever had the slot's space active: who need not be asked at all. Never cleared. */
    harts: atomicU32Array(2),
  },
  { align: 64 },
);

/** Spins before a shooter sleeps for a moment: the target may be off its host core. */
const SPINS = 2000;
const NAP_MS = 0.05;

export class Shootdown {
  /** For each ASID, the generation up to which this hart's TLB has been flushed. A cache of this hart alone. */
  private readonly seen: Uint32Array;
  /** For each ASID, the count of code changes up to which this hart has forgotten its code. */
  private readonly seenCode: Uint32Array;
  private active = 0;
  private activeRoot = 0;
  private activeAsid = 0;
  /** What `HartControl.generation` says: spares the store when it has not changed. */
  private published = -1;
  private readonly control: number;

  constructor(
    private readonly ram: Ram,
    private readonly map: SmpMap,
    private readonly doorbells: Doorbells,
    private readonly cpu: Pick<Cpu, 'activate' | 'flushAsid' | 'flushCodeOf'>,
    private readonly hart: number,
    asids: number,
  ) {
    this.seen = new Uint32Array(asids);
    this.seenCode = new Uint32Array(asids);
    this.control = map.hartControl(hart);
  }

  /**
   * Makes a space the active one of this hart.
   *
   * @param tlb address of its TlbState; 0: none (the hart goes idle and takes part in no shootdown)
   */
  activate(tlb: number, root: number, asid: number): void {
    // A space that has died and come back in the same slot has another root.
    if (tlb === this.active && root === this.activeRoot) return;
    this.active = tlb;
    this.activeRoot = root;
    this.activeAsid = asid;
    // What is claimed to be flushed must be true of the new space before the hart counts as its user: a count that the old space has
    // left behind may be higher, and a shooter would not wait for a hart that is just entering guest code.
    this.published = this.seen[asid]!;
    // Plain stores: storing the mode in enterGuest publishes them, and nobody waits for this hart before it has read that.
    HartControl.generation.put(this.ram, this.control, this.published);
    HartControl.space.put(this.ram, this.control, tlb);
    if (tlb === 0) return;
    const word = this.hart >>> 5;
    const bit = 1 << (this.hart & 31);
    if ((TlbState.harts.peek(this.ram, tlb, word) & bit) === 0) TlbState.harts.or(this.ram, tlb, word, bit);
    this.cpu.activate(root, asid);
  }

  /** Call right before guest code runs. Nothing but guest code may follow until `leaveGuest`. */
  enterGuest(): void {
    HartControl.mode.store(this.ram, this.control, Mode.Guest);
    // Not a plain load: a host that is not an x86 may carry that out before the store above.
    const generation = TlbState.generation.load(this.ram, this.active);
    if (this.seen[this.activeAsid] !== generation) this.catchUp(generation);
    if (this.published !== generation) {
      HartControl.generation.store(this.ram, this.control, generation);
      this.published = generation;
    }
  }

  leaveGuest(): void {
    HartControl.mode.store(this.ram, this.control, Mode.Kernel);
  }

  /**
   * Makes sure that no hart uses translations of this space from before the call. The page table has been changed already.
   * Call without interest in the outcome for the calling hart: it flushes before its next guest instruction.
   * When something executable may have been among what has changed, `shootCode` is the one to call.
   */
  shoot(tlb: number): void {
    const generation = TlbState.generation.add(this.ram, tlb, 1) + 1;
    for (let word = 0; word < 2; word++) {
      let harts = TlbState.harts.load(this.ram, tlb, word);
      while (harts !== 0) {
        const bit = 31 - Math.clz32(harts & -harts);
        harts &= harts - 1;
        const target = word * 32 + bit;
        if (target !== this.hart) this.await(target, tlb, generation);
      }
    }
  }

  /** As `shoot`; and no hart runs code of this space that it has read before the call. */
  shootCode(tlb: number): void {
    TlbState.code.add(this.ram, tlb, 1);
    this.shoot(tlb);
  }

  /**
   * The guest has executed fence.i in the active space, and this hart has forgotten its code: no other hart is to run what it read before
   * when it next enters guest code, for the thread may go on there. Waits for nobody: a thread that runs on another hart now needs a
   * fence of its own. Called in guest code.
   */
  fenceCode(): void {
    const { ram, active, activeAsid, seen, seenCode } = this;
    // What only this call has changed, this hart has seen to already.
    const code = TlbState.code.add(ram, active, 1);
    if (seenCode[activeAsid] === code) seenCode[activeAsid] = code + 1;
    const generation = TlbState.generation.add(ram, active, 1);
    if (seen[activeAsid] === generation) seen[activeAsid] = generation + 1;
  }

  /** Takes over what has changed in the active space up to a generation. */
  private catchUp(generation: number): void {
    const asid = this.activeAsid;
    this.cpu.flushAsid(asid);
    this.seen[asid] = generation;
    // After the generation, which is changed last.
    const code = TlbState.code.load(this.ram, this.active);
    if (this.seenCode[asid] === code) return;
    this.cpu.flushCodeOf(asid);
    this.seenCode[asid] = code;
  }

  private await(target: number, tlb: number, generation: number): void {
    const { ram } = this;
    const control = this.map.hartControl(target);
    let spins = 0;
    let rung = false;
    while (
      HartControl.mode.load(ram, control) === Mode.Guest &&
      HartControl.space.load(ram, control) === tlb &&
      (HartControl.generation.load(ram, control) - generation) >> 0 < 0
    ) {
      if (!rung) {
        this.doorbells.ring(target, Ipi.Shootdown);
        HartControl.shootdowns.set(ram, this.control, HartControl.shootdowns.get(ram, this.control) + 1);
        rung = true;
      }
      if (SEEDED || ++spins > SPINS) nap(ram, HartControl.mode.addr(control), Mode.Guest, NAP_MS);
    }
  }
}
