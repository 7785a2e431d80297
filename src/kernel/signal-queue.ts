/*
 * Pending signals of a thread and of a process: a set of numbers, and a list of what is known of them, in the order of their arrival.
 *
 * A standard signal is pending once; a real-time signal as often as it was sent. A number may be in the set without an entry in the list:
 * there was no room to keep more of it. An entry's number is always in the set.
 *
 * All of it is guarded by the lock of the process, for its threads' queues, too. The sets are atomic, so that others may glance at them.
 */

import type { U32Field } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import type { AtomicU32Field } from '../smp/atomics.ts';
import { Process } from './process.ts';
import { INFO_BYTES, SigInfo, SiCode, type SignalInfos } from './signal-info.ts';
import { FIRST_REALTIME, firstSignal, signalBit } from './signal-numbers.ts';
import { Thread } from './thread.ts';

/** The fields of a queue, in a thread's block or in a process's. */
interface Queue {
  readonly pendingLow: AtomicU32Field;
  readonly pendingHigh: AtomicU32Field;
  readonly infoHead: U32Field;
  readonly infoTail: U32Field;
}

export class SignalQueues {
  /** The timer whose signal `takeLocked` has taken, or 0. */
  timer = 0;

  constructor(
    private readonly ram: Ram,
    private readonly infos: SignalInfos,
  ) {}

  /**
   * Adds the signal of the draft to the queue of a thread, or of the process when `thread` is 0.
   *
   * @param slot the slot to use (a timer's), or 0: a new one
   * @returns 0; 1 when it was pending already and is not queued again; -1 when a real-time signal that says more than `kill` has found no slot
   */
  addLocked(process: number, thread: number, slot: number): number {
    const { ram, infos } = this;
    const { signal, code } = infos;
    const queue: Queue = thread === 0 ? Process : Thread;
    const block = thread === 0 ? process : thread;
    const set = signal <= 32 ? queue.pendingLow : queue.pendingHigh;
    const bit = signalBit(signal);
    if (signal < FIRST_REALTIME && (set.peek(ram, block) & bit) !== 0) return 1;
    const info = slot !== 0 ? slot : infos.allocLocked(process, signal < FIRST_REALTIME && code >= 0);
    if (info !== 0) {
      ram.copy(SigInfo.info.addr(info), infos.draft, INFO_BYTES);
      this.appendLocked(queue, block, info);
    } else if (signal >= FIRST_REALTIME && code !== SiCode.User && code !== SiCode.Kernel) {
      return -1;
    }
    set.or(ram, block, bit);
    return 0;
  }

  /**
   * Takes the most urgent signal outside of a mask, of the thread first, then of its process, and leaves what is known of it in the draft.
   *
   * @returns its number, 0: there is none
   */
  takeLocked(process: number, thread: number, maskLow: number, maskHigh: number): number {
    const { ram } = this;
    this.timer = 0;
    let signal = firstSignal(Thread.pendingLow.peek(ram, thread) & ~maskLow, Thread.pendingHigh.peek(ram, thread) & ~maskHigh);
    if (signal !== 0) {
      this.collectLocked(Thread, thread, process, signal);
      return signal;
    }
    signal = firstSignal(Process.pendingLow.peek(ram, process) & ~maskLow, Process.pendingHigh.peek(ram, process) & ~maskHigh);
    if (signal !== 0) this.collectLocked(Process, process, process, signal);
    return signal;
  }

  /** Whether anything outside of the thread's mask is pending for it. */
  isDeliverableLocked(process: number, thread: number): boolean {
    const { ram } = this;
    const low = Thread.pendingLow.peek(ram, thread) | Process.pendingLow.peek(ram, process);
    if ((low & ~Thread.blockedLow.peek(ram, thread)) !== 0) return true;
    const high = Thread.pendingHigh.peek(ram, thread) | Process.pendingHigh.peek(ram, process);
    return (high & ~Thread.blockedHigh.peek(ram, thread)) !== 0;
  }

  /** Forgets the pending signals of a set, of the process and of all its threads. */
  discardLocked(process: number, low: number, high: number): void {
    const { ram } = this;
    this.discardFromLocked(Process, process, process, low, high);
    for (let thread = Process.threads.get(ram, process); thread !== 0; thread = Thread.siblingNext.get(ram, thread))
      this.discardFromLocked(Thread, thread, process, low, high);
  }

  /** Forgets all pending signals of a thread that ends. */
  emptyThreadLocked(process: number, thread: number): void {
    this.discardFromLocked(Thread, thread, process, -1, -1);
  }

