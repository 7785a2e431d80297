/*
 * The command line, as data: what the user typed becomes BootOptions, or a UsageError whose message is the one line to print.
 *
 * Options end where the program begins: what follows its name belongs to the program, whatever it looks like.
 */

import { Command, InvalidArgumentError, Option } from 'commander';

import type { JitMode } from '../core/jit/translations.ts';
import { DEFAULT_CONFIG } from '../kernel/config.ts';
import { MAX_HARTS } from '../smp/smp-map.ts';
import { VrosLimit } from '../syscalls/abi.ts';
import { Level, type LevelName } from '../trace/events.ts';
import { type Answer, parseWith } from './parse.ts';
import { bytes, count } from './values.ts';

/** What the command line asks for. */
export interface BootOptions {
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly ports: number;
  readonly portMessages: number;
  readonly portMessageBytes: number;
  /** File of the trace; '' for a new one under traces/; undefined for none. */
  readonly trace: string | undefined;
  readonly logLevel: LevelName;
  readonly stats: boolean;
  readonly jit: JitMode;
  /** Address or symbol whose translation is to be shown instead of running the program. */
  readonly dumpTranslation: string | undefined;
  readonly seed: number | undefined;
  /** File to write the schedule and what is typed to. */
  readonly record: string | undefined;
  /** Directory of the host that is copied in as the machine's root. */
  readonly root: string | undefined;
  /** File to write snapshots of the machine to. */
  readonly snapshot: string | undefined;
  /** File of the snapshot that the machine goes on from, and the options that were given beside: all others are the snapshot's. */
  readonly restore: string | undefined;
  readonly given: ReadonlySet<string> | undefined;
  /** Which hart goes on (explore/schedule-option.ts); undefined: all of them, in parallel. */
  readonly schedule: string | undefined;
  /** Program and its arguments; none: the interactive shell. */
  readonly program: string | undefined;
  readonly args: readonly string[];
}

/**
 * Understands a command line.
 *
 * @param argv without the names of the interpreter and the script
 * @throws UsageError
 */
export function parseOptions(argv: readonly string[], version: string): BootOptions | Answer {
  const command = describeOptions(version);
  const answer = parseWith(command, bareTrace(command, argv));
  if (answer !== undefined) return answer;
  const options = command.opts<
    Omit<BootOptions, 'program' | 'args' | 'stats' | 'jit' | 'given'> & { stats?: true; jit: JitMode | false }
  >();
  const [program, ...args] = command.args;
  return {
    ...options,
    trace: options.trace,
    stats: options.stats === true,
    jit: options.jit === false ? 'off' : options.jit,
    dumpTranslation: options.dumpTranslation,
    root: options.root,
    seed: options.seed,
    record: options.record,
    snapshot: options.snapshot,
    restore: options.restore,
    given: options.restore === undefined ? undefined : givenOptions(command),
    schedule: options.schedule,
    program,
    args,
  };
}

function describeOptions(version: string): Command {
  const { memoryBytes, ports, portMessages, portMessageBytes } = DEFAULT_CONFIG;
  return new Command('hartbeat')
    .description('A multi-core RISC-V machine. Starts a shell, or a program of the machine or of the host.')
    .usage('[options] [program [args...]]')
    .argument('[program]', "a name in the machine's /bin, or else a static riscv64 ELF file of the host; without: the shell")
    .argument('[args...]', 'for the program')
    .passThroughOptions()
    .option('--cpus <n>', 'harts, each on a thread of its own', count(1, MAX_HARTS), 2)
    .addOption(
      new Option('--memory <size>', 'RAM for the kernel tables and the programs: bytes, or with K, M or G')
        .argParser(bytes)
        .default(memoryBytes, `${String(memoryBytes / 2 ** 20)}M`),
    )
    .option('--root <directory>', "a directory of the host to be copied in as the machine's root directory", fileName)
    .option('--ports <n>', 'size of the VROS port table', count(1, 4096), ports)
    .option('--port-messages <n>', 'messages a port holds', count(1, 4096), portMessages)
    .option('--port-message-bytes <n>', 'largest message', count(1, VrosLimit.IPC_MAX_DATA), portMessageBytes)
    .option('--trace [file]', 'write a trace to this file, or to a new one under traces/')
    .addOption(new Option('--log-level <level>', 'least level of what is traced').choices(Object.keys(Level)).default('trace'))
    .option('--stats', 'print the counters of each hart at exit')
    .addOption(
      new Option('--jit <mode>', 'translate code to WebAssembly when it is hot, or always before it runs')
        .choices(['hot', 'always'])
        .default('hot'),
    )
    .option('--no-jit', 'interpret only')
    .option(
      '--dump-translation <address>',
      "print the code at this address (hexadecimal, or a symbol) as translated; don't run it",
    )
    .option(
      '--schedule <schedule>',
      'run one hart at a time, in an order that can be repeated: round-robin[:QUANTUM], random:SEED, pct:SEED,depth=D, or replay:TOKEN or replay:FILE',
    )
    .option('--seed <n>', "seed of the machine's random numbers, for equal runs", count(0, 2 ** 32 - 1))
    .option(
      '--record <file>',
      'with --schedule: write the schedule and what is typed at the terminal, for replay:FILE',
      fileName,
    )
    .option('--snapshot <file>', 'write a snapshot of the machine at the end, or on Ctrl-A s and SIGUSR2', fileName)
    .option('--restore <file>', 'go on from a snapshot: with the program that was under way, or with another one', fileName)
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this text')
    .configureHelp({ optionTerm: ({ long, flags }) => (long === '--trace' ? '--trace[=file]' : flags) })
    .addHelpText('after', EXAMPLES);
}

const EXAMPLES = `
Exit status: the program's; 128+n when signal n ended it; 64 when this command was used wrongly; 70 when the machine itself failed.

Examples:
  hartbeat --cpus 4                       the shell of a machine with four harts
  hartbeat --cpus 2 ipctest               a program of the machine
  hartbeat --cpus 2 ./a.out one two       a static riscv64 Linux program of the host
  hartbeat --cpus 4 --root DIR /bin/sh    a program of the root directory that was copied in
  hartbeat --dump-translation main ./a.out   what the translator makes of main
  hartbeat --trace=run.ndjson ipctest     with a trace of everything that happened
  hartbeat --schedule random:7 ipctest    under a schedule that the number decides
  hartbeat --schedule replay:TOKEN        what the explorer has found, once more
  hartbeat --snapshot later.snap          a snapshot when the shell ends, or at Ctrl-A s
  hartbeat --restore later.snap           goes on from there`;

/** Names of the options that the user has typed. */
function givenOptions(command: Command): ReadonlySet<string> {
  return new Set(Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === 'cli'));
}

function fileName(text: string): string {
  if (text === '') throw new InvalidArgumentError('the name of a file');
  return text;
}

/** `--trace` takes a file only as `--trace=FILE`: the word after it is the program. */
function bareTrace(command: Command, argv: readonly string[]): string[] {
  const result = [...argv];
  const takesValue = new Set(command.options.filter((option) => option.required).map((option) => option.long));
  for (let i = 0; i < result.length; i++) {
    const word = result[i]!;
    if (!word.startsWith('-') || word === '--') break;
    if (word === '--trace') result[i] = '--trace=';
    else if (takesValue.has(word)) i++;
  }
  return result;
}
