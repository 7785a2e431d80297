/*
 * Opens the session of a target: a machine under a schedule with a scenario or a program on it, and everything that is checked of each run.
 *
 * What is a finding, in the order in which it is looked for: the machine's own failure (all oracles of the seeded build report so), a lost
 * wake-up, a standstill, leaks, and then what the target itself says: how a program ends and what it writes, a scenario's invariant and
 * models. Of a run in which the plan has killed somebody only the models are asked: the rest is as the dead have left it.
 */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';

import { UsageError } from '../machine/errors.ts';
import type { MachineOptions } from '../machine/options.ts';
import { bundle } from '../smp/bundle.ts';
import type { Plan } from '../smp/schedule/plan.ts';
import { encodeAgent } from './agent.ts';
import { decodeMarks } from './agent-marks.ts';
import { loadDefect } from './defect.ts';
import { check } from './history/checker.ts';
import { explain } from './history/explain.ts';
import { historyToJson } from './history/json.ts';
import { explanationText } from './history/report.ts';
import type { Linearizable, Scenario, ScenarioRun } from './scenario.ts';
import type { Finding, Outcome, Session, Wanted } from './session.ts';
import { type Performance, Stage } from './stage.ts';
import { programHash, type Run, scenarioFile, type SessionTarget } from './target.ts';

/** What of a run is a finding, beyond what is always checked. */
interface Judge {
  judge(performance: Performance): Finding | undefined;
  history?(performance: Performance): string | undefined;
}

/**
 * @throws UsageError when the target cannot be had as it is described
 */
export async function openSession(target: SessionTarget): Promise<Session> {
  const { run } = target;
  return run.kind === 'scenario' ? openScenario(target, await loadScenario(run)) : openProgram(target, run);
}

async function openScenario(target: SessionTarget, scenario: Scenario): Promise<Session> {
  const stage = await Stage.open({
    machine: { ...(await machineOf(target)), ...scenario.machine, trace: { level: 'debug' } },
    word: 'agent',
    args: encodeAgent(scenario.program),
    toLine: true,
  });
  return sessionOn(stage, new ScenarioJudge(scenario), scenario.faults);
}

async function openProgram(target: SessionTarget, run: Extract<Run, { kind: 'program' }>): Promise<Session> {
  if (run.sha256 !== programHash(run.word)) {
    throw new UsageError(`${run.word} is not the program that this was found in: it has been built anew since`);
  }
  const stage = await Stage.open({
    machine: await machineOf(target),
    word: run.word,
    args: run.args,
    stdin: target.stdin === undefined ? undefined : readFileSync(target.stdin),
  });
  const expected = target.expect === undefined ? undefined : readFileSync(target.expect, 'utf8');
  return sessionOn(stage, { judge: (performance) => judgeProgram(run.word, performance, expected) });
}

async function machineOf({ machine }: SessionTarget): Promise<MachineOptions> {
  const { defect, ...options } = machine;
  return defect === undefined ? options : { ...options, edits: await loadDefect(defect) };
}

function sessionOn(stage: Stage, judge: Judge, faults: Plan['faults'] = []): Session {
  const perform = (plan: Plan, want?: Wanted): Promise<Performance> =>
    stage.run({ ...plan, faults: [...faults, ...plan.faults] }, want);
  return {
    async run(plan: Plan, want: Wanted = {}): Promise<Outcome> {
      const performance = await perform(plan, want);
      const finding = performance.finding ?? judge.judge(performance);
      return {
        ...performance.schedule,
        finding,
        points: want.points === true ? await pointsOf(stage, plan, faults) : undefined,
        history: want.history === true ? judge.history?.(performance) : undefined,
      };
    },
    close: () => stage.close(),
  };
}

/** How many synchronisation points each thread passes under a plan: by runs in each of which one is waited for that never comes. */
async function pointsOf(stage: Stage, { strategy }: Plan, faults: Plan['faults']): Promise<number[]> {
  const points: number[] = [];
  for (let thread = 0; thread < stage.threads; thread++) {
    const { schedule } = await stage.run({ strategy, faults: [...faults, { kind: 'kill', thread, at: NEVER }] });
    points.push(schedule.victimPoints ?? 0);
  }
  return points;
}

/** More points than any run has. */
const NEVER = 2 ** 31;

function judgeProgram(word: string, { result, killed }: Performance, expected: string | undefined): Finding | undefined {
  if (result === undefined || killed) return undefined;
  const { status, signal, fault, stdout, stderr } = result;
  const report = [stdout, stderr].filter((text) => text !== '').join('\n');
  if (signal !== undefined) {
    const why = fault === undefined ? '' : `: ${fault}`;
    return { kind: 'signal', text: `${word} was killed by ${signal}${why}`, report };
  }
  if (status !== 0) return { kind: 'exit', text: `${word} ended with status ${status}`, report };
  if (expected !== undefined && stdout !== expected) {
    return { kind: 'output', text: `${word} wrote something else than expected: ${firstDifference(expected, stdout)}`, report };
  }
  return undefined;
}

function firstDifference(expected: string, actual: string): string {
  const wanted = expected.split('\n');
  const found = actual.split('\n');
  const line = wanted.findIndex((text, i) => text !== found[i]);
  if (line < 0) return `${found.length - wanted.length} lines more`;
  return `line ${line + 1} is ${JSON.stringify(found[line] ?? 'missing')} instead of ${JSON.stringify(wanted[line])}`;
}

class ScenarioJudge implements Judge {
  constructor(private readonly scenario: Scenario) {}

  judge(performance: Performance): Finding | undefined {
    const { scenario } = this;
    const run = this.runOf(performance);
    if (run === undefined) return undefined;
    const { killed } = performance;
    if (scenario.deaths !== true && !killed && run.status !== 0) {
      const died = run.processes.findIndex(({ status }) => status !== 0);
      const how =
        died < 0 ? `status ${run.status}` : `process ${died}, wait status 0x${(run.processes[died]?.status ?? 0).toString(16)}`;
      return { kind: 'exit', text: `a process has not ended as it should: ${how}`, report: performance.result?.stderr };
    }
    const wrong = killed ? undefined : scenario.invariant?.(run);
    if (wrong !== undefined) return { kind: 'invariant', text: wrong };
    for (const object of scenario.linearizable ?? []) {
      const finding = judgeHistory(object, run);
      if (finding !== undefined) return finding;
    }
    return undefined;
  }

  history(performance: Performance): string | undefined {
    const run = this.runOf(performance);
    const object = this.scenario.linearizable?.[0];
    if (run === undefined || object === undefined) return undefined;
    return historyToJson({ object: object.model.name, settings: {}, operations: object.operations(run) });
  }

  private runOf({ result, events }: Performance): ScenarioRun | undefined {
    if (result === undefined) return undefined;
    return { ...decodeMarks(this.scenario.program, events), events, status: result.status };
  }
}

function judgeHistory({ operations, model }: Linearizable, run: ScenarioRun): Finding | undefined {
  const history = operations(run);
  const verdict = check(model, history);
  if (verdict.kind === 'ok') return undefined;
  if (verdict.kind === 'unknown') {
    return { kind: 'linearizability', text: `the history of ${history.length} operations is too entangled to be judged` };
  }
  const explanation = explain(model, history);
  if (explanation === undefined) return { kind: 'linearizability', text: `not linearizable (${model.name})` };
  const report = explanationText(model, explanation);
  return { kind: 'linearizability', text: report.slice(0, report.indexOf('\n')), report };
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
