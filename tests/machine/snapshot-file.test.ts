/*
 * Snapshots in files: does what is read equal what was written, and is everything else refused in one line, whatever is in the file?
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type MachineSnapshot, readSnapshot, UsageError, writeSnapshot } from '../../src/machine.ts';
import { boot } from './snapshots.ts';

/** Where the parts of a file are: see snapshot-file.ts. */
const SUM_AT = 24;
const HEADER_AT = 56;

let folder: string;
let file: string;
let snapshot: MachineSnapshot;
let whole: Buffer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hartbeat-snapshot-'));
  file = join(folder, 'good.snap');
  const machine = await boot({ cpus: 2, memory: 2 ** 25 });
  const run = machine.run('sh', [], { stdin: 'echo a word\nsleep 0.3\n' + '# more to read\n'.repeat(3000) });
  do snapshot = await machine.snapshot();
  while (snapshot.console.stdout.length === 0);
  expect(snapshot.run?.ended).toBeUndefined();
  await run;
  await machine.halt();
  await writeSnapshot(file, snapshot);
  whole = readFileSync(file);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function refusalOf(bytes: Uint8Array): Promise<string | undefined> {
  const damaged = join(folder, 'damaged.snap');
  writeFileSync(damaged, bytes);
  try {
    await readSnapshot(damaged);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    const { message } = error as UsageError;
    expect(message).not.toContain('\n');
    expect(message).toContain(damaged);
    return message;
  }
}

/** A file with other parts, whose lengths and checksum are right. */
function composed(header: string, body: Uint8Array): Buffer {
  const head = Buffer.from(header);
  const bytes = Buffer.concat([whole.subarray(0, HEADER_AT), head, body]);
  bytes.writeUInt32LE(head.length, 12);
  bytes.writeBigUInt64LE(BigInt(body.length), 16);
  const sum = createHash('sha256').update(bytes.subarray(0, SUM_AT)).update(bytes.subarray(HEADER_AT)).digest();
  sum.copy(bytes, SUM_AT);
  return bytes;
}

function parts(): { header: string; body: Buffer } {
  const bodyAt = HEADER_AT + whole.readUInt32LE(12);
  return { header: whole.toString('utf8', HEADER_AT, bodyAt), body: whole.subarray(bodyAt) };
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Every place of a value, as a way to set it. */
function places(
  value: Json,
  set: (value: Json) => void,
  found: { old: Json; set: (value: Json) => void }[] = [],
): typeof found {
  found.push({ old: value, set });
  if (Array.isArray(value)) {
    value.slice(0, 4).forEach((element, i) => places(element, (other) => void (value[i] = other), found));
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, element] of Object.entries(value)) places(element, (other) => void (value[name] = other), found);
  }
  return found;
}

