/*
 * The stage: a machine under a schedule on which one program is run again and again from the same snapshot, each time under another plan.
 *
 * The snapshot is taken before the program's first instruction, or, if it is one that comes to a starting line (hb_arrive), there, before any
 * thread has passed it; up to there it has run in the plain order. A run is over when the program has ended and the machine has come to rest, or when
 * something is found to be wrong.
 */

import { PAGE_SIZE } from '../core/ram.ts';
import type { Captured, ConsoleHost } from '../devices/console-host.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { ProgramEnd } from '../kernel/launches.ts';
import { Signal } from '../kernel/signal-numbers.ts';
import { type Census, censusDifference, takeCensus } from '../kernel/oracles/census.ts';
import { poisonFrame, strayWrite } from '../kernel/oracles/poison.ts';
import { describeWaits, findLostWakeups } from '../kernel/oracles/waits-for.ts';
import { crashReport, type Failure } from '../machine/crash.ts';
import { UsageError } from '../machine/errors.ts';
import { environmentOf, launch, unbind } from '../machine/launch.ts';
import type { MachineOptions } from '../machine/options.ts';
import { connectConsole, type Powered, powerOn } from '../machine/power-on.ts';
import { findProgram, type Program } from '../machine/programs.ts';
import { resultOf, type RunResult } from '../machine/result.ts';
import { loadMachine, saveMachine, type Snapshot } from '../machine/snapshot.ts';
import { standstillReport } from '../machine/standstill.ts';
import { traceDrain } from '../machine/tracing.ts';
import { MachineState } from '../smp/boot-page.ts';
import { HostCall } from '../smp/host-bell.ts';
import { Ipi } from '../smp/ipi.ts';
import { heldLocks } from '../smp/lock-audit.ts';
import type { Plan, ScheduleReport } from '../smp/schedule/plan.ts';
import type { ScheduleHost } from '../smp/schedule/schedule-host.ts';
import { HostTurn } from '../smp/schedule/state.ts';
import type { DecodedEvent, TraceDrain } from '../trace/drain.ts';
import type { Finding, Wanted } from './session.ts';

/** What is put on the stage. */
export interface Play {
  readonly machine: Omit<MachineOptions, 'seeded'>;
  /** A name in the machine's /bin, or a path of the host. */
  readonly word: string;
  readonly args: readonly string[];
  readonly stdin?: string | Uint8Array | undefined;
  /** Runs begin when all threads have come to the starting line (hb_arrive), before any goes on; not with the program. */
  readonly toLine?: boolean;
}

/** How a run went. */
export interface Performance {
  /** How the program ended; undefined: it did not. */
  readonly result: RunResult | undefined;
  /** What was wrong with the machine, or is not as it should be after a run, whatever ran. */
  readonly finding: Finding | undefined;
  /** The plan has killed a thread: what the program makes of that is its own affair. */
  readonly killed: boolean;
  readonly schedule: ScheduleReport;
  /** What has been recorded, in order, from the program's start on, if the machine has a trace. */
  readonly events: readonly DecodedEvent[];
}

/** Moments that a run may take. */
const LIMIT = 20_000_000;

/** What has names and stays. */
const NAMED = ['inodes', 'names'];

export class Stage {
  private readonly kernel: Kernel;
  private readonly host: ScheduleHost;
  private readonly console: ConsoleHost;
  private readonly drain: TraceDrain;
  private captured: Captured | undefined;
  private snapshot: Snapshot | undefined;
  private failure: Failure | undefined;
  private end: ProgramEnd | undefined;
  private events: DecodedEvent[] = [];
  /** What was recorded before the runs begin. */
  private prologue: readonly DecodedEvent[] = [];
  private census: Census = new Map();
  /** Whether all frames that are free in the snapshot are poisoned, and nothing else. */
  private clean = false;
  private readonly program: Program;
  /** Path of the file that a program of the host is in. */
  private bound: string | undefined;
  /** Threads there are when a run begins. */
  threads = 0;

