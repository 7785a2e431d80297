/*
 * The explore command: options in, an exit status out.
 *
 *   0   nothing was found
 *   1   something was: what, the schedule, and the command that replays it are on stdout
 *   64  (EX_USAGE)     one line on stderr says what was wrong with the command, and what to do
 *   70  (EX_SOFTWARE)  the explorer itself failed; why is on stderr
 *   128 + n            signal n ended the search before anything was found
 *
 * The first interrupt ends the campaign, with the result so far; the second one ends the command.
 */

import { accessSync, constants, readFileSync, statSync, writeFileSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { dirname, join } from 'node:path';

import { type CampaignResult, explore } from '../explore/campaign.ts';
import { findRun, listScenarios, type SessionTarget } from '../explore/target.ts';
import { UsageError } from '../machine/errors.ts';
import { projectRoot, sourcePositions } from '../smp/bundle.ts';
import { type ExploreOptions, parseExploreOptions } from './explore-options.ts';
import { ProgressLine, type ProgressStream } from './explore-progress.ts';
import { formatResult, jsonResult } from './explore-report.ts';
import { Answer } from './parse.ts';

const FOUND = 1;
const EX_USAGE = 64;
const EX_SOFTWARE = 70;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** What the command works with, beside its arguments. */
export interface ExploreHost {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: ProgressStream;
  /** Path of the TypeScript module that opens sessions. */
  readonly factory: string;
  /** Folder of the scenarios. */
  readonly scenarios?: string;
}

const HOST: ExploreHost = {
  stdout: { write: print },
  stderr: process.stderr,
  factory: join(projectRoot, 'src/explore/open-session.ts'),
};

/** Runs the command; never throws. */
export async function main(argv: readonly string[], host: ExploreHost = HOST): Promise<number> {
  try {
    const options = parseExploreOptions(argv, readVersion());
    if (options instanceof Answer) host.stdout.write(options.text);
    else if (options.list) host.stdout.write(formatScenarios(host.scenarios));
    else return await search(options, host);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      host.stderr.write(`hartbeat: ${error.message}\n`);
      return EX_USAGE;
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    host.stderr.write(`hartbeat: the explorer failed: ${sourcePositions(stack)}\n`);
    return EX_SOFTWARE;
  }
}

async function search(options: ExploreOptions, host: ExploreHost): Promise<number> {
  const target = targetOf(options, host);
  for (const option of ['history', 'picture'] as const) checkPlace(option, options[option]);
  const { strategy, depth, seed, shard, schedules, time, jobs, keepGoing } = options;
  const line = new ProgressLine(host.stderr, time);
  const abort = new AbortController();
  let stoppedBy: (typeof SIGNALS)[number] | undefined;
  const interrupt = (signal: (typeof SIGNALS)[number]): void => {
    stoppedBy ??= signal;
    abort.abort();
  };
  for (const signal of SIGNALS) process.once(signal, interrupt);
  let result: CampaignResult;
  try {
    result = await explore({
      target,
      strategy,
      depth,
      seed,
      faults: options.faults,
      shard,
      schedules,
      seconds: time,
      jobs,
      keepGoing,
      shrink: options.shrink ? undefined : false,
      factory: host.factory,
      onProgress: (progress) => line.show(progress),
      signal: abort.signal,
    });
  } finally {
    line.clear();
    for (const signal of SIGNALS) process.removeListener(signal, interrupt);
  }
  host.stdout.write(options.json ? jsonResult(result, target, options) : formatResult(result, target, options));
  for (const option of ['history', 'picture'] as const) writeExtra(option, options[option], result, host);
  if (result.found.length > 0) return FOUND;
  return stoppedBy === undefined ? 0 : 128 + osConstants.signals[stoppedBy];
}

/** What is to be explored; the most likely mistakes are found here, before anything is started. */
function targetOf(
  { target, args, cpus, memory, jit, stdin, expect, defect }: ExploreOptions,
  host: ExploreHost,
): SessionTarget {
  const run = findRun(target!, args, host.scenarios);
  for (const [option, file] of Object.entries({ stdin, expect })) {
    if (file === undefined) continue;
    if (run.kind === 'scenario') throw new UsageError(`--${option}: a scenario says itself what goes in and comes out`);
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) throw new UsageError(`--${option} ${file}: no such file`);
  }
  return {
    run,
    machine: { cpus, memory, jit, ...(defect === undefined ? {} : { defect }) },
    ...(stdin === undefined ? {} : { stdin }),
    ...(expect === undefined ? {} : { expect }),
  };
}

/** A search may take long: that its result has a place is known before. */
function checkPlace(option: string, file: string | undefined): void {
  if (file === undefined) return;
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch {
    throw new UsageError(`--${option} ${file}: there is no such folder, or it cannot be written to`);
  }
}

/** Writes what belongs to the first finding. */
function writeExtra(
  option: 'history' | 'picture',
  file: string | undefined,
  { found }: CampaignResult,
  host: ExploreHost,
): void {
  const [first] = found;
  if (file === undefined || first === undefined) return;
  const text = first.outcome[option];
  if (text !== undefined) writeFileSync(file, text);
  else {
    const why = option === 'history' ? 'this target keeps no history of operations' : 'no order of operations is missing';
    host.stderr.write(`hartbeat: no ${file}: ${why}\n`);
  }
}

function formatScenarios(folder: string | undefined): string {
  const scenarios = listScenarios(folder);
  if (scenarios.length === 0) return 'there are no scenarios\n';
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  return scenarios.map(({ name, about }) => `${name.padEnd(width)}  ${about}`.trimEnd() + '\n').join('');
}

/** Writes to stdout; a reader that does not want all of it is no failure. */
function print(text: string): void {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.stdout.write(text);
}

function readVersion(): string {
  return (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
