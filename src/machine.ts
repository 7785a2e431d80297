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

import type { Captured, ConsoleHost } from './devices/console-host.ts';
import type { Kernel } from './kernel/kernel.ts';
import { breakLocks } from './kernel/machine-check.ts';
import { Signal } from './kernel/signal-numbers.ts';
import { asError, nextTurn } from './machine/async.ts';
import { crashReport, type Failure } from './machine/crash.ts';
import { Halted, MachineCheck, Standstill, UsageError } from './machine/errors.ts';
import { boundName, DEFAULT_ENV, launch, unbindName } from './machine/launch.ts';
import { type MachineSnapshot, mismatch, putSnapshot, takeSnapshot } from './machine/machine-snapshot.ts';
import type { MachineOptions } from './machine/options.ts';
import { connectConsole, type Powered, powerOn } from './machine/power-on.ts';
import { findProgram } from './machine/programs.ts';
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

/** What the host does in its turn. */
interface Job {
  readonly run: () => Promise<void>;
  /** The machine has ended: it will not be done. */
  readonly giveUp: (why: Error) => void;
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
  private readonly scheduled: ScheduleHost | undefined;
  private current: Run | undefined;
  private failure: Failure | undefined;
  /** Why nothing runs any more. */
  private ended: Error | undefined;
  private halting: Promise<void> | undefined;
  private serving: Promise<void> = Promise.resolve();
  /** Who holds the machine still, the last one in line. */
  private holding: Promise<unknown> = Promise.resolve();
  /** Under a schedule: what waits for the host's turn; whether a run is being ended; wakes the host that waits for something to do. */
  private readonly jobs: Job[] = [];
  private ending = false;
  private nudge: () => void = () => undefined;
  /** Under a schedule: the host is at work in its turn; while it waits for something to do it is not. */
  private acting = false;
  /** All harts have gone. */
  private over = false;