  private constructor(
    private readonly powered: Powered,
    private readonly play: Play,
  ) {
    this.kernel = powered.kernel;
    this.program = findProgram(play.word);
    this.host = powered.scheduled!;
    this.console = connectConsole(powered.kernel);
    this.console.pumpOnlyWhen(() => this.host.hasTurn);
    this.drain = traceDrain(powered.kernel.ram, powered.kernel.map);
    powered.onFailure((failure) => {
      this.failure ??= failure;
    });
  }

  /** Boots a machine and brings the program to where its runs begin. */
  static async open(play: Play): Promise<Stage> {
    const stage = new Stage(await powerOn({ ...play.machine, seeded: true }), play);
    try {
      await stage.prepare();
    } catch (error) {
      await stage.close();
      throw error;
    }
    return stage;
  }

  /** Runs the program once under a plan. */
  async run(plan: Plan, want: Pick<Wanted, 'choices'> = {}): Promise<Performance> {
    const { host, kernel } = this;
    await host.restart();
    loadMachine(kernel, this.snapshot!);
    if (!this.clean) this.poisonFree();
    this.end = undefined;
    this.events = [...this.prologue];
    this.captured = this.console.attachBuffers(this.play.stdin);
    // All of it is there before anybody runs: later it would come when the host's event loop gets to it.
    await this.console.pump();
    const threads = kernel.line.heldThreads();
    kernel.line.release();
    host.begin(plan, { threads, limit: LIMIT, choices: want.choices ?? false });
    const killed = plan.faults.some(({ kind }) => kind === 'kill');
    let finding = await this.goOn(() => false);
    if (killed && finding?.kind === 'deadlock') finding = await this.endSurvivors(finding);
    await this.console.finish();
    if (finding === undefined && kernel.power.state === MachineState.Running) finding = this.inspect(killed);
    this.clean = finding === undefined && kernel.power.state === MachineState.Running;
    return { result: this.result(this.captured), finding, killed, schedule: host.report(), events: this.events };
  }

  private result({ stdout, stderr }: Captured): RunResult | undefined {
    return this.end === undefined ? undefined : resultOf(this.end, stdout.text(), stderr.text());
  }

  async close(): Promise<void> {
    const { kernel, host, powered } = this;
    kernel.power.off(0);
    kernel.doorbells.ringAll(Ipi.Halt);
    host.abandon();
    await powered.pool.stop();
    host.conclude();
  }

  private async prepare(): Promise<void> {
    const { kernel, host, play } = this;
    await host.turn();
    refuse(await this.goOn(() => true));
    this.census = takeCensus(kernel.inspection);
    await host.restart();
    kernel.line.hold(play.toLine === true);
    this.bound = launch(kernel, this.program, play.word, play.args, environmentOf(kernel)).bound;
    if (play.toLine === true) await this.bringToLine();
    this.threads = play.toLine === true ? kernel.line.heldCount() : 1;
    this.snapshot = saveMachine(kernel);
    this.prologue = this.events;
  }

  /** Lets the program go on until all its threads are at the starting line; this is not part of its runs. */
  private async bringToLine(): Promise<void> {
    const { kernel, play } = this;
    const captured = this.console.attachBuffers(play.stdin);
    await this.console.pump();
    refuse(await this.goOn(() => kernel.line.heldCount() > 0));
    await this.console.finish();
    if (this.end !== undefined || kernel.line.heldCount() === 0) {
      throw new UsageError(`${play.word} has ended before it came to its starting line: ${captured.stderr.text().trim()}`);
    }
    kernel.line.hold(false);
  }

