/*
 * What a campaign came to, for people and as JSON.
 */

import type { CampaignResult, Found } from '../explore/campaign.ts';
import { explainPlan, plural } from '../explore/explain.ts';
import { replayData } from '../explore/replay-data.ts';
import { printStrategy } from '../explore/schedule-option.ts';
import { firstLine } from '../explore/signature.ts';
import type { Outcome } from '../explore/session.ts';
import type { SessionTarget } from '../explore/target.ts';
import type { Departure } from '../smp/schedule/plan.ts';
import { encodeToken } from '../explore/token.ts';
import { formatRate, formatSeconds } from './explore-progress.ts';
import type { ExploreOptions } from './explore-options.ts';

const ENDINGS: Readonly<Record<CampaignResult['ending'], string>> = {
  finding: 'stopped at a finding',
  schedules: 'all schedules done',
  time: 'time is up',
  exhausted: 'nothing is left to try',
  interrupted: 'interrupted',
};

/** The token of a finding. */
function tokenOf({ plan }: Found, target: SessionTarget): string {
  return encodeToken({ target, plan });
}

/** The command that replays a token: all it needs is in there. */
function replayCommand(token: string): string {
  return `npx tsx src/boot.ts --schedule replay:${token}`;
}

/** The summary, with its last newline. */
export function formatResult(result: CampaignResult, target: SessionTarget, { strategy }: ExploreOptions): string {
  const { ending, schedules, seconds, coverage, found, note } = result;
  const { run } = target;
  const name = [run.word, ...run.args].join(' ');
  const lines = [
    `${name}: ${plural(schedules, 'schedule')} in ${formatSeconds(seconds)}, ${formatRate(schedules, seconds)} a second; ${ENDINGS[ending]}`,
    `strategy ${strategy}${note === undefined ? '' : `: ${note}`}`,
    `${coverage.more ? 'more than ' : ''}${plural(coverage.distinct, 'different interleaving')}${chance(coverage.unseen)}`,
  ];
  if (found.length === 0) lines.push('nothing found');
  for (const [i, one] of found.entries()) lines.push('', ...formatFound(one, target, found.length > 1 ? i + 1 : undefined));
  return `${lines.join('\n')}\n`;
}

function formatFound(found: Found, target: SessionTarget, number: number | undefined): string[] {
  const { finding, plan, outcome, firstPlan, schedule, times, shrinkRuns, replays, note } = found;
  const token = tokenOf(found, target);
  const heading = number === undefined ? 'FOUND' : `FOUND ${number}`;
  const lines = [`${heading} ${finding.kind}: ${firstLine(finding.text)}`];
  lines.push(...indent(finding.text.split('\n').slice(1)));
  if (finding.report !== undefined) lines.push(...indent(withoutHeading(finding.report, finding.text)));
  const first = firstPlan.strategy.kind === 'replay' ? '' : ` (${printStrategy(firstPlan.strategy)})`;
  lines.push('', `  found by schedule ${Math.max(schedule, 1)}${first}${times > 1 ? `, ${times} times in all` : ''}`);
  if (shrinkRuns > 0) lines.push(`  shrunk in ${plural(shrinkRuns, 'run')}`);
  if (note !== undefined) lines.push(`  ${note}`);
  lines.push('', ...indent(explainPlan(plan, (departure) => placeOf(departure, outcome))), '');
  if (!replays)
    lines.push('  it did NOT fail in the same way when it was run once more: the session is not deterministic here');
  lines.push(`  token   ${token}`, `  replay  ${replayCommand(token)}`);
  return lines;
}

/** Where the run that is reported has made a departure. */
function placeOf({ hart, at }: Departure, { departures, places }: Outcome): string {
  return places?.[departures?.findIndex((made) => made.hart === hart && made.at === at) ?? -1] ?? '';
}

/** The lines of a report, without the first one if that says what the finding's text has said. */
function withoutHeading(report: string, text: string): string[] {
  const lines = report.trimEnd().split('\n');
  return lines[0] === firstLine(text) ? lines.slice(1) : lines;
}

/** The result as one JSON object. */
export function jsonResult(result: CampaignResult, target: SessionTarget, options: ExploreOptions): string {
  const { found, ...rest } = result;
  const data = {
    target,
    strategy: options.strategy,
    ...rest,
    found: found.map((one) => {
      const { finding, plan, outcome, schedule: foundBy, times, shrinkRuns, replays, note } = one;
      const { moments, interleaving, ns } = outcome;
      const token = tokenOf(one, target);
      const replay = replayCommand(token);
      const schedule = replayData({ target, plan });
      return { ...finding, foundBy, token, replay, schedule, times, shrinkRuns, replays, note, moments, interleaving, ns };
    }),
  };
  return `${JSON.stringify(data, undefined, 2)}\n`;
}

function chance(unseen: number | undefined): string {
  return unseen === undefined ? '' : `; the next schedule shows a new one with a chance of about ${Math.round(100 * unseen)}%`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : `  ${line}`));
}
