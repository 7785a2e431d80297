/*
 * A machine, for programs that use it as a library:
 *
 *   const machine = await Machine.boot({ cpus: 4 });
 *   const { status, stdout } = await machine.run('echo', ['hello']);
 *   await machine.halt();
 *
 * The host's thread takes part in the machine as one more participant, behind the last hart: with a kernel of its own it loads
 * programs and starts them, feeds the console, and takes the trace away. It must never sleep on a lock for long nor wait for a hart; what
 * the harts want from it they say through the host's bell (smp/host-bell.ts).
 *
 * Everything that is known of a machine lies in its RAM; several machines live side by side in one process.
 */

import type { TypedInput } from './devices/typed-input.ts';
import type { Captured, ConsoleHost } from './devices/console-host.ts';
import type { Kernel } from './kernel/kernel.ts';
import { breakLocks } from './kernel/machine-check.ts';
import { Signal } from './kernel/signal-numbers.ts';
import { asError } from './machine/async.ts';
import { crashReport, type Failure } from './machine/crash.ts';
import { Halted, MachineCheck, Standstill, UsageError } from './machine/errors.ts';
import type { ScheduleReport } from './smp/schedule/plan.ts';
import { HostTurns } from './machine/host-turns.ts';
import { environmentOf, findInRoot, launch, unbind } from './machine/launch.ts';
import { type MachineSnapshot, mismatch, putSnapshot, takeSnapshot } from './machine/machine-snapshot.ts';
import type { MachineOptions } from './machine/options.ts';
import { connectConsole, type Powered, powerOn } from './machine/power-on.ts';
import { findProgram } from './machine/programs.ts';
import { isRooted } from './machine/root.ts';
import { resultOf, type RunResult } from './machine/result.ts';
import type { ResumeOptions, RunOptions } from './machine/run-options.ts';
import { Run } from './machine/run.ts';
import { standstillReport } from './machine/standstill.ts';
import { type HartStats, readHartStats } from './machine/stats.ts';
import { bringHome, whileStill } from './machine/still.ts';
import { Tracing } from './machine/tracing.ts';
import { MachineState } from './smp/boot-page.ts';
import { Ipi } from './smp/ipi.ts';
import { HostCall } from './smp/host-bell.ts';
import { KernelPanic } from './smp/panic.ts';
import type { ScheduleHost } from './smp/schedule/schedule-host.ts';
import { HostTurn } from './smp/schedule/state.ts';

export { Halted, MachineCheck, Standstill, UsageError } from './machine/errors.ts';
export type { MachineSnapshot } from './machine/machine-snapshot.ts';
export type { MachineOptions, TraceOptions } from './machine/options.ts';
export type { RunResult } from './machine/result.ts';
export type { ResumeOptions, RunOptions } from './machine/run-options.ts';
export { readSnapshot, writeSnapshot } from './machine/snapshot-file.ts';

export interface MachineStats {
  readonly harts: readonly HartStats[];
  /** 4 KiB frames. */
  readonly framesTotal: number;
  readonly framesFree: number;
}

/** How often the host looks at the rings while there is a trace. */
const TRACE_INTERVAL_MS = 250;
/** How often the host asks for its turn in a machine under a schedule, until it has it. */
const ASK_INTERVAL_MS = 20;
/** How long harts may take to leave a machine that has crashed: those that wait for a lock of the dead never do. */
const CRASH_GRACE_MS = 250;

