/*
 * What a hart does from power-on to halt: take interrupts, end waits whose time is up, pick a thread, run it until it blocks, ends or
 * gives way; with nothing to run, look around for a while and then park.
 *
 * A thread is in one hart's hands from `pick` until it is made Ready or Blocked or ends; from then on `execute` does not touch it.
 * No lock is held while guest code runs or the hart parks.
 *
 * Guest code runs in slices of so many instructions as pace.ts says; a system call or a page fault takes its share of them, so that a
 * thread that does nothing but those is looked at as often as one that computes.
 */

import type { Cpu } from '../core/cpu.ts';
import { Context, xOffset } from '../core/context.ts';
import { HartBlock } from '../core/hart-block.ts';
import { Access } from '../core/mmu.ts';
import { Cause } from '../core/trap.ts';
import { BootPage } from '../smp/boot-page.ts';
import { Ipi } from '../smp/ipi.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { scheduledHart } from '../smp/schedule/point.ts';
import { HartControl, Mode } from '../smp/hart-control.ts';
import { KernelPanic } from '../smp/panic.ts';
import { EventId } from '../trace/index.ts';
import { Fault, Space } from './address-space.ts';
import type { Kernel } from './kernel.ts';
import { Pace } from './pace.ts';
import { Process } from './process.ts';
import { BLOCKED, FIRST_RESTART, LEAST_RESTART, REPLACED, RESUMED } from './result.ts';
import { SiCode } from './signal-info.ts';
import { Signal } from './signal-numbers.ts';
import { Thread, ThreadFlag, ThreadState } from './thread.ts';
import { NO_DEADLINE } from './timers.ts';

/** Carries out the system call that a thread has trapped with; see result.ts for what it returns. */
export interface Door {
  call(thread: number): number;
}

/** How long an idle hart spins before it parks: longer than a message takes to the other hart and back. */
const IDLE_SPIN_NS = 60_000;
/** Spins between two looks at the clock, and at the queues of others. */
const SPINS_PER_LOOK = 32;
/** Instructions between two looks at the clock under a schedule, which decides itself how long the pieces are. */
const SCHEDULED_CREDIT = 200_000;
const A0 = xOffset(10);
const ECALL_BYTES = 4;
const MAX_WORD = 0xffff_ffff;
/** Flags that signals have to do with. */
const DELIVERY = ThreadFlag.Signal | ThreadFlag.Stop | ThreadFlag.Restart | ThreadFlag.RestoreMask;

export class HartLoop {
  private readonly control: number;
  private readonly block: number;
  private halted = false;
  private pausing = false;
  private picked = 0;
  private readonly pace = SEEDED ? new Pace(SCHEDULED_CREDIT, SCHEDULED_CREDIT) : new Pace();
  /** When the slice of guest code began. */
  private lookedAt = 0;
  private readonly lastLook = (): boolean => {
    this.picked = this.kernel.scheduler.pick();
    return this.picked !== 0;
  };

  constructor(
    private readonly kernel: Kernel,
    private readonly cpu: Cpu,
    private readonly door: Door,
  ) {
    this.control = kernel.smpMap.hartControl(kernel.hart);
    this.block = kernel.smpMap.hartBlock(kernel.hart);
  }

  /** Runs until the machine halts, or is to be held still: then true, and nothing is in this hart's hands. */
  run(): boolean {
    const { kernel } = this;
    HartControl.mode.store(kernel.ram, this.control, Mode.Kernel);
    kernel.scheduler.start();
    for (;;) {
      this.takeInterrupts();
      if (this.halted || this.pausing) break;
      this.expireTimers(kernel.scheduler.now);
      let thread = kernel.scheduler.pick();
      if (thread === 0) thread = this.idle();
      if (thread !== 0) this.execute(thread);
    }
    kernel.shootdown.activate(0, 0, 0);
    HartControl.mode.store(kernel.ram, this.control, Mode.Off);
    return !this.halted;
  }

