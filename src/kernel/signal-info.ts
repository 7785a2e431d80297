/*
 * What is told with a signal (siginfo_t), and the slots in which it waits.
 *
 * Of the 128 bytes of a siginfo the first 48 can mean anything. They are made in the _draft_ of the participant, RAM that is its alone: a
 * sender writes it, then sends; the queue copies it into a slot, and back into the draft of whoever takes the signal.
 *
 * A slot belongs to one queue (signal-queue.ts) and is guarded by the lock of that queue's process. Those of POSIX timers are taken when the
 * timer is made and are freed with it. A process may have QUEUE_LIMIT slots: beyond that sigqueue fails with EAGAIN, and other
 * signals are pending without their information, as on Linux.
 */

import { bytes, struct, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Process } from './process.ts';
import { SlotPool } from './slots.ts';

/** Bytes of a siginfo that are kept. */
export const INFO_BYTES = 48;
/** Bytes of a siginfo in user memory. */
export const SIGINFO_BYTES = 128;
/** Pending signals with information for one process (RLIMIT_SIGPENDING). */
export const QUEUE_LIMIT = 1024;

/** si_code. */
export const SiCode = {
  User: 0,
  Kernel: 0x80,
  Queue: -1,
  Timer: -2,
  Tkill: -6,
  /** SIGSEGV: not mapped, not allowed. */
  MapErr: 1,
  AccErr: 2,
  /** SIGBUS: misaligned, beyond the end of the file. */
  AdrAln: 1,
  AdrErr: 2,
  /** SIGILL, SIGTRAP. */
  IllOpc: 1,
  Breakpoint: 1,
  /** SIGCHLD. */
  Exited: 1,
  Killed: 2,
  Stopped: 5,
  Continued: 6,
} as const;

/** Where the parts of a siginfo lie, as words from its start: of those that have a sender, of faults, of children, of timers. */
const Word = {
  signal: 0,
  code: 2,
  pid: 4,
  uid: 5,
  address: 4,
  status: 6,
  userTicks: 8,
  timer: 4,
  overrun: 5,
  value: 6,
} as const;

export const SigInfo = struct(
  'SigInfo',
  {
    next: u32('signals'),
    /** 1: it is in a queue. */
    queued: u32('signals'),
    /** The POSIX timer whose slot it is, or 0. */
    timer: u32('signals'),
    reserved: u32('signals'),
    info: bytes('signals', INFO_BYTES, 8),
  },
  { align: 64 },
);

export class SignalInfos {
  readonly pool: SlotPool;

  /**
   * @param base region of `bytes(count)` bytes
   * @param draft INFO_BYTES bytes of RAM that are this participant's alone
   */
  constructor(
    private readonly ram: Ram,
    locks: Locks,
    base: number,
    count: number,
    readonly draft: number,
  ) {
    this.pool = new SlotPool(ram, locks, base, { name: 'siginfo', count, size: SigInfo.SIZE, layout: SigInfo, order: 'lifo' });
  }

  static bytes(count: number): number {
    return SlotPool.bytes(count, SigInfo.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
  }

  /** A slot for a process whose lock is held, or 0. `more`: beyond its limit, too. */
  allocLocked(process: number, more: boolean): number {
    const { ram } = this;
    const count = Process.infoCount.get(ram, process);
    if (count >= QUEUE_LIMIT && !more) return 0;
    const slot = this.pool.alloc();
    if (slot === 0) return 0;
    Process.infoCount.set(ram, process, count + 1);
    SigInfo.next.set(ram, slot, 0);
    SigInfo.queued.set(ram, slot, 0);
    SigInfo.timer.set(ram, slot, 0);
    if (SEEDED) this.pool.publish(slot);
    return slot;
  }

  freeLocked(process: number, slot: number): void {
    Process.infoCount.set(this.ram, process, Process.infoCount.get(this.ram, process) - 1);
    if (SEEDED) this.pool.claim(slot);
    this.pool.free(slot);
  }

  // --- The draft ----------------------------------------------------------------------------------------------------------------

  get signal(): number {
    return this.word(Word.signal);
  }

  get code(): number {
    return this.word(Word.code);
  }

  /** From a process: kill, or tkill with SiCode.Tkill. */
  fromProcess(signal: number, code: number, pid: number, uid: number): void {
    this.begin(signal, code);
    this.put(Word.pid, pid);
    this.put(Word.uid, uid);
  }

  /** From the kernel itself. */
  fromKernel(signal: number): void {
    this.begin(signal, SiCode.Kernel);
  }

  /** From an instruction at fault, or about an address. */
  fromFault(signal: number, code: number, address: number): void {
    this.begin(signal, code);
    this.ram.setU64(this.draft + 4 * Word.address, address);
  }

  /** About a child: what has become of it, its exit code or the signal, and the time it has used. */
  fromChild(signal: number, code: number, pid: number, uid: number, status: number, ns: number): void {
    this.begin(signal, code);
    this.put(Word.pid, pid);
    this.put(Word.uid, uid);
    this.put(Word.status, status);
    this.ram.setU64(this.draft + 4 * Word.userTicks, Math.floor(ns / 1e7));
  }

  /** From a POSIX timer; `value` is the address of 8 bytes that its maker has given. */
  fromTimer(signal: number, timer: number, value: number): void {
    this.begin(signal, SiCode.Timer);
    this.put(Word.timer, timer);
    this.ram.copy(this.draft + 4 * Word.value, value, 8);
  }

  /** How often the timer has expired beside the time it tells of. */
  setOverrun(overrun: number): void {
    this.put(Word.overrun, overrun);
  }

  /** Gives a siginfo that a guest has made its signal's number. */
  setSignal(signal: number): void {
    this.put(Word.signal, signal);
  }

  private begin(signal: number, code: number): void {
    this.ram.fill(this.draft, INFO_BYTES);
    this.put(Word.signal, signal);
    this.put(Word.code, code);
  }

  private word(index: number): number {
    return this.ram.i32[(this.draft >>> 2) + index]!;
  }

  private put(index: number, value: number): void {
    this.ram.i32[(this.draft >>> 2) + index] = value;
  }
}
