/*
 * What a target itself says of a run: how a program ends and what it writes; a scenario's deaths, its invariant and its models. Of a run
 * in which the plan has killed somebody only the models are asked: the rest is as the dead have left it.
 */

import { decodeMarks } from './agent-marks.ts';
import { check } from './history/checker.ts';
import { explain } from './history/explain.ts';
import { historyToJson } from './history/json.ts';
import { explanationPicture } from './history/picture.ts';
import { explanationText } from './history/report.ts';
import type { Linearizable, Scenario, ScenarioRun } from './scenario.ts';
import type { Finding } from './session.ts';
import type { Performance } from './stage.ts';

/** What of a run is a finding, beyond what is always checked. */
export interface Judge {
  judge(performance: Performance): Finding | undefined;
  /** The run's operations as JSON, if the target keeps a history of them. */
  history(performance: Performance): string | undefined;
  /** A picture of the operations that no order explains, as SVG; undefined: there are none. */
  picture(performance: Performance): string | undefined;
}

/** A program has to end with 0 and, if that is known, to write what is expected. */
export class ProgramJudge implements Judge {
  constructor(
    private readonly word: string,
    private readonly expected: string | undefined,
  ) {}

  judge({ result, killed }: Performance): Finding | undefined {
    if (result === undefined || killed) return undefined;
    const { word, expected } = this;
    const { status, signal, fault, stdout, stderr } = result;
    const report = [stdout, stderr].filter((text) => text !== '').join('\n');
    if (signal !== undefined) {
      const why = fault === undefined ? '' : `: ${fault}`;
      return { kind: 'signal', text: `${word} was killed by ${signal}${why}`, report };
    }
    if (status !== 0) return { kind: 'exit', text: `${word} ended with status ${status}`, report };
    if (expected === undefined || stdout === expected) return undefined;
    return { kind: 'output', text: `${word} wrote something else than expected: ${firstDifference(expected, stdout)}`, report };
  }

  history(): undefined {
    return undefined;
  }

  picture(): undefined {
    return undefined;
  }
}

function firstDifference(expected: string, actual: string): string {
  const wanted = expected.split('\n');
  const found = actual.split('\n');
  const line = wanted.findIndex((text, i) => text !== found[i]);
  if (line < 0) return `${found.length - wanted.length} lines more`;
  return `line ${line + 1} is ${JSON.stringify(found[line] ?? 'missing')} instead of ${JSON.stringify(wanted[line])}`;
}

/** A scenario says what must be true of each of its runs. */
export class ScenarioJudge implements Judge {
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

  picture(performance: Performance): string | undefined {
    const run = this.runOf(performance);
    if (run === undefined) return undefined;
    for (const { operations, model } of this.scenario.linearizable ?? []) {
      const explanation = explain(model, operations(run));
      if (explanation !== undefined) return explanationPicture(model, explanation);
    }
    return undefined;
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