describe('a snapshot in a file', () => {
  it('is what was written', async () => {
    // Millions of words: `toEqual` would take its time.
    expect(isDeepStrictEqual(await readSnapshot(file), snapshot)).toBe(true);
  });

  it('goes on in a machine that is booted from the path', async () => {
    const machine = await boot({ from: file });
    expect(await machine.resume()).toMatchObject({ status: 0, stdout: 'a word\n' });
  });

  it('is much smaller than the memory, and replaces what was there', async () => {
    expect(whole.length).toBeLessThan(2 ** 21);
    const other = join(folder, 'other.snap');
    writeFileSync(other, 'something else');
    expect(await writeSnapshot(other, snapshot)).toBe(whole.length);
    expect(readFileSync(other).equals(whole)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('is not written where it cannot be: what was there stays', async () => {
    await expect(writeSnapshot(join(folder, 'no/where'), snapshot)).rejects.toThrow(
      new UsageError(`cannot write a snapshot to ${join(folder, 'no/where')}: no such file or folder`),
    );
    const taken = join(folder, 'taken');
    mkdirSync(join(taken, 'something'), { recursive: true });
    await expect(writeSnapshot(taken, snapshot)).rejects.toThrow(UsageError);
    expect(existsSync(join(taken, 'something'))).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('what is refused', () => {
  it('what is no snapshot', async () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('\x89HBS', 'latin1'),
      Buffer.from('#!/bin/sh\n'),
      Buffer.alloc(5000, 7),
    ]) {
      expect(await refusalOf(bytes)).toMatch(/ is not a snapshot: give one that --snapshot has written$/);
    }
    await expect(readSnapshot(join(folder, 'none'))).rejects.toThrow(/^cannot read the snapshot .*: no such file or folder$/);
    await expect(readSnapshot(folder)).rejects.toThrow(/ is a directory: give a snapshot$/);
  });

  it('a file of a newer format', async () => {
    const bytes = Buffer.from(whole);
    bytes.writeUInt32LE(2, 8);
    expect(await refusalOf(bytes)).toMatch(/ was made by a newer version of Hartbeat \(format 2; this one reads 1\)$/);
  });

  it('a file that went through a line-end conversion', async () => {
    const bytes = Buffer.from(whole.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
    expect(await refusalOf(bytes)).toMatch(/ is not a snapshot/);
  });

  it('a file cut off anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 9), async (less) => {
        expect(await refusalOf(whole.subarray(0, 8 + less))).toMatch(/ is cut off: copy or make it again$/);
      }),
      { numRuns: 60 },
    );
  });

  it('a file with a flipped bit anywhere, or something behind it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.nat(whole.length * 8 - 1), fc.nat(HEADER_AT * 8 + 800)), async (bit) => {
        const bytes = Buffer.from(whole);
        bytes[bit >>> 3]! ^= 1 << (bit & 7);
        expect(await refusalOf(bytes)).toMatch(
          / (is not a snapshot|is cut off|is damaged|was made by an? (newer|older) version)/,
        );
      }),
      { numRuns: 200 },
    );
    expect(await refusalOf(Buffer.concat([whole, Buffer.alloc(1)]))).toMatch(/ is damaged: its checksum is wrong/);
  });

  it('a header that says something else, although its checksum is right', async () => {
    const { header, body } = parts();
    const count = places(JSON.parse(header) as Json, () => undefined).length;
    expect(count).toBeGreaterThan(50);
    const values = fc.constantFrom<Json>(null, true, -1, 0, 0.5, 3, 4096, 2 ** 31, 2 ** 53, 1e300, '', 'x', [], [[]], {});
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(count - 1), values, async (which, value) => {
        const copy = JSON.parse(header) as Json;
        const place = places(copy, () => undefined)[which]!;
        if (which === 0) {
          if ((await refusalOf(composed(JSON.stringify(value), body))) !== undefined) refused++;
          return;
        }
        place.set(value);
        // Some of it says nothing that could be wrong: when it was taken, say.
        if ((await refusalOf(composed(JSON.stringify(copy), body))) !== undefined) refused++;
      }),
      { numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(200);
    expect(await refusalOf(composed('{', body))).toMatch(/ cannot be used: /);
  });

  it.each([
    ['cpus', 65],
    ['cpus', 0],
    ['memoryBytes', 2 ** 40],
    ['ports', -1],
    ['seeded', 1],
    ['jit', 'maybe'],
  ])('a machine with %s %s', async (name, value) => {
    const { header, body } = parts();
    const other = JSON.parse(header) as { config: Record<string, unknown> };
    other.config[name] = value;
    expect(await refusalOf(composed(JSON.stringify(other), body))).toMatch(
      / cannot be used: its header says nonsense \(\w+\)$/,
    );
  });

  it('a body that is not what the header says, although the checksum is right', async () => {
    const { header, body } = parts();
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, other) => {
        const bytes = Buffer.from(body);
        bytes[at]! ^= other;
        // A changed byte of what is not compressed is another content, and nobody can know.
        await refusalOf(composed(header, bytes));
      }),
      { numRuns: 60 },
    );
    expect(await refusalOf(composed(header, body.subarray(1)))).toMatch(/ cannot be used: /);
    expect(await refusalOf(composed(header, Buffer.concat([body, body])))).toMatch(/ cannot be used: /);
    const empty = JSON.parse(header) as { layout: Record<string, unknown> };
    empty.layout = { pieces: [], runs: [], console: [0, 0, 0], chunks: [] };
    expect(await refusalOf(composed(JSON.stringify(empty), Buffer.alloc(0)))).toMatch(/: there is no machine in it$/);
  });

  it('a snapshot of another kernel', async () => {
    const { header, body } = parts();
    const other = JSON.parse(header) as { kernel: string };
    other.kernel = 'hart-0123456789abcdef';
    const foreign = join(folder, 'foreign.snap');
    writeFileSync(foreign, composed(JSON.stringify(other), body));
    await expect(boot({ from: foreign })).rejects.toThrow(
      /^the snapshot was made by another version of Hartbeat \(hart-0123456789abcdef; this is hart-\w+\): make it anew with this one$/,
    );
  });
});
