/*
 * Long runs of the instruction fuzzer:
 *
 *   npx tsx tests/fuzz/instructions/campaign.ts [--count 1000000] [--seed 1] [--jobs 2] [--tier always|hot|off] [--loops]
 *
 * With `--loops`, the programs are loops over memory (loops.ts). Sequence n is what the seed n makes, so `--seed n --count 1` is that one
 * again. With several jobs, each is a process with a share of the sequences. The status is 1 when the harts have differed. Tier `off`
 * compares the interpreter with itself, its budgets cut into pieces.
 */

import { fork } from 'node:child_process';
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { describeShort, reportFailure, runSequences } from './failure.ts';
import { Lab, nameOf } from './lab.ts';
import { watch } from './watchdog.ts';
import { ANYTHING, LOOPS } from './theme.ts';
import type { JitMode } from '../../../src/core/jit/translations.ts';
import type { Cause } from '../../../src/core/trap.ts';

const REPORT_EVERY_MS = 5000;
/** Sequences between two looks at the clock. */
const STRIDE = 64;

interface Progress {
  readonly done: number;
  readonly instructions: number;
  readonly regions: number;
  readonly causes: readonly number[];
  readonly failure?: string;
}

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
    tier: { type: 'string', default: 'always' },
    loops: { type: 'boolean', default: false },
    /** One job of several: reports to its parent. */
    child: { type: 'boolean', default: false },
  },
});
const tiers: readonly string[] = ['off', 'always', 'hot'];

function whole(name: 'count' | 'seed' | 'jobs', least: number): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} takes an integer of at least ${String(least)}, not ${values[name]}`);
}

const count = whole('count', 1);
const seed = whole('seed', 0);
const jobs = Math.min(whole('jobs', 1), count);
if (!tiers.includes(values.tier)) throw new Error(`--tier is one of ${tiers.join(', ')}`);
const tier = values.tier as JitMode;
const began = Date.now();

function job(report: (progress: Progress) => void): void {
  const lab = new Lab(tier, values.loops ? LOOPS : ANYTHING);
  let last = Date.now();
  const progress = (done: number): Progress => ({
    done,
    instructions: lab.instructions,
    regions: lab.regions,
    causes: Array.from(lab.causes),
  });
  const running = watch();
  running[0] = seed;
  const failed = runSequences(lab, seed, count, (sequence) => {
    running[0] = sequence + 1;
    if (sequence % STRIDE !== 0 || Date.now() - last < REPORT_EVERY_MS) return;
    last = Date.now();
    report(progress(sequence - seed + 1));
  });
  running[0] = -1;
  if (failed === undefined) return report(progress(count));
  // At once, and from here: with a mistake in the fuel, what is smaller may never end.
  writeSync(1, `sequence ${String(failed.sequence)} fails: ${describeShort(failed.difference)}; making it smaller\n`);
  const failure = reportFailure(lab, failed.sequence, seed, failed.difference);
  report({ ...progress(failed.sequence - seed), failure });
}

const shares: Progress[] = [];

function show(): void {
  const sum = (of: (share: Progress) => number): number => shares.reduce((total, share) => total + of(share), 0);
  const done = sum((share) => share.done);
  const rate = (done / ((Date.now() - began) / 1000)).toFixed(0);
  const each = (of: (share: Progress) => number, digits: number): string => (sum(of) / Math.max(done, 1)).toFixed(digits);
  const details = `${each((share) => share.instructions, 0)} instructions and ${each((share) => share.regions, 2)} translations each`;
  process.stdout.write(`${String(done)} of ${String(count)} sequences, ${rate} a second, ${details}\n`);
}

/** Takes what a job says; a failure ends everything. */
function take(index: number, progress: Progress): void {
  shares[index] = progress;
  show();
  if (progress.failure === undefined) return;
  process.stdout.write(`${progress.failure}\n`);
  process.exitCode = 1;
}

function summary(): void {
  const names: string[] = [];
  for (let cause = 0; cause < 64; cause++) {
    const times = shares.reduce((sum, { causes }) => sum + causes[cause]!, 0);
    if (times > 0) names.push(`${nameOf(cause as Cause)} ${String(times)}`);
  }
  process.stdout.write(`runs by how they ended: ${names.join(', ')}\n`);
}

if (values.child) job((progress) => process.send!(progress));
else if (jobs === 1) {
  job((progress) => take(0, progress));
  summary();
} else {
  const share = Math.ceil(count / jobs);
  const children = Array.from({ length: jobs }, (_, index) => {
    const first = seed + index * share;
    const part = Math.min(share, seed + count - first);
    const options = [
      '--child',
      '--tier',
      tier,
      '--seed',
      String(first),
      '--count',
      String(part),
      ...(values.loops ? ['--loops'] : []),
    ];
    shares.push({ done: 0, instructions: 0, regions: 0, causes: new Array<number>(64).fill(0) });
    return fork(import.meta.filename, options, { execArgv: process.execArgv });
  });
  let running = jobs;
  children.forEach((child, index) => {
    child.on('message', (message) => {
      take(index, message as Progress);
      if (process.exitCode === 1) for (const other of children) other.kill();
    });
    child.on('exit', (code) => {
      if (code !== 0 && process.exitCode !== 1) {
        process.stdout.write(`job ${String(index)} ended with ${String(code)}\n`);
        process.exitCode = 1;
      }
      if (--running === 0) summary();
    });
  });
}
