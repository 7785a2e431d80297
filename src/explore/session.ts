/*
 * What the explorer asks of whatever it explores: run a plan, say what came of it.
 *
 * A session stands for one program or scenario on one machine. Its runs follow each other, each from the same state, so that the plan alone
 * decides what happens: the same plan again has the same outcome. Nothing that goes wrong in what is explored is an exception: it is
 * a finding. What a session throws is its own failure, after which it is not used any more.
 */

import type { Plan, ScheduleReport } from '../smp/schedule/plan.ts';
import type { SessionTarget } from './target.ts';

export type FindingKind =
  | 'exit'
  | 'signal'
  | 'output'
  | 'deadlock'
  | 'no-progress'
  | 'machine-check'
  | 'leak'
  | 'lost-wakeup'
  | 'linearizability'
  | 'invariant';

/** Something that must not happen, and did. */
export interface Finding {
  readonly kind: FindingKind;
  /** Its first line says it all. */
  readonly text: string;
  /** The long form: a report, a picture of waits. */
  readonly report?: string | undefined;
}

/** How a run went. */
export interface Outcome extends ScheduleReport {
  readonly finding: Finding | undefined;
  /** Of a program's finding, for each departure where in the program the hart was: `main+0x1c`; '' where nothing is known. */
  readonly places?: readonly string[] | undefined;
  /** If asked for: synchronisation points that each thread has passed, in the order of their start: where it can be killed. */
  readonly points?: readonly number[] | undefined;
  /** The history of the run's operations as JSON, if it was asked for and there is one. */
  readonly history?: string | undefined;
  /** Likewise, a picture of the violation as SVG, if that is what was found. */
  readonly picture?: string | undefined;
}

/** What a run is to report beyond what is free. */
export interface Wanted {
  readonly choices?: boolean | undefined;
  readonly history?: boolean | undefined;
  readonly points?: boolean | undefined;
}

export interface Session {
  /** Runs the target under a plan, from its start. */
  run(plan: Plan, want?: Wanted): Promise<Outcome>;
  close(): Promise<void>;
}

/** What a module that makes sessions exports under the name `openSession`. */
export type OpenSession = (target: SessionTarget) => Promise<Session>;
