/*
 * The explore command: what it prints, and the status it ends with. Its sessions are over fake machines.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { main } from '../../src/cli/explore-main.ts';
import { parseExploreOptions } from '../../src/cli/explore-options.ts';
import { formatProgress, formatSeconds, ProgressLine } from '../../src/cli/explore-progress.ts';
import type { Progress } from '../../src/explore/campaign.ts';
import { explainPlan } from '../../src/explore/explain.ts';
import { checkProgram, programHash } from '../../src/explore/target.ts';
import { decodeToken, loadReplay } from '../../src/explore/token.ts';
import { projectRoot } from '../../src/smp/bundle.ts';
import { counters, runModel } from './fake-machine.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartbeat-explore-'));
  const header = '/*\n * Threads that count without a lock: one\n * update is lost.\n *\n * More of it.\n */\n';
  writeFileSync(join(folder, 'counters.ts'), header);
  for (const name of ['locked', 'dies', 'throws', 'refuses', 'broken']) writeFileSync(join(folder, `${name}.ts`), '// none\n');
  writeFileSync(join(folder, 'other.txt'), 'no scenario');
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(...argv: readonly string[]): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  const status = await main(argv, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    factory: join(import.meta.dirname, 'fake-session.ts'),
    scenarios: folder,
  });
  return { status, stdout, stderr };
}

