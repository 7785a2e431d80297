/*
 * Guest programs under schedules: the races of guest/races are found, fail again when they are replayed, and are gone in the fixed programs;
 * programs that hang are reported with where their threads are.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { openSession } from '../../src/explore/open-session.ts';
import type { Outcome, Session } from '../../src/explore/session.ts';
import { findRun, type SessionTarget } from '../../src/explore/target.ts';
import { decodeToken, encodeToken } from '../../src/explore/token.ts';
import { PLAIN, type Plan } from '../../src/smp/schedule/plan.ts';
import { readManifest } from '../../scripts/guest-build.ts';

const RACES = readManifest().races!.names.filter((name) => name !== 'races');
/** About how many choices a run of these has. */
const STEPS = 2000;
/** All of them fail in one of 200 schedules or more. */
const BOUND = 2000;
const LONG = 120_000;

const sessions: Session[] = [];
const folder = mkdtempSync(join(tmpdir(), 'hartbeat-programs-'));

afterAll(async () => {
  rmSync(folder, { recursive: true });
  for (const session of sessions) await session.close();
});

function target(word: string, args: readonly string[] = [], more: Partial<SessionTarget> = {}): SessionTarget {
  return { run: findRun(word, args), machine: { cpus: 2, memory: 2 ** 25, jit: 'hot' }, ...more };
}

async function open(of: SessionTarget): Promise<Session> {
  const session = await openSession(of);
  sessions.push(session);
  return session;
}

function pct(seed: number): Plan {
  return { strategy: { kind: 'pct', seed, depth: 3, steps: STEPS }, faults: [] };
}

/** The first failing run from seed 1 on. */
async function search(session: Session): Promise<Outcome> {
  for (let seed = 1; seed <= BOUND; seed++) {
    const outcome = await session.run(pct(seed));
    if (outcome.finding !== undefined) return outcome;
  }
  throw new Error(`nothing found in ${BOUND} schedules`);
}

describe('a program with a race', () => {
  it.each([
    ['overdrawn', /Assertion `balance == 40' failed/, 'withdraw'],
    ['gone-stack', /Assertion `job->number == number' failed/, 'work'],
    ['late-use', /Assertion `file != NULL' failed/, 'work'],
  ] as const)('is found, and replays from its token on another machine: %s', { timeout: LONG }, async (name, report, where) => {
    const of = target(name);
    const first = await open(of);
    expect((await first.run(PLAIN)).finding).toBeUndefined();
    const { finding, departures, interleaving, places } = await search(first);
    expect(finding!.kind).toBe('signal');
    expect(finding!.report).toMatch(report);
    expect(places).toHaveLength(departures!.length);
    expect(places).toContainEqual(expect.stringMatching(new RegExp(`^in ${where}\\+0x`)));

    const strategy = { kind: 'replay', departures: departures! } as const;
    const { plan } = decodeToken(encodeToken({ target: of, plan: { strategy, faults: [] } }));
    const second = await open(of);
    for (const session of [first, second]) {
      const again = await session.run(plan);
      expect(again.finding).toEqual(finding);
      expect(again.interleaving).toBe(interleaving);
    }
  });

  it('names both threads of a deadlock, where they are, and who has called', { timeout: LONG }, async () => {
    const { finding } = await search(await open(target('crossed-locks')));
    expect(finding!.kind).toBe('deadlock');
    const lines = finding!.report!.split('\n');
    for (const [thread, other] of [
      [3, 4],
      [4, 3],
    ]) {
      const waits = `^  thread ${thread} of process 2 \\(crossed-locks\\) waits for futex 0x.*woken by thread ${other},`;
      expect(lines).toContainEqual(expect.stringMatching(new RegExp(waits)));
    }
    const places = lines.filter((line) => /^ {2}thread [34] is in the call futex/.test(line));
    expect(places).toHaveLength(2);
    for (const [i, caller] of ['forth', 'back'].entries()) {
      expect(places[i]).toMatch(new RegExp(`called by pthread_mutex_lock\\+0x\\w+, transfer\\+0x\\w+, ${caller}\\+0x\\w+`));
    }
  });

  it('is told when it spins for ever, and where', { timeout: LONG }, async () => {
    const { finding } = await search(await open(target('endless-spin')));
    expect(finding!.kind).toBe('no-progress');
    expect(finding!.report).toMatch(/thread 2 runs at endless_spin\+0x\w+, called by main\+0x/);
  });
});

describe('a program without a race', () => {
  it.each(RACES)('has no finding: %s fixed', { timeout: LONG }, async (name) => {
    const session = await open(target(name, ['fixed']));
    for (let seed = 1; seed <= 40; seed++) expect((await session.run(pct(seed))).finding).toBeUndefined();
    await session.close();
    sessions.pop();
  });
});

describe('the output that is expected', () => {
  it('is compared in every run', async () => {
    const expected = join(folder, 'expected.txt');
    writeFileSync(expected, 'Hello, world\n');
    const session = await open(target('hello', [], { expect: expected }));
    const { finding } = await session.run(PLAIN);
    expect(finding).toMatchObject({ kind: 'output', text: expect.stringMatching(/line 1 is ".*" instead of "Hello, world"/) });

    writeFileSync(expected, 'Hello from a RISC-V process!\n');
    const content = await open(target('hello', [], { expect: expected }));
    expect((await content.run(PLAIN)).finding).toBeUndefined();
  });
});
