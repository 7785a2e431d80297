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

import type { Captured, ConsoleHost, HostStreams } from './devices/console-host.ts';
import type { HartTask } from './hart.ts';
import type { Kernel } from './kernel/kernel.ts';
import type { ProgramEnd } from './kernel/launches.ts';
import { breakLocks } from './kernel/machine-check.ts';
import { crashReport, type Failure } from './machine/crash.ts';
import { Halted, MachineCheck, Standstill, UsageError } from './machine/errors.ts';
import { DEFAULT_ENV, launch, unbind } from './machine/launch.ts';
import type { MachineOptions } from './machine/options.ts';
import { connectConsole, powerOn } from './machine/power-on.ts';
import { findProgram, type Program } from './machine/programs.ts';
import { resultOf, type RunResult } from './machine/result.ts';
import { standstillReport } from './machine/standstill.ts';
import { type HartStats, readHartStats } from './machine/stats.ts';
import { Tracing } from './machine/tracing.ts';
import { MachineState } from './smp/boot-page.ts';
import { Ipi } from './smp/ipi.ts';
import type { Plan } from './smp/schedule/plan.ts';
import type { HartPool } from './smp/hart-pool.ts';
import { HostCall } from './smp/host-bell.ts';
import { KernelPanic } from './smp/panic.ts';
import type { ScheduleHost } from './smp/schedule/schedule-host.ts';
import { HostTurn } from './smp/schedule/state.ts';

export { Halted, MachineCheck, Standstill, UsageError } from './machine/errors.ts';
export type { MachineOptions, TraceOptions } from './machine/options.ts';
export type { RunResult } from './machine/result.ts';

export interface RunOptions {
  /** All the input that the program gets. Default: none. */
  readonly stdin?: string | Uint8Array | undefined;
  /** Beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Connects the console to streams (`process`, say) instead: a terminal if they are one. With `stdin` as well, their input is not used. */
  readonly streams?: HostStreams | undefined;
  /** Under a schedule: what decides from the start of the program on. Default: the plain order. */
  readonly plan?: Plan | undefined;
  /** The program, found already. */
  readonly program?: Program | undefined;
}

export interface MachineStats {
  readonly harts: readonly HartStats[];
  /** 4 KiB frames. */
  readonly framesTotal: number;
  readonly framesFree: number;
}

/** A run under way. */
interface Run {
  readonly end: (end: ProgramEnd) => void;
  readonly fail: (error: Error) => void;
}

/** What the host does in its turn. */
interface Job {
  readonly run: () => Promise<void>;
  /** The machine has ended: it will not be done. */
  readonly giveUp: (why: Error) => void;
}

/** How often the host looks at the rings while there is a trace. */
const TRACE_INTERVAL_MS = 250;
/** How long harts may take to leave a machine that has crashed: those that wait for a lock of the dead never do. */
const CRASH_GRACE_MS = 250;

export class Machine {
  private readonly console: ConsoleHost;
  private current: Run | undefined;
  private failure: Failure | undefined;
  /** Why nothing runs any more. */
  private ended: Error | undefined;
  private halting: Promise<void> | undefined;
  private serving: Promise<void> = Promise.resolve();
  /** Under a schedule: what waits for the host's turn; whether a run is being ended; wakes the host that waits for something to do. */
  private readonly jobs: Job[] = [];
  private ending = false;
  private nudge: () => void = () => undefined;

  private constructor(
    private readonly kernel: Kernel,
    private readonly pool: HartPool<HartTask>,
    private readonly tracing: Tracing | undefined,
    private readonly scheduled: ScheduleHost | undefined,
  ) {
    this.console = connectConsole(kernel);
    if (scheduled === undefined) return;
    this.console.pumpOnlyWhen(() => {
      if (!scheduled.hasTurn) this.nudge();
      return scheduled.hasTurn;
    });
  }