describe('the explore command', () => {
  it('shows a finding: what, after how many schedules, the shrunk schedule, and what replays it', async () => {
    const { status, stdout, stderr } = await run('--seed', '5', '--jobs', '1', 'counters', '7', '7');
    expect(stderr).toBe('');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^counters 7 7: \d+ schedules? in [\d.]+ s, [\d.]+ a second; stopped at a finding$/m);
    expect(stdout).toMatch(/^strategy pct: depth 3, priorities change within the first \d+ choices$/m);
    expect(stdout).toMatch(/^\d+ different interleavings?; the next schedule shows a new one with a chance of about \d+%$/m);
    expect(stdout).toMatch(/^FOUND output: the word is \d+, not 14$/m);
    expect(stdout).toMatch(/^ {2}found by schedule \d+ \(pct:\d+,depth=3,steps=\d+\)$/m);
    expect(stdout).toMatch(/^ {2}shrunk in \d+ runs$/m);
    expect(stdout).toMatch(/^ {2}1 preemption\n {4}hart 0 is preempted at its moment \d+ in favour of hart 1$/m);
    const [, token] = /^ {2}token {3}(hb1\.\S+)$/m.exec(stdout)!;
    expect(stdout).toContain(`\n  replay  npx tsx src/boot.ts --schedule replay:${token}\n`);
    const { target, plan } = decodeToken(token!);
    expect(target).toEqual({
      run: { kind: 'scenario', word: 'counters', args: ['7', '7'] },
      machine: { cpus: 2, memory: 2 ** 25, jit: 'hot' },
    });
    expect(runModel(counters(7, 7), plan).finding!.kind).toBe('output');
  });

  it('ends with 0 when nothing was found, and says how much was tried', async () => {
    const { status, stdout } = await run('--strategy', 'exhaustive', '--depth', '1', 'locked');
    expect(status).toBe(0);
    // The plain order, and one preemption before any of the first six steps.
    expect(stdout).toMatch(/^locked: 7 schedules in .*; nothing is left to try$/m);
    expect(stdout).toMatch(/^strategy exhaustive: every schedule with at most 1 departures? from the plain order$/m);
    expect(stdout).toMatch(/^nothing found$/m);
  });

  it('does as many schedules as it is told', async () => {
    const { stdout } = await run('--schedules', '40', '--shard', '4/4', '--strategy', 'random', 'locked');
    expect(stdout).toMatch(/^locked: 10 schedules in .*; all schedules done$/m);
  });

  it('leaves a schedule as it was found if told so', async () => {
    const { status, stdout } = await run('--no-shrink', '--strategy', 'random', 'counters', '7', '7');
    expect(status).toBe(1);
    expect(stdout).not.toContain('shrunk');
    expect(stdout).toMatch(/^ {2}the schedule random:\d+$/m);
  });

  it('prints JSON, from which the finding can be replayed', async () => {
    const { status, stdout } = await run(
      '--json',
      '--keep-going',
      '--schedules',
      '50',
      '--strategy',
      'random',
      'counters',
      '3',
      '3',
    );
    expect(status).toBe(1);
    const result = JSON.parse(stdout) as { found: { token: string; times: number; schedule: object }[] };
    expect(result).toMatchObject({
      ending: 'schedules',
      schedules: 50,
      strategy: 'random',
      coverage: { runs: 50, more: false },
    });
    expect(result.found[0]).toMatchObject({ kind: 'output', replays: true });
    expect(result.found[0]!.times).toBeGreaterThan(1);
    const replay = decodeToken(result.found[0]!.token);
    expect(runModel(counters(3, 3), replay.plan).finding).toBeDefined();
    const file = join(folder, 'schedule.json');
    writeFileSync(file, JSON.stringify(result.found[0]!.schedule));
    expect(loadReplay(file)).toEqual(replay);
  });

  it('writes the history of the finding', async () => {
    const file = join(folder, 'history.json');
    await run('--history', file, 'counters', '3', '3');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveProperty('order');
    const { status, stderr, stdout } = await run('--history', join(folder, 'no/where'), 'counters', '3', '3');
    expect(status).toBe(64);
    expect(stderr).toMatch(/--history .*where: there is no such folder, or it cannot be written to\n$/);
    expect(stdout).toBe('');
  });

  it('lists scenarios with what they are about', async () => {
    const { status, stdout } = await run('--list');
    expect(status).toBe(0);
    expect(stdout).toContain('counters  Threads that count without a lock\n');
    expect(stdout).toContain('locked\n');
    expect(stdout).not.toContain('other');
  });

  it('shows the death of a worker, and what a session says that failed', async () => {
    const { status, stdout } = await run('--jobs', '1', 'dies', '2');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^FOUND machine-check: the worker of the session died: /m);
    expect(stdout).toMatch(/did NOT fail in the same way when it was run once more/);
    expect((await run('throws')).stdout).toMatch(/^FOUND machine-check: the session failed: no such frame$/m);
  });

  it('ends a search that is interrupted, with what is known so far and the status of the signal', async () => {
    const before = process.listenerCount('SIGINT');
    const ended = run('--time', '60', 'locked');
    while (process.listenerCount('SIGINT') === before) await new Promise((later) => setTimeout(later, 10));
    // Not by a real signal: that is also the test runner's.
    process.listeners('SIGINT').at(-1)!('SIGINT');
    const { status, stdout } = await ended;
    expect(status).toBe(130);
    expect(stdout).toMatch(/^locked: \d+ schedules? in .*; interrupted$/m);
    expect(process.listenerCount('SIGINT')).toBe(before);
  });

  it('ends with 70 when the explorer itself fails', async () => {
    const { status, stdout, stderr } = await run('broken');
    expect(status).toBe(70);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^hartbeat: the explorer failed: .*nothing can open broken/);
  });

  it.each([
    [[], 'a scenario or a program is needed (see --help, or --list for scenarios)'],
    [['nothing'], 'nothing: neither a scenario (--list shows them) nor a program'],
    [['./nothing'], './nothing: no such file'],
    [['nothing.ts'], 'nothing.ts: no such scenario file'],
    [['refuses'], 'this target has no threads'],
    [
      ['--strategy', 'luck', 'locked'],
      /--strategy luck: Allowed choices are pct, random, exhaustive, kill, no-memory, spurious, late-ipi \(see --help\)/,
    ],
    [['--depth', '2', '--strategy', 'random', 'locked'], '--depth 2: the strategy random has none, pct and exhaustive have'],
    [['--depth', '0', 'locked'], '--depth 0: the depth of pct is 1 at least (see --help)'],
    [['--depth', '65', 'locked'], '--depth 65: a whole number from 0 to 64 (see --help)'],
    [['--shard', '5/4', 'locked'], '--shard 5/4: which part of how many, such as 1/4 or 4/4 (see --help)'],
    [['--shard', '0/4', 'locked'], '--shard 0/4: which part of how many'],
    [['--time', '0', 'locked'], '--time 0: seconds, more than 0 and at most 2000000 (see --help)'],
    [['--cpus', '33', 'locked'], '--cpus 33: a whole number from 1 to 32 (see --help)'],
    [['--schedules', '0', 'locked'], '--schedules 0: a whole number from 1'],
    [['--stdin', 'x', 'locked'], '--stdin: a scenario says itself what goes in and comes out'],
    [['--expect', 'no/such', 'ipctest'], '--expect no/such: no such file'],
    [['--faster', 'locked'], "unknown option '--faster' (see --help)"],
  ])('ends with 64 and one line for %j', async (argv, why) => {
    const { status, stdout, stderr } = await run(...argv);
    expect(status).toBe(64);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^hartbeat: [^\n]*\n$/);
    expect(stderr).toMatch(why);
  });
});

describe('the options', () => {
  it('stand before the target, whose own look like what they want', () => {
    const options = parseExploreOptions(['--cpus', '3', './prog', '--cpus', '4', '--json'], '0');
    expect(options).toMatchObject({ cpus: 3, json: false, target: './prog', args: ['--cpus', '4', '--json'] });
  });

  it('have defaults: ten thousand schedules where nothing else ends the search', () => {
    const schedules = (...argv: readonly string[]): unknown => parseExploreOptions([...argv, 'x'], '0');
    expect(schedules()).toMatchObject({ strategy: 'pct', schedules: 10_000, seed: 1, cpus: 2, memory: 2 ** 25, jit: 'hot' });
    expect(schedules('--strategy', 'random')).toMatchObject({ schedules: 10_000 });
    expect(schedules('--time', '5')).toMatchObject({ schedules: undefined, time: 5 });
    expect(schedules('--strategy', 'kill')).toMatchObject({ schedules: undefined });
    expect(schedules('--no-jit')).toMatchObject({ jit: 'off', shrink: true, keepGoing: false });
    expect(schedules('--shard', '2/3')).toMatchObject({ shard: { index: 1, of: 3 } });
  });
});

