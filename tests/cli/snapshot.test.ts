/*
 * --snapshot and --restore as a user meets them: each command a process of its own.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { projectRoot } from '../../src/smp/bundle.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartbeat-cli-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

class Command {
  readonly child: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, ['--import', 'tsx', 'src/boot.ts', ...args], { cwd: projectRoot });
    this.child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  /** Resolves once it has written a text. */
  async writes(stream: 'stdout' | 'stderr', text: string): Promise<void> {
    while (!this[stream].includes(text)) await once(this.child[stream], 'data');
  }

  async end(stdin = ''): Promise<Ended> {
    this.child.stdin.on('error', () => undefined);
    this.child.stdin.end(stdin);
    const [code, signal] = (await once(this.child, 'close')) as [number | null, string | null];
    return { status: code ?? signal ?? 'nothing', stdout: this.stdout, stderr: this.stderr };
  }
}

function run(args: readonly string[], stdin = ''): Promise<Ended> {
  return new Command(args).end(stdin);
}

const written = (file: string): RegExp =>
  new RegExp(`^hartbeat: snapshot of \\d+\\.\\d MB in ${file}; go on with --restore ${file}\n$`);

describe('--snapshot', () => {
  it('writes one at the end, with what was left running; --restore goes on with it', async () => {
    const file = join(folder, 'end.snap');
    const first = await run(['--cpus', '4', '--snapshot', file], 'ipctest\nexit 5\n');
    expect(first.status).toBe(5);
    expect(first.stderr).toMatch(written(file));

    const second = await run(['--restore', file], 'ps\nipcstop\nps\nexit 6\n');
    expect(second).toMatchObject({ status: 6, stderr: '' });
    expect(second.stdout).toMatch(/ipc_server\n.* ipc_client\n(.*\n)*ipcstop: stopped ipc_client/);
    // From the same file again, with a program of its own.
    const third = await run(['--restore', file, '--cpus', '4', 'ps']);
    expect(third).toMatchObject({ status: 0, stderr: '' });
    expect(third.stdout).toMatch(/ipc_server\n.* ipc_client\n.* ps\n$/);
  });

  it('writes one at SIGUSR2, and goes on: so does what is restored, with the program under way', async () => {
    const file = join(folder, 'signal.snap');
    const command = new Command(['--snapshot', file, 'sh']);
    command.child.stdin.write('echo one\n');
    await command.writes('stdout', 'one\n');
    command.child.kill('SIGUSR2');
    await command.writes('stderr', '--restore');
    const first = await command.end('echo two\nexit 3\n');
    expect(first).toMatchObject({ status: 3, stdout: 'one\ntwo\n' });
    // One was taken: none is at the end.
    expect(first.stderr).toMatch(written(file));

    expect(await run(['--restore', file], 'echo three\nexit 4\n')).toEqual({ status: 4, stdout: 'three\n', stderr: '' });
    const ps = await run(['--restore', file, 'ps']);
    expect(ps.stdout.split('\n').filter((line) => line.endsWith(' sh'))).toEqual([]);
  });

  it('takes as many as are asked for, each in place of the last', async () => {
    const file = join(folder, 'many.snap');
    const command = new Command(['--snapshot', file, 'sh']);
    command.child.stdin.write('echo ready\n');
    await command.writes('stdout', 'ready');
    for (let i = 1; i <= 3; i++) {
      command.child.kill('SIGUSR2');
      while (command.stderr.split('go on with').length <= i) await once(command.child.stderr, 'data');
    }
    expect((await command.end()).status).toBe(0);
    expect(readdirSync(folder).filter((name) => name.startsWith('many.snap'))).toEqual(['many.snap']);
  });

  it('is refused before anything runs when it cannot be written', async () => {
    const file = join(folder, 'no/where.snap');
    expect(await run(['--snapshot', file, 'hello'])).toEqual({
      status: 64,
      stdout: '',
      stderr: `hartbeat: cannot write a snapshot to ${file}: no such file or folder\n`,
    });
    expect((await run(['--snapshot', folder, 'hello'])).stderr).toContain('it is there and no regular file');
  });

  it('says so when there is none, because the machine was turned off', async () => {
    const file = join(folder, 'off.snap');
    const command = new Command(['--snapshot', file, 'sh', '-c', 'echo ready; spin 1000']);
    await command.writes('stdout', 'ready');
    command.child.kill('SIGTERM');
    const { status, stderr } = await command.end();
    expect({ status, stderr }).toEqual({
      status: 143,
      stderr: `hartbeat: no snapshot in ${file}: the machine has been turned off\n`,
    });
    expect(existsSync(file)).toBe(false);
  });
});

describe('--restore', () => {
  it('goes on under the schedule, or under another one from there on', async () => {
    const file = join(folder, 'scheduled.snap');
    expect(await run(['--schedule', 'random:7', '--snapshot', file], 'ipctest\n')).toMatchObject({ status: 0 });
    const [first, second] = [await run(['--restore', file], 'ps\nharts\n'), await run(['--restore', file], 'ps\nharts\n')];
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toMatch(/ ipc_server\n.* ipc_client\n/);
    expect(second).toEqual(first);
    expect(await run(['--restore', file, '--schedule', 'pct:3,depth=2', 'echo', 'hi'])).toMatchObject({
      status: 0,
      stdout: 'hi\n',
    });
    const free = join(folder, 'free.snap');
    await run(['--snapshot', free, 'true']);
    expect((await run(['--restore', free, '--schedule', 'random:7', 'true'])).stderr).toBe(
      'hartbeat: seeded true: the machine of the snapshot has false: leave it out\n',
    );
  });

  it('refuses what contradicts the snapshot, and what is none, in one line', async () => {
    const file = join(folder, 'small.snap');
    await run(['--cpus', '1', '--memory', '32M', '--snapshot', file, 'true']);
    for (const [args, message] of [
      [['--cpus', '2', '--restore', file], /^hartbeat: cpus 2: the machine of the snapshot has 1: leave it out\n$/],
      [['--memory', '64M', '--restore', file], /^hartbeat: memory 67108864: the machine of the snapshot has 33554432: /],
      [['--seed', '1', '--restore', file], /^hartbeat: seed 1: a machine from a snapshot goes on with its random numbers: /],
      [['--restore', 'README.md'], /^hartbeat: README\.md is not a snapshot: give one that --snapshot has written\n$/],
      [['--restore', join(folder, 'none')], /^hartbeat: cannot read the snapshot .*: no such file or folder\n$/],
      [['--restore'], /^hartbeat: --restore needs a value, <file> \(see --help\)\n$/],
    ] as const) {
      const { status, stdout, stderr } = await run(args);
      expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
      expect(stderr).toMatch(message);
    }
    const cut = join(folder, 'cut.snap');
    writeFileSync(cut, '\x89HBSNAP\n1234', 'latin1');
    expect((await run(['--restore', cut])).stderr).toBe(`hartbeat: ${cut} is cut off: copy or make it again\n`);
    expect(await run(['--restore', file, '--no-jit', 'echo', 'hi'])).toEqual({ status: 0, stdout: 'hi\n', stderr: '' });
  });
});
