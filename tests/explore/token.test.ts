/*
 * Does a token bring back what went into it, and say what is wrong with it when it cannot?
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Replay, replayData, replayFromJson } from '../../src/explore/replay-data.ts';
import { decodeToken, encodeToken, loadReplay } from '../../src/explore/token.ts';
import { UsageError } from '../../src/machine/errors.ts';
import { projectRoot } from '../../src/smp/bundle.ts';
import type { Fault, Strategy } from '../../src/smp/schedule/plan.ts';

const u32 = fc.nat(2 ** 32 - 1);
const small = fc.nat(63);

const strategies: fc.Arbitrary<Strategy> = fc.oneof(
  fc.record({ kind: fc.constant('round-robin' as const), quantum: u32 }),
  fc.record({ kind: fc.constant('random' as const), seed: u32 }),
  fc.record({ kind: fc.constant('pct' as const), seed: u32, depth: small, steps: u32 }),
  fc.record({ kind: fc.constant('replay' as const), departures: fc.array(fc.record({ hart: small, at: u32, to: small })) }),
);
const faults: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constant('stall' as const), hart: small, at: u32, moments: u32 }),
  fc.record({ kind: fc.constant('late-ipi' as const), nth: u32, moments: u32 }),
  fc.record({ kind: fc.constant('kill' as const), thread: small, at: u32 }),
  fc.record({ kind: fc.constant('no-memory' as const), nth: u32 }),
  fc.record({ kind: fc.constant('spurious' as const), nth: u32 }),
);
const runs = fc.oneof(
  fc.record({ kind: fc.constant('scenario' as const), word: fc.string(), args: fc.array(fc.string()) }),
  fc.record({ kind: fc.constant('program' as const), word: fc.string(), args: fc.array(fc.string()), sha256: fc.string() }),
);
const machines = fc.record(
  {
    cpus: small,
    memory: u32,
    jit: fc.constantFrom('hot' as const, 'always' as const, 'off' as const),
    seed: u32,
    ports: u32,
    portMessages: u32,
    portMessageBytes: u32,
    defect: fc.string(),
  },
  { requiredKeys: ['cpus', 'memory', 'jit'] },
);
const targets = fc.record(
  { run: runs, machine: machines, stdin: fc.string(), expect: fc.string() },
  { requiredKeys: ['run', 'machine'] },
);
const replays: fc.Arbitrary<Replay> = fc.record({
  target: fc.option(targets, { nil: undefined }),
  plan: fc.record({ strategy: strategies, faults: fc.array(faults) }),
});

const SAMPLE: Replay = {
  target: {
    run: { kind: 'program', word: './counter', args: ['2'], sha256: '6b86b273ff34fce1' },
    machine: { cpus: 2, memory: 134217728, jit: 'hot' },
  },
  plan: { strategy: { kind: 'replay', departures: [{ hart: 0, at: 512, to: 1 }] }, faults: [] },
};

/** A token that is right but for its data. */
function forge(data: string, version = 1): string {
  const packed = Buffer.from(data);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(packed.length, 1);
  const body = Buffer.concat([header, packed]);
  const sum = createHash('sha256').update(body).digest().subarray(0, 4);
  return `hb${version}.${Buffer.concat([body, sum]).toString('base64url')}`;
}

