/*
 * The frame that a handler runs on, exactly as Linux has it on riscv64 (struct rt_sigframe), and the way back (rt_sigreturn(2)).
 *
 *   sp → siginfo (128) | ucontext: flags, link, stack (24), mask (8), unused (120), 8 of padding |
 *        mcontext: pc x1 … x31 (256), f0 … f31 (256), fcsr, zeroes up to 528
 *
 * A frame is built in the participant's scratch and copied out at once; what comes back is copied in and believed only as far as any values of
 * registers are harmless: a pc that is not mapped faults, masks never contain KILL and STOP. Registers are the running thread's own.
 */

import { Context, fOffset, NO_RESERVATION, xOffset } from '../core/context.ts';
import type { Ram } from '../core/ram.ts';
import { E } from './errno.ts';
import { TRAMPOLINE } from './mman.ts';
import { INFO_BYTES, SIGINFO_BYTES } from './signal-info.ts';
import { Thread } from './thread.ts';
import type { UserCopy } from './user-copy.ts';

const STACK = SIGINFO_BYTES + 16;
const MASK = SIGINFO_BYTES + 40;
const MCONTEXT = SIGINFO_BYTES + 176;
const FLOATS = MCONTEXT + 256;
const FCSR = FLOATS + 256;
/** Behind fcsr: two words that a later Linux uses for more state. They must be zero, or we do not know what is meant. */
const EXTENSION = FLOATS + 516;
const EXTENSION_BYTES = 12;
export const FRAME_BYTES = MCONTEXT + 256 + 528;

const RA = xOffset(1);
const SP = xOffset(2);
const A0 = xOffset(10);
const REGISTER_BYTES = 31 * 8;
const FLOAT_BYTES = 32 * 8;
const FCSR_BITS = 0xff;

/** ss_flags. */
export const SS_ONSTACK = 1;
export const SS_DISABLE = 2;
export const SS_AUTODISARM = 0x8000_0000;
export const MINSIGSTKSZ = 2048;

export class SignalFrames {
  /** Mask of the frame that `restore` has read. */
  maskLow = 0;
  maskHigh = 0;

  constructor(
    private readonly ram: Ram,
    private readonly copy: UserCopy,
    /** FRAME_BYTES bytes of RAM that are this participant's alone. */
    private readonly scratch: number,
  ) {}

  /**
   * Makes the running thread begin a handler, on a frame that it will return through.
   *
   * @param info the siginfo, INFO_BYTES bytes
   * @param pcLow, pcHigh the handler's address
   * @param onStack whether the handler wants the alternate stack
   * @param low, high the mask that returns with the frame
   * @returns false: the frame cannot be written
   */
  push(
    thread: number,
    space: number,
    signal: number,
    info: number,
    pcLow: number,
    pcHigh: number,
    onStack: boolean,
    low: number,
    high: number,
  ): boolean {
    const { ram, scratch } = this;
    const frame = this.place(thread, onStack);
    if (frame < 0) return false;
    ram.fill(scratch, FRAME_BYTES);
    ram.copy(scratch, info, INFO_BYTES);
    this.storeStack(thread, scratch + STACK, Thread.altFlags.get(ram, thread));
    ram.u32[(scratch + MASK) >>> 2] = low;
    ram.u32[(scratch + MASK + 4) >>> 2] = high;
    ram.copy(scratch + MCONTEXT, Context.pc.addr(thread), 8);
    ram.copy(scratch + MCONTEXT + 8, thread + RA, REGISTER_BYTES);
    ram.copy(scratch + FLOATS, thread + fOffset(0), FLOAT_BYTES);
    ram.u32[(scratch + FCSR) >>> 2] = Context.fcsr.get(ram, thread);
    if (this.copy.copyOut(space, frame, scratch, FRAME_BYTES) !== 0) return false;

    ram.setU64(thread + RA, TRAMPOLINE);
    ram.setU64(thread + SP, frame);
    ram.setU64(thread + A0, signal);
    ram.setU64(thread + A0 + 8, frame);
    ram.setU64(thread + A0 + 16, frame + SIGINFO_BYTES);
    const pc = Context.pc.addr(thread);
    ram.u32[pc >>> 2] = pcLow & ~1;
    ram.u32[(pc + 4) >>> 2] = pcHigh;
    return true;
  }

