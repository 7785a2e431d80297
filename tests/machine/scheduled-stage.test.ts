/*
 * The stage: runs that follow each other on one machine, each from the same snapshot. Does a run depend on its plan and on nothing else, and
 * does whatever goes wrong in one leave the next as it was?
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { type AgentProgram, encodeAgent, op, type Operation, ref } from '../../src/explore/agent.ts';
import { decodeMarks } from '../../src/explore/agent-marks.ts';
import { type Performance, Stage } from '../../src/explore/stage.ts';
import { Machine, type MachineOptions } from '../../src/machine.ts';
import type { Fault, Plan, ScheduleReport } from '../../src/smp/schedule/plan.ts';
import { Linux } from '../../src/syscalls/numbers.ts';

const stages: Stage[] = [];

async function stageOf(program: AgentProgram, machine: MachineOptions = {}): Promise<Stage> {
  const stage = await Stage.open({
    machine: { memory: (machine.cpus ?? 2) > 8 ? 2 ** 27 : 2 ** 25, ...machine },
    word: 'agent',
    args: encodeAgent(program),
    toLine: true,
  });
  stages.push(stage);
  return stage;
}

afterEach(async () => {
  await Promise.all(stages.splice(0).map((stage) => stage.close()));
});

const PLAIN: Plan = { strategy: { kind: 'replay', departures: [] }, faults: [] };
const random = (seed: number): Plan => ({ strategy: { kind: 'random', seed }, faults: [] });
const pct = (seed: number): Plan => ({ strategy: { kind: 'pct', seed, depth: 3, steps: 800 }, faults: [] });
const withFaults = (...faults: Fault[]): Plan => ({ ...PLAIN, faults });
const seeds = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);

/** Two processes that exchange messages, and wait for each other. */
const port = ref.setup(0);
const EXCHANGE: AgentProgram = {
  processes: [
    {
      setup: [op.createPort()],
      threads: [
        [op.receive({ port }), op.receive({ port })],
        [op.yield(), op.portStat(port)],
      ],
    },
    { threads: [[op.send({ port: 0, tag: 1 }), op.send({ port: 0, tag: 2 }), op.sleep(50_000)]] },
  ],
};

/** Two threads that take two locks (a message each in a port) in opposite order. */
const lock = (which: number): Operation => op.receive({ port: ref.setup(which) });
const unlock = (which: number): Operation => op.send({ port: ref.setup(which), tag: 1 });
const AB_BA: AgentProgram = {
  processes: [
    {
      setup: [op.createPort(), op.createPort(), op.send({ port: 0, tag: 1 }), op.send({ port: 1, tag: 1 })],
      threads: [
        [lock(0), lock(1), unlock(1), unlock(0)],
        [lock(1), lock(0), unlock(0), unlock(1)],
      ],
    },
  ],
};

/** All that a run is. */
const all = ({ result, finding, schedule, events }: Performance): unknown => ({ result, finding, schedule, events });