  private execute(thread: number): void {
    const { kernel, cpu, pace } = this;
    const { ram, shootdown } = kernel;
    // Of both counts the low words are enough for differences.
    const instret = Context.instret.addr(thread) >>> 2;
    let before = ram.u32[instret]!;
    let sliceStart = before;
    if (this.halted) return;
    this.lookedAt = kernel.scheduler.now;
    pace.begin();
    let { credit } = pace;
    this.activate(thread);
    for (;;) {
      if (Thread.flags.peek(ram, thread) !== 0 && !this.attend(thread)) return;
      shootdown.enterGuest();
      const cause = SEEDED ? this.runScheduled(thread, credit) : cpu.run(thread, credit);
      shootdown.leaveGuest();
      const retired = ram.u32[instret]!;
      credit -= (retired - before) >>> 0;
      before = retired;
      if (cause === Cause.EnvironmentCall) {
        const pc = Context.pc.addr(thread) >>> 2;
        const next = ram.u32[pc]! + ECALL_BYTES;
        ram.u32[pc] = next;
        if (next > MAX_WORD) ram.u32[pc + 1]!++;
        const result = this.door.call(thread);
        if (kernel.locks.held !== 0) throw new KernelPanic('a system call returned with a lock held');
        if (result > FIRST_RESTART) ram.setU64(thread + A0, result);
        else if (!this.finish(thread, result)) return;
        credit -= pace.trapCredit;
        if (credit > 0) continue;
      } else if (cause !== Cause.Budget && cause !== Cause.Doorbell) {
        this.trap(thread, cause);
        credit -= pace.trapCredit;
        if (credit > 0) continue;
      }
      if (!this.tick(thread, (retired - sliceStart) >>> 0)) return;
      sliceStart = retired;
      credit = pace.credit;
    }
  }

  /**
   * The running thread has flags: it dies, makes a system call again, or has signals to deal with. Returns whether it goes on; its flags are
   * clear then but for such as come right now, which interrupt it.
   */
  private attend(thread: number): boolean {
    const { ram, exits, delivery, locks } = this.kernel;
    for (;;) {
      const flags = Thread.flags.load(ram, thread);
      if ((flags & ThreadFlag.Killed) !== 0) {
        exits.endThread(thread, 0);
        return false;
      }
      if ((flags & ThreadFlag.Rerun) !== 0) {
        // Before any signal: whether the call is broken off by one is for its handler to say.
        Thread.flags.and(ram, thread, ~ThreadFlag.Rerun);
        const result = this.door.call(thread);
        if (locks.held !== 0) throw new KernelPanic('a system call returned with a lock held');
        if (!this.finish(thread, result)) return false;
      } else if ((flags & DELIVERY) === 0) {
        return true;
      } else if (delivery.deliver(thread) !== 0) {
        return false;
      }
    }
  }

  /** Stores what a system call has returned, or does what its outcome asks for; returns whether the thread goes on. */
  private finish(thread: number, result: number): boolean {
    const { ram } = this.kernel;
    if (result > FIRST_RESTART || (result > BLOCKED && result < LEAST_RESTART)) {
      ram.setU64(thread + A0, result);
    } else if (result > BLOCKED) {
      Thread.restart.set(ram, thread, result);
      Thread.flags.or(ram, thread, ThreadFlag.Restart);
    } else if (result === REPLACED) {
      this.activate(thread);
    } else {
      return result === RESUMED;
    }
    return true;
  }

  /** Runs guest code in pieces as long as the schedule allows: between them other harts may run, while this one is in guest code for them. */
  private runScheduled(thread: number, credit: number): Cause {
    const { cpu } = this;
    const { ram } = this.kernel;
    const instret = Context.instret.addr(thread) >>> 2;
    const start = ram.u32[instret]!;
    let left = credit;
    // What has rung until now is to be answered first: while guest code runs nobody else does.
    while (!scheduledHart().rung) {
      const before = ram.u32[instret]!;
      const cause = cpu.run(thread, scheduledHart().slice(left));
      scheduledHart().guestRan((ram.u32[instret]! - before) >>> 0);
      left = credit - ((ram.u32[instret]! - start) >>> 0);
      if (cause !== Cause.Budget || left <= 0) return cause;
    }
    return Cause.Doorbell;
  }

