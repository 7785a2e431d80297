/*
 * A scenario: threads that perform lists of system calls, and what must be true of every run of them, whatever the schedule.
 *
 * A file under scenarios/ has one as its default export; `npx tsx src/explore.ts NAME` looks for a schedule under which it fails. What is
 * always checked (lock order, guards, freed objects, lost wake-ups, deadlock, progress, leaks) needs no word here.
 */

import type { Fault } from '../smp/schedule/plan.ts';
import type { DecodedEvent } from '../trace/drain.ts';
import type { AgentProgram } from './agent.ts';
import type { AgentHistory } from './agent-marks.ts';
import type { Model, Operation } from './history/operation.ts';
import type { TargetMachine } from './target.ts';

/** A run, as checks see it. */
export interface ScenarioRun extends AgentHistory {
  /** All that the run has recorded, in order, from before the starting line. */
  readonly events: readonly DecodedEvent[];
  /** Exit status of the leader: 0; 1 when a process has not ended with 0. */
  readonly status: number;
}

/** An object that the threads share, and the model that their operations on it must follow. */
export interface Linearizable {
  /** What the run did to the object. */
  readonly operations: (run: ScenarioRun) => Operation[];
  // The state is the model's own affair.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly model: Model<any>;
}

export interface Scenario {
  /** Where it differs from what the command line says by default. */
  readonly machine?: Partial<Omit<TargetMachine, 'defect'>>;
  readonly program: AgentProgram;
  /** Happen in every run, beside those of the plan. */
  readonly faults?: readonly Fault[];
  /** Processes may end with a status other than 0, or by a signal: that is part of it. */
  readonly deaths?: boolean;
  readonly linearizable?: readonly Linearizable[];
  /** What is wrong with a run, in a line; undefined: nothing. Not asked of runs in which the plan has killed a thread. */
  readonly invariant?: (run: ScenarioRun) => string | undefined;
}