describe('a run on a stage', () => {
  it.each([1, 2])('depends on its plan alone, whatever ran before: %i harts', async (cpus) => {
    const stage = await stageOf(EXCHANGE, { cpus, trace: { level: 'trace' } });
    const plans = [PLAIN, random(1), pct(2), withFaults({ kind: 'kill', thread: 0, at: 30 })];
    const first: unknown[] = [];
    for (const plan of plans) first.push(all(await stage.run(plan)));
    for (const i of [3, 1, 2, 0]) expect(all(await stage.run(plans[i]!))).toEqual(first[i]);
    const other = await stageOf(EXCHANGE, { cpus, trace: { level: 'trace' } });
    for (const i of [2, 0]) expect(all(await other.run(plans[i]!))).toEqual(first[i]);
  });

  it('does so with 64 harts', async () => {
    const stage = await stageOf(EXCHANGE, { cpus: 64 });
    const run = await stage.run(random(1));
    expect(run.finding).toBeUndefined();
    expect(run.result!.status).toBe(0);
    expect(await stage.run(random(1))).toEqual(run);
  });

  it('is the same with and without a trace, interpreted or translated', async () => {
    const reports: ScheduleReport[][] = [];
    for (const machine of [{}, { trace: { level: 'trace' } }, { jit: 'off' }, { jit: 'always' }] satisfies MachineOptions[]) {
      const stage = await stageOf(EXCHANGE, { cpus: 3, ...machine });
      const own: ScheduleReport[] = [];
      for (const seed of seeds(5)) own.push((await stage.run(random(seed))).schedule);
      reports.push(own);
    }
    for (const own of reports) expect(own).toEqual(reports[0]);
    expect(new Set(reports[0]!.map(({ interleaving }) => interleaving)).size).toBeGreaterThan(2);
  });

  it('is repeated by the departures that it noted', async () => {
    const stage = await stageOf(EXCHANGE, { cpus: 3, trace: { level: 'trace' } });
    for (const plan of [...seeds(4).map(random), ...seeds(4).map(pct)]) {
      const run = await stage.run(plan);
      const again = await stage.run({ strategy: { kind: 'replay', departures: run.schedule.departures! }, faults: [] });
      expect(all(again)).toEqual(all(run));
    }
  });

  it('finds the schedule under which two threads wait for each other, and names both', async () => {
    const stage = await stageOf(AB_BA);
    let found = 0;
    for (const seed of seeds(40)) {
      const { finding, result } = await stage.run(pct(seed));
      if (finding === undefined) {
        expect(result!.status).toBe(0);
        continue;
      }
      found++;
      expect(finding).toMatchObject({ kind: 'deadlock' });
      expect(finding.report).toMatch(/thread \d+ .* waits for a message at port 0/);
      expect(finding.report).toMatch(/thread \d+ .* waits for a message at port 1/);
    }
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThan(40);
  });

  it('that never ends is stopped at its limit, and the next one is as good as any', async () => {
    // It looks at the clock until so many seconds are over, and a second is 100 million moments.
    const stage = await Stage.open({ machine: { memory: 2 ** 25 }, word: 'spin', args: ['100'] });
    stages.push(stage);
    const run = await stage.run(PLAIN);
    expect(run.finding).toMatchObject({ kind: 'no-progress' });
    expect(run.schedule.moments).toBe(20_000_000);
    expect(await stage.run(PLAIN)).toEqual(run);
  });

  it('in which the kernel fails is reported, and the next one is as good as any', async () => {
    const find = '    const woken = this.wakeLocked(bucket, object, offset, count, bits);\n';
    const replace = `    if (count === 7) throw new Error('made to fail');\n${find}`;
    const stage = await stageOf(
      { processes: [{ threads: [[op.compareExchange(0, 0, 1), op.futexWake(1, 7)], [op.send({ port: 99, tag: 1 })]] }] },
      { edits: [{ file: 'src/kernel/futex.ts', find, replace }] },
    );
    const run = await stage.run(PLAIN);
    expect(run.finding).toMatchObject({ kind: 'machine-check', text: expect.stringContaining('made to fail') as string });
    expect(run.finding!.report).toContain('src/kernel/futex.ts');
    expect(run.result).toBeUndefined();
    for (const seed of seeds(5)) expect((await stage.run(random(seed))).finding?.text).toContain('made to fail');
    // A death comes before the failure: nothing is wrong then.
    const saved = await stage.run(withFaults({ kind: 'kill', thread: 0, at: 0 }));
    expect(saved.finding).toBeUndefined();
    expect(await stage.run(PLAIN)).toEqual(run);
  });

  it('ends when its program turns the machine off, and the next one begins on one that is on', async () => {
    const stage = await stageOf({ processes: [{ threads: [[op.yield(), op.call(POWER_OFF, 3)], [op.sleep(1e9)]] }] });
    const run = await stage.run(PLAIN);
    expect(run.result!.status).toBe(3);
    expect(await stage.run(PLAIN)).toEqual(run);
  });

  it('sees time move by what it sleeps, and takes none', async () => {
    const program = { processes: [{ threads: [[op.clock(), op.sleep(3600e9), op.clock()]] }] };
    const stage = await stageOf(program, { trace: { level: 'info' } });
    const [before, , after] = decodeMarks(program, (await stage.run(PLAIN)).events).operations.map(({ result }) => result!);
    expect(after! - before!).toBeGreaterThanOrEqual(3600e9);
    expect(after! - before!).toBeLessThan(3600e9 + 1e6);
  });

  it('may sleep until the end of time', async () => {
    // 104 days each: together more nanoseconds than are counted exactly.
    const stage = await stageOf({
      processes: [
        {
          threads: [
            [op.sleep(9e15), op.sleep(9e15 - 1)],
            [op.sleep(9e15 - 3), op.sleep(9e15 + 1)],
          ],
        },
      ],
    });
    const run = await stage.run(PLAIN);
    expect(run.finding).toBeUndefined();
    expect(run.result!.status).toBe(0);
    expect(run.schedule.moments).toBeLessThan(1e6);
  });

  it('gets random numbers that its machine’s seed decides', async () => {
    const program: AgentProgram = {
      processes: [{ threads: [[op.call(Linux.getrandom, ref.buffer(), 4, 0), op.peek(ref.buffer())]] }],
    };
    const numbers = async (seed: number): Promise<unknown[]> => {
      const stage = await stageOf(program, { seed, trace: { level: 'info' } });
      const drawn: unknown[] = [];
      for (const plan of [PLAIN, random(3)]) {
        drawn.push(decodeMarks(program, (await stage.run(plan)).events).operations[1]!.result);
      }
      return drawn;
    };
    const [one, again, other] = [await numbers(1), await numbers(1), await numbers(2)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('has all its input before it begins', async () => {
    const stage = await Stage.open({
      machine: { memory: 2 ** 25 },
      word: 'sh',
      args: [],
      stdin: 'echo a\necho b\n'.repeat(20),
    });
    stages.push(stage);
    const runs: Performance[] = [];
    for (let i = 0; i < 3; i++) runs.push(await stage.run(random(4)));
    for (const run of runs) {
      expect(run.result!.stdout).toBe('a\nb\n'.repeat(20));
      expect(run.schedule).toEqual(runs[0]!.schedule);
    }
  });
});

describe('a death', () => {
  it.each([1, 2])('of any thread at any of its points leaves nothing behind: %i harts', async (cpus) => {
    const stage = await stageOf(
      {
        processes: [
          {
            setup: [op.createPort()],
            threads: [[op.receive({ port, wait: 2000 }), op.mmap(8192)], [op.futexWait(0, 0, 1000)]],
          },
          { threads: [[op.send({ port: 0, tag: 1 })]] },
        ],
      },
      { cpus },
    );
    let deaths = 0;
    for (let thread = 0; thread < stage.threads; thread++) {
      const { schedule } = await stage.run(withFaults({ kind: 'kill', thread, at: 1e9 }));
      const step = Math.max(1, Math.floor(schedule.victimPoints! / 25));
      for (let at = 0; at < schedule.victimPoints!; at += step) {
        const { finding } = await stage.run(withFaults({ kind: 'kill', thread, at }));
        expect([thread, at, finding]).toEqual([thread, at, undefined]);
        deaths++;
      }
    }
    expect(deaths).toBeGreaterThan(50);
  });

  it('ends the process', async () => {
    const stage = await stageOf({ processes: [{ threads: [[op.store(0, 1), op.sleep(1000)]] }] });
    expect((await stage.run(PLAIN)).result!.status).toBe(0);
    // The leader says so by its status.
    expect((await stage.run(withFaults({ kind: 'kill', thread: 0, at: 3 }))).result!.status).toBe(1);
  });
});

describe('a machine', () => {
  it('writes the same trace again, at any load of the host', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hartbeat-scheduled-'));
    try {
      const reports: ScheduleReport[] = [];
      for (const trace of [undefined, { file: join(folder, 'a') }, { file: join(folder, 'b'), level: 'info' as const }]) {
        const machine = await Machine.boot({ seeded: true, memory: 2 ** 25, cpus: 3, trace });
        await machine.run('sh', ['-c', 'ipctest; ipcstop; ps'], { plan: random(11) });
        reports.push(machine.schedule!);
        await machine.halt();
      }
      expect(reports[1]).toEqual(reports[0]);
      expect(reports[2]).toEqual(reports[0]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

const POWER_OFF = 0x5005;
