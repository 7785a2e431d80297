/*
 * The trials of guest/bin/trials, as tests see them: which there are, and how one is run under qemu.
 *
 * The list is guest/trials/trials.h, which the executable is made of (npm run guest:check says when the two differ).
 */

import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JitMode } from '../../src/core/jit/translations.ts';
import { projectRoot } from '../../src/smp/bundle.ts';

/** How guest code is executed: a test of programs that should not notice is repeated in each. */
export const TIERS: readonly (readonly [string, JitMode])[] = [
  ['the interpreter', 'off'],
  ['both tiers', 'hot'],
  ['the translator', 'always'],
];

/**
 * Machines for tests of what tiers and numbers of harts may break: each number as machines are by default; the interpreter alone on 4 harts,
 * and the translator alone on one, since every hart translates all that it runs. With HARTBEAT_STRESS above 1, all of them.
 */
export function machinesOf(harts: readonly number[]): (readonly [number, string, JitMode])[] {
  const all = Number(process.env.HARTBEAT_STRESS ?? 1) > 1;
  const only: Readonly<Record<JitMode, number>> = { off: 4, hot: 0, always: 1 };
  return harts.flatMap((cpus) =>
    TIERS.filter(([, jit]) => all || jit === 'hot' || cpus === only[jit]).map(([tier, jit]) => [cpus, tier, jit] as const),
  );
}

export interface Trial {
  readonly name: string;
  readonly group: string;
}

const executable = join(projectRoot, 'guest/bin/trials');

/** All trials of a group, in the order of the list. */
export function trialsOf(group: string): Trial[] {
  const list = readFileSync(join(projectRoot, 'guest/trials/trials.h'), 'utf8');
  const trials = Array.from(list.matchAll(/^TRIAL\((\w+), "(\w+)"/gm), ([, name, of]) => ({ name: name!, group: of! }));
  return trials.filter((trial) => trial.group === group);
}

/** Path of qemu's user-mode emulator of riscv64, if it is installed. */
export const qemu = findQemu();

function findQemu(): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'command -v qemu-riscv64'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
}

const outcomes = new Map<string, Promise<Outcome>>();

/** What a trial does under qemu; each is run once. */
export function underQemu(name: string): Promise<Outcome> {
  const known = outcomes.get(name);
  if (known !== undefined) return known;
  const outcome = runUnderQemu(name);
  outcomes.set(name, outcome);
  return outcome;
}

async function runUnderQemu(name: string): Promise<Outcome> {
  // A trial starts itself again through this, for the host cannot execute it.
  const env = { ...process.env, TRIALS_RUNNER: qemu! };
  try {
    const { stdout } = await promisify(execFile)(qemu!, [executable, name], { env, timeout: 60_000 });
    return { status: 0, stdout };
  } catch (error) {
    const { code, stdout } = error as { code?: number; stdout?: string };
    if (typeof code !== 'number') throw error;
    return { status: code, stdout: stdout ?? '' };
  }
}
