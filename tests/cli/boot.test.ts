/*
 * The boot command as a user meets it: as a process of its own.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  /** Exit status, or the name of the signal that killed the command. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ['--import', 'tsx', 'src/boot.ts', ...args], { cwd: projectRoot });
}

async function end(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { status: code ?? signal ?? 'nothing', stdout, stderr };
}

function boot(args: readonly string[], stdin = ''): Promise<Ended> {
  const child = start(args);
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  return end(child);
}

/** Resolves once the command has written `text`. */
async function writes(child: ChildProcessWithoutNullStreams, text: string): Promise<void> {
  let seen = '';
  while (!seen.includes(text)) {
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    seen += chunk.toString();
  }
}

describe('the boot command', () => {
  it('runs ipctest in the shell: three messages in order, and status 0', async () => {
    const { status, stdout, stderr } = await boot(['--cpus', '4'], 'ipctest\nps\nipcstop\nexit\n');
    expect(stderr).toBe('');
    const messages = [...stdout.matchAll(/^Received from PID \d+: (.*)$/gm)].map(([, text]) => text);
    expect(messages).toEqual(['Hello from client!', 'Second message', 'Goodbye!']);
    expect(stdout).toMatch(/BLOCKED .* ipc_server\n(.*\n)*.*BLOCKED .* ipc_client/);
    expect(status).toBe(0);
  });

  it('ends with the status of the program', async () => {
    expect((await boot(['true'])).status).toBe(0);
    expect((await boot(['false'])).status).toBe(1);
    expect((await boot(['--cpus', '1'], 'exit 42\n')).status).toBe(42);
  });

  it('ends with 128 + n when signal n ended the program', async () => {
    expect((await boot(['sh', '-c', 'kill -TERM $$'])).status).toBe(143);
  });

  it('passes everything behind the program on to it', async () => {
    expect((await boot(['echo', '--cpus', '0', '-n', '--help'])).stdout).toBe('--cpus 0 -n --help\n');
  });

  it('runs an executable of the host, and gives its status', async () => {
    const trials = 'guest/bin/trials';
    expect(await boot(['--cpus', '2', trials, 'list'])).toMatchObject({ status: 0, stderr: '' });
    expect((await boot([trials, 'no-such-trial'])).status).toBe(127);
  });

  it('gives the program its input to the end', async () => {
    const input = 'echo a line of some length\n'.repeat(500);
    const { status, stdout } = await boot(['sh'], input);
    expect(status).toBe(0);
    expect(stdout).toBe('a line of some length\n'.repeat(500));
  });

  it('writes a trace, and says where it is', async () => {
    const file = join(folder, 'run.ndjson');
    const { status, stderr } = await boot([`--trace=${file}`, 'hello']);
    expect(status).toBe(0);
    expect(stderr).toBe(`hartbeat: trace in ${file}\n`);
    expect(readFileSync(file, 'utf8')).toMatch(/"event":"processExit"/);
  });

  it('prints the counters of every hart', async () => {
    const { stderr } = await boot(['--cpus', '3', '--stats', 'hello']);
    const lines = stderr.trimEnd().split('\n');
    const harts = (from: number): unknown[] => lines.slice(from, from + 3).map((line) => line.trim().split(/ +/)[0]);
    expect(lines[0]).toMatch(/^hart +busy ms +idle ms +switches/);
    expect(harts(1)).toEqual(['0', '1', '2']);
    expect(lines[5]).toMatch(/^hart +instructions +translated +regions/);
    expect(harts(6)).toEqual(['0', '1', '2']);
    expect(lines[10]).toMatch(/^frames: \d+ of \d+ in use$/);
    for (const line of lines) expect(line.length).toBeLessThan(120);
  });

  it('shows a translation instead of running the program', async () => {
    const bytes = readFileSync(join(projectRoot, 'guest/bin/trials'));
    const entry = bytes.readUInt32LE(24).toString(16);
    const { status, stdout, stderr } = await boot(['--dump-translation', entry, 'guest/bin/trials', 'list']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.startsWith(`;; region 0x${entry}\n`)).toBe(true);
    expect(stdout.endsWith(')\n')).toBe(true);
  });

  it('answers --help and --version on stdout', async () => {
    expect(await boot(['--help'])).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('Usage: hartbeat') });
    expect((await boot(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('the boot command refuses, in one line and with status 64,', () => {
  const broken = (name: string, bytes: string | Uint8Array): string => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return file;
  };

  it.each<[string, () => string[], RegExp]>([
    ['an unknown option', () => ['--frobnicate'], /unknown option '--frobnicate'/],
    ['a number out of range', () => ['--cpus', '65'], /--cpus 65: a whole number from 1 to 64/],
    ['a size that is none', () => ['--memory', 'much'], /--memory much: a number of bytes/],
    ['too little memory', () => ['--memory', '64K', 'hello'], /too little: 2 harts need at least \d+M/],
    ['a program that does not exist', () => ['nosuch'], /nosuch: no such file: .*\/bin/],
    ['a path that does not exist', () => ['./no/such'], /\.\/no\/such: no such file/],
    ['a directory', () => ['./src'], /\.\/src is a directory/],
    ['a text', () => ['./package.json'], /is not an ELF file/],
    ['a script', () => [broken('script', '#!/bin/sh\n')], /is a script, not an ELF file/],
    ['an empty file', () => [broken('empty', '')], /is not an ELF file/],
    [
      'half of a program',
      () => [broken('half', readFileSync(join(projectRoot, 'guest/bin/trials')).subarray(0, 5000))],
      /is cut off/,
    ],
    [
      'a program of another machine',
      () => {
        const bytes = readFileSync(join(projectRoot, 'guest/bin/trials'));
        bytes[18] = 62;
        bytes[19] = 0;
        return [broken('x86', bytes)];
      },
      /is for x86-64, this machine runs riscv64/,
    ],
    [
      'an address without code',
      () => ['--dump-translation', '0x10', 'sh'],
      /--dump-translation 0x10: no code there, that of sh/,
    ],
    ['a translation of no program', () => ['--dump-translation', '0x10'], /--dump-translation needs a program/],
    ['a trace that cannot be written', () => ['--trace=/dev/null/x', 'hello'], /cannot write a trace to \/dev\/null\/x/],
  ])('%s', async (_, args, message) => {
    const { status, stdout, stderr } = await boot(args());
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^hartbeat: .*\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(64);
  });
});

describe('the boot command, when the world around it ends,', () => {
  it.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('halts on %s', async (signal, status) => {
    const child = start(['--cpus', '2', 'sh', '-c', 'echo ready; spin 1000']);
    const ended = end(child);
    await writes(child, 'ready');
    child.kill(signal);
    expect(await ended).toMatchObject({ status, stderr: '' });
  });

  it('ends a program that goes on writing when nobody reads any more, as SIGPIPE does', async () => {
    const child = start(['--cpus', '2', 'sh']);
    child.stdin.on('error', () => undefined);
    child.stdin.end('help\n'.repeat(20_000));
    await writes(child, 'Programs:');
    child.stdout.destroy();
    expect(await end(child)).toMatchObject({ status: 141, stderr: '' });
  });
});
