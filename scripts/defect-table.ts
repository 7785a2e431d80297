/*
 * Writes docs/defects.md: how many schedules it takes to find each of the deliberate defects.
 *
 *   npx tsx scripts/defect-table.ts [NAME…]     with names: prints their rows and writes nothing
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { shrink } from '../src/explore/shrink.ts';
import { projectRoot } from '../src/smp/bundle.ts';
import { type Defect, DEFECTS } from '../tests/explore/defects.ts';
import { HUNTS } from '../tests/explore/found.ts';
import { hunt, scenarioTarget, withSession } from '../tests/explore/hunt.ts';
import type { Session } from '../src/explore/session.ts';

/** First seeds of the five searches. */
const SEEDS = [1, 100_001, 200_001, 300_001, 400_001];
/** Schedules after which a search is given up. */
const MOST = 20_000;
const FILE = join(projectRoot, 'docs/defects.md');
const [BEGIN, END] = ['<!-- table: scripts/defect-table.ts -->\n\n', '\n<!-- end -->'];

interface Figures {
  readonly needed: readonly number[];
  readonly kind: string;
  readonly preemptions: number | undefined;
}

async function measure(session: Session, name: string): Promise<Figures> {
  const { strategy } = HUNTS[name]!;
  const needed: number[] = [];
  let kind = 'nothing';
  let preemptions: number | undefined;
  for (const seed of SEEDS) {
    const { schedules, plans, outcome } = await hunt(session, { strategy, seed, schedules: MOST });
    needed.push(outcome === undefined ? Infinity : schedules);
    if (outcome === undefined || kind !== 'nothing') continue;
    kind = outcome.finding!.kind;
    const run = session.run.bind(session);
    const { plan } = await shrink(plans.at(-1)!, outcome, { run, budget: { runs: 1000, seconds: 30 } });
    preemptions = plan.strategy.kind === 'replay' ? plan.strategy.departures.length : undefined;
  }
  return { needed: needed.sort((a, b) => a - b), kind, preemptions };
}

async function row({ name, about }: Defect): Promise<string> {
  const { scenario, strategy } = HUNTS[name]!;
  let cells: readonly string[];
  try {
    const { needed, kind, preemptions } = await withSession(scenarioTarget(scenario, name), (session) =>
      measure(session, name),
    );
    cells = [countText(needed[2]!), kind, preemptions === undefined ? '' : String(preemptions)];
  } catch (error) {
    // Some show before a schedule has begun: while the scenario comes to its starting line.
    if (!(error instanceof Error && error.message.startsWith('before any schedule'))) throw error;
    cells = ['0', 'machine-check', '0'];
  }
  return `| ${[about, `\`${scenario}\``, strategy, ...cells].join(' | ')} |`;
}

const countText = (count: number): string => (count === Infinity ? `> ${MOST}` : String(count));

const names = process.argv.slice(2);
const rows: string[] = [];
for (const defect of DEFECTS.filter(({ name }) => names.length === 0 || names.includes(name))) {
  rows.push(await row(defect));
  console.log(rows.at(-1));
}
if (names.length === 0) {
  const head = ['defect', 'scenario', 'strategy', 'schedules', 'finding', 'preemptions'];
  const table = [head, head.map(() => '---')].map((cells) => `| ${cells.join(' | ')} |`).concat(rows);
  const text = readFileSync(FILE, 'utf8');
  const [before, after] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  writeFileSync(FILE, text.slice(0, before) + table.join('\n') + '\n' + text.slice(after));
}