  /** Between two slices of guest code, after one of so many instructions: interrupts, deadlines, and whether the thread goes on (true). */
  private tick(thread: number, instructions: number): boolean {
    const { kernel } = this;
    this.takeInterrupts();
    if (this.halted) return false;
    if (this.pausing) {
      kernel.scheduler.yield(thread);
      return false;
    }
    const now = kernel.clock.nowNs();
    this.pace.look(instructions, now - this.lookedAt);
    this.lookedAt = now;
    kernel.scheduler.charge(thread, now);
    this.expireTimers(now);
    const process = Thread.process.get(kernel.ram, thread);
    if (Process.cpuTimers.peek(kernel.ram, process) !== 0) kernel.checkCpuTimers(process);
    if (!kernel.scheduler.mustYield(thread, now)) return true;
    kernel.scheduler.yield(thread);
    return false;
  }

  private activate(thread: number): void {
    const { ram } = this.kernel;
    const space = Process.space.get(ram, Thread.process.get(ram, thread));
    this.kernel.shootdown.activate(Space.tlb.addr(space), Space.root.get(ram, space), Space.asid.get(ram, space));
  }

  private takeInterrupts(): void {
    const { kernel } = this;
    const kinds = kernel.doorbells.take(kernel.hart);
    if (kinds === 0) return;
    HartControl.interrupts.set(kernel.ram, this.control, HartControl.interrupts.get(kernel.ram, this.control) + 1);
    // Reschedule and Shootdown ask for nothing but to have left guest code.
    if ((kinds & Ipi.Call) !== 0) kernel.calls.serve();
    if ((kinds & Ipi.Halt) !== 0) this.halted = true;
    if ((kinds & Ipi.Pause) !== 0) this.pausing = true;
    if (SEEDED && (kinds & Ipi.HostTurn) !== 0) scheduledHart().hostWanted();
    if (SEEDED && (kinds & Ipi.Kill) !== 0) this.killVictim();
  }

  /** A fault that was asked for: the thread's process is killed now, if it still lives. */
  private killVictim(): void {
    const { ram, signals } = this.kernel;
    const thread = scheduledHart().victim;
    if (thread !== 0 && Thread.state.load(ram, thread) !== ThreadState.Free) {
      signals.killThread(0, Thread.tid.get(ram, thread), Signal.KILL);
    }
    scheduledHart().executed();
  }

  private expireTimers(now: number): void {
    if (this.kernel.timers.next <= now) this.kernel.expire(now);
  }

  /** The thread has trapped: deals with it, or sends it the signal that its process will probably not survive. */
  private trap(thread: number, cause: number): void {
    const { kernel } = this;
    const { ram, infos } = kernel;
    const address = HartBlock.trapValue.get(ram, this.block);
    const access = accessOf(cause);
    HartControl.faults.set(ram, this.control, HartControl.faults.get(ram, this.control) + 1);
    if (kernel.trace.on) {
      kernel.trace.fault(EventId.fault, Thread.tid.get(ram, thread), cause, Context.pc.get(ram, thread), address);
    }
    let fault: Fault | 0 = 0;
    if (access !== 0) {
      fault = kernel.spaces.fault(Process.space.get(ram, Thread.process.get(ram, thread)), address, access);
      if (fault === Fault.Handled) return;
    }
    if (fault === Fault.OutOfMemory) {
      this.outOfMemory(thread);
      kernel.exits.noteFault(thread, cause, address);
      return;
    }
    const signal = fault === Fault.BusError ? Signal.BUS : signalOf(cause);
    const at = signal === Signal.ILL || signal === Signal.TRAP ? Context.pc.get(ram, thread) : address;
    infos.fromFault(signal, codeOf(cause, fault === Fault.AccessError), at);
    if (kernel.sender.force(thread)) kernel.exits.noteFault(thread, cause, address);
  }

  /** No frame for a page that is there by right: Linux's answer is to kill somebody, and this is who wanted it. */
  private outOfMemory(thread: number): void {
    const { ram, signals, trace, frames } = this.kernel;
    const pid = Process.pid.get(ram, Thread.process.get(ram, thread));
    if (trace.on) trace.emit(EventId.oom, Thread.tid.get(ram, thread), pid, 1, frames.freeCount(), 0);
    signals.kill(pid, Signal.KILL);
  }

