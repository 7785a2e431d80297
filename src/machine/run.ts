/*
 * A program under way in a machine, as the host knows it: what it was asked for by, and how it ends. A machine has at most one.
 *
 * Part of a snapshot: in the machine that is made from that, the program is under way again, and nobody awaits it until it is resumed.
 */

import type { ProgramEnd } from '../kernel/launches.ts';
import type { Launched } from './launch.ts';

/** What a snapshot knows of the program that was under way. */
export interface RunState {
  /** What it was asked for by. */
  readonly word: string;
  readonly pid: number;
  /** Path of the file that a program of the host is in for the time of the run. */
  readonly bound: string | undefined;
  /** It had ended already. */
  readonly ended: ProgramEnd | undefined;
}

export class Run {
  /** Resolves when the program has ended; rejects when that will not happen any more. */
  readonly how: Promise<ProgramEnd>;
  pid = 0;
  /** Path of the file that a program of the host is in for the time of the run. */
  bound: string | undefined;
  /** Whether somebody awaits the end. */
  claimed = true;
  /** The machine has been put back to a snapshot: nothing of this run is left in it. */
  replaced = false;
  private ended: ProgramEnd | undefined;
  private resolve: (end: ProgramEnd) => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;

  constructor(readonly word: string) {
    this.how = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever awaits it may come late; a failure of the machine must not count as unhandled until then.
    this.how.catch(() => undefined);
  }

  /** The run of a snapshot, which nobody awaits yet. */
  static of({ word, pid, bound, ended }: RunState): Run {
    const run = new Run(word);
    run.launched({ pid, bound });
    run.claimed = false;
    if (ended !== undefined) run.end(ended);
    return run;
  }

  get state(): RunState {
    const { word, pid, bound, ended } = this;
    return { word, pid, bound, ended };
  }

  /** It has been started. */
  launched({ pid, bound }: Launched): void {
    this.pid = pid;
    this.bound = bound;
  }

  get hasEnded(): boolean {
    return this.ended !== undefined;
  }

  end(end: ProgramEnd): void {
    this.ended ??= end;
    this.resolve(end);
  }

  fail(error: Error): void {
    this.reject(error);
  }
}
