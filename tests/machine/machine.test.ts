/*
 * The library: is a machine what a user's own test can build on?
 */

import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import type { Kernel } from '../../src/kernel/kernel.ts';
import { reportMachineCheck } from '../../src/kernel/machine-check.ts';
import { Halted, Machine, MachineCheck, type MachineOptions, UsageError } from '../../src/machine.ts';
import { projectRoot } from '../../src/smp/bundle.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { Spinlock } from '../../src/smp/spinlock.ts';

const trials = join(projectRoot, 'guest/bin/trials');

const machines: Machine[] = [];

async function boot(options: MachineOptions = {}): Promise<Machine> {
  const machine = await Machine.boot(options);
  machines.push(machine);
  return machine;
}

afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.halt()));
});

/** The host's part of the kernel: to break it. */
function kernelOf(machine: Machine): Kernel {
  return (machine as unknown as { kernel: Kernel }).kernel;
}

describe('a machine', () => {
  it.each([1, 2, 4, 16, 64])('runs a program with %i harts', async (cpus) => {
    const machine = await boot({ cpus });
    expect(await machine.run('echo', ['one', 'two three'])).toEqual({
      status: 0,
      signal: undefined,
      fault: undefined,
      stdout: 'one two three\n',
      stderr: '',
    });
  });

  it('gives the status of the program, and what it wrote to each stream', async () => {
    const machine = await boot();
    expect((await machine.run('false')).status).toBe(1);
    const { status, stdout, stderr } = await machine.run('kill');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^usage: kill/);
  });

  it('gives 128 and the signal that ended the program', async () => {
    const machine = await boot();
    expect(await machine.run('sh', ['-c', 'kill -KILL $$'])).toMatchObject({
      status: 137,
      signal: 'SIGKILL',
      fault: undefined,
    });
  });

  it('feeds the program its input, and then the end of it', async () => {
    const machine = await boot();
    expect((await machine.run('sh', [], { stdin: 'echo first\necho second' })).stdout).toBe('first\nsecond\n');
    expect((await machine.run('sh')).stdout).toBe('');
  });

  it('runs a file of the host', async () => {
    const machine = await boot();
    const { status, stdout } = await machine.run(trials, ['list']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^start /);
  });

  it('has its own programs again after one of the host was called the same', async () => {
    const machine = await boot();
    const before = machine.stats().framesFree;
    await machine.run(trials, ['list']);
    expect((await machine.run('hello')).stdout).toBe('Hello from a RISC-V process!\n');
    // What the file took is given back.
    expect(machine.stats().framesFree).toBe(before);
  });

  it('passes the environment on, with a PATH of its own', async () => {
    const machine = await boot();
    const run = await machine.run(trials, ['start', 'x'], { env: { GREETING: 'hello' } });
    expect(run.status).toBe(0);
    expect(run.stdout + run.stderr).not.toContain('FAILED');
  });

  it('refuses a second run while one is under way, and goes on with the first', async () => {
    const machine = await boot();
    const first = machine.run('sleep', ['0.2']);
    await expect(machine.run('hello')).rejects.toThrow(
      new UsageError('the machine runs a program already: await its run, or boot another machine'),
    );
    expect((await first).status).toBe(0);
    expect((await machine.run('hello')).status).toBe(0);
  });

  it('lives beside others in one process', async () => {
    const [one, other] = await Promise.all([boot({ cpus: 1 }), boot({ cpus: 3 })]);
    const runs = await Promise.all([one.run('echo', ['one']), other.run('echo', ['other'])]);
    expect(runs.map(({ stdout }) => stdout)).toEqual(['one\n', 'other\n']);
    await one.halt();
    expect((await other.run('echo', ['still'])).stdout).toBe('still\n');
  });

  it('counts what its harts do', async () => {
    const machine = await boot({ cpus: 2 });
    await machine.run('hello');
    const { harts, framesFree, framesTotal } = machine.stats();
    expect(harts.map(({ hart }) => hart)).toEqual([0, 1]);
    expect(harts.reduce((sum, { instructions }) => sum + instructions, 0)).toBeGreaterThan(1000);
    expect(harts.reduce((sum, { syscalls }) => sum + syscalls, 0)).toBeGreaterThan(3);
    expect(framesFree).toBeLessThan(framesTotal);
  });
});

describe('equal seeds', () => {
  const random = async (seed: number | undefined): Promise<string> => {
    const machine = await boot({ cpus: 1, seed });
    const { ram, random, scratch } = kernelOf(machine);
    random.fill(scratch, 16);
    return Buffer.from(ram.bytes(scratch, 16)).toString('hex');
  };

  it('give equal random numbers, others do not', async () => {
    expect(await random(7)).toBe(await random(7));
    expect(await random(7)).not.toBe(await random(8));
    expect(await random(undefined)).not.toBe(await random(undefined));
  });
});