  /** Nothing to run: spins for a while, then parks once. Returns a thread that turned up, or 0. */
  private idle(): number {
    const { kernel } = this;
    const { scheduler, doorbells, hart } = kernel;
    kernel.shootdown.activate(0, 0, 0);
    scheduler.setIdle();
    this.picked = 0;
    let now = scheduler.now;
    if (!SEEDED && this.maySpin()) {
      now = this.spin(now);
      BootPage.spinners.sub(kernel.ram, kernel.map.bootPage, 1);
    }
    if (this.picked === 0 && !doorbells.pending(hart)) this.park(now);
    // What has rung until now is answered by what follows; left standing, it would drive the thread out of guest code at once.
    this.takeInterrupts();
    if (this.picked === 0) this.picked = scheduler.pick();
    scheduler.clearIdle();
    scheduler.chargeIdle(kernel.clock.nowNs());
    return this.picked;
  }

  /** Looks around until the doorbell rings, there is a thread to steal, a deadline has come or IDLE_SPIN_NS are over; returns the time. */
  private spin(start: number): number {
    const { scheduler, doorbells, clock, hart, timers } = this.kernel;
    for (;;) {
      for (let i = 0; i < SPINS_PER_LOOK; i++) {
        // Whoever has a thread for an idle hart rings.
        if (doorbells.pending(hart)) return scheduler.now;
      }
      this.picked = scheduler.pick();
      const now = clock.nowNs();
      if (this.picked !== 0 || now - start >= IDLE_SPIN_NS || timers.next <= now) return now;
    }
  }

  private park(now: number): void {
    const { kernel } = this;
    const { next } = kernel.timers;
    const timeout = next === NO_DEADLINE ? Infinity : next - now;
    if (timeout <= 0) return;
    if (kernel.trace.on) kernel.trace.emit(EventId.park, 0, Math.min(timeout / 1e3, 0xffff_ffff), 0, 0, 0);
    HartControl.parks.set(kernel.ram, this.control, HartControl.parks.get(kernel.ram, this.control) + 1);
    kernel.doorbells.park(kernel.hart, timeout, this.lastLook);
  }

  /** Whether this idle hart may burn a host core for a moment: not more harts do than there are cores. */
  private maySpin(): boolean {
    const { kernel } = this;
    if (BootPage.spinners.add(kernel.ram, kernel.map.bootPage, 1) < kernel.config.hostCores) return true;
    BootPage.spinners.sub(kernel.ram, kernel.map.bootPage, 1);
    return false;
  }
}

/** What a page fault wanted to do; 0 for other traps. */
function accessOf(cause: number): Access | 0 {
  switch (cause) {
    case Cause.InstructionPageFault:
      return Access.Execute;
    case Cause.LoadPageFault:
      return Access.Read;
    case Cause.StorePageFault:
      return Access.Write;
    default:
      return 0;
  }
}

/** The signal that Linux sends a program that traps so. */
function signalOf(cause: number): number {
  switch (cause) {
    case Cause.IllegalInstruction:
      return Signal.ILL;
    case Cause.Breakpoint:
      return Signal.TRAP;
    case Cause.InstructionMisaligned:
    case Cause.LoadMisaligned:
    case Cause.StoreMisaligned:
      return Signal.BUS;
    default:
      return Signal.SEGV;
  }
}

/** Its si_code. `mapped`: there is memory, which forbids the access. */
function codeOf(cause: number, mapped: boolean): number {
  switch (cause) {
    case Cause.IllegalInstruction:
      return SiCode.IllOpc;
    case Cause.Breakpoint:
      return SiCode.Breakpoint;
    case Cause.InstructionMisaligned:
    case Cause.LoadMisaligned:
    case Cause.StoreMisaligned:
      return SiCode.AdrAln;
    default:
      return mapped ? SiCode.AccErr : SiCode.MapErr;
  }
}
