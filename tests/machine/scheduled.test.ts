/*
 * The library under a schedule: does a machine whose harts run one at a time do what any other does, the same each time, and end whenever it
 * is told to?
 */

import { PassThrough } from 'node:stream';

import { afterEach, describe, expect, it } from 'vitest';

import { encodeAgent, op, ref } from '../../src/explore/agent.ts';
import { Halted, Machine, MachineCheck, type MachineOptions, Standstill } from '../../src/machine.ts';
import { MachineCall } from '../../src/syscalls/abi.ts';
import type { Plan, ScheduleReport } from '../../src/smp/schedule/plan.ts';

const machines: Machine[] = [];

async function boot(options: MachineOptions = {}): Promise<Machine> {
  const machine = await Machine.boot({ seeded: true, memory: (options.cpus ?? 2) > 8 ? 2 ** 27 : 2 ** 25, ...options });
  machines.push(machine);
  return machine;
}

afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.halt()));
});

/** What the last run was like. */
function reportOf(machine: Machine): ScheduleReport {
  return machine.schedule!;
}

const random = (seed: number): Plan => ({ strategy: { kind: 'random', seed }, faults: [] });
const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Why a run has failed. */
const failure = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => 'it has ended well',
    (error: unknown) => error,
  );

describe('a machine under a schedule', () => {
  it.each([1, 2, 4])('runs one program after the other, each under its own plan: %i harts', async (cpus) => {
    const machine = await boot({ cpus });
    for (const plan of [undefined, random(1), random(2)]) {
      expect(await machine.run('sh', ['-c', 'hello; echo done'], { plan })).toMatchObject({
        status: 0,
        stdout: 'Hello from a RISC-V process!\ndone\n',
      });
    }
  });

  it('runs programs with 64 harts', async () => {
    const machine = await boot({ cpus: 64 });
    expect((await machine.run('echo', ['64'], { plan: random(1) })).stdout).toBe('64\n');
  });

  it('runs in the plain order when no plan is given, whatever the run before had', async () => {
    const machine = await boot({ cpus: 2 });
    const departures: number[] = [];
    for (const plan of [undefined, random(7), undefined]) {
      expect((await machine.run('sh', ['-c', 'hello; hello; ps'], { plan })).status).toBe(0);
      departures.push(reportOf(machine).departures?.length ?? -1);
    }
    expect(departures).toEqual([0, expect.toSatisfy((count: number) => count > 0), 0]);
  });

  it('takes no real time to sleep, and its clock moves by it', async () => {
    const machine = await boot();
    const uptime = async (): Promise<number> => {
      const { stdout } = await machine.run('uptime');
      const [, hours = '0', minutes = '0', seconds = '0'] = /up (?:(\d+):)?(\d+):(\d+)/.exec(stdout) ?? [];
      return 3600 * Number(hours) + 60 * Number(minutes) + Number(seconds);
    };
    const before = await uptime();
    const start = performance.now();
    expect((await machine.run('sleep', ['36000'])).status).toBe(0);
    expect(performance.now() - start).toBeLessThan(20_000);
    expect((await uptime()) - before).toBeGreaterThanOrEqual(36_000);
    expect((await uptime()) - before).toBeLessThan(36_010);
  });

  it('takes more input than the console holds, and gives more output', async () => {
    const machine = await boot();
    const line = `echo ${'x'.repeat(200)}\n`;
    const { status, stdout } = await machine.run('sh', [], { stdin: line.repeat(400), plan: random(5) });
    expect(status).toBe(0);
    expect(stdout).toBe(`${'x'.repeat(200)}\n`.repeat(400));
  });

  it('ends with the status of whoever turns it off', async () => {
    const machine = await boot();
    const off = encodeAgent({ processes: [{ threads: [[op.call(MachineCall.SYS_HB_POWER_OFF, 42)]] }] });
    expect(await machine.run('agent', off)).toMatchObject({ status: 42 });
    expect(await failure(machine.run('true'))).toBeInstanceOf(Halted);
  });

  it('names both when two threads wait for each other', async () => {
    const machine = await boot();
    const deadlock = encodeAgent({
      processes: [
        {
          setup: [op.createPort(), op.createPort()],
          threads: [
            [op.receive({ port: ref.setup(0) }), op.send({ port: ref.setup(1), tag: 1 })],
            [op.receive({ port: ref.setup(1) }), op.send({ port: ref.setup(0), tag: 1 })],
          ],
        },
      ],
    });
    const error = await failure(machine.run('agent', deadlock));
    expect(error).toBeInstanceOf(Standstill);
    expect(error).toMatchObject({ kind: 'deadlock' });
    expect((error as Error).message).toMatch(/port 0[^]*port 1/);
    // The next run is one like any other.
    expect((await machine.run('echo', ['next'])).stdout).toBe('next\n');
  });

  it('tells a deadlock from waiting for input, also when there is more input than the console holds', async () => {
    const machine = await boot();
    const forever = encodeAgent({
      processes: [{ setup: [op.createPort()], threads: [[op.receive({ port: ref.setup(0) })]] }],
    });
    const error = await failure(machine.run('agent', forever, { stdin: 'x'.repeat(100_000) }));
    expect(error).toMatchObject({ kind: 'deadlock' });
  });

  it('reports a kernel that has failed, and nothing hangs', async () => {
    const edits = [
      {
        file: 'src/kernel/futex.ts',
        find: '    const woken = this.wakeLocked(bucket, object, offset, count, bits);\n',
        replace: "    if (count > 0) throw new Error('made to fail');\n    const woken = 0;\n",
      },
    ];
    const machine = await boot({ edits });
    const wake = encodeAgent({ processes: [{ threads: [[op.futexWake(0, 1)]] }] });
    const error = await failure(machine.run('agent', wake));
    expect(error).toBeInstanceOf(MachineCheck);
    expect((error as Error).message).toContain('made to fail');
    expect(await failure(machine.run('true'))).toBe(error);
  });
});

describe('a machine under a schedule that is halted', () => {
  it.each([1, 2, 4])('while it comes up ends, twice if need be: %i harts', async (cpus) => {
    for (const ms of [0, 20, 80]) {
      const machine = await boot({ cpus });
      if (ms > 0) await after(ms);
      await Promise.all([machine.halt(), machine.halt()]);
      await machine.halt();
    }
  });

  it.each([1, 2, 4])('fails the run that waits for the machine to come up: %i harts', async (cpus) => {
    const machine = await boot({ cpus });
    const run = failure(machine.run('true'));
    await machine.halt();
    expect(await run).toBeInstanceOf(Halted);
  });

  it.each([1, 2, 4])('in the middle of a run fails the run: %i harts', async (cpus) => {
    const machine = await boot({ cpus });
    await machine.run('true');
    const run = failure(machine.run('sh', ['-c', 'spin 1000 & spin 1000 & spin 1000 & wait'], { plan: random(3) }));
    await after(150);
    await Promise.all([machine.halt(), machine.halt()]);
    expect(await run).toBeInstanceOf(Halted);
  });

  it('while it stands still fails the run', async () => {
    const machine = await boot();
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const run = failure(machine.run('sh', [], { streams: { stdin, stdout, stderr } }));
    await after(150);
    await machine.halt();
    expect(await run).toBeInstanceOf(Halted);
  });
});