describe('what a machine refuses', () => {
  it.each([
    ['cpus', 0],
    ['cpus', 65],
    ['cpus', 1.5],
    ['memory', 2 ** 31],
    ['ports', 0],
    ['portMessageBytes', 257],
  ])('an option %s of %d', async (name, value) => {
    await expect(boot({ [name]: value })).rejects.toThrow(UsageError);
  });

  it('too little memory, with the amount that would do', async () => {
    const refusal: unknown = await boot({ cpus: 2, memory: 2 ** 20 }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(UsageError);
    const [, least] = /need at least (\d+)M/.exec((refusal as Error).message)!;
    const machine = await boot({ cpus: 2, memory: Number(least) * 2 ** 20 });
    expect((await machine.run('hello')).status).toBe(0);
  });

  it.each([
    ['nosuch', /^nosuch: no such file/],
    [projectRoot, / is a directory, not a program$/],
    [join(projectRoot, 'package.json'), /package\.json is not an ELF file$/],
    [process.execPath, / is for .*, this machine runs riscv64$|too large/],
  ])('the program %s', async (word, message) => {
    const machine = await boot();
    const refusal: unknown = await machine.run(word).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(UsageError);
    expect((refusal as Error).message).toMatch(message);
    expect((await machine.run('true')).status).toBe(0);
  });

  it('arguments that are too long, or hold a NUL', async () => {
    const machine = await boot();
    await expect(machine.run('echo', ['x'.repeat(200_000)])).rejects.toThrow(UsageError);
    await expect(machine.run('echo', ['a\0b'])).rejects.toThrow(UsageError);
    expect((await machine.run('true')).status).toBe(0);
  });
});

describe('the end of a machine', () => {
  it('ends the run under way, and refuses others', async () => {
    const machine = await boot();
    const run = machine.run('spin', ['1000']);
    await machine.halt();
    await expect(run).rejects.toThrow(Halted);
    await expect(machine.run('hello')).rejects.toThrow(Halted);
  });

  it('may be asked for at any time, and twice', async () => {
    const machine = await boot({ cpus: 4 });
    await Promise.all([machine.halt(), machine.halt()]);
    await machine.halt();
  });

  it('is a machine check when a hart finds the kernel broken: with the hart, the locks and the place', async () => {
    const machine = await boot({ cpus: 2 });
    const run = machine.run('sleep', ['0.05']);
    const { ram, table } = kernelOf(machine);
    // The outermost lock claims to be the innermost: whoever takes another one inside of it breaks the order.
    Spinlock.rank.set(ram, table.lock, 1000);
    const error: unknown = await run.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MachineCheck);
    const { message } = error as MachineCheck;
    expect(message).toMatch(/^hartbeat: machine check on hart [01]: lock order/);
    expect(message).toMatch(/process \d+ \(sleep\)/);
    expect(message).toMatch(/src\/kernel\/.*\.ts:\d+:\d+/);
    expect(message).toMatch(/ {2}hart 0: .*\n {2}hart 1: /);
    await expect(machine.run('hello')).rejects.toThrow(MachineCheck);
    await machine.halt();
  });

  it('is a machine check when the host finds the kernel broken', async () => {
    const machine = await boot();
    const { ram, table } = kernelOf(machine);
    Spinlock.rank.set(ram, table.lock, 1000);
    await expect(machine.run('hello')).rejects.toThrow(/^hartbeat: machine check: the host has failed\n.*lock order/s);
    await expect(machine.run('hello')).rejects.toThrow(MachineCheck);
  });

  it('frees the locks of the hart that has failed: the host does not wait for the dead', async () => {
    const machine = await boot({ cpus: 2 });
    const { ram, map, config, smpMap, locks, console } = kernelOf(machine);
    const run = machine.run('sleep', ['1000']);
    // As if hart 1 had taken the console and failed then.
    const control = smpMap.hartControl(1);
    HartControl.held.put(ram, control, 0, console.lock);
    HartControl.heldCount.set(ram, control, 1);
    Spinlock.word.store(ram, console.lock, 2);
    reportMachineCheck(ram, config, map, 1, undefined, new Error('a bug'));
    locks.acquire(console.lock);
    locks.release(console.lock);
    await expect(run).rejects.toThrow(/^hartbeat: machine check on hart 1: a bug\n(.*\n)* {2}locks held: console at 0x/);
  });

  it('frees the locks of harts that had to be ended', async () => {
    const machine = await boot({ cpus: 2 });
    const { ram, smpMap, console } = kernelOf(machine);
    const run = machine.run('sleep', ['1000']);
    HartControl.held.put(ram, smpMap.hartControl(1), 0, console.lock);
    HartControl.heldCount.set(ram, smpMap.hartControl(1), 1);
    Spinlock.word.store(ram, console.lock, 2);
    await machine.halt();
    await expect(run).rejects.toThrow(Halted);
  });
});

describe('a trace', () => {
  it('tells what happened, in a file of one JSON object a line', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hartbeat-trace-'));
    try {
      const file = join(folder, 'deep/er/run.ndjson');
      const machine = await boot({ trace: { file } });
      expect(machine.traceFile).toBe(file);
      await machine.run('ipc_echo', ['hi']);
      await machine.halt();
      const events = readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { event: string }).event);
      for (const event of [
        'processStart',
        'switch',
        'syscallEnter',
        'syscallExit',
        'portCreate',
        'portSend',
        'portReceive',
        'processExit',
      ]) {
        expect(events).toContain(event);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('leaves out what is below its level', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hartbeat-trace-'));
    try {
      const file = join(folder, 'run.ndjson');
      const machine = await boot({ trace: { file, level: 'info' } });
      await machine.run('hello');
      await machine.halt();
      const levels = readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { level: number }).level);
      expect(levels.length).toBeGreaterThan(0);
      expect(Math.min(...levels)).toBeGreaterThanOrEqual(30);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('that cannot be written is refused, and nothing is left running', async () => {
    expect(existsSync('/dev/null/trace')).toBe(false);
    await expect(boot({ trace: { file: '/dev/null/trace' } })).rejects.toThrow(/^cannot write a trace to \/dev\/null\/trace: /);
  });
});