  /**
   * Gives the running thread the state of the frame at its sp; the mask is left for the caller.
   *
   * @returns false: there is no frame there
   */
  restore(thread: number, space: number): boolean {
    const { ram, scratch } = this;
    const frame = ram.getU64(thread + SP);
    if (this.copy.copyIn(space, frame, scratch, FRAME_BYTES) !== 0) return false;
    for (let at = EXTENSION; at < EXTENSION + EXTENSION_BYTES; at += 4) if (ram.u32[(scratch + at) >>> 2] !== 0) return false;
    const pc = Context.pc.addr(thread);
    ram.copy(pc, scratch + MCONTEXT, 8);
    ram.u32[pc >>> 2]! &= ~1;
    ram.copy(thread + RA, scratch + MCONTEXT + 8, REGISTER_BYTES);
    ram.copy(thread + fOffset(0), scratch + FLOATS, FLOAT_BYTES);
    Context.fcsr.set(ram, thread, ram.u32[(scratch + FCSR) >>> 2]! & FCSR_BITS);
    Context.reservation.set(ram, thread, NO_RESERVATION);
    this.maskLow = ram.u32[(scratch + MASK) >>> 2]!;
    this.maskHigh = ram.u32[(scratch + MASK + 4) >>> 2]!;
    this.loadStack(thread, scratch + STACK);
    return true;
  }

  /** Writes a `stack_t` to kernel memory: the thread's alternate stack. */
  storeStack(thread: number, at: number, flags: number): void {
    const { ram } = this;
    ram.setU64(at, Thread.altStack.get(ram, thread));
    ram.u32[(at + 8) >>> 2] = flags;
    ram.u32[(at + 12) >>> 2] = 0;
    ram.setU64(at + 16, Thread.altBytes.get(ram, thread));
  }

  /** Whether an address is on the thread's alternate stack. One that is disarmed while handlers run is never in use. */
  isOnStack(thread: number, sp: number): boolean {
    const { ram } = this;
    if (Thread.altFlags.get(ram, thread) !== 0) return false;
    const base = Thread.altStack.get(ram, thread);
    return sp > base && sp - base <= Thread.altBytes.get(ram, thread);
  }

  /** SS_DISABLE without an alternate stack, SS_ONSTACK while it is in use, else 0. */
  stackState(thread: number): number {
    const { ram } = this;
    if (Thread.altBytes.get(ram, thread) === 0) return SS_DISABLE;
    return this.isOnStack(thread, ram.getU64(thread + SP)) ? SS_ONSTACK : 0;
  }

  /** Takes a `stack_t` in kernel memory for the alternate stack, if it is a good one: 0, -EPERM (it is in use), -EINVAL, -ENOMEM. */
  loadStack(thread: number, at: number): number {
    const { ram } = this;
    const flags = ram.u32[(at + 8) >>> 2]!;
    const mode = flags & ~SS_AUTODISARM;
    if (this.isOnStack(thread, ram.getU64(thread + SP))) return -E.PERM;
    if (mode !== 0 && mode !== SS_ONSTACK && mode !== SS_DISABLE) return -E.INVAL;
    const size = ram.getU64(at + 16);
    if (mode !== SS_DISABLE && size < MINSIGSTKSZ) return -E.NOMEM;
    this.setStack(thread, mode === SS_DISABLE ? 0 : ram.getU64(at), mode === SS_DISABLE ? 0 : size, flags & SS_AUTODISARM);
    return 0;
  }

  setStack(thread: number, base: number, size: number, flags: number): void {
    const { ram } = this;
    Thread.altStack.set(ram, thread, base);
    Thread.altBytes.set(ram, thread, size);
    Thread.altFlags.set(ram, thread, flags >>> 0);
  }

  /** Where the frame goes; -1 when the alternate stack is too small for another one. */
  private place(thread: number, onStack: boolean): number {
    const { ram } = this;
    const sp = ram.getU64(thread + SP);
    const used = this.isOnStack(thread, sp);
    if (used && !this.isOnStack(thread, sp - FRAME_BYTES)) return -1;
    const top =
      onStack && !used && Thread.altBytes.get(ram, thread) !== 0
        ? Thread.altStack.get(ram, thread) + Thread.altBytes.get(ram, thread)
        : sp;
    const frame = top - FRAME_BYTES;
    return Math.floor(frame / 16) * 16;
  }
}
