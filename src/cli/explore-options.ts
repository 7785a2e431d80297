/*
 * The command line of the explorer, as data. Options end where the target begins: what follows its name belongs to the target.
 */

import { availableParallelism } from 'node:os';

import { Command, InvalidArgumentError, Option } from 'commander';

import type { JitMode } from '../core/jit/translations.ts';
import { parseFault } from '../explore/fault-option.ts';
import type { Shard } from '../explore/plans.ts';
import { MAX_DEPTH, MAX_SEED } from '../explore/schedule-option.ts';
import { DEFAULT_DEPTH, STRATEGIES, type StrategyName } from '../explore/strategies.ts';
import { UsageError } from '../machine/errors.ts';
import { DEFAULT_CPUS } from '../machine/options.ts';
import type { Fault } from '../smp/schedule/plan.ts';
import { type Answer, parseWith } from './parse.ts';
import { bytes, count } from './values.ts';

/** Choices of a run are told apart by a bit for each hart (smp/schedule/plan.ts). */
const MAX_EXPLORED_HARTS = 32;
const MAX_JOBS = 256;
const DEFAULT_SCHEDULES = 10_000;

/** Bytes: less than boot gives a machine, for what is in use is put back before every run. */
const DEFAULT_MEMORY = 32 * 2 ** 20;

/** What the command line asks for. */
export interface ExploreOptions {
  readonly strategy: StrategyName;
  readonly depth: number | undefined;
  readonly schedules: number | undefined;
  /** Seconds. */
  readonly time: number | undefined;
  readonly seed: number;
  readonly shard: Shard | undefined;
  readonly jobs: number;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly jit: JitMode;
  /** Paths of files: input, wanted output, where to write the history. */
  readonly stdin: string | undefined;
  readonly expect: string | undefined;
  readonly history: string | undefined;
  readonly picture: string | undefined;
  /** Happen in every run. */
  readonly faults: readonly Fault[];
  readonly defect: string | undefined;
  readonly keepGoing: boolean;
  readonly shrink: boolean;
  readonly json: boolean;
  /** Only list the scenarios. */
  readonly list: boolean;
  /** Scenario or program; undefined only with `list`. */
  readonly target: string | undefined;
  readonly args: readonly string[];
}

/**
 * Understands a command line.
 *
 * @param argv without the names of the interpreter and the script
 * @throws UsageError
 */
export function parseExploreOptions(argv: readonly string[], version: string): ExploreOptions | Answer {
  const command = describeOptions(version);
  const answer = parseWith(command, argv);
  if (answer !== undefined) return answer;
  const {
    jit,
    depth,
    schedules,
    time,
    shard,
    stdin,
    expect,
    history,
    picture,
    fault,
    defect,
    keepGoing,
    json,
    list,
    ...options
  } = command.opts<Parsed>();
  const { strategy } = options;
  const [target, ...args] = command.args;
  if (target === undefined && list !== true)
    throw new UsageError('a scenario or a program is needed (see --help, or --list for scenarios)');
  if (depth !== undefined && strategy !== 'pct' && strategy !== 'exhaustive') {
    throw new UsageError(`--depth ${depth}: the strategy ${strategy} has none, pct and exhaustive have`);
  }
  if (strategy === 'pct' && depth === 0) throw new UsageError('--depth 0: the depth of pct is 1 at least (see --help)');
  return {
    ...options,
    depth,
    // What has an end by itself needs no other; what has a limit in time neither.
    schedules:
      schedules ?? (time === undefined && (strategy === 'pct' || strategy === 'random') ? DEFAULT_SCHEDULES : undefined),
    time,
    shard,
    jit: jit === false ? 'off' : jit,
    stdin,
    expect,
    history,
    picture,
    faults: fault,
    defect,
    keepGoing: keepGoing === true,
    json: json === true,
    list: list === true,
    target,
    args,
  };
}

type Flags = 'faults' | 'jit' | 'keepGoing' | 'json' | 'list' | 'target' | 'args';

/** What commander answers: flags that are not given are missing. */
type Parsed = Omit<ExploreOptions, Flags> & {
  jit: JitMode | false;
  fault: readonly Fault[];
  keepGoing?: true;
  json?: true;
  list?: true;
};

