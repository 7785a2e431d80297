/*
 * The shell and its tools, in the machine; and the same cases in the host's own POSIX shell with the host's tools, which tells whether what
 * is expected is right.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Machine } from '../../src/machine.ts';
import { FILE_TOOLS, FILES, LANGUAGE, type ShellCase, TOOLS } from './shell-cases.ts';

const CASES: readonly (readonly [string, readonly ShellCase[]])[] = [
  ['language', LANGUAGE],
  ['redirections and names', FILES],
  ['tools', TOOLS],
  ['tools with files', FILE_TOOLS],
];

const named = (cases: readonly ShellCase[]): [string, ShellCase][] => cases.map((one) => [JSON.stringify(one.command), one]);

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly complains: boolean;
}

const expected = ({ status = 0, stdout, complains = false }: ShellCase): Outcome => ({ status, stdout, complains });

describe('the shell in the machine:', () => {
  let machine: Machine;
  let folders = 0;

  beforeAll(async () => {
    machine = await Machine.boot({ cpus: 2 });
  });
  afterAll(() => machine.halt());

  async function run(command: string): Promise<Outcome> {
    // Each in a directory of its own: what one makes is not there for the next.
    const folder = `/tmp/shell-${String(folders++)}`;
    const { status, stdout, stderr } = await machine.run('sh', ['-c', `mkdir ${folder}; cd ${folder}\n${command}`]);
    return { status, stdout, complains: stderr !== '' };
  }

  describe.each(CASES)('%s', (_, cases) => {
    it.each(named(cases))('%s', async (_name, one) => {
      expect(await run(one.command)).toEqual(expected(one));
    });
  });

  it('says in one line what it does not know', async () => {
    const said = async (command: string): Promise<string> => (await machine.run('sh', ['-c', command])).stderr;
    expect(await said('nosuch')).toBe('sh: nosuch: not found\n');
    expect(await said('& x')).toBe('sh: no command before &\n');
    expect(await said('echo $(x)')).toBe('sh: no $( ) in this shell\n');
    expect(await said('if true')).toBe('sh: no if, while, until, for, case or { in this shell\n');
    expect(await said('cat << x')).toBe('sh: no here-documents in this shell\n');
    expect(await said('fg')).toBe('sh: fg: no job control here\n');
    expect(await said("echo 'open")).toBe('sh: the command is unfinished\n');
  });

  it('closes its copies of a pipe: the demonstration, and what happens without', async () => {
    expect((await machine.run('pipe_demo')).stdout).toBe(
      'child: read 22 bytes: hello through the pipe\nchild: end of file, every write end is closed\nparent: the child has ended with status 0\n',
    );
    expect((await machine.run('pipe_demo', ['forget'])).stdout).toMatch(
      /^child: read 22 .*\nparent: .* still waits; killing it\n$/,
    );
  });

  it('shows what signals are', async () => {
    const { stdout, status } = await machine.run('signal_demo');
    expect(stdout).toContain('SIGUSR1 came 1 time, from my parent\nchild: the real-time signal came 3 times, with 10 20 30\n');
    expect(status).toBe(0);
  });

  it('lets programs meet at a FIFO', async () => {
    const command =
      'mkfifo /tmp/meet; fifo_server /tmp/meet & fifo_client /tmp/meet one two; fifo_client /tmp/meet stop; wait; ls /tmp/meet';
    expect(await machine.run('sh', ['-c', command])).toMatchObject({ stdout: 'server: one\nserver: two\n', status: 2 });
  });
});

const dash = spawnSync('dash', ['-c', ':']).error === undefined;

describe.skipIf(!dash)(`the same cases in the host's dash${dash ? '' : ' (not installed)'}:`, () => {
  describe.each(CASES)('%s', (_, cases) => {
    it.each(named(cases))('%s', (_name, one) => {
      const folder = mkdtempSync(join(tmpdir(), 'hartbeat-shell-'));
      const env = { ...process.env, LC_ALL: 'C' };
      const { status, stdout, stderr } = spawnSync('dash', ['-c', one.command], {
        cwd: folder,
        input: '',
        encoding: 'utf8',
        env,
      });
      rmSync(folder, { recursive: true });
      expect({ status, stdout, complains: stderr !== '' }).toEqual(expected(one));
    });
  });
});