export class Machine {
  private readonly kernel: Kernel;
  private readonly console: ConsoleHost;
  /** Under a schedule: when the host acts. */
  private readonly turns: HostTurns | undefined;
  /** Its root directory is one that the user has given. */
  private isRooted: boolean;
  private current: Run | undefined;
  private failure: Failure | undefined;
  /** Why nothing runs any more. */
  private ended: Error | undefined;
  private halting: Promise<void> | undefined;
  private serving: Promise<void> = Promise.resolve();
  /** Who holds the machine still, the last one in line. */
  private holding: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly powered: Powered,
    private readonly tracing: Tracing | undefined,
  ) {
    const { kernel, scheduled, from } = powered;
    this.kernel = kernel;
    this.isRooted = isRooted(kernel);
    this.console = connectConsole(kernel);
    this.turns = scheduled === undefined ? undefined : this.takeTurns(scheduled);
    if (from !== undefined) this.takeOver(from);
  }

  private takeTurns(scheduled: ScheduleHost): HostTurns {
    const isRunning = (): boolean => this.isRunning();
    const isResumable = (): boolean => this.resumable !== undefined;
    return new HostTurns(scheduled, this.console, this.kernel.bell, {
      reason: () => this.reason(),
      answer: (calls) => {
        this.answer(calls);
      },
      drainTrace: () => this.tracing?.drain(),
      standStill: (kind) => {
        this.failRun(new Standstill(kind, standstillReport(this.kernel, kind)));
      },
      get isRunning() {
        return isRunning();
      },
      get isResumable() {
        return isResumable();
      },
    });
  }

  /**
   * Builds a machine and turns it on. It runs until `halt`, even while it runs no program: it is idle then, and costs nothing. One that is
   * made from a snapshot goes on from there; under a schedule, if a program is under way in it, from `resume` or `run` on.
   *
   * @throws UsageError when the options ask for what cannot be
   */
  static async boot(options: MachineOptions = {}): Promise<Machine> {
    let tracing: Tracing | undefined;
    const { trace } = options;
    const powered = await powerOn(options, async ({ ram, map }) => {
      if (trace !== undefined) tracing = await Tracing.open(ram, map, trace);
    });
    const machine = new Machine(powered, tracing);
    powered.onFailure((failure) => {
      machine.failed(failure);
    });
    machine.serving = (machine.turns?.serve() ?? machine.serve()).catch((error: unknown) =>
      machine.failed({ hart: undefined, error: asError(error) }),
    );
    return machine;
  }

  /**
   * Runs a program to its end: one of the machine's own, or a static riscv64 Linux executable of the host. One run at a time; what a
   * program leaves running in the background goes on, and writes into the next run's output. A program that was under way in the snapshot
   * that the machine comes from, and has not been resumed, is killed first.
   *
   * @param word a name in the machine's /bin, or a path of the host; a file of the machine's root if one has been given
   * @param args without the program's own name
   * @throws UsageError when it cannot be started, MachineCheck when the machine fails, Halted when it is turned off meanwhile
   */
  async run(word: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    this.check();
    if (this.current?.claimed === true) throw alreadyRuns();
    // In a root that the user has given it is looked for when the machine's files may be touched.
    const early = options.program ?? (this.isRooted ? undefined : findProgram(word));
    if (this.current !== undefined) await this.drop(this.current);
    if (this.isRunning()) throw alreadyRuns();
    const run = new Run(word);
    this.current = run;
    const { streams, stdin, env, plan, typed, onSnapshotKey } = options;
    return this.conduct(run, async () => {
      // All runs begin alike, whatever has been before.
      if (this.turns !== undefined) await this.turns.scheduled.restart();
      const captured = streams === undefined ? this.console.attachBuffers(stdin) : undefined;
      if (streams !== undefined && typed !== undefined) this.console.attachTyped(streams, typed);
      else if (streams !== undefined && stdin === undefined) this.console.attachTerminalOrPipes(streams, onSnapshotKey);
      else if (streams !== undefined) this.console.attachOutput(streams, stdin!);
      const program = early ?? findInRoot(this.kernel, word) ?? findProgram(word);
      run.launched(launch(this.kernel, program, word, args, { ...environmentOf(this.kernel), ...env }));
      this.turns?.begin(plan, typed);
      return captured;
    });
  }

  /**
   * Awaits the program that was under way in the snapshot that the machine comes from. Its result has all that it has written since its
   * start, what was captured before the snapshot included.
   *
   * @throws as `run`
   */
  async resume({ streams, stdin, plan, onSnapshotKey }: ResumeOptions = {}): Promise<RunResult> {
    this.check();
    const run = this.current;
    if (run === undefined || run.claimed) {
      throw new UsageError('there is no program to resume: a snapshot has one if it was taken while one ran');
    }
    run.claimed = true;
    return this.conduct(run, () => {
      if (plan !== undefined) this.turns?.begin(plan);
      if (streams === undefined) return this.console.resumeBuffers(stdin);
      if (stdin === undefined) this.console.resumeStreams(streams, onSnapshotKey);
      else this.console.resumeOutput(streams, stdin);
      return undefined;
    });
  }

  /** Whether its harts run one at a time, as a schedule says. */
  get isScheduled(): boolean {
    return this.turns !== undefined;
  }

  /** What was asked for when the program was started that was under way in the snapshot; undefined: there is none to resume. */
  get resumable(): string | undefined {
    return this.current?.claimed === false ? this.current.word : undefined;
  }

  /**
   * Takes a snapshot of the machine, whatever it does; it is held still for that moment, and goes on. A run under way does not notice.
   *
   * @throws MachineCheck, Halted when the machine ends meanwhile
   */
  snapshot(): Promise<MachineSnapshot> {
    return this.still(() => Promise.resolve(this.save()), true);
  }

  /**
   * Puts the machine back to a snapshot: its own, or that of another one of the same shape. A run under way fails with Halted; the one that
   * was under way in the snapshot can be resumed.
   *
   * @throws UsageError when the snapshot is of another kind of machine
   */
  async restore(snapshot: MachineSnapshot): Promise<void> {
    const refusal = mismatch(snapshot, this.kernel.config, this.powered.build);
    if (refusal !== undefined) throw new UsageError(refusal);
    await this.still(() => this.putBack(snapshot), false);
  }

  /** Turns the machine off, whatever it does. A run under way fails with Halted. */
  halt(): Promise<void> {
    this.halting ??= this.shutDown();
    return this.halting;
  }

  stats(): MachineStats {
    const { ram, smpMap, frames } = this.kernel;
    return { harts: readHartStats(ram, smpMap), framesTotal: frames.total, framesFree: frames.freeCount() };
  }

  /** Under a schedule: what the run has been like since its plan began. Exact while nothing runs. */
  get schedule(): ScheduleReport | undefined {
    return this.turns?.scheduled.report();
  }

  /** Under a schedule: what has been typed during the last run, to be repeated with it. */
  get typed(): TypedInput | undefined {
    return this.turns?.typed;
  }

  /** Absolute path of the trace, if there is one. */
  get traceFile(): string | undefined {
    return this.tracing?.file;
  }

  private async shutDown(): Promise<void> {
    const { kernel, tracing } = this;
    const { pool } = this.powered;
    this.end(new Halted('the machine has been turned off'));
    kernel.power.off(0);
    kernel.doorbells.ringAll(Ipi.Halt);
    this.turns?.scheduled.abandon();
    this.turns?.nudge();
    await (this.ended instanceof MachineCheck ? pool.stop(CRASH_GRACE_MS) : pool.stop());
    // No hart is left that could release what it holds.
    for (let hart = 0; hart < kernel.config.cpus; hart++) breakLocks(kernel.ram, kernel.smpMap.hartControl(hart));
    kernel.bell.ring(HostCall.Stop);
    this.turns?.conclude();
    await this.serving;
    this.turns?.giveUp(this.ended!);
    await this.console.finish();
    tracing?.close();
  }

  /** Carries a run through from where it begins, or is resumed, to its end. */
  private async conduct(run: Run, begin: () => Captured | undefined | Promise<Captured | undefined>): Promise<RunResult> {
    let captured: Captured | undefined;
    try {
      await this.inTurn(async () => {
        captured = await begin();
      });
      const how = await run.how;
      if (!run.replaced) await this.console.finish();
      return resultOf(how, captured?.stdout.text() ?? '', captured?.stderr.text() ?? '');
    } catch (error) {
      if (error instanceof KernelPanic) this.failed({ hart: undefined, error });
      throw this.reason() ?? error;
    } finally {
      await this.conclude(run);
    }
  }

  /** A run is over: makes the machine ready for the next one. */
  private async conclude(run: Run): Promise<void> {
    try {
      // After the end of the machine `halt` does the rest: locks may be held for ever until then.
      if (this.reason() === undefined) await this.inTurn(() => this.clearUp(run));
    } catch (error) {
      if (this.reason() === undefined) throw error;
    }
    if (this.reason() === undefined) return;
    this.current = undefined;
    await this.halt();
  }

  private async clearUp(run: Run): Promise<void> {
    if (!run.replaced) await this.console.finish();
    if (run.replaced) return;
    unbind(this.kernel, run.bound);
    this.current = undefined;
    this.setEnding(false);
    this.turns?.nudge();
  }

  /** Ends a program that nobody awaits. */
  private async drop(run: Run): Promise<void> {
    run.claimed = true;
    await this.conduct(run, () => {
      if (!run.hasEnded) this.kernel.signals.kill(run.pid, Signal.KILL);
      return undefined;
    });
  }

  /** Has something done while the machine is held still, one after the other. `whole`: all are to be done with what they have begun. */
  private still<T>(job: () => Promise<T>, whole: boolean): Promise<T> {
    const held = this.holding.then(() => this.holdStill(job, whole));
    this.holding = held.catch(() => undefined);
    return held;
  }

  private async holdStill<T>(job: () => Promise<T>, whole: boolean): Promise<T> {
    const { kernel, turns } = this;
    const scheduled = turns?.scheduled;
    const check = this.check.bind(this);
    const work = async (): Promise<T> => {
      // What buffers have not got yet would be missing. `job` begins in the same moment in which nothing is on its way.
      while (whole && this.console.isBusy) await this.console.pump();
      this.check();
      return job();
    };
    this.check();
    if (scheduled === undefined) return whileStill(kernel, check, work);
    // A machine that computes asks nothing of the host; a ring may be lost, for it does not wait for a turn.
    const ask = (): void => {
      if (!scheduled.hasTurn) kernel.doorbells.ringAll(Ipi.HostTurn);
    };
    const asking = setInterval(ask, ASK_INTERVAL_MS);
    ask();
    let result: T | undefined;
    await this.inTurn(async () => {
      clearInterval(asking);
      if (whole) await bringHome(kernel, scheduled, (reason) => this.serveTurn(reason));
      else await scheduled.restart();
      result = await work();
    }).finally(() => {
      clearInterval(asking);
    });
    return result as T;
  }

  /** The host's turn while harts are being held still. */
  private async serveTurn(reason: number): Promise<void> {
    if (reason === HostTurn.Trace) {
      // Harts may hold locks.
      this.tracing?.drain();
      return;
    }
    this.answer(this.kernel.bell.take());
    this.check();
    await this.console.pump();
  }

  private save(): MachineSnapshot {
    const { kernel } = this;
    const { bell } = kernel;
    // What the console wants stays with the harts' state: to take output now would be to lose it on the way.
    const later = HostCall.Output | HostCall.Input;
    const calls = bell.take();
    this.answer(calls & ~later);
    this.check();
    this.tracing?.drain();
    const snapshot = takeSnapshot(kernel, this.powered.build, this.console.save(), this.current?.state);
    bell.ring(calls & later);
    return snapshot;
  }

  private async putBack(snapshot: MachineSnapshot): Promise<void> {
    const { kernel, tracing } = this;
    if (this.current !== undefined) {
      this.current.replaced = true;
      this.current.fail(new Halted('the machine has been put back to a snapshot'));
      this.current = undefined;
    }
    await this.console.finish();
    this.check();
    tracing?.drain();
    putSnapshot(kernel, snapshot);
    tracing?.resume(kernel.ram, kernel.map);
    this.takeOver(snapshot);
  }

  /** Takes over what the host has to know of the snapshot that is in RAM now. */
  private takeOver({ console, run }: MachineSnapshot): void {
    this.console.restore(console);
    this.isRooted = isRooted(this.kernel);
    this.current = run === undefined ? undefined : Run.of(run);
    this.setEnding(run?.ended !== undefined);
    // Whatever there may be to do.
    this.kernel.bell.ring(HostCall.Output | HostCall.Input | HostCall.Exit);
  }

  /** Answers what the harts want from the host. */
  private async serve(): Promise<void> {
    const { bell } = this.kernel;
    const timeout = this.tracing === undefined ? Infinity : TRACE_INTERVAL_MS;
    while (this.reason() === undefined) {
      this.answer(bell.take());
      if (this.reason() === undefined) await bell.wait(timeout);
    }
  }

  /** Has something done when the host may touch what harts touch: at once, but under a schedule in the host's next turn. */
  private inTurn(job: () => void | Promise<void>): Promise<void> {
    return this.turns === undefined ? Promise.resolve(job()) : this.turns.inTurn(job);
  }

  private setEnding(ending: boolean): void {
    if (this.turns !== undefined) this.turns.ending = ending;
  }

  private failRun(error: Error): void {
    this.setEnding(this.current !== undefined);
    this.current?.fail(error);
  }

  private answer(calls: number): void {
    // First: after a crash nothing else is to be looked at.
    if ((calls & HostCall.Stop) !== 0) this.stopped();
    if (this.reason() !== undefined) return;
    this.tracing?.drain();
    if ((calls & (HostCall.Output | HostCall.Input)) !== 0) void this.console.pump();
    if ((calls & HostCall.Exit) !== 0) {
      const end = this.kernel.launches.takeEnd();
      // One that was given up before may end any time.
      if (end !== undefined && end.pid === this.current?.pid) {
        this.setEnding(true);
        this.current.end(end);
      }
    }
  }

  /** The harts say that it is over. */
  private stopped(): void {
    const { power } = this.kernel;
    if (power.state === MachineState.Crashed) this.machineCheck();
    else if (power.state === MachineState.Halting) {
      // A program has turned the machine off: its run ends with the status that it gave.
      this.current?.end({ pid: 0, status: (power.status & 0xff) << 8, fault: { cause: 0, pc: 0, address: 0 } });
      void this.halt();
    }
  }

  private failed(failure: Failure): void {
    this.failure ??= failure;
    this.machineCheck();
  }

  private machineCheck(): void {
    const { ram, map, smpMap } = this.kernel;
    this.tracing?.drain();
    this.end(new MachineCheck(crashReport(ram, map.bootPage, smpMap, this.failure)));
    void this.halt();
  }

  /** Throws when the machine has ended. */
  private check(): void {
    if (this.ended !== undefined) throw this.ended;
  }

  private isRunning(): boolean {
    return this.current !== undefined;
  }

  /** Why the machine has ended, if it has. (A method: the answer changes while others run.) */
  private reason(): Error | undefined {
    return this.ended;
  }

  /** Nothing runs from here on. The first reason counts. */
  private end(reason: Error): void {
    this.ended ??= reason;
    this.current?.fail(this.ended);
  }
}

function alreadyRuns(): UsageError {
  return new UsageError('the machine runs a program already: await its run, or boot another machine');
}
