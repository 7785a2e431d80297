/*
 * Debian's own busybox and bash for riscv64, unchanged: shell programs say and return the same here as under qemu, where the host's Linux answers.
 *
 * Skipped where the packages (network, apt) or qemu-riscv64 cannot be had.
 */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine.ts';
import { qemu } from '../guest/trials.ts';
import { BASH, COMMON, type ShellCase } from './commands.ts';
import { distributionRoot } from '../../scripts/distribution-root.ts';

const root = distributionRoot();
const MIB = 2 ** 20;

interface Outcome {
  readonly stdout: string;
  readonly status: number;
}

/** What a shell of the root does under qemu, in an empty directory. */
function underQemu(shell: readonly string[], script: string): Promise<Outcome> {
  const cwd = mkdtempSync(join(tmpdir(), 'hartbeat-case-'));
  const [program, ...args] = shell;
  return new Promise((resolve) => {
    execFile(
      qemu!,
      [join(root!, program!), ...args, '-c', script],
      { cwd, env: { PATH: process.env.PATH, HOME: '/', LC_ALL: 'C' }, timeout: 30_000 },
      (error, stdout) => {
        rmSync(cwd, { recursive: true, force: true });
        resolve({ stdout, status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1 });
      },
    );
  });
}

describe.skipIf(root === undefined || qemu === undefined)("Debian's programs", () => {
  let machine: Machine;
  let cases = 0;

  beforeAll(async () => {
    machine = await Machine.boot({ cpus: 4, memory: 192 * MIB, root });
  });
  afterAll(async () => {
    await machine.halt();
  });

  async function here(shell: readonly string[], script: string): Promise<Outcome> {
    const [program, ...args] = shell;
    const directory = `/tmp/case${String(cases++)}`;
    const whole = `mkdir ${directory} && cd ${directory}\n${script}`;
    const { stdout, status } = await machine.run(`/${program!}`, [...args, '-c', whole], {
      env: { PATH: '/bin', LC_ALL: 'C' },
    });
    return { stdout, status };
  }

  function compare(shell: readonly string[], list: readonly ShellCase[]): void {
    it.each(list)('$name', async ({ script }) => {
      const [ours, theirs] = [await here(shell, script), await underQemu(shell, script)];
      expect(ours).toEqual(theirs);
    });
  }

  describe('busybox sh', () => {
    compare(['bin/busybox', 'sh'], COMMON);
  });
  describe('bash', () => {
    compare(['bin/bash'], [...COMMON, ...BASH]);
  });
});
