/*
 * The guest programs as committed: they belong to their sources, they are small, and what needs no machine of ours works under
 * qemu-riscv64, where that is installed.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { problems, readManifest } from '../scripts/guest-build.ts';
import { updateHeaders } from '../scripts/guest-headers.ts';
import { HbHart, HbProcess, VrosMessage, VrosPortStat } from '../src/syscalls/abi.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const QEMU = 'qemu-riscv64';
const CC = 'riscv64-linux-gnu-gcc';

function installed(command: string): boolean {
  return spawnSync(command, ['--version']).error === undefined;
}

/** Runs one of the guest programs under qemu. */
function qemu(program: string, args: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  const which = spawnSync('which', [QEMU], { encoding: 'utf8' }).stdout.trim();
  return spawnSync(QEMU, [`guest/bin/${program}`, ...args], {
    cwd: root,
    input,
    encoding: 'utf8',
    env: { ...process.env, TRIALS_RUNNER: which },
  });
}

describe('the committed guest programs', () => {
  it('are built from the sources beside them and fit the limit', () => {
    expect(problems()).toEqual([]);
  });

  it('are stale once a source, a header or a flag differs', () => {
    const manifest = readManifest();
    const box = { ...manifest.box!, sources: 'something else' };
    expect(problems({ ...manifest, box })).toEqual(['guest/bin/box is stale: its sources, headers or flags have changed']);
  });

  it('are refused when the file is not the one that was built', () => {
    const manifest = readManifest();
    const trials = { ...manifest.trials!, sha256: '0' };
    expect(problems({ ...manifest, trials })).toEqual(['guest/bin/trials is not the file that the manifest describes']);
  });

  it('are missed when the manifest does not list them', () => {
    const { trials, agent, races } = readManifest();
    expect(problems({ trials: trials!, agent: agent!, races: races! })).toEqual([
      'guest/bin/box or its line in the manifest is missing',
    ]);
  });

  it('may not grow beyond the limit', () => {
    expect(problems(readManifest(), 100_000)[0]).toMatch(/guest\/bin holds \d+ bytes of programs; 100000 are allowed/);
  });

  it('go by the names of their applets', () => {
    const { box, trials } = readManifest();
    expect(box!.names).toEqual(expect.arrayContaining(['box', 'sh', 'ps', 'ipctest', 'ipcstop', 'ipc_server', 'ipc_client']));
    expect(trials!.names).toEqual(['trials']);
  });

  it('say which packages are missing when there is no cross compiler', () => {
    const result = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/guest-build.ts'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, PATH: '/nowhere' },
    });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('apt-get install gcc-riscv64-linux-gnu libc6-dev-riscv64-cross');
  });
});

describe('what crosses to guests', () => {
  it('stands in the C headers as it is declared', () => {
    expect(updateHeaders(false)).toEqual([]);
  });

  it('has the layout of the VROS specification', () => {
    expect([VrosMessage.senderPid.offset, VrosMessage.type.offset, VrosMessage.size.offset, VrosMessage.data.offset]).toEqual([
      0, 4, 8, 12,
    ]);
    expect(VrosMessage.SIZE).toBe(12 + 256);
  });

  it('has no hidden padding', () => {
    for (const info of [VrosMessage, VrosPortStat, HbProcess, HbHart]) {
      expect(info.FIELDS.reduce((sum, field) => sum + field.size, 0)).toBe(info.SIZE);
    }
  });
});

describe.skipIf(!installed(CC))('the examples of the VROS specification', () => {
  it('compile as written', () => {
    const result = spawnSync(CC, ['-std=gnu11', '-fsyntax-only', '-I', 'guest/include', 'guest/examples/server_client.c'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
  });
});

describe.skipIf(!installed(QEMU))('the guest programs under qemu', () => {
  it('pass every trial of plain Linux', () => {
    const { status, stdout, stderr } = qemu('trials', ['all', 'linux']);
    expect(stderr).not.toMatch(/trials\/\w+\.c:\d+:/);
    expect(stdout).toMatch(/\n\d+ passed, 0 failed\n$/);
    expect(status).toBe(0);
  });

  it('print the same in every run', () => {
    for (const trial of ['formats', 'floats', 'rounding', 'hashes', 'integers']) {
      expect(qemu('trials', [trial]).stdout).toBe(qemu('trials', [trial]).stdout);
    }
  });

  it('name file and line of a check that fails', () => {
    const { status, stderr } = qemu('trials', ['ports_basic']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^trials\/\w+\.c:\d+: .*ENOSYS\n$/);
  });
});

describe.skipIf(!installed(QEMU))('the shell', () => {
  const shell = (input: string): { status: number | null; stdout: string; stderr: string } => qemu('box', ['sh'], input);

  it('keeps words, quotes and backslashes as written', () => {
    const { stdout } = shell(`echo a  'b  $? "c"' "d \\" \\$ \\x" e\\ f# # a comment\n`);
    expect(stdout).toBe('a b  $? "c" d " $ \\x e f#\n');
  });

  it('goes on reading while a quote is open', () => {
    expect(shell(`echo 'one\ntwo'; echo three \\\nfour\n`).stdout).toBe('one\ntwo\nthree four\n');
  });

  it('gives the status of the last command, also that of a signal', () => {
    const { stdout, stderr } = shell(
      'false; echo $?; true; echo $?; no-such-program; echo $?\n/bin/sh -c "kill -9 \\$\\$"; echo $?\n',
    );
    expect(stdout).toBe('1\n0\n127\n137\n');
    expect(stderr).toContain('Killed');
  });

  it('ends with the argument of exit, or the last status', () => {
    expect(shell('exit 7\necho not reached\n')).toMatchObject({ status: 7, stdout: '' });
    expect(shell('false\nexit\n').status).toBe(1);
    expect(shell('false\n').status).toBe(1);
    expect(shell('exit nonsense; echo $?\n').stdout).toBe('2\n');
  });

  it('leaves to a program the input that follows its line', () => {
    expect(shell('cat\nfor cat\n').stdout).toBe('for cat\n');
  });

  it('waits for background jobs only when asked', () => {
    expect(shell('sleep 0.3 &\necho first; wait; echo $?\n').stdout).toBe('first\n0\n');
  });

  it('survives lines of any length, zero bytes and an input that ends anywhere', () => {
    expect(shell(`echo ${'x'.repeat(100_000)}\n`).stdout).toHaveLength(100_001);
    const long = shell(`echo ${'x'.repeat(200_000)}\necho $?\n`);
    expect(long).toMatchObject({ stdout: '2\n', stderr: 'sh: line too long\n' });
    expect(shell('ec\0ho a').stdout).toBe('a\n');
    expect(shell(`echo 'open`).stderr).toContain('end of input within a command');
  });

  it('says what it does not know', () => {
    expect(shell('echo a && ; echo b\necho c\n')).toMatchObject({ status: 2, stdout: '' });
    expect(shell('& x\n').stderr).toBe('sh: no command before &\n');
    expect(shell('echo `pwd`\n').stderr).toBe('sh: no ` ` in this shell\n');
  });
});
