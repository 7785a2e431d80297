/*
 * What the explorer has found, once more: runs the target of a token under its plan, as the search did, and says what is wrong with it.
 *
 *   0   nothing was: what was found is gone, or the schedule never made it fail
 *   1   the finding is on stderr, and what the program wrote where it wrote it
 */

import { Production } from '../explore/production.ts';
import type { SessionTarget } from '../explore/target.ts';
import { Tracing } from '../machine/tracing.ts';
import type { Plan } from '../smp/schedule/plan.ts';
import type { BootOptions } from './options.ts';

/** @throws UsageError when the target cannot be had any more */
export async function rehearse(target: SessionTarget, plan: Plan, { trace, logLevel }: BootOptions): Promise<number> {
  const production = await Production.open(target, trace === undefined ? undefined : logLevel);
  try {
    const { result, finding, events } = await production.run(plan);
    process.stdout.write(result?.stdout ?? '');
    process.stderr.write(result?.stderr ?? '');
    if (trace !== undefined) complain(`trace in ${await Tracing.write(events, { file: trace, level: logLevel })}`);
    if (finding === undefined) {
      complain('nothing went wrong under this schedule');
      return 0;
    }
    complain(`${finding.kind}: ${finding.report === undefined || finding.report === '' ? finding.text : finding.report}`);
    return 1;
  } finally {
    await production.close();
  }
}

function complain(line: string): void {
  process.stderr.write(`hartbeat: ${line}\n`);
}
