/*
 * A schedule as a word on the command line:
 *
 *   round-robin[:QUANTUM]              the next hart goes on after so many moments (default 1000)
 *   random:SEED                        preemption at random
 *   pct:SEED,depth=D[,steps=N]         PCT; `steps` of the run are the first N moments with a choice (default 10000)
 *   replay:TOKEN | replay:FILE         what a campaign has found (token.ts)
 *
 * Printing a strategy gives a word that parses to the same strategy.
 */

import { UsageError } from '../machine/errors.ts';
import type { Strategy } from '../smp/schedule/plan.ts';
import type { Replay } from './replay-data.ts';
import { encodeToken, loadReplay } from './token.ts';

export const DEFAULT_QUANTUM = 1000;
export const DEFAULT_PCT_STEPS = 10_000;
export const MAX_SEED = 2 ** 32 - 1;
/** Departures and priority changes beyond this are no bug of small depth any more. */
export const MAX_DEPTH = 64;

const FORMS = 'round-robin[:QUANTUM], random:SEED, pct:SEED,depth=D[,steps=N], or replay:TOKEN or replay:FILE';

/**
 * Understands the value of `--schedule`.
 *
 * @returns the plan, and with `replay:` what it was found on, if that is recorded
 * @throws UsageError
 */
export function parseSchedule(text: string): Replay {
  const [, kind = '', rest] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (kind === 'replay') {
    if (rest === undefined || rest === '') throw wrong(text, 'needs a token or a file');
    return loadReplay(rest);
  }
  return { target: undefined, plan: { strategy: parseStrategy(text, kind, rest), faults: [] } };
}

function parseStrategy(text: string, kind: string, rest: string | undefined): Strategy {
  switch (kind) {
    case 'round-robin':
      return { kind, quantum: rest === undefined ? DEFAULT_QUANTUM : whole(text, 'the quantum', rest, 1, MAX_SEED) };
    case 'random':
      return { kind, seed: whole(text, 'the seed', rest, 0, MAX_SEED) };
    case 'pct': {
      const [seed, ...settings] = (rest ?? '').split(',');
      const values = parseSettings(text, settings);
      if (values.depth === undefined) throw wrong(text, 'needs its depth, as in pct:1,depth=3');
      return {
        kind,
        seed: whole(text, 'the seed', seed, 0, MAX_SEED),
        depth: whole(text, 'depth', values.depth, 1, MAX_DEPTH),
        steps: values.steps === undefined ? DEFAULT_PCT_STEPS : whole(text, 'steps', values.steps, 1, MAX_SEED),
      };
    }
    default:
      throw wrong(text, `a schedule is ${FORMS}`);
  }
}

function parseSettings(text: string, settings: readonly string[]): { depth?: string; steps?: string } {
  const values: { depth?: string; steps?: string } = {};
  for (const setting of settings) {
    const [, name, value] = /^(\w+)=(.*)$/.exec(setting) ?? [];
    if ((name !== 'depth' && name !== 'steps') || value === undefined) {
      throw wrong(text, `${JSON.stringify(setting)} is neither depth=D nor steps=N`);
    }
    if (values[name] !== undefined) throw wrong(text, `${name} is given twice`);
    values[name] = value;
  }
  return values;
}

/** The word for a strategy: {@link parseSchedule} understands it. */
export function printStrategy(strategy: Strategy): string {
  switch (strategy.kind) {
    case 'round-robin':
      return `round-robin:${strategy.quantum}`;
    case 'random':
      return `random:${strategy.seed}`;
    case 'pct':
      return `pct:${strategy.seed},depth=${strategy.depth},steps=${strategy.steps}`;
    case 'replay':
      return `replay:${encodeToken({ target: undefined, plan: { strategy, faults: [] } })}`;
  }
}

function whole(text: string, what: string, digits: string | undefined, least: number, most: number): number {
  if (digits === undefined || digits === '') throw wrong(text, `${what} is missing`);
  const value = /^\d+$/.test(digits) ? Number(digits) : NaN;
  if (value >= least && value <= most) return value;
  throw wrong(text, `${what} has to be a whole number from ${least} to ${most}, not ${JSON.stringify(digits)}`);
}

function wrong(text: string, why: string): UsageError {
  return new UsageError(`--schedule ${text}: ${why}`);
}