describe('a target that is a program', () => {
  it('is known by its hash', async () => {
    // The fake session cannot open it; but the machine's own programs are found.
    expect((await run('ipctest')).stderr).toContain('nothing can open ipctest');
    expect(programHash('ipctest')).toMatch(/^[\da-f]{16}$/);
  });

  it('is not taken for another build of it', () => {
    const run = { kind: 'program', word: 'ipctest', args: [], sha256: programHash('ipctest') } as const;
    expect(() => checkProgram(run)).not.toThrow();
    expect(() => checkProgram({ ...run, sha256: '0123456789abcdef' })).toThrow(/^ipctest has changed since this schedule/);
  });
});

const PROGRESS: Progress = {
  phase: 'exploring',
  schedules: 250,
  of: 1000,
  seconds: 5,
  coverage: { runs: 250, distinct: 200, more: false, fresh: 0.8, unseen: 0.7 },
  findings: 0,
  shrinking: undefined,
};

describe('the progress', () => {
  it('says how much is done, how fast, what was seen, and what is left', () => {
    expect(formatProgress(PROGRESS, undefined)).toBe(
      '[#####...............]  250 of 1000 schedules, 50/s, 200 interleavings (80% new), 0 findings, 15 s left',
    );
    expect(formatProgress({ ...PROGRESS, of: undefined }, 10)).toMatch(/^\[#{10}\.{10}\] {2}250 schedules, .*, 5\.0 s left$/);
    expect(formatProgress({ ...PROGRESS, of: undefined, findings: 1 }, undefined)).toBe(
      '250 schedules, 50/s, 200 interleavings (80% new), 1 finding',
    );
    const shrinking = { ...PROGRESS, phase: 'shrinking', shrinking: { runs: 30, departures: 2 } } as const;
    expect(formatProgress(shrinking, undefined)).toBe('shrinking: 2 preemptions left after 30 runs');
  });

  it('is one line that is redrawn on a terminal, ten times a second at most', () => {
    let text = '';
    let now = 0;
    const stream = { isTTY: true, columns: 40, write: (chunk: string) => (text += chunk) };
    const line = new ProgressLine(stream, undefined, () => now);
    for (now = 0; now < 1000; now += 10) line.show(PROGRESS);
    line.clear();
    const drawn = text.split('\r\x1b[K').slice(1);
    expect(drawn).toHaveLength(11);
    expect(drawn.at(-1)).toBe('');
    expect(Math.max(...drawn.map(({ length }) => length))).toBe(39);
  });

  it('is a line every five seconds elsewhere, and none for a short campaign', () => {
    let text = '';
    let now = 0;
    const line = new ProgressLine({ write: (chunk: string) => (text += chunk) }, undefined, () => now);
    for (now = 0; now < 4900; now += 100) line.show(PROGRESS);
    expect(text).toBe('');
    for (; now < 20_500; now += 100) line.show(PROGRESS);
    line.clear();
    expect(text.split('\n')).toHaveLength(5);
  });

  it('gives times as people say them', () => {
    expect([3.14, 59.7, 61, 7265].map(formatSeconds)).toEqual(['3.1 s', '1 min 0 s', '1 min 1 s', '2 h 1 min']);
  });
});

describe('a plan in words', () => {
  it('has a line for each departure and each fault', () => {
    expect(
      explainPlan({
        strategy: {
          kind: 'replay',
          departures: [
            { hart: 0, at: 512, to: 1 },
            { hart: 1, at: 7, to: 0 },
          ],
        },
        faults: [
          { kind: 'kill', thread: 1, at: 12 },
          { kind: 'stall', hart: 0, at: 3, moments: 1 },
        ],
      }),
    ).toEqual([
      '2 preemptions, 2 faults',
      '  hart 0 is preempted at its moment 512 in favour of hart 1',
      '  hart 1 is preempted at its moment 7 in favour of hart 0',
      '  thread 1 is killed after 12 synchronisation points',
      '  hart 0 stalls at its moment 3 for 1 moment',
    ]);
    expect(explainPlan({ strategy: { kind: 'replay', departures: [] }, faults: [] })).toEqual([
      'the plain order: each hart goes on until it has to wait',
    ]);
  });

  it('is cut where nobody would follow it', () => {
    const departures = Array.from({ length: 100 }, (_, at) => ({ hart: 0, at, to: 1 }));
    const lines = explainPlan({ strategy: { kind: 'replay', departures }, faults: [] });
    expect(lines).toHaveLength(42);
    expect(lines.at(-1)).toBe('  and 60 more');
  });
});

describe('the explore command as a process', () => {
  async function start(...args: readonly string[]): Promise<{ status: unknown; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/explore.ts', ...args], { cwd: projectRoot });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [status] = (await once(child, 'close')) as [unknown];
    return { status, stdout, stderr };
  }

  it('runs from the sources', async () => {
    const help = await start('--help');
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toContain('Usage: hartbeat-explore [options] scenario|program [args...]');
    expect(await start('--list', '--jobs', 'many')).toMatchObject({ status: 64, stdout: '' });
  });
});
