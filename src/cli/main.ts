/*
 * The command line: options in, an exit status out.
 *
 *   the program's own       when it ended by itself
 *   128 + n                 when signal n ended it, or this command
 *   64  (EX_USAGE)          one line on stderr says what was wrong with the command, and what to do
 *   70  (EX_SOFTWARE)       the machine failed; the report is on stderr
 *   71                      under a schedule: nobody could go on, or nothing came of it; who waits for whom is on stderr
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

import type { TypedInput } from '../devices/typed-input.ts';
import { type Replay, replayData } from '../explore/replay-data.ts';
import { parseSchedule } from '../explore/schedule-option.ts';
import { Machine, type MachineOptions, type RunResult } from '../machine.ts';
import { Halted, MachineCheck, Standstill, UsageError } from '../machine/errors.ts';
import { findProgram } from '../machine/programs.ts';
import { checkWritable } from '../machine/snapshot-file.ts';
import { projectRoot } from '../smp/bundle.ts';
import type { Plan } from '../smp/schedule/plan.ts';
import { enableExclusiveWasmFeatures } from '../smp/wasm-features.ts';
import { dumpProgram } from './dump.ts';
import { type BootOptions, parseOptions } from './options.ts';
import { Answer } from './parse.ts';
import { rehearse } from './rehearse.ts';
import { Snapshots } from './snapshots.ts';
import { formatStats } from './stats.ts';

const EX_USAGE = 64;
const EX_SOFTWARE = 70;
const STOOD_STILL = 71;
const SHELL = 'sh';

/** Signals of the host that turn the machine off. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Runs the command; never throws for anything that a user can do. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(argv, readVersion());
    if (options instanceof Answer) {
      print(options.text);
      return 0;
    }
    if (options.dumpTranslation !== undefined) {
      print(dumpProgram(options.dumpTranslation, options.program));
      return 0;
    }
    const replay = options.schedule === undefined ? undefined : parseSchedule(options.schedule);
    if (replay?.target !== undefined && options.program === undefined)
      return await rehearse(replay.target, replay.plan, options);
    if (options.record !== undefined && replay === undefined)
      throw new UsageError('--record: only with --schedule (see --help)');
    return await boot(options, replay);
  } catch (error) {
    if (error instanceof UsageError) {
      complain(error.message);
      return EX_USAGE;
    }
    if (error instanceof MachineCheck) {
      process.stderr.write(`${error.message}\n`);
      return EX_SOFTWARE;
    }
    if (error instanceof Standstill) {
      complain(error.message);
      return STOOD_STILL;
    }
    throw error;
  }
}

async function boot(options: BootOptions, replay: Replay | undefined): Promise<number> {
  const { plan, typed } = replay ?? {};
  enableExclusiveWasmFeatures();
  // Before anything is started: the most likely mistakes are here. What is in the machine's own files only the machine knows.
  const isKnown = options.root === undefined && options.restore === undefined;
  const program = isKnown ? findProgram(options.program ?? SHELL) : undefined;
  for (const file of [options.snapshot, options.record]) if (file !== undefined) await checkWritable(file);
  const machine = await Machine.boot(machineOptions(options, plan !== undefined));
  const snapshots = options.snapshot === undefined ? undefined : new Snapshots(machine, options.snapshot, complain);

  let stoppedBy: (typeof SIGNALS)[number] | undefined;
  const stop = (signal: (typeof SIGNALS)[number]): void => {
    stoppedBy ??= signal;
    void machine.halt();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    // Under a schedule all input is there before the program begins, so that it does not matter when it came; a terminal types as it likes.
    const stdin = !machine.isScheduled || process.stdin.isTTY || typed !== undefined ? undefined : readAll();
    const how = { streams: process, stdin, plan, typed, onSnapshotKey: snapshots?.ask };
    const resumed = options.program === undefined ? machine.resumable : undefined;
    const word = resumed ?? options.program ?? SHELL;
    const result = await (resumed === undefined ? machine.run(word, options.args, { ...how, program }) : machine.resume(how));
    report(result, word);
    await snapshots?.finish();
    return result.status;
  } catch (error) {
    if (!(error instanceof Halted) || stoppedBy === undefined) throw error;
    snapshots?.missed(error.message);
    return 128 + constants.signals[stoppedBy];
  } finally {
    await snapshots?.close();
    if (options.record !== undefined) record(options.record, plan!, machine.typed);
    await machine.halt();
    for (const signal of SIGNALS) process.removeListener(signal, stop);
    if (options.stats) process.stderr.write(formatStats(machine.stats()));
    if (machine.traceFile !== undefined) complain(`trace in ${machine.traceFile}`);
  }
}

/** All of stdin; nothing if it is closed. */
function readAll(): Buffer {
  try {
    return readFileSync(0);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Writes what repeats the run. */
function record(file: string, plan: Plan, typed: TypedInput | undefined): void {
  writeFileSync(file, `${JSON.stringify(replayData({ target: undefined, plan, typed }), undefined, 2)}\n`);
  complain(`recorded in ${file}; repeat it with --schedule replay:${file} and the same program`);
}

/** What the machine is made of; when it goes on from a snapshot, only what was asked for beside. */
function machineOptions(options: BootOptions, scheduled: boolean): MachineOptions {
  const { restore, given } = options;
  const asked = <Name extends keyof BootOptions>(name: Name): BootOptions[Name] | undefined =>
    given === undefined || given.has(name) ? options[name] : undefined;
  return {
    from: restore,
    cpus: asked('cpus'),
    memory: asked('memory'),
    ports: asked('ports'),
    portMessages: asked('portMessages'),
    portMessageBytes: asked('portMessageBytes'),
    jit: asked('jit'),
    countAccesses: options.stats,
    root: options.root,
    seed: options.seed,
    // A machine from a snapshot is under a schedule if the first one was.
    seeded: scheduled || restore === undefined ? scheduled : undefined,
    trace: options.trace === undefined ? undefined : { file: options.trace, level: options.logLevel },
  };
}

/** Says why a program died, for a fault says nothing by itself. */
function report({ fault, signal }: RunResult, program: string): void {
  if (signal === undefined || fault === undefined) return;
  complain(`${program} was killed by ${signal}: ${fault}`);
}

/** Writes a text to stdout; a reader that does not want all of it is no failure. */
function print(text: string): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.stdout.write(text);
}

function complain(line: string): void {
  process.stderr.write(`hartbeat: ${line}\n`);
}

function readVersion(): string {
  return (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
