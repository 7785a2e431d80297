/*
 * Snapshots of machines that run in parallel: does nobody notice that one is taken, and does what goes on from it end as it would have?
 */

import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import type { HostStreams } from '../../src/devices/console-host.ts';
import { Halted, type Machine, MachineCheck, type MachineSnapshot, UsageError } from '../../src/machine.ts';
import { BootPage } from '../../src/smp/boot-page.ts';
import { projectRoot } from '../../src/smp/bundle.ts';
import { Spinlock } from '../../src/smp/spinlock.ts';
import { boot, kernelOf, snapshotsDuring } from './snapshots.ts';

/** Programs that keep all parts of a machine busy, and say the same whenever all is well. */
const LOADS: readonly (readonly [string, ...string[]])[] = [
  ['hashes', '64'],
  ['portstress', '6', '500', '2'],
  ['threads'],
  ['lrsc'],
  ['clocks'],
];

/** Frames that are free when a program has run and nothing is left of it. */
async function atRest(machine: Machine): Promise<number> {
  await machine.run('true');
  return machine.stats().framesFree;
}

function wordOfBootPage(snapshot: MachineSnapshot, field: { readonly offset: number }): number {
  return snapshot.ram.pieces[0]!.words[field.offset >>> 2]!;
}

function pipes(): { streams: HostStreams; stdin: PassThrough; written: () => string } {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let text = '';
  for (const stream of [stdout, stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { streams: { stdin, stdout, stderr }, stdin, written: () => text };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await pause(2);
}

describe.each([1, 2, 4])('with %i harts', (cpus) => {
  it.each(LOADS)(
    '%s neither notices snapshots nor that it goes on from one',
    async (...args) => {
      const machine = await boot({ cpus });
      const free = await atRest(machine);
      const reference = await machine.run('trials', args);
      expect(reference).toMatchObject({ status: 0, stderr: '' });

      const run = machine.run('trials', args);
      const taken = await snapshotsDuring(machine, run);
      expect(await run).toEqual(reference);
      expect(machine.stats().framesFree).toBe(free);
      expect(taken.length).toBeGreaterThan(0);

      const middle = taken[taken.length >>> 1]!;
      const other = await boot({ from: middle });
      expect(other.resumable).toBe('trials');
      expect(await other.resume()).toEqual(reference);
      expect(other.stats().framesFree).toBe(free);
      await other.halt();

      await machine.restore(middle);
      expect(await machine.resume()).toEqual(reference);
      expect(machine.stats().framesFree).toBe(free);
    },
    60_000,
  );

  it('has what was left running in the background', async () => {
    const machine = await boot({ cpus });
    const free = await atRest(machine);
    await machine.run('sh', [], { stdin: 'ipctest\n' });
    const snapshot = await machine.snapshot();
    expect(snapshot.run).toBeUndefined();

    const other = await boot({ from: snapshot });
    await expect(other.resume()).rejects.toThrow(UsageError);
    const { stdout } = await other.run('sh', [], { stdin: 'ps\nipcstop\n' });
    expect(stdout).toMatch(/BLOCKED .* ipc_server\n.*BLOCKED .* ipc_client/);
    expect(stdout).toMatch(/stopped ipc_server \(PID \d+\)\nipcstop: stopped ipc_client/);
    expect(other.stats().framesFree).toBe(free);
  });

  it('counts no harts as spinning that wait, however often it is held still', async () => {
    const machine = await boot({ cpus });
    for (let i = 0; i < 30; i++) {
      const snapshot = await machine.snapshot();
      expect(wordOfBootPage(snapshot, BootPage.spinners)).toBe(0);
    }
    expect((await machine.run('hello')).status).toBe(0);
  });
});

describe('the time of a machine from a snapshot', () => {
  it('goes on from when that was taken, with the wall clock of now', async () => {
    const machine = await boot({ cpus: 1 });
    const snapshot = await machine.snapshot();
    await pause(300);
    const before = performance.now();
    const other = await boot({ from: snapshot });
    const { clock } = kernelOf(other);
    const ns = clock.nowNs();
    const passed = (performance.now() - before) * 1e6;
    expect(ns).toBeGreaterThanOrEqual(snapshot.ns);
    expect(ns).toBeLessThanOrEqual(snapshot.ns + passed);
    expect(Math.abs(clock.realtimeNs() / 1e6 - Date.now())).toBeLessThan(60_000);
  });

  it('also in the machine that is put back', async () => {
    const machine = await boot({ cpus: 2 });
    const snapshot = await machine.snapshot();
    await pause(300);
    const before = performance.now();
    await machine.restore(snapshot);
    const ns = kernelOf(machine).clock.nowNs();
    expect(ns).toBeGreaterThanOrEqual(snapshot.ns);
    expect(ns).toBeLessThanOrEqual(snapshot.ns + (performance.now() - before) * 1e6);
    // Harts and host agree: a deadline set by one comes.
    expect((await machine.run('sleep', ['0.05'])).status).toBe(0);
  });

  it('lets a sleeper sleep on', async () => {
    const machine = await boot();
    const { streams, written } = pipes();
    const run = machine.run('sh', ['-c', 'echo before; sleep 1; echo after'], { streams });
    await until(() => written() === 'before\n');
    const snapshot = await machine.snapshot();
    await run;
    expect(written()).toBe('before\nafter\n');
    await machine.restore(snapshot);
    expect(await machine.resume()).toMatchObject({ status: 0, stdout: 'after\n' });
  });
});

describe('the console of a machine from a snapshot', () => {
  it('has the input that no program had read, that of the host too', async () => {
    const machine = await boot();
    const stdin = 'a line of some length\n'.repeat(20_000);
    const reference = await machine.run('trials', ['input', '100'], { stdin });
    const run = machine.run('trials', ['input', '100'], { stdin });
    const snapshot = await machine.snapshot();
    expect(await run).toEqual(reference);
    expect(snapshot.console.input.length).toBeGreaterThan(100_000);
    const other = await boot({ from: snapshot });
    expect(await other.resume()).toEqual(reference);
  });

  it('has what was captured before, and in order', async () => {
    const machine = await boot();
    const run = machine.run('trials', ['output', '200']);
    const taken = await snapshotsDuring(machine, run);
    const reference = await run;
    expect(taken.length).toBeGreaterThan(1);
    for (const snapshot of [taken[0]!, taken[taken.length >>> 1]!, taken.at(-1)!]) {
      await machine.restore(snapshot);
      expect(await machine.resume()).toEqual(reference);
    }
  });

  it('goes on with other streams, or with a buffer', async () => {
    const machine = await boot();
    const first = pipes();
    const run = machine.run('sh', [], { streams: first.streams });
    first.stdin.write('echo one\n');
    await until(() => first.written().includes('one'));
    const snapshot = await machine.snapshot();
    first.stdin.end('exit 3\n');
    expect(await run).toMatchObject({ status: 3 });
    expect(snapshot.console.stdout).toHaveLength(0);

    const second = pipes();
    const other = await boot({ from: snapshot });
    const resumed = other.resume({ streams: second.streams });
    second.stdin.end('echo two; exit 4\n');
    expect(await resumed).toMatchObject({ status: 4, stdout: '' });
    expect(second.written()).toBe('two\n');

    await machine.restore(snapshot);
    expect(await machine.resume({ stdin: 'echo three; exit 5\n' })).toMatchObject({ status: 5, stdout: 'three\n' });
  });

  it('may have input again that had ended', async () => {
    const machine = await boot();
    const run = machine.run('sh', ['-c', 'sleep 0.3; sh'], { stdin: '' });
    await pause(100);
    const snapshot = await machine.snapshot();
    expect(await run).toMatchObject({ stdout: '' });
    await machine.restore(snapshot);
    expect(await machine.resume({ stdin: 'echo again\n' })).toMatchObject({ stdout: 'again\n' });
    await machine.restore(snapshot);
    expect(await machine.resume()).toMatchObject({ stdout: '' });
  });

  it('writes to streams what was written before anybody resumed it', async () => {
    const machine = await boot();
    const run = machine.run('sh', ['-c', 'echo one; sleep 0.1; echo two; sleep 0.4; echo three']);
    await pause(60);
    const snapshot = await machine.snapshot();
    const reference = await run;
    const sofar = new TextDecoder().decode(snapshot.console.stdout);
    const other = await boot({ from: snapshot });
    await pause(250);
    const { streams, written } = pipes();
    await other.resume({ streams });
    expect(sofar + written()).toBe(reference.stdout);
  });
});

describe('restoring', () => {
  it('ends the run under way, and has that of the snapshot under way again', async () => {
    const machine = await boot();
    const first = machine.run('sh', ['-c', 'sleep 0.2; echo first']);
    await pause(50);
    const snapshot = await machine.snapshot();
    await first;
    const second = machine.run('spin', ['1000']);
    const refused = expect(second).rejects.toThrow('the machine has been put back to a snapshot');
    await machine.restore(snapshot);
    await refused;
    await expect(second).rejects.toThrow(Halted);
    expect(machine.resumable).toBe('sh');
    expect(await machine.resume()).toMatchObject({ stdout: 'first\n' });
    expect(machine.resumable).toBeUndefined();
    expect((await machine.run('hello')).status).toBe(0);
  });

  it('of a program of the host takes its name away when it has ended', async () => {
    const trials = join(projectRoot, 'guest/bin/trials');
    const machine = await boot();
    const free = await atRest(machine);
    const run = machine.run(trials, ['portstress', '4', '1000']);
    const [snapshot] = await snapshotsDuring(machine, run);
    await run;
    const other = await boot({ from: snapshot });
    expect(await other.resume()).toMatchObject({ status: 0 });
    expect(other.stats().framesFree).toBe(free);
  });

  it('lets another program run instead: the one that was under way is killed', async () => {
    const machine = await boot();
    const free = await atRest(machine);
    const run = machine.run('spin', ['0.3']);
    const [snapshot] = await snapshotsDuring(machine, run);
    await run;
    const other = await boot({ from: snapshot });
    const { stdout } = await other.run('ps');
    expect(stdout).not.toContain('spin');
    expect(other.stats().framesFree).toBe(free);
  });

  it('knows how a run ended whose output was still on its way out', async () => {
    const machine = await boot();
    const held: (() => void)[] = [];
    const slow = new Writable({ write: (_chunk, _encoding, done) => void held.push(done) });
    const { streams } = pipes();
    const run = machine.run('sh', ['-c', 'echo done; exit 9'], { streams: { ...streams, stdout: slow } });
    let snapshot = await machine.snapshot();
    while (snapshot.run?.ended === undefined) snapshot = await machine.snapshot();
    slow._write = (_chunk, _encoding, done) => {
      done();
    };
    for (const done of held) done();
    expect(await run).toMatchObject({ status: 9 });
    const other = await boot({ from: snapshot });
    expect(await other.resume()).toMatchObject({ status: 9 });
    expect((await other.run('hello')).status).toBe(0);
  });

  it('is refused for a machine of another shape', async () => {
    const machine = await boot({ cpus: 2 });
    const snapshot = await machine.snapshot();
    for (const [options, text] of [
      [{ cpus: 1 }, /cpus 2, this one has 1$/],
      [{ cpus: 2, memory: 64 * 2 ** 20 }, /memoryBytes 134217728, this one has 67108864$/],
      [{ cpus: 2, ports: 8 }, /ports 32, this one has 8$/],
      [{ cpus: 2, seeded: true }, /seeded false, this one has true$/],
    ] as const) {
      const other = await boot(options);
      await expect(other.restore(snapshot)).rejects.toThrow(UsageError);
      await expect(other.restore(snapshot)).rejects.toThrow(text);
      expect((await other.run('true')).status).toBe(0);
    }
    const foreign = { ...snapshot, kernel: 'hart-0000000000000000' };
    await expect(machine.restore(foreign)).rejects.toThrow(/was made by another version of Hartbeat/);
    await expect(boot({ from: foreign })).rejects.toThrow(UsageError);
  });

  it.each([
    [{ cpus: 3 }, 'cpus 3: the machine of the snapshot has 2: leave it out'],
    [{ memory: 2 ** 26 }, 'memory 67108864: the machine of the snapshot has 134217728: leave it out'],
    [{ portMessages: 1 }, 'portMessages 1: the machine of the snapshot has 16: leave it out'],
    [{ seeded: true }, 'seeded true: the machine of the snapshot has false: leave it out'],
    [{ seed: 5 }, 'seed 5: a machine from a snapshot goes on with its random numbers: leave it out'],
  ])('is refused with %o beside', async (options, message) => {
    const machine = await boot({ cpus: 2 });
    const from = await machine.snapshot();
    await expect(boot({ from, ...options })).rejects.toThrow(new UsageError(message));
  });

  it.each(['off', 'hot', 'always'] as const)('may translate or not: %s', async (jit) => {
    const machine = await boot({ jit: 'hot', cpus: 2 });
    const run = machine.run('trials', ['portstress', '2', '300']);
    const [snapshot] = await snapshotsDuring(machine, run);
    const other = await boot({ from: snapshot, jit, cpus: 2, countAccesses: true });
    expect(await other.resume()).toEqual(await run);
  });
});

describe('random numbers', () => {
  it('go on: two machines from one snapshot draw the same, and not what was drawn before', async () => {
    const draw = (machine: Machine): string => {
      const { ram, random, scratch } = kernelOf(machine);
      random.fill(scratch, 16);
      return Buffer.from(ram.bytes(scratch, 16)).toString('hex');
    };
    const machine = await boot({ cpus: 1, seed: 3 });
    const before = draw(machine);
    const from = await machine.snapshot();
    const next = draw(machine);
    expect(draw(await boot({ from }))).toBe(next);
    expect(draw(await boot({ from }))).toBe(next);
    expect(next).not.toBe(before);
  });
});

describe('a snapshot and the end of the machine', () => {
  it('is not to be had of one that is off', async () => {
    const machine = await boot();
    const snapshot = await machine.snapshot();
    await machine.halt();
    await expect(machine.snapshot()).rejects.toThrow(Halted);
    await expect(machine.restore(snapshot)).rejects.toThrow(Halted);
    await expect(machine.resume()).rejects.toThrow(Halted);
  });

  it('hangs neither when it is turned off meanwhile', async () => {
    const machine = await boot({ cpus: 4 });
    const run = machine.run('spin', ['1000']);
    const refused = expect(run).rejects.toThrow(Halted);
    const snapshot = machine.snapshot().catch((error: unknown) => error);
    await machine.halt();
    await refused;
    expect(await snapshot).toBeInstanceOf(Halted);
  });

  it('hangs neither when a hart fails on its way to the gate', async () => {
    const machine = await boot({ cpus: 2 });
    const run = machine.run('trials', ['leaks', '50']).catch((error: unknown) => error);
    await pause(50);
    const { ram, table } = kernelOf(machine);
    Spinlock.rank.set(ram, table.lock, 1000);
    for (;;) {
      const error = await machine.snapshot().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) continue;
      expect(error).toBeInstanceOf(MachineCheck);
      break;
    }
    expect(await run).toBeInstanceOf(MachineCheck);
  });

  it('many may be asked for at once', async () => {
    const machine = await boot({ cpus: 2 });
    const run = machine.run('trials', ['portstress', '4', '500']);
    const snapshots = await Promise.all(Array.from({ length: 8 }, () => machine.snapshot()));
    expect(await run).toMatchObject({ status: 0 });
    for (const snapshot of snapshots.slice(-2)) {
      await machine.restore(snapshot);
      expect(await machine.resume()).toMatchObject({ status: 0, stdout: 'portstress: 2000 messages ok\n' });
    }
  });
});
