/*
 * Snapshots of machines under a schedule: does a machine that goes on from one do exactly what that did which the snapshot was taken of?
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Halted, type Machine, type MachineSnapshot, readSnapshot, UsageError, writeSnapshot } from '../../src/machine.ts';
import type { Strategy } from '../../src/smp/schedule/plan.ts';
import { boot, reportOf } from './snapshots.ts';

let folder: string;
let files = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartbeat-snapshot-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const STRATEGIES: readonly Strategy[] = [
  { kind: 'replay', departures: [] },
  { kind: 'random', seed: 11 },
  { kind: 'pct', seed: 3, depth: 4, steps: 2_000_000 },
];

const LOAD = ['portstress', '4', '800', '2'];

function newFile(): string {
  return join(folder, String(files++));
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

/** A snapshot from the middle of the run that has just begun. */
async function inTheMiddle(machine: Machine): Promise<MachineSnapshot> {
  for (;;) {
    await pause(20);
    const snapshot = await machine.snapshot();
    if (snapshot.ns > 100_000) return snapshot;
  }
}

describe.each([1, 2, 3])('with %i harts', (cpus) => {
  it.each(STRATEGIES)(
    'goes on as the first one did: $kind',
    async (strategy) => {
      const trace = newFile();
      const machine = await boot({ cpus, seeded: true, trace: { file: trace } });
      const run = machine.run('trials', LOAD, { plan: { strategy, faults: [] } });
      const snapshot = await inTheMiddle(machine);
      expect(snapshot.run).toMatchObject({ word: 'trials', ended: undefined });
      const reference = await run;
      expect(reference).toMatchObject({ status: 0, stdout: 'portstress: 3200 messages ok\n' });
      const report = reportOf(machine);

      // Put back, on its own.
      await machine.restore(snapshot);
      expect(await machine.resume()).toEqual(reference);
      expect(reportOf(machine)).toEqual(report);

      // Another one, which got it from a file, and does not translate.
      const file = newFile();
      await writeSnapshot(file, snapshot);
      const otherTrace = newFile();
      const other = await boot({ from: file, jit: 'off', trace: { file: otherTrace } });
      expect(await other.resume()).toEqual(reference);
      expect(reportOf(other)).toEqual(report);
      await Promise.all([machine.halt(), other.halt()]);

      // The first trace has the end twice: once by each run.
      const ends = linesOf(otherTrace);
      expect(ends.length).toBeGreaterThan(1000);
      const first = linesOf(trace);
      expect(first.slice(-ends.length)).toEqual(ends);
      expect(first.slice(-2 * ends.length, -ends.length)).toEqual(ends);
    },
    60_000,
  );
});

describe('a machine under a schedule, from a snapshot', () => {
  it('waits where it was until it is resumed, and takes another plan from there', async () => {
    const machine = await boot({ cpus: 2, seeded: true });
    const run = machine.run('trials', LOAD);
    const snapshot = await inTheMiddle(machine);
    await run;
    const plan = { strategy: { kind: 'random', seed: 5 }, faults: [] } as const;
    const reports = [];
    for (const delay of [0, 200]) {
      const other = await boot({ from: snapshot });
      await pause(delay);
      expect(await other.resume({ plan })).toMatchObject({ status: 0 });
      reports.push(reportOf(other));
    }
    expect(reports[1]).toEqual(reports[0]);
    expect(reports[0]!.interleaving).not.toBe(reportOf(machine).interleaving);
  });

  it('can run something else instead', async () => {
    const machine = await boot({ cpus: 2, seeded: true });
    const run = machine.run('trials', LOAD);
    const snapshot = await inTheMiddle(machine);
    await run;
    const other = await boot({ from: snapshot, seeded: true });
    expect((await other.run('ps')).stdout).not.toContain('trials');
    await expect(boot({ from: snapshot, seeded: false })).rejects.toThrow(UsageError);
  });

  it('also between two runs', async () => {
    const machine = await boot({ cpus: 2, seeded: true });
    await machine.run('hello');
    const snapshot = await machine.snapshot();
    expect(snapshot.run).toBeUndefined();
    const first = await machine.run('trials', LOAD);
    const report = reportOf(machine);
    await machine.restore(snapshot);
    expect(await machine.run('trials', LOAD)).toEqual(first);
    expect(reportOf(machine)).toEqual(report);
    const other = await boot({ from: await readBack(snapshot) });
    expect(await other.run('trials', LOAD)).toEqual(first);
    expect(reportOf(other)).toEqual(report);
  });

  it('fails the run under way when it is put back', async () => {
    const machine = await boot({ cpus: 2, seeded: true });
    const snapshot = await machine.snapshot();
    const refused = expect(machine.run('spin', ['1000'])).rejects.toThrow(Halted);
    await pause(30);
    await machine.restore(snapshot);
    await refused;
    expect((await machine.run('hello')).status).toBe(0);
  });

  it('is turned off while one is being taken', async () => {
    const machine = await boot({ cpus: 2, seeded: true });
    const refused = expect(machine.run('spin', ['1000'])).rejects.toThrow(Halted);
    await pause(30);
    const snapshot = machine.snapshot().then(
      () => undefined,
      (error: unknown) => error,
    );
    await machine.halt();
    await refused;
    expect(await snapshot).toBeInstanceOf(Halted);
  });
});

async function readBack(snapshot: MachineSnapshot): Promise<MachineSnapshot> {
  const file = newFile();
  await writeSnapshot(file, snapshot);
  return readSnapshot(file);
}