  /**
   * Lets the harts go on until the program has ended and nobody can go on, or until `done` says that it is enough when nobody can.
   *
   * @returns what is wrong, if anything
   */
  private async goOn(done: () => boolean): Promise<Finding | undefined> {
    const { kernel, host } = this;
    for (;;) {
      const went = host.resume();
      const reason = went ? await host.turn() : HostTurn.Rest;
      if (kernel.trace.on) this.drain.drain((event) => void this.events.push(event));
      if (reason === HostTurn.Trace) continue;
      const calls = kernel.bell.take();
      if ((calls & HostCall.Exit) !== 0) this.end = kernel.launches.takeEnd() ?? this.end;
      if (this.failure !== undefined || reason === HostTurn.Failed || kernel.power.state === MachineState.Crashed) {
        return failureFinding(crashReport(kernel.ram, kernel.map.bootPage, kernel.smpMap, this.failure));
      }
      if (kernel.power.state === MachineState.Halting) {
        // Whoever turns the machine off decides the status, also if the program has ended since.
        this.end = { pid: 0, status: (kernel.power.status & 0xff) << 8, fault: { cause: 0, pc: 0, address: 0 } };
        return undefined;
      }
      if (reason === HostTurn.NoProgress) return standstill(kernel, 'no-progress');
      await this.console.pump();
      if (reason !== HostTurn.Rest || host.schedule.harts.wakeChanged()) continue;
      if (this.end !== undefined || done()) return undefined;
      if (!went) return standstill(kernel, 'deadlock');
    }
  }

  /**
   * Nobody can go on, and somebody was killed: to wait for the dead is no mistake of the kernel's. Who is left is killed too, so that what is
   * left behind can be counted.
   *
   * @returns what is wrong, if anything
   */
  private async endSurvivors(deadlock: Finding): Promise<Finding | undefined> {
    const { kernel } = this;
    if (heldLocks(kernel.ram, kernel.smpMap).length > 0) return deadlock;
    kernel.signals.killAll(0, Signal.KILL);
    return this.goOn(() => false);
  }

  /** The program has ended and the machine is at rest: whether everything is back, and nobody holds or waits for anything wrongly. */
  private inspect(killed: boolean): Finding | undefined {
    const { kernel } = this;
    const [lost] = findLostWakeups(kernel);
    if (lost !== undefined) return { kind: 'lost-wakeup', text: lost.text, report: describeWaits(kernel).join('\n') };
    const [held] = heldLocks(kernel.ram, kernel.smpMap);
    if (held !== undefined) return { kind: 'leak', text: `lock ${held.name} is still held when nothing runs any more` };
    unbind(kernel, this.bound);
    const stray = this.strayWrite();
    if (stray !== undefined) return { kind: 'machine-check', text: stray };
    const before = new Map(this.census);
    // Files outlive whoever made them: who has been killed has not removed them.
    if (killed) for (const plural of NAMED) before.set(plural, kernel.inspection.counts.get(plural)!());
    const difference = censusDifference(before, takeCensus(kernel.inspection));
    return difference === '' ? undefined : { kind: 'leak', text: `after the program has ended there are ${difference}` };
  }

  /**
   * A snapshot has the frames in use only. A run that ends as it should leaves the others as it found them, poisoned; one that does not may
   * leave anything, and the next run would have it to answer for.
   */
  private poisonFree(): void {
    const { ram, frames } = this.kernel;
    for (let frame = frames.low; frame < frames.high; frame += PAGE_SIZE) {
      if (frames.references(frame) === 0) poisonFrame(ram, frame);
    }
  }

  /** What was written to a frame after it was freed: whoever had got it next would have found it. */
  private strayWrite(): string | undefined {
    const { ram, frames } = this.kernel;
    for (const frame of this.host.freedFrames()) {
      const stray = frames.references(frame) === 0 ? strayWrite(ram, frame) : undefined;
      if (stray !== undefined) return stray;
    }
    return undefined;
  }
}

function failureFinding(report: string): Finding {
  const [first = ''] = report.split('\n');
  return { kind: 'machine-check', text: first.replace(/^hartbeat: /, ''), report };
}

/** Nobody can go on: who waits without reason is the culprit; else they wait for each other. */
function standstill(kernel: Kernel, kind: 'deadlock' | 'no-progress'): Finding {
  const report = standstillReport(kernel, kind);
  const [lost] = findLostWakeups(kernel);
  if (lost !== undefined) return { kind: 'lost-wakeup', text: lost.text, report };
  return { kind, text: report.slice(0, `${report}\n`.indexOf('\n')), report };
}

/** What goes wrong before the runs begin has nothing to do with their schedules. */
function refuse(finding: Finding | undefined): void {
  if (finding !== undefined) throw new Error(`before any schedule: ${finding.report ?? finding.text}`);
}
