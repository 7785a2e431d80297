/*
 * Machines under a schedule: how many schedules of a small scenario are searched in a second, restoring the machine included, and what
 * ordinary computing pays for a schedule on one hart.
 *
 * The guest's own clock is the schedule's then, so the host's is taken: of a long run less a short one, which has the same power-on.
 */

import { join } from 'node:path';

import { explore } from '../../src/explore/campaign.ts';
import { projectRoot } from '../../src/smp/bundle.ts';
import { machine, run } from '../command.ts';
import type { Experiment } from '../figure.ts';

const SCHEDULES = 4000;
const CPUS = 2;
const MEMORY = 32 * 2 ** 20;
/** Units of work of the long run, and of the short one. */
const LONG = 20_000;
const SHORT = 50;

export const schedules: Experiment = {
  name: 'schedules',
  about: 'schedules searched a second, and computing under a schedule',
  figures: [
    { key: 'schedules.pct', title: 'two-process port scenario, PCT, all cores', unit: '/s', target: ['≥', 300] },
    { key: 'schedules.single', title: 'the same, one worker', unit: '/s' },
    { key: 'schedules.compute', title: 'computing on one hart, under a schedule / free', unit: '×', target: ['≥', 0.5] },
  ],
  measure: async () => {
    const free = await workSeconds();
    const scheduled = await workSeconds('--schedule', 'random:1');
    return {
      'schedules.pct': await rate(2),
      'schedules.single': await rate(1),
      'schedules.compute': free / scheduled,
    };
  },
};

async function rate(jobs: number): Promise<number> {
  const { schedules, seconds, found } = await explore({
    target: {
      run: { kind: 'scenario', word: 'port-pair', args: [] },
      machine: { cpus: CPUS, memory: MEMORY, jit: 'hot' },
    },
    strategy: 'pct',
    schedules: SCHEDULES,
    jobs,
    factory: join(projectRoot, 'src/explore/open-session.ts'),
  });
  if (found.length > 0) throw new Error(`the scenario has failed: ${found[0]!.finding.text}`);
  return schedules / seconds;
}

async function workSeconds(...options: string[]): Promise<number> {
  const short = await secondsOf(SHORT, options);
  return (await secondsOf(LONG, options)) - short;
}

async function secondsOf(units: number, options: readonly string[]): Promise<number> {
  const began = performance.now();
  await run(machine(1, 'trials', ['compute', 1, units], options));
  return (performance.now() - began) / 1e3;
}