  private constructor(
    private readonly powered: Powered,
    private readonly tracing: Tracing | undefined,
  ) {
    const { kernel, scheduled, from } = powered;
    this.kernel = kernel;
    this.scheduled = scheduled;
    this.console = connectConsole(kernel);
    if (from !== undefined) this.takeOver(from);
    if (scheduled === undefined) return;
    this.console.pumpOnlyWhen(() => {
      const may = this.over || (this.acting && scheduled.hasTurn);
      if (!may) this.nudge();
      return may;
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
    const { scheduled } = powered;
    powered.onFailure((failure) => {
      machine.failed(failure);
    });
    machine.serving = (scheduled === undefined ? machine.serve() : machine.serveScheduled(scheduled)).catch((error: unknown) =>
      machine.failed({ hart: undefined, error: asError(error) }),
    );
    return machine;
  }

  /**
   * Runs a program to its end: one of the machine's own, or a static riscv64 Linux executable of the host. One run at a time; what a
   * program leaves running in the background goes on, and writes into the next run's output. A program that was under way in the snapshot
   * that the machine comes from, and has not been resumed, is killed first.
   *
   * @param word a name in the machine's /bin, or a path of the host
   * @param args without the program's own name
   * @throws UsageError when it cannot be started, MachineCheck when the machine fails, Halted when it is turned off meanwhile
   */
  async run(word: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    this.check();
    if (this.current?.claimed === true) throw alreadyRuns();
    const program = options.program ?? findProgram(word);
    if (this.current !== undefined) await this.drop(this.current);
    if (this.isRunning()) throw alreadyRuns();
    const run = new Run(word, boundName(program, word));
    this.current = run;
    const { streams, stdin, env, plan, onSnapshotKey } = options;
    return this.conduct(run, async () => {
      // All runs begin alike, whatever has been before.
      if (this.scheduled !== undefined) await this.scheduled.restart();
      const captured = streams === undefined ? this.console.attachBuffers(stdin) : undefined;
      if (streams !== undefined && stdin === undefined) this.console.attachTerminalOrPipes(streams, onSnapshotKey);
      else if (streams !== undefined) this.console.attachOutput(streams, stdin!);
      run.pid = launch(this.kernel, program, word, args, { ...DEFAULT_ENV, ...env });
      this.scheduled?.begin(plan);
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
      if (plan !== undefined) this.scheduled?.begin(plan);
      if (streams === undefined) return this.console.resumeBuffers(stdin);
      if (stdin === undefined) this.console.resumeStreams(streams, onSnapshotKey);
      else this.console.resumeOutput(streams, stdin);
      return undefined;
    });
  }

  /** Whether its harts run one at a time, as a schedule says. */
  get isScheduled(): boolean {
    return this.scheduled !== undefined;
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
    this.scheduled?.abandon();
    this.nudge();
    await (this.ended instanceof MachineCheck ? pool.stop(CRASH_GRACE_MS) : pool.stop());
    // No hart is left that could release what it holds.
    for (let hart = 0; hart < kernel.config.cpus; hart++) breakLocks(kernel.ram, kernel.smpMap.hartControl(hart));
    kernel.bell.ring(HostCall.Stop);
    this.over = true;
    this.scheduled?.conclude();
    await this.serving;
    for (const job of this.jobs.splice(0)) job.giveUp(this.ended!);
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
    unbindName(this.kernel, run.bound);
    this.current = undefined;
    this.ending = false;
    this.nudge();
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
    const { kernel, scheduled } = this;
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
    this.current = run === undefined ? undefined : Run.of(run);
    this.ending = this.scheduled !== undefined && run?.ended !== undefined;
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

  /**
   * The same under a schedule: the host acts when it has its turn, and at no other time. When nobody can go on, something has to come from
   * outside: a program to run, input; if none can come, the run stands still.
   */
  private async serveScheduled(scheduled: ScheduleHost): Promise<void> {
    while (this.reason() === undefined) {
      const reason = await scheduled.turn();
      if (this.reason() !== undefined) return;
      if (reason === HostTurn.Trace) {
        this.tracing?.drain();
        scheduled.resume();
        continue;
      }
      this.answer(this.kernel.bell.take());
      if (this.reason() !== undefined) return;
      if (reason === HostTurn.NoProgress) this.standStill('no-progress');
      for (;;) {
        this.acting = true;
        await this.doJobs();
        if (this.reason() !== undefined) return;
        const nudged = this.awaitNudge();
        await this.console.pump();
        if (this.jobs.length > 0 || this.ending) continue;
        this.acting = false;
        // A plan of its own is to begin where a snapshot was taken.
        if (this.resumable === undefined && scheduled.resume()) break;
        if (this.resumable === undefined && this.current !== undefined && !this.console.expectsInput)
          this.standStill('deadlock');
        await nudged;
      }
    }
  }

  /**
   * Has something done when the host may touch what harts touch: at once, but under a schedule in the host's next turn. Rejects when the
   * machine has ended before.
   */
  private inTurn(job: () => void | Promise<void>): Promise<void> {
    if (this.scheduled === undefined) return Promise.resolve(job());
    return new Promise((resolve, reject) => {
      const ended = this.reason();
      if (ended !== undefined) {
        reject(ended);
        return;
      }
      const run = async (): Promise<void> => {
        try {
          await job();
          resolve();
        } catch (error) {
          reject(asError(error));
        }
      };
      this.jobs.push({ run, giveUp: reject });
      this.nudge();
    });
  }

  private async doJobs(): Promise<void> {
    for (let job = this.jobs.shift(); job !== undefined; job = this.jobs.shift()) await job.run();
    // Whoever awaited the job goes on before the harts do.
    await nextTurn();
  }

  private awaitNudge(): Promise<void> {
    return new Promise((resolve) => {
      this.nudge = resolve;
    });
  }

  private standStill(kind: Standstill['kind']): void {
    this.failRun(new Standstill(kind, standstillReport(this.kernel, kind)));
  }

  private failRun(error: Error): void {
    this.ending = this.current !== undefined;
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
        this.ending = this.scheduled !== undefined;
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
