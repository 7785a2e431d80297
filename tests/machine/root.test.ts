/*
 * The files that a machine has from power-on: its own, or those of a directory of the host.
 */

import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { E } from '../../src/kernel/errno.ts';
import { Inode } from '../../src/kernel/files/inodes.ts';
import { AT_FDCWD } from '../../src/kernel/files/paths.ts';
import { Mode } from '../../src/kernel/files/stat.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { censusDifference, takeCensus } from '../../src/kernel/oracles/census.ts';
import { Machine, type MachineOptions, UsageError } from '../../src/machine.ts';
import { projectRoot } from '../../src/smp/bundle.ts';

const BOX = join(projectRoot, 'guest/bin/box');

let folder: string;
const machines: Machine[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartbeat-root-'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'private'), { mode: 0o700 });
  copyFileSync(BOX, join(folder, 'bin/sh'));
  chmodSync(join(folder, 'bin/sh'), 0o755);
  symlinkSync('sh', join(folder, 'bin/echo'));
  writeFileSync(join(folder, 'bin/script'), '#!/bin/echo from the root\n', { mode: 0o755 });
  writeFileSync(join(folder, 'private/data'), 'x'.repeat(10_000), { mode: 0o640 });
  linkSync(join(folder, 'private/data'), join(folder, 'private/again'));
  utimesSync(join(folder, 'private/data'), 1000, 2000);
  symlinkSync('/private/data', join(folder, 'link'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.halt()));
});

async function boot(options: MachineOptions = {}): Promise<Machine> {
  const machine = await Machine.boot({ cpus: 1, ...options });
  machines.push(machine);
  return machine;
}

const kernelOf = (machine: Machine): Kernel => (machine as unknown as { kernel: Kernel }).kernel;

/** What the kernel knows of a path, links not followed. */
function look(machine: Machine, path: string): { mode: number; links: number; size: number; modified: number } | number {
  const { ram, fs } = kernelOf(machine);
  fs.paths.putBytes(new TextEncoder().encode(path));
  const inode = fs.paths.resolve(0, AT_FDCWD, false);
  if (inode < 0) return inode;
  const found = {
    mode: Inode.mode.get(ram, inode),
    links: Inode.links.get(ram, inode),
    size: fs.inodes.size(inode),
    modified: Inode.modifySeconds.get(ram, inode),
  };
  fs.inodes.release(inode);
  return found;
}

describe('a machine with files of its own', () => {
  it('has its programs in /bin, each a name of one file, and the usual directories', async () => {
    const machine = await boot();
    for (const path of ['/dev', '/etc', '/home', '/root', '/var', '/proc', '/usr'])
      expect(look(machine, path), path).toMatchObject({
        mode: expect.toSatisfy((mode: number) => (mode & Mode.Kinds) === Mode.Directory) as number,
      });
    expect(look(machine, '/tmp')).toMatchObject({ mode: Mode.Directory | 0o1777 });
    expect(look(machine, '/dev/null')).toMatchObject({ mode: Mode.Character | 0o666 });
    expect(look(machine, '/bin/sh')).toMatchObject({
      mode: Mode.Regular | 0o755,
      links: expect.toSatisfy((n: number) => n > 10) as number,
    });
    expect(look(machine, '/none')).toBe(-E.NOENT);
  });

  it('has a program of the host as a file while it runs, and no trace of it afterwards', async () => {
    const machine = await boot();
    await machine.run('true');
    const { inspection } = kernelOf(machine);
    const before = takeCensus(inspection);
    expect(await machine.run(BOX, [])).toMatchObject({ status: 2 });
    expect(look(machine, BOX)).toBe(-E.NOENT);
    await expect.poll(() => censusDifference(before, takeCensus(inspection))).toBe('');
  });
});

describe('a machine with the files of a directory', () => {
  it('has them with their modes, links, sizes and times', async () => {
    const machine = await boot({ root: folder });
    expect(look(machine, '/private')).toMatchObject({ mode: Mode.Directory | 0o700 });
    expect(look(machine, '/private/data')).toEqual({ mode: Mode.Regular | 0o640, links: 2, size: 10_000, modified: 2000 });
    expect(look(machine, '/private/again')).toMatchObject({ links: 2, size: 10_000 });
    expect(look(machine, '/link')).toMatchObject({ mode: Mode.Link | 0o777 });
    expect(look(machine, '/etc/passwd')).toMatchObject({ mode: Mode.Regular | 0o644 });
    expect(look(machine, '/dev/null')).toMatchObject({ mode: Mode.Character | 0o666 });
  });

  it('looks for programs there, then among its own, then in the host', async () => {
    const machine = await boot({ root: folder });
    expect(await machine.run('echo', ['by', 'name'])).toMatchObject({ status: 0, stdout: 'by name\n' });
    expect(await machine.run('/bin/echo', ['by path'])).toMatchObject({ status: 0, stdout: 'by path\n' });
    expect(await machine.run('script', ['!'])).toMatchObject({ status: 0, stdout: 'from the root /bin/script !\n' });
    expect(await machine.run('hello')).toMatchObject({ status: 0, stdout: 'Hello from a RISC-V process!\n' });
    expect(await machine.run(BOX, [])).toMatchObject({ status: 2 });
    await expect(machine.run('nowhere')).rejects.toThrow(UsageError);
    // The shell finds the machine's own programs behind those of the root.
    expect(await machine.run('sh', ['-c', 'hello'])).toMatchObject({ status: 0, stdout: 'Hello from a RISC-V process!\n' });
  });

  it('keeps them in a snapshot', async () => {
    const machine = await boot({ root: folder });
    const snapshot = await machine.snapshot();
    const other = await boot({ cpus: undefined, from: snapshot });
    expect(await other.run('script', [])).toMatchObject({ status: 0, stdout: 'from the root /bin/script\n' });
    await expect(Machine.boot({ root: folder, from: snapshot })).rejects.toThrow(/a machine from a snapshot has its files/);
  });

  it('is refused when there is none, or it is too large, with a line that says what to do', async () => {
    await expect(Machine.boot({ root: join(folder, 'none') })).rejects.toThrow(/none: no such directory/);
    await expect(Machine.boot({ root: join(folder, 'bin/sh') })).rejects.toThrow(/not a directory/);
    const large = mkdtempSync(join(tmpdir(), 'hartbeat-large-'));
    writeFileSync(join(large, 'big'), new Uint8Array(40 * 2 ** 20));
    try {
      await expect(Machine.boot({ root: large, memory: 32 * 2 ** 20 })).rejects.toThrow(
        /too much for this memory: give it at least --memory \d+M/,
      );
      const machine = await boot({ root: large, memory: 96 * 2 ** 20 });
      expect(look(machine, '/big')).toMatchObject({ size: 40 * 2 ** 20 });
    } finally {
      rmSync(large, { recursive: true });
    }
  });
});
