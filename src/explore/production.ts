/*
 * A target on its stage: a scenario or a program, the machine under a schedule that it runs on, and who judges its runs.
 *
 * What is a finding, in the order in which it is looked for: what is wrong with the machine after any run (stage.ts), and then what the
 * target itself says (judges.ts).
 */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';

import { UsageError } from '../machine/errors.ts';
import type { MachineOptions } from '../machine/options.ts';
import { bundle } from '../smp/bundle.ts';
import type { Plan } from '../smp/schedule/plan.ts';
import type { LevelName } from '../trace/events.ts';
import { encodeAgent } from './agent.ts';
import { loadDefect } from './defect.ts';
import { type Judge, ProgramJudge, ScenarioJudge } from './judges.ts';
import type { Scenario } from './scenario.ts';
import type { Finding, Wanted } from './session.ts';
import { type Performance, Stage } from './stage.ts';
import { programHash, type Run, scenarioFile, type SessionTarget } from './target.ts';

/** A run, judged. */
export interface Judged extends Performance {
  readonly history: () => string | undefined;
  readonly picture: () => string | undefined;
}

export class Production {
  private constructor(
    private readonly stage: Stage,
    private readonly judge: Judge,
    private readonly faults: Plan['faults'],
  ) {}

  /**
   * @param trace the least level that is recorded, if a trace is wanted beside what the checks need
   * @throws UsageError when the target cannot be had as it is described
   */
  static async open(target: SessionTarget, trace?: LevelName): Promise<Production> {
    const { run } = target;
    return run.kind === 'scenario' ? this.ofScenario(target, run, trace) : this.ofProgram(target, run, trace);
  }

  private static async ofScenario(target: SessionTarget, run: Run, trace: LevelName = 'debug'): Promise<Production> {
    const scenario = await loadScenario(run);
    const machine = { ...(await machineOf(target)), ...scenario.machine, trace: { level: trace } };
    const stage = await Stage.open({ machine, word: 'agent', args: encodeAgent(scenario.program), toLine: true });
    return new Production(stage, new ScenarioJudge(scenario), scenario.faults ?? []);
  }

  private static async ofProgram(
    target: SessionTarget,
    { word, args, sha256 }: Extract<Run, { kind: 'program' }>,
    trace: LevelName | undefined,
  ): Promise<Production> {
    if (sha256 !== programHash(word)) {
      throw new UsageError(`${word} is not the program that this was found in: it has been built anew since`);
    }
    const { stdin, expect } = target;
    const machine = { ...(await machineOf(target)), trace: trace === undefined ? undefined : { level: trace } };
    const stage = await Stage.open({ machine, word, args, stdin: stdin === undefined ? undefined : readFileSync(stdin) });
    return new Production(stage, new ProgramJudge(word, expect === undefined ? undefined : readFileSync(expect, 'utf8')), []);
  }

  /** Threads there are when a run begins: those whose deaths can be planned. */
  get threads(): number {
    return this.stage.threads;
  }

  /** Runs the target under a plan, from its start. */
  async run({ strategy, faults }: Plan, want: Pick<Wanted, 'choices'> = {}): Promise<Judged> {
    const performance = await this.stage.run({ strategy, faults: [...this.faults, ...faults] }, want);
    const finding: Finding | undefined = performance.finding ?? this.judge.judge(performance);
    const { judge } = this;
    return { ...performance, finding, history: () => judge.history(performance), picture: () => judge.picture(performance) };
  }

  close(): Promise<void> {
    return this.stage.close();
  }
}

async function machineOf({ machine }: SessionTarget): Promise<MachineOptions> {
  const { defect, ...options } = machine;
  return defect === undefined ? options : { ...options, edits: await loadDefect(defect) };
}

async function loadScenario({ word, args }: Run): Promise<Scenario> {
  const path = scenarioFile(word);
  const file = await bundle({ name: `scenario-${basename(path, '.ts')}`, entry: path });
  const { default: exported } = (await import(pathToFileURL(file).href)) as { default?: unknown };
  const scenario = typeof exported === 'function' ? (exported as (...words: readonly string[]) => unknown)(...args) : exported;
  if (typeof scenario !== 'object' || scenario === null || !('program' in scenario)) {
    throw new UsageError(`${path}: its default export is no scenario (see src/explore/scenario.ts)`);
  }
  return scenario as Scenario;
}