  /**
   * Builds a machine and turns it on. It runs until `halt`, even while it runs no program: it is idle then, and costs nothing.
   *
   * @throws UsageError when the options ask for what cannot be
   */
  static async boot(options: MachineOptions = {}): Promise<Machine> {
    let tracing: Tracing | undefined;
    const { trace } = options;
    const { kernel, pool, scheduled, onFailure } = await powerOn(options, async ({ ram, map }) => {
      if (trace !== undefined) tracing = await Tracing.open(ram, map, trace);
    });
    const machine = new Machine(kernel, pool, tracing, scheduled);
    onFailure((failure) => {
      machine.failed(failure);
    });
    machine.serving = (scheduled === undefined ? machine.serve() : machine.serveScheduled(scheduled)).catch((error: unknown) =>
      machine.failed({ hart: undefined, error: asError(error) }),
    );
    return machine;
  }

  /**
   * Runs a program to its end: one of the machine's own, or a static riscv64 Linux executable of the host. One run at a time; what a
   * program leaves running in the background goes on, and writes into the next run's output.
   *
   * @param word a name in the machine's /bin, or a path of the host
   * @param args without the program's own name
   * @throws UsageError when it cannot be started, MachineCheck when the machine fails, Halted when it is turned off meanwhile
   */
  async run(word: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    if (this.ended !== undefined) throw this.ended;
    if (this.current !== undefined)
      throw new UsageError('the machine runs a program already: await its run, or boot another machine');
    const program = options.program ?? findProgram(word);
    const end = new Promise<ProgramEnd>((done, fail) => {
      this.current = { end: done, fail };
    });
    // It is awaited below; until then a failure of the machine must not count as unhandled.
    end.catch(() => undefined);
    const { streams, stdin, env, plan } = options;
    let captured: Captured | undefined;
    try {
      await this.inTurn(async () => {
        // All runs begin alike, whatever has been before.
        await this.scheduled?.restart();
        if (streams === undefined) captured = this.console.attachBuffers(stdin);
        else if (stdin === undefined) this.console.attachTerminalOrPipes(streams);
        else this.console.attachOutput(streams, Buffer.from(stdin));
        launch(this.kernel, program, word, args, { ...DEFAULT_ENV, ...env });
        this.scheduled?.begin(plan);
      });
      const how = await end;
      await this.console.finish();
      return resultOf(how, captured?.stdout.text() ?? '', captured?.stderr.text() ?? '');
    } catch (error) {
      if (error instanceof KernelPanic) this.failed({ hart: undefined, error });
      throw this.reason() ?? error;
    } finally {
      this.current = undefined;
      // After the end of the machine `halt` does the rest: locks may be held for ever until then.
      if (this.reason() === undefined) await this.tidyUp(program, word);
      else await this.halt();
      this.ending = false;
      this.nudge();
    }
  }

  /** After a run. If the machine ends before it is done, there is nothing left to be tidy. */
  private async tidyUp(program: Program, word: string): Promise<void> {
    try {
      await this.inTurn(async () => {
        await this.console.finish();
        unbind(this.kernel, program, word);
      });
    } catch (error) {
      if (this.reason() === undefined) throw error;
    }
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
    const { kernel, pool, tracing } = this;
    this.end(new Halted('the machine has been turned off'));
    kernel.power.off(0);
    kernel.doorbells.ringAll(Ipi.Halt);
    this.scheduled?.abandon();
    this.nudge();
    await (this.ended instanceof MachineCheck ? pool.stop(CRASH_GRACE_MS) : pool.stop());
    // No hart is left that could release what it holds.
    for (let hart = 0; hart < kernel.config.cpus; hart++) breakLocks(kernel.ram, kernel.smpMap.hartControl(hart));
    kernel.bell.ring(HostCall.Stop);
    this.scheduled?.conclude();
    await this.serving;
    for (const job of this.jobs.splice(0)) job.giveUp(this.ended!);
    await this.console.finish();
    tracing?.close();
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
        await this.doJobs();
        if (this.reason() !== undefined) return;
        const nudged = this.awaitNudge();
        await this.console.pump();
        if (this.jobs.length > 0 || this.ending) continue;
        if (scheduled.resume()) break;
        if (this.current !== undefined && !this.console.expectsInput) this.standStill('deadlock');
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
      if (end !== undefined) {
        this.ending = this.current !== undefined && this.scheduled !== undefined;
        this.current?.end(end);
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

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