describe('a token', () => {
  it('brings back what went into it, whatever that is', () => {
    fc.assert(
      fc.property(replays, (replay) => {
        expect(decodeToken(encodeToken(replay))).toEqual(replay);
      }),
    );
  });

  it('is one word that no shell touches, and short', () => {
    const token = encodeToken(SAMPLE);
    expect(token).toMatch(/^hb1\.[\w-]+$/);
    expect(token.length).toBeLessThan(100);
  });

  it('packs a long schedule: a thousand departures in fewer than five kilobytes', () => {
    const departures = Array.from({ length: 1000 }, (_, i) => ({ hart: i % 2, at: 37 * i, to: (i + 1) % 2 }));
    const token = encodeToken({ target: undefined, plan: { strategy: { kind: 'replay', departures }, faults: [] } });
    expect(token.length).toBeLessThan(5000);
  });

  it('that was cut off anywhere is said to be cut off', () => {
    const token = encodeToken(SAMPLE);
    for (let length = 4; length < token.length; length++) {
      expect(() => decodeToken(token.slice(0, length))).toThrow(/cut off/);
    }
  });

  it('in which a character was altered is never taken for another schedule', () => {
    const token = encodeToken(SAMPLE);
    for (let i = 4; i < token.length - 1; i++) {
      const altered = `${token.slice(0, i)}${token[i] === 'A' ? 'B' : 'A'}${token.slice(i + 1)}`;
      expect(() => decodeToken(altered)).toThrow(/altered|cut off/);
    }
    expect(() => decodeToken(`${token}AAAA`)).toThrow(/altered/);
    expect(() => decodeToken(`${token.slice(0, 20)} ${token.slice(20)}`)).toThrow('a character that no token has: " "');
  });

  it('of a newer version is refused as such', () => {
    expect(() => decodeToken(forge('{}', 2))).toThrow('a token of version 2, newer than this program knows (1)');
  });

  it('is told from any other word', () => {
    expect(() => decodeToken('random:1')).toThrow('not a token: it would begin with hb1.');
    expect(() => decodeToken('hb0.AAAA')).toThrow('not a token');
  });

  it.each([
    ['{"faults":[]}', /strategy is missing/],
    ['{"strategy":{"kind":"worst"},"faults":[]}', /strategy\.kind: one of round-robin, random, pct, replay/],
    ['{"strategy":{"kind":"random","seed":-1},"faults":[]}', /strategy\.seed: a whole number/],
    ['{"strategy":{"kind":"random","seed":1,"bias":2},"faults":[]}', /strategy\.bias: unknown to this version/],
    ['{"strategy":{"kind":"random","seed":1},"faults":[{"kind":"kill","thread":0}]}', /faults\[0\]\.at: a whole number/],
    ['{"strategy":{"kind":"replay","departures":[0,1]},"faults":[]}', /three numbers for each/],
    ['strategy', /holds no schedule/],
  ])('that holds %s is refused', (data, why) => {
    expect(() => decodeToken(forge(data))).toThrow(why);
    expect(() => decodeToken(forge(data))).toThrow(UsageError);
  });
});

describe('a replay file', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hartbeat-replay-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function file(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  }

  it('brings back what went into it, whatever that is', () => {
    fc.assert(
      fc.property(replays, (replay) => {
        expect(replayFromJson(JSON.stringify(replayData(replay)))).toEqual(replay);
      }),
    );
  });

  it('is as docs/schedules.md shows it', () => {
    const [, example] = /```json\n([\s\S]*?)```/.exec(readFileSync(join(projectRoot, 'docs/schedules.md'), 'utf8'))!;
    const faults = [{ kind: 'kill', thread: 1, at: 12 }];
    expect(replayFromJson(example!)).toEqual({ ...SAMPLE, plan: { ...SAMPLE.plan, faults } });
  });

  it('holds a token or JSON', () => {
    expect(loadReplay(file('token', `${encodeToken(SAMPLE)}\n`))).toEqual(SAMPLE);
    expect(loadReplay(file('json', JSON.stringify(replayData(SAMPLE), undefined, 2)))).toEqual(SAMPLE);
    expect(loadReplay(encodeToken(SAMPLE))).toEqual(SAMPLE);
  });

  it('that is none says why, with its name', () => {
    expect(() => loadReplay(join(folder, 'nothing'))).toThrow(
      /nothing: neither a token nor a file that can be read \(ENOENT\)/,
    );
    expect(() => loadReplay(file('half', '{"hartbeat":'))).toThrow(/half: not JSON/);
    expect(() => loadReplay(file('other', '{"name":"x"}'))).toThrow(/other: not a schedule/);
    expect(() => loadReplay(file('new', '{"hartbeat":"schedule","version":2}'))).toThrow(/new: a schedule of version 2, newer/);
    expect(() => loadReplay(file('words', 'hello'))).toThrow(/words: not a token/);
  });
});