  /** Forgets all pending signals of a process that ends. */
  emptyProcessLocked(process: number): void {
    this.discardFromLocked(Process, process, process, -1, -1);
  }

  /** Takes one entry out of the queue that it is in: its timer is deleted. */
  withdrawLocked(process: number, info: number): void {
    if (SigInfo.queued.get(this.ram, info) === 0) return;
    if (this.removeLocked(Process, process, info)) return;
    for (let thread = Process.threads.get(this.ram, process); thread !== 0; thread = Thread.siblingNext.get(this.ram, thread))
      if (this.removeLocked(Thread, thread, info)) return;
  }

  private collectLocked(queue: Queue, block: number, process: number, signal: number): void {
    const { ram, infos } = this;
    let found = 0;
    let foundPrevious = 0;
    let more = false;
    let previous = 0;
    for (let info = queue.infoHead.get(ram, block); info !== 0; info = SigInfo.next.get(ram, info)) {
      if (this.signalOf(info) === signal) {
        if (found !== 0) {
          more = true;
          break;
        }
        found = info;
        foundPrevious = previous;
      }
      previous = info;
    }
    if (!more) (signal <= 32 ? queue.pendingLow : queue.pendingHigh).and(ram, block, ~signalBit(signal));
    if (found === 0) {
      infos.fromProcess(signal, SiCode.User, 0, 0);
      return;
    }
    ram.copy(infos.draft, SigInfo.info.addr(found), INFO_BYTES);
    this.timer = SigInfo.timer.get(ram, found);
    this.unlinkLocked(queue, block, foundPrevious, found);
    this.releaseLocked(process, found);
  }

  private discardFromLocked(queue: Queue, block: number, process: number, low: number, high: number): void {
    const { ram } = this;
    const gone = (queue.pendingLow.peek(ram, block) & low) | (queue.pendingHigh.peek(ram, block) & high);
    if (gone === 0) return;
    queue.pendingLow.and(ram, block, ~low);
    queue.pendingHigh.and(ram, block, ~high);
    let previous = 0;
    for (let info = queue.infoHead.get(ram, block); info !== 0;) {
      const next = SigInfo.next.get(ram, info);
      const signal = this.signalOf(info);
      if (((signal <= 32 ? low : high) & signalBit(signal)) === 0) {
        previous = info;
      } else {
        this.unlinkLocked(queue, block, previous, info);
        this.releaseLocked(process, info);
      }
      info = next;
    }
  }

  /** Takes an entry out of this queue, if it is in it, with its number if there is no other. */
  private removeLocked(queue: Queue, block: number, wanted: number): boolean {
    const { ram } = this;
    const signal = this.signalOf(wanted);
    let previous = 0;
    let found = false;
    let others = false;
    let foundPrevious = 0;
    for (let info = queue.infoHead.get(ram, block); info !== 0; info = SigInfo.next.get(ram, info)) {
      if (info === wanted) {
        found = true;
        foundPrevious = previous;
      } else if (this.signalOf(info) === signal) {
        others = true;
      }
      previous = info;
    }
    if (!found) return false;
    this.unlinkLocked(queue, block, foundPrevious, wanted);
    if (!others) (signal <= 32 ? queue.pendingLow : queue.pendingHigh).and(ram, block, ~signalBit(signal));
    return true;
  }

  private appendLocked(queue: Queue, block: number, info: number): void {
    const { ram } = this;
    const tail = queue.infoTail.get(ram, block);
    SigInfo.next.set(ram, info, 0);
    SigInfo.queued.set(ram, info, 1);
    if (tail === 0) queue.infoHead.set(ram, block, info);
    else SigInfo.next.set(ram, tail, info);
    queue.infoTail.set(ram, block, info);
  }

  private unlinkLocked(queue: Queue, block: number, previous: number, info: number): void {
    const { ram } = this;
    const next = SigInfo.next.get(ram, info);
    if (previous === 0) queue.infoHead.set(ram, block, next);
    else SigInfo.next.set(ram, previous, next);
    if (next === 0) queue.infoTail.set(ram, block, previous);
    SigInfo.queued.set(ram, info, 0);
  }

  /** An entry has left its queue: a timer keeps its own. */
  private releaseLocked(process: number, info: number): void {
    if (SigInfo.timer.get(this.ram, info) === 0) this.infos.freeLocked(process, info);
  }

  private signalOf(info: number): number {
    return this.ram.i32[SigInfo.info.addr(info) >>> 2]!;
  }
}