function describeOptions(version: string): Command {
  return (
    new Command('hartbeat-explore')
      .description('Runs a scenario or a program under schedule after schedule, and shows the first that makes it fail.')
      .usage('[options] scenario|program [args...]')
      .argument('[target]', 'a scenario (a name under scenarios/, or a TypeScript file), or a program as boot takes it')
      .argument('[args...]', 'for the target')
      .passThroughOptions()
      .addOption(new Option('--strategy <name>', 'how schedules are chosen').choices(STRATEGIES).default('pct'))
      .option(
        '--depth <d>',
        `pct: depth of the bugs looked for (default: ${DEFAULT_DEPTH.pct}); exhaustive: most preemptions (default: ${DEFAULT_DEPTH.exhaustive})`,
        count(0, MAX_DEPTH),
      )
      .option(
        '--schedules <n>',
        `how many to run, all shards together (default: ${DEFAULT_SCHEDULES} for pct and random, if there is no --time)`,
        count(1, 2 ** 48),
      )
      .addOption(
        new Option('--fault <fault>', 'let this go wrong in every run; may be given several times')
          .argParser(anotherFault)
          .default([], 'none'),
      )
      .option('--time <seconds>', 'how long to look', seconds)
      .option('--seed <n>', 'the first seed', count(0, MAX_SEED), 1)
      .option('--shard <i/n>', 'the i-th of n parts of the campaign, as 1/4', shardOf)
      .addOption(
        new Option('--jobs <n>', 'workers')
          .argParser(count(1, MAX_JOBS))
          .default(availableParallelism(), "one for each of the host's cores"),
      )
      .option('--cpus <n>', 'harts of the machine', count(1, MAX_EXPLORED_HARTS), DEFAULT_CPUS)
      .addOption(
        new Option('--memory <size>', 'RAM of the machine: bytes, or with K, M or G')
          .argParser(bytes)
          .default(DEFAULT_MEMORY, `${DEFAULT_MEMORY / 2 ** 20}M`),
      )
      .addOption(
        new Option('--jit <mode>', 'translate code when it is hot, or always').choices(['hot', 'always']).default('hot'),
      )
      .option('--no-jit', 'interpret only')
      .option('--stdin <file>', 'what the program gets as its input (default: none)')
      .option('--expect <file>', 'what the program is to write: anything else is a finding')
      .option('--keep-going', 'collect different findings, instead of stopping at the first')
      .option('--no-shrink', 'leave schedules as they were found')
      .option('--history <file>', "write the finding's history of operations as JSON")
      .option('--picture <file>', 'draw the operations that no order explains, as SVG')
      .option('--json', 'print the result as JSON')
      .option('--list', 'list the scenarios')
      // For tests of the search itself: see explore/defect.ts.
      .addOption(new Option('--defect <file#name>', 'build the kernel with a deliberate defect').hideHelp())
      .version(version, '--version', 'print the version')
      .helpOption('-h, --help', 'print this text')
      .addHelpText('after', EXAMPLES)
  );
}

function anotherFault(text: string, before: readonly Fault[]): Fault[] {
  return [...before, parseFault(text)];
}

const EXAMPLES = `
Exit status: 0 when nothing was found; 1 with a finding; 64 when this command was used wrongly; 70 when the explorer itself failed;
128+n when signal n ended the search before anything was found.

Examples:
  hartbeat-explore ./a.out one two                     ten thousand schedules of a program, until it fails
  hartbeat-explore --expect good.txt --time 60 ./a.out     a minute of them, with the output that is right
  hartbeat-explore --strategy exhaustive --depth 2 NAME    every schedule of a scenario with at most two preemptions
  hartbeat-explore --strategy kill NAME                    every thread killed at each of its points
  hartbeat-explore --fault stall:1@100+5000 NAME           hart 1 stands still for a while in every run`;

function seconds(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (value > 0 && value <= 2_000_000) return value;
  throw new InvalidArgumentError('seconds, more than 0 and at most 2000000');
}

function shardOf(text: string): Shard {
  const [, i, n] = /^(\d{1,6})\/(\d{1,6})$/.exec(text)?.map(Number) ?? [];
  if (i !== undefined && n !== undefined && i >= 1 && i <= n) return { index: i - 1, of: n };
  throw new InvalidArgumentError('which part of how many, such as 1/4 or 4/4');
}
