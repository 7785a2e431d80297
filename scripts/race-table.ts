/*
 * How hard the races of guest/races are to see, as a table: in real runs (the free machine, qemu-riscv64 if it is there), and by search.
 *
 *   npx tsx scripts/race-table.ts [name…] > table.md
 *
 * The host should have nothing else to do: harts that wait for a core are late, and late is what these programs cannot stand.
 */

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { explore } from '../src/explore/campaign.ts';
import { findRun } from '../src/explore/target.ts';
import { Machine } from '../src/machine.ts';
import { projectRoot } from '../src/smp/bundle.ts';
import { readManifest } from './guest-build.ts';

const REAL_RUNS = 100;
const SCHEDULES = 3000;
const FIXED_SCHEDULES = 2000;
const HANGS_AFTER_MS = 20_000;

const binary = join(projectRoot, 'guest/bin/races');
const factory = join(projectRoot, 'src/explore/open-session.ts');

async function failuresOnMachine(name: string, cpus: number): Promise<number> {
  let machine = await Machine.boot({ cpus });
  let failures = 0;
  for (let i = 0; i < REAL_RUNS; i++) {
    const result = await Promise.race([machine.run(name), sleep(HANGS_AFTER_MS, undefined)]).catch(() => undefined);
    if (result?.status !== 0) failures++;
    if (result !== undefined) continue;
    await machine.halt();
    machine = await Machine.boot({ cpus });
  }
  await machine.halt();
  return failures;
}

function failuresUnderQemu(name: string): number | undefined {
  let failures = 0;
  for (let i = 0; i < REAL_RUNS; i++) {
    const { error, status } = spawnSync('qemu-riscv64', [binary, name], { timeout: HANGS_AFTER_MS, stdio: 'ignore' });
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
    if (status !== 0) failures++;
  }
  return failures;
}

/** How many schedules there were, how many failed, and the first that did. */
async function search(
  name: string,
  args: readonly string[],
  schedules: number,
): Promise<{ failed: number; first: number; rate: number }> {
  const target = { run: findRun(name, args), machine: { cpus: 2, memory: 2 ** 25, jit: 'hot' as const } };
  const jobs = availableParallelism();
  const { found, seconds } = await explore({
    target,
    strategy: 'pct',
    schedules,
    jobs,
    factory,
    keepGoing: true,
    shrink: false,
  });
  const failed = found.reduce((sum, { times }) => sum + times, 0);
  return { failed, first: Math.min(...found.map(({ schedule }) => schedule)), rate: schedules / seconds };
}

async function row(name: string): Promise<string> {
  const real = [await failuresOnMachine(name, 2), await failuresOnMachine(name, 4), failuresUnderQemu(name) ?? 'not there'];
  const broken = await search(name, [], SCHEDULES);
  const fixed = await search(name, ['fixed'], FIXED_SCHEDULES);
  const found = broken.failed === 0 ? ['not found', ''] : [broken.first, `1 in ${Math.round(SCHEDULES / broken.failed)}`];
  return `| ${[name, ...real, ...found, fixed.failed, Math.round(broken.rate)].join(' | ')} |`;
}

async function main(): Promise<void> {
  const all = readManifest().races!.names.filter((name) => name !== 'races');
  const names = process.argv.length > 2 ? process.argv.slice(2) : all;
  console.log('| race | 2 harts | 4 harts | qemu | found by schedule | share that fails | fixed | a second |');
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const name of names) console.log(await row(name));
}

await main();
// Timers of runs that did not hang are still under way.
process.exit();
