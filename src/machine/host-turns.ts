/*
 * The host's turns in a machine under a schedule: the host acts in them, and at no other time.
 *
 * A turn: answer what the harts have rung for, do what others want done (`inTurn`), move the console's bytes, and let the harts go on. When
 * nobody can go on, something has to come from outside, a program to run or input, and the turn lasts until it does; if none can come, the
 * run stands still.
 */

import type { ConsoleHost } from '../devices/console-host.ts';
import type { TypedInput } from '../devices/typed-input.ts';
import type { HostBell } from '../smp/host-bell.ts';
import type { Plan } from '../smp/schedule/plan.ts';
import type { ScheduleHost } from '../smp/schedule/schedule-host.ts';
import { HostTurn } from '../smp/schedule/state.ts';
import { asError, nextTurn } from './async.ts';
import type { Standstill } from './errors.ts';
import { Typing } from './typing.ts';

/** Moments between two turns of the host while somebody may type: some milliseconds. */
const HOST_EVERY = 2 ** 20;

/** What the host does in its turn. */
interface Job {
  readonly run: () => Promise<void>;
  /** The machine has ended: it will not be done. */
  readonly giveUp: (why: Error) => void;
}

/** The machine, as its turns need it. */
export interface TurnTaker {
  /** Why the machine has ended, if it has. */
  reason(): Error | undefined;
  /** Answers what the harts have rung the host for. */
  answer(calls: number): void;
  drainTrace(): void;
  standStill(kind: Standstill['kind']): void;
  /** A program is under way and is awaited; another is under way and waits to be resumed. */
  readonly isRunning: boolean;
  readonly isResumable: boolean;
}

export class HostTurns {
  /** A run is being ended: the harts wait until all is cleared up. */
  ending = false;
  private readonly jobs: Job[] = [];
  private wake: () => void = () => undefined;
  /** The host is at work in its turn; while it waits for something to do it is not. */
  private acting = false;
  /** All harts have gone. */
  private over = false;
  private typing: Typing | undefined;

  constructor(
    readonly scheduled: ScheduleHost,
    private readonly console: ConsoleHost,
    private readonly bell: HostBell,
    private readonly machine: TurnTaker,
  ) {
    console.pumpOnlyWhen(() => {
      const may = this.over || (this.acting && scheduled.hasTurn);
      if (!may) this.nudge();
      return may;
    });
  }

  /** Takes turn after turn until the machine has ended. */
  async serve(): Promise<void> {
    const { scheduled, machine } = this;
    while (machine.reason() === undefined) {
      const reason = await scheduled.turn();
      if (machine.reason() !== undefined) return;
      if (reason === HostTurn.Trace) {
        machine.drainTrace();
        scheduled.resume();
        continue;
      }
      machine.answer(this.bell.take());
      if (machine.reason() !== undefined) return;
      if (reason === HostTurn.NoProgress) machine.standStill('no-progress');
      this.typing?.turn();
      if (!(await this.letGoOn())) return;
    }
  }

  /** Lets the harts go on as soon as anybody can. False: the machine has ended. */
  private async letGoOn(): Promise<boolean> {
    const { scheduled, machine, typing } = this;
    for (;;) {
      this.acting = true;
      await this.doJobs();
      if (machine.reason() !== undefined) return false;
      const nudged = this.awaitNudge();
      this.typing?.passOn();
      await this.console.pump();
      if (this.jobs.length > 0 || this.ending) continue;
      this.acting = false;
      // A plan of its own is to begin where a snapshot was taken.
      if (!machine.isResumable) {
        if (scheduled.resume()) return true;
        if (typing?.leave() === true) continue;
        if (machine.isRunning && !this.expectsInput) machine.standStill('deadlock');
      }
      await nudged;
    }
  }

  /** Has something done in the host's next turn. Rejects when the machine has ended before. */
  inTurn(job: () => void | Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const ended = this.machine.reason();
      if (ended !== undefined) {
        reject(ended);
        return;
      }
      const run = async (): Promise<void> => {
        try {
          const why = this.machine.reason();
          if (why !== undefined) throw why;
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

  /** A run begins, its console attached: from here on the plan decides. `typed`: what was typed once is typed again. */
  begin(plan: Plan | undefined, typed?: TypedInput): void {
    this.typing = typed === undefined ? Typing.record(this.console) : Typing.repeat(this.console, typed);
    this.scheduled.begin(plan, { hostEvery: this.typing.isTerminal ? HOST_EVERY : Infinity });
  }

  /** What has been typed since. */
  get typed(): TypedInput | undefined {
    return this.typing?.input;
  }

  /** There may be something to do. */
  nudge(): void {
    this.wake();
  }

  /** All harts have gone: nobody waits for a turn any more. */
  conclude(): void {
    this.over = true;
    this.scheduled.conclude();
  }

  /** What has waited for a turn learns that there will be none. */
  giveUp(why: Error): void {
    for (const job of this.jobs.splice(0)) job.giveUp(why);
  }

  private get expectsInput(): boolean {
    return this.console.expectsInput && this.typing?.isRepeated !== true;
  }

  private async doJobs(): Promise<void> {
    for (let job = this.jobs.shift(); job !== undefined; job = this.jobs.shift()) await job.run();
    // Whoever awaited the job goes on before the harts do.
    await nextTurn();
  }

  private awaitNudge(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
